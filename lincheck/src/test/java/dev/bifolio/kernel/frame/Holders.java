package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import java.util.HashSet;
import java.util.Set;

/// A small hybrid allocator over the heap twin, and what each thread of a scenario holds. A thread
/// touches its own entries only, so that they add nothing to the interleavings.
class Holders {
  static final long NONE = HybridCore.NONE;

  private static final int CPUS = 1;
  private static final int THREADS = 6;
  private static final int MOST = 16;

  final HybridCore core = new HybridCore(CPUS);
  private final long[][] pfns = new long[THREADS][MOST];
  private final int[][] orders = new int[THREADS][MOST];
  private final int[] counts = new int[THREADS];

  /// An allocator over memory that [#prepare] made: a model checker begins from there again for
  /// each interleaving.
  Holders(long[] prepared) {
    Memory.restore(prepared);
    core.attach(0, 0, prepared[0]);
    Memory.putLong(0, 0);
  }

  /// The memory of an allocator of so many areas, all of whose frames but the last 2^order are
  /// taken, by nobody.
  static long[] prepare(int areaCount, int order) {
    long endPfn = (long) areaCount * AreaWord.FRAMES;
    HybridCore core = new HybridCore(CPUS);
    Memory.renew((int) HybridCore.metadataBytes(0, endPfn, CPUS));
    core.attach(0, 0, endPfn);
    new HandOver(core.levels, core.areas).add(0, endPfn);
    for (int i = 1; i < areaCount; i++) {
      core.allocate(0, 9, 0);
    }
    for (int next = 8; next >= order; next--) {
      core.allocate(0, next, 0);
    }
    core.callBack.all();
    long[] saved = Memory.save();
    saved[0] = endPfn; // the number of managed frames, which nobody asks for here
    return saved;
  }

  final boolean take(int thread, int kind, int order) {
    return keep(thread, core.allocate(0, order, kind), order);
  }

  final boolean keep(int thread, long pfn, int order) {
    if (pfn < 0) {
      return false;
    }
    pfns[thread][counts[thread]] = pfn;
    orders[thread][counts[thread]++] = order;
    return true;
  }

  /// Frees the last block of a thread; a legal free is never refused.
  final boolean give(int thread) {
    if (counts[thread] == 0) {
      return false;
    }
    int last = --counts[thread];
    if (!core.free(0, pfns[thread][last], orders[thread][last])) {
      throw new IllegalStateException("a legal free was refused");
    }
    return true;
  }

  /// Nobody else at work: no frame has two holders, and with all that can be had beside there are
  /// just `frames`.
  final void check(int frames) {
    Set<Long> seen = new HashSet<>();
    for (int thread = 0; thread < THREADS; thread++) {
      for (int i = 0; i < counts[thread]; i++) {
        for (long pfn = pfns[thread][i]; pfn < pfns[thread][i] + (1L << orders[thread][i]); pfn++) {
          add(seen, pfn);
        }
      }
    }
    while (seen.size() < frames) {
      long pfn = core.allocate(0, 0, 0);
      if (pfn < 0) {
        throw new IllegalStateException(seen.size() + " frames of " + frames);
      }
      add(seen, pfn);
    }
  }

  /// Nobody else at work: when all is given back, the area can be had as a whole.
  final void checkWhole() {
    for (int thread = 0; thread < THREADS; thread++) {
      while (give(thread)) {
        // next
      }
    }
    if (core.allocate(0, 9, 0) < 0) {
      throw new IllegalStateException("the area is not whole");
    }
  }

  private static void add(Set<Long> seen, long pfn) {
    if (!seen.add(pfn)) {
      throw new IllegalStateException("frame " + pfn + " has two holders");
    }
  }
}
