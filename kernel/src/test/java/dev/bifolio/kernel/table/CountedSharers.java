package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.TreeMap;

/// Counts who has a frame, in a map; a frame that was never named has one.
final class CountedSharers implements FrameSharers {
  /// Sharers beyond the first, of frames that have any.
  final TreeMap<Long, Long> more = new TreeMap<>();

  private final long limit;
  private long left = Long.MAX_VALUE;

  /// Frames may have so many sharers.
  CountedSharers(long limit) {
    this.limit = limit;
  }

  /// From now on only so many can be added.
  void serve(long additions) {
    left = additions;
  }

  @Override
  public boolean add(long pfn) {
    if (left <= 0 || count(pfn) >= limit) {
      return false;
    }
    left--;
    more.merge(pfn, 1L, Long::sum);
    return true;
  }

  @Override
  public boolean drop(long pfn) {
    assertTrue(more.containsKey(pfn), "frame " + pfn + " is not shared");
    more.compute(pfn, (frame, count) -> count == 1 ? null : count - 1);
    return false;
  }

  @Override
  public long count(long pfn) {
    return 1 + more.getOrDefault(pfn, 0L);
  }
}
