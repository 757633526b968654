package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.unit.Pages;

/// Several banks of one zone, whose blocks are items without contents. A bank begins and ends where
/// a test says, and need not be handed over wholly.
final class BankedItems extends OwnedItems {
  final FrameAllocator[] banks;
  final FrameInfo[] planes;
  final MovableBanks map;
  final MovableFrames movable;
  final Compaction compaction;
  final int me;

  /// Banks that are handed over wholly.
  ///
  /// @param borders first frame and exclusive end of each bank
  BankedItems(long... borders) {
    this(borders, 0, 0);
  }

  /// The same, but for a hole.
  BankedItems(long[] borders, long holeStart, long holeEnd) {
    super(borders[0], borders[borders.length - 1] - borders[0], false);
    int count = borders.length / 2;
    banks = new FrameAllocator[count];
    planes = new FrameInfo[count];
    for (int b = 0; b < count; b++) {
      long start = borders[2 * b];
      long end = borders[2 * b + 1];
      long metadata = reserve(HybridAllocator.metadataBytes(start, end, 2));
      banks[b] = new HybridAllocator(20, 2, metadata, Pages.pfnToAddress(start), end - start);
      if (holeStart > start && holeEnd < end) {
        banks[b].addFrames(start, holeStart);
        banks[b].addFrames(holeEnd, end);
      } else {
        banks[b].addFrames(start, end);
      }
      planes[b] = new FrameInfo(reserve(FrameInfo.byteSize(start, end)), start, end);
    }
    map = new MovableBanks(banks);
    movable = new MovableFrames(planes);
    Migration migration = new Migration(movable, copier(), true, reserve(Migration.byteSize()));
    compaction = new Compaction(map, migration, reserve(Compaction.byteSize()));
    me = movable.register(this);
  }

  /// A new item at a place that is free.
  int add(long pfn, long frameCount) {
    FrameAllocator bank = banks[map.bankOf(pfn)];
    assertTrue(bank.allocateRange(pfn, frameCount, AllocationFlags.MOVABLE));
    int item = place(pfn, frameCount);
    movable.adopt(pfn, me, item);
    return item;
  }

  /// Single items, spread over a range.
  void fill(long startPfn, long endPfn, int live) {
    for (int i = 0; i < live; i++) {
      add(startPfn + i * (endPfn - startPfn) / live, 1);
    }
    drainCaches();
  }

  void drainCaches() {
    for (FrameAllocator bank : banks) {
      bank.drainCaches();
    }
  }

  int itemsIn(long startPfn, long endPfn) {
    int count = 0;
    for (int item = 0; item < itemCount(); item++) {
      count += places.get(item) >= startPfn && places.get(item) < endPfn ? 1 : 0;
    }
    return count;
  }

  void assertAllThere(long frames) {
    for (int item = 0; item < itemCount(); item++) {
      assertItem(item, me, movable.wordOf(places.get(item)), 1);
    }
    drainCaches();
    long used = 0;
    for (FrameAllocator bank : banks) {
      used += bank.statistics().usedFrames();
      bank.assertValid();
    }
    assertEquals(frames, used);
  }

  CompactionOutcome compact(int order, long budget) {
    CompactionOutcome outcome = CompactionOutcome.UNDER_WAY;
    while (outcome == CompactionOutcome.UNDER_WAY) {
      outcome = compaction.compact(order, budget);
    }
    return outcome;
  }
}
