package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.unit.PageFrames;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Frames for tests: each block remembered, every k-th request refused if that is wanted, and what
/// is freed must be what was given. Any thread.
final class HeapFrames implements PageFrames {
  private final long endPfn;
  private final Map<Long, Integer> live = new HashMap<>();
  private final Map<Integer, List<Long>> free = new HashMap<>();
  private long nextPfn;
  private long requests;

  /// 0: none fails.
  private long failEvery;

  HeapFrames(long startPfn, long endPfn) {
    this.nextPfn = startPfn;
    this.endPfn = endPfn;
  }

  synchronized void failEvery(long k) {
    failEvery = k;
    requests = 0;
  }

  @Override
  public synchronized long allocate(int order, int flags) {
    requests++;
    if (failEvery != 0 && requests % failEvery == 0) {
      return -1;
    }
    List<Long> again = free.getOrDefault(order, List.of());
    long pfn;
    if (!again.isEmpty()) {
      pfn = again.removeLast();
    } else {
      pfn = (nextPfn + (1L << order) - 1) & -(1L << order);
      if (pfn + (1L << order) > endPfn) {
        return -1;
      }
      nextPfn = pfn + (1L << order);
    }
    live.put(pfn, order);
    return pfn;
  }

  @Override
  public synchronized void free(long pfn, int order) {
    if (!Integer.valueOf(order).equals(live.remove(pfn))) {
      throw new AssertionError("not allocated: frame " + pfn + ", order " + order);
    }
    free.computeIfAbsent(order, o -> new ArrayList<>()).add(pfn);
  }

  @Override
  public void split(long pfn, int order) {
    throw new AssertionError("nobody asked for that");
  }

  synchronized long usedFrames() {
    return live.values().stream().mapToLong(order -> 1L << order).sum();
  }

  synchronized long requests() {
    return requests;
  }
}
