package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import java.lang.foreign.Arena;
import java.util.concurrent.ConcurrentLinkedQueue;

/// Off-heap metadata for the millions of small machines of a run, used again and again. Any thread.
public final class Blocks {
  private static final long BYTES = 1 << 16;
  private static final ConcurrentLinkedQueue<Long> UNUSED = new ConcurrentLinkedQueue<>();

  private Blocks() {}

  /// The address of a block whose first bytes are zero, a multiple of 64.
  ///
  /// @param byteSize how many must be zero, at most 64 KiB
  /// @return an address
  public static long take(long byteSize) {
    if (byteSize > BYTES) {
      throw new IllegalArgumentException("metadata of " + byteSize + " bytes");
    }
    Long used = UNUSED.poll();
    long block = used == null ? Arena.global().allocate(BYTES, 64).address() : used;
    Memory.fill(block, byteSize, (byte) 0);
    return block;
  }

  /// Ends the use of a block.
  ///
  /// @param block of [#take(long)]
  public static void giveBack(long block) {
    UNUSED.add(block);
  }
}
