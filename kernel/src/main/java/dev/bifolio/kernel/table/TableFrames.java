package dev.bifolio.kernel.table;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// Frames for tables, zeroed: from the allocator, and from a small pool while there is no allocator
/// or when it has nothing.
///
/// ```
///   allocate ──> source ──has none──> pool of 16 ──empty──> NO_TABLE
///   free     ──> the pool if the frame is one of its own, else the source
/// ```
///
/// - I1 A frame of the pool goes back to the pool and is never seen by the source.
/// - I2 A table is all zeros when it is handed out.
///
/// ```
///   words   [ pool: a bit for each frame that is out │ from source │ from pool │ to source │ to pool │ refused ]
/// ```
///
/// Any thread, but for [#setSource]. Cost: the source's, and 4 KiB of stores.
public final class TableFrames {
  /// Frames in the pool.
  public static final int POOL_FRAMES = 16;

  /// Bytes of memory that it needs beside the pool.
  public static final int BYTE_SIZE = 64;

  /// Neither the source nor the pool has a frame.
  public static final long NO_TABLE = -1;

  private static final int POOL_WORD = 0;
  private static final int FROM_SOURCE = 8;
  private static final int FROM_POOL = 16;
  private static final int TO_SOURCE = 24;
  private static final int TO_POOL = 32;
  private static final int REFUSED = 40;

  private final long address;
  private final long poolPhysical;
  private final long physToVirt;
  private final long physicalBase;
  private final long byteSize;
  private final int flags;
  private @Nullable FrameSource source;

  /// Tables out of the pool alone, until [#setSource].
  ///
  /// @param address of [#BYTE_SIZE] zero bytes, a multiple of 8
  /// @param poolPhysical the physical address of [#POOL_FRAMES] frames in a row, a multiple of 4096
  /// @param physicalBase where the memory begins in which all tables lie, the pool among them
  /// @param byteSize of that memory
  /// @param physToVirt what is added to a physical address to get at it
  /// @param flags handed to the source with each request
  public TableFrames(
      long address,
      long poolPhysical,
      long physicalBase,
      long byteSize,
      long physToVirt,
      int flags) {
    if ((poolPhysical & Pages.PAGE_MASK) != 0) {
      throw new IllegalArgumentException("the pool of tables must begin with a frame");
    }
    this.address = address;
    this.poolPhysical = poolPhysical;
    this.physicalBase = physicalBase;
    this.byteSize = byteSize;
    this.physToVirt = physToVirt;
    this.flags = flags;
  }

  /// Says where tables come from now on, in place of where they came from before. While nobody
  /// allocates tables.
  ///
  /// @param source null for nowhere but the pool
  /// @throws IllegalStateException if tables of the source until now are out, which would come back
  ///   to this one; nothing has changed
  public void setSource(@Nullable FrameSource source) {
    if (outOfSource() != 0) {
      throw new IllegalStateException(
          outOfSource() + " tables of the old source are not back, so there can be no new one");
    }
    this.source = source;
  }

  /// Tables that came from the source and are not back.
  ///
  /// @return a count
  public long outOfSource() {
    return fromSource() - Memory.getLongVolatile(address + TO_SOURCE);
  }

  /// A table.
  ///
  /// @return its physical address, or [#NO_TABLE]
  long allocate() {
    FrameSource from = source;
    long pfn = from == null ? NO_TABLE : from.allocate(0, flags);
    long physical;
    if (pfn >= 0) {
      physical = pfn << Pages.PAGE_SHIFT;
      count(FROM_SOURCE);
    } else {
      int slot = takeFromPool();
      if (slot < 0) {
        count(REFUSED);
        return NO_TABLE;
      }
      physical = poolPhysical + ((long) slot << Pages.PAGE_SHIFT);
      count(FROM_POOL);
    }
    Memory.fill(physical + physToVirt, Pages.PAGE_SIZE, (byte) 0);
    return physical;
  }

  private int takeFromPool() {
    while (true) {
      long out = Memory.getLongVolatile(address + POOL_WORD);
      int slot = Long.numberOfTrailingZeros(~out);
      if (slot >= POOL_FRAMES) {
        return -1;
      }
      if (Memory.compareAndSetLong(address + POOL_WORD, out, out | 1L << slot)) {
        return slot;
      }
    }
  }

  /// Gives a table back, whatever it holds.
  ///
  /// @param physical from [#allocate]
  void free(long physical) {
    if (isOfPool(physical)) {
      long bit = 1L << ((physical - poolPhysical) >>> Pages.PAGE_SHIFT);
      long before = Memory.getAndBitwiseAndLong(address + POOL_WORD, ~bit);
      if ((before & bit) == 0) {
        throw new IllegalStateException("a table of the pool was freed twice");
      }
      count(TO_POOL);
      return;
    }
    FrameSource to = source;
    if (to == null) {
      throw new IllegalStateException("a table has no source to go back to");
    }
    to.free(physical >>> Pages.PAGE_SHIFT, 0);
    count(TO_SOURCE);
  }

  /// Whether a table is one of the pool's.
  ///
  /// @param physical its address
  /// @return true if it goes back there
  boolean isOfPool(long physical) {
    return Long.compareUnsigned(physical - poolPhysical, (long) POOL_FRAMES << Pages.PAGE_SHIFT)
        < 0;
  }

  /// Whether a table may lie at an address.
  boolean contains(long physical) {
    return Long.compareUnsigned(physical - physicalBase, byteSize) < 0;
  }

  /// The first address at which a table may lie.
  long physicalBase() {
    return physicalBase;
  }

  /// Bytes from there on in which tables may lie.
  long byteSize() {
    return byteSize;
  }

  long physToVirt() {
    return physToVirt;
  }

  // ---- Counters ----

  private void count(int word) {
    Memory.getAndAddLong(address + word, 1);
  }

  /// Tables that came from the source.
  ///
  /// @return a count since the beginning
  public long fromSource() {
    return Memory.getLongVolatile(address + FROM_SOURCE);
  }

  /// Tables that came from the pool.
  ///
  /// @return a count since the beginning
  public long fromPool() {
    return Memory.getLongVolatile(address + FROM_POOL);
  }

  /// Tables that were given back.
  ///
  /// @return a count since the beginning
  public long freed() {
    return Memory.getLongVolatile(address + TO_SOURCE) + Memory.getLongVolatile(address + TO_POOL);
  }

  /// Requests that neither could serve.
  ///
  /// @return a count since the beginning
  public long refused() {
    return Memory.getLongVolatile(address + REFUSED);
  }

  /// Frames of the pool that are out.
  ///
  /// @return 0 … [#POOL_FRAMES]
  public int poolInUse() {
    return Long.bitCount(Memory.getLongVolatile(address + POOL_WORD));
  }
}
