package dev.bifolio.kernel.table;

import dev.bifolio.kernel.frame.Race;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameSource;

/// One address space for a race, with the few frames that its tables take. A frame that is freed is
/// filled at once with entries of another world, so who reads a freed table says what is forbidden.
class OneSpace extends Race implements FrameSource {
  static final long PAGE = 4096;
  static final int RW = PageFlags.READ | PageFlags.WRITE;

  /// Where the freed tables say that a page lies.
  static final long GARBAGE = 0x3333_3000L;

  private static final int FRAMES = 12;
  private static final long BASE = 0x10_0000L;
  private static final int WORDS = 256;

  final PageFormat format;
  final AddressSpace space;
  final long physToVirt;
  private final long[] free = new long[FRAMES];
  private int freeCount;

  OneSpace(PageFormat format) {
    super(WORDS);
    this.format = format;
    physToVirt = words + WORDS - BASE;
    // The pool lies behind the frames and is never asked.
    long pool = BASE + FRAMES * PAGE;
    TableFrames frames = new TableFrames(words, pool, BASE, FRAMES * PAGE, physToVirt, 0);
    frames.setSource(this);
    for (int i = 0; i < FRAMES; i++) {
      free[freeCount++] = (BASE >>> 12) + i;
    }
    space = new AddressSpace(format, frames, words + TableFrames.BYTE_SIZE);
    must(space.open());
  }

  static void must(boolean done) {
    if (!done) {
      throw new IllegalStateException("a race could not be set up");
    }
  }

  final void map(long at, long physical, long byteSize, int level) {
    must(space.map(at, physical, byteSize, RW, level) == MapOutcome.MAPPED);
  }

  @Override
  public final long allocate(int order, int flags) {
    must(freeCount > 0);
    return free[--freeCount];
  }

  @Override
  public final void free(long pfn, int order) {
    long garbage = format.leaf(1, GARBAGE, RW);
    long start = (pfn << 12) + physToVirt;
    for (long at = start; at < start + PAGE; at += Long.BYTES) {
      Memory.putLong(at, garbage);
    }
    free[freeCount++] = pfn;
  }

  /// Where the leaf of an address lies in memory.
  final long leafAt(long at) {
    return space.tableAt(at, 1) + physToVirt + (long) format.index(1, at) * Long.BYTES;
  }

  /// Whether so many tables are in the tree, and no frame beside them is out.
  final boolean hasTables(int count) {
    return space.tableCount() == count && freeCount == FRAMES - count;
  }
}
