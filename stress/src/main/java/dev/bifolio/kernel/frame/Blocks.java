package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import java.lang.foreign.Arena;
import java.util.concurrent.ConcurrentLinkedQueue;

/// Off-heap metadata for the millions of small machines of a run, used again and again. Any thread.
final class Blocks {
  private static final long BYTES = 1 << 16;
  private static final ConcurrentLinkedQueue<Long> UNUSED = new ConcurrentLinkedQueue<>();

  private Blocks() {}

  /// The address of a block whose first bytes are zero.
  static long take(long byteSize) {
    if (byteSize > BYTES) {
      throw new IllegalArgumentException("metadata of " + byteSize + " bytes");
    }
    Long used = UNUSED.poll();
    long block = used == null ? Arena.global().allocate(BYTES, 64).address() : used;
    Memory.fill(block, byteSize, (byte) 0);
    return block;
  }

  static void giveBack(long block) {
    UNUSED.add(block);
  }
}
