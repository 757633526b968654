package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.unit.Pages;

/// Finds out which pages of shared areas were stored to, and tells their backing.
///
/// ```
///   rw dirty ──stores are forbidden, and flushed──> r dirty ──told, and cleared──> r
///       ^                                                                          │
///       └──────────────────────── the next store faults ───────────────────────────┘
/// ```
///
/// Stores are forbidden first, so none falls between the look and the write to the backing: it
/// faults, waits for the lock, and makes the page dirty again. So it works where a processor notes
/// stores in the tables and where it does not.
///
/// For who has the lock of the space alone.
final class SharedStores {
  private final AddressSpace space;
  private final VirtualAreas areas;
  private final Backings backings;
  private final PageRuns runs;
  private final FlushBatch batch;

  SharedStores(AddressSpace space, VirtualAreas areas, Backings backings, FlushBatch batch) {
    this.space = space;
    this.areas = areas;
    this.backings = backings;
    this.batch = batch;
    runs = new PageRuns(space);
  }

  /// The first shared area that has some of a range.
  ///
  /// @return an area, or [VirtualAreas#NO_AREA]
  long find(long start, long end) {
    for (long area = areas.firstAbove(start);
        area != VirtualAreas.NO_AREA && areas.start(area) < end;
        area = areas.next(area)) {
      if ((areas.flags(area) & AreaFlags.SHARED) != 0) {
        return area;
      }
    }
    return VirtualAreas.NO_AREA;
  }

  /// Tells the backings of all that was stored to a range.
  void collect(long start, long end) {
    for (long area = find(start, end); area != VirtualAreas.NO_AREA; ) {
      long to = Math.min(end, areas.end(area));
      collect(area, Math.max(start, areas.start(area)), to);
      area = to < end ? find(to, end) : VirtualAreas.NO_AREA;
    }
  }

  /// Tells the backing of what was stored to a part of one area.
  void collect(long area, long start, long end) {
    runs.forbidStores(start, end, batch);
    BackedPages pages = backings.get(areas.backing(area));
    for (long at = start; runs.next(at, end); at = runs.end()) {
      for (long page = runs.start(); page < runs.end(); page += Pages.PAGE_SIZE) {
        long word = space.clearUsed(page, PageFlags.DIRTY, batch);
        if ((MappedPage.flags(word) & PageFlags.DIRTY) != 0) {
          pages.markDirty(placeOf(area, page) >>> Pages.PAGE_SHIFT);
        }
      }
    }
    batch.flush();
    space.flushed(batch);
  }

  /// The place of an address in the backing of its area.
  long placeOf(long area, long at) {
    return areas.offset(area) + (at - areas.start(area));
  }
}
