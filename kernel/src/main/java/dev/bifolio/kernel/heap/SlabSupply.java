package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// Makes the slabs of one cache out of frames, and turns them into frames again. No lock of the
/// cache is held: the source of the frames may reclaim, and a constructor may do what it wants.
///
/// Any thread; no Java objects.
final class SlabSupply {
  private final SlabCaches caches;
  private final SlabSpec spec;
  private final SlabGeometry geometry;
  private final int cache;
  private final int units;

  /// Which colour is next: a word that only counts.
  private final long colourWord;

  SlabSupply(SlabCaches caches, SlabSpec spec, SlabGeometry geometry, int cache, long colourWord) {
    this.caches = caches;
    this.spec = spec;
    this.geometry = geometry;
    this.cache = cache;
    this.colourWord = colourWord;
    units = SlabRecords.unitsFor(geometry.rows);
  }

  /// Makes a slab, which is in no list yet.
  ///
  /// @return its record; 0 if there is no frame or no record for it, and then nothing has changed
  long make() {
    long record = caches.records.allocate(units);
    if (record == SlabRecords.NONE) {
      return SlabRecords.NONE;
    }
    long pfn = caches.pages.allocate(geometry.order);
    if (pfn < 0) {
      caches.records.free(record, units);
      return SlabRecords.NONE;
    }
    boolean isMade = false;
    try {
      requireDescribed(pfn);
      long slab = caches.records.at(record);
      long colour = Memory.getAndAddLong(colourWord, 1);
      int colourBytes =
          (int) Long.remainderUnsigned(colour, geometry.colours) * geometry.colourStep;
      SlabRecords.setPlace(slab, pfn, colourBytes);
      construct(caches.map.pointerOf(pfn) + colourBytes);
      for (int row = 0; row < geometry.rows; row++) {
        SlabRow.set(SlabRecords.row(slab, row), geometry.allFree(row));
      }
      caches.map.note(pfn, Pages.orderToFrames(geometry.order), FrameInfo.KIND_SLAB, record);
      isMade = true;
      return record;
    } finally {
      if (!isMade) { // a constructor that threw
        caches.records.free(record, units);
        caches.pages.free(pfn, geometry.order);
      }
    }
  }

  private void requireDescribed(long pfn) {
    if (!caches.map.describes(pfn, Pages.orderToFrames(geometry.order))) {
      throw new IllegalStateException("no plane describes the frames of a slab");
    }
  }

  private void construct(long first) {
    ObjectConstructor constructor = spec.constructor();
    for (int i = 0; constructor != null && i < geometry.objects; i++) {
      constructor.construct(first + (long) i * geometry.stride);
    }
  }

  /// The state of a slab that was just made: a new life, in no list.
  long firstState(long record) {
    return SlabRecords.nextLife(SlabRecords.state(caches.records.at(record)), cache);
  }

  /// Gives back the frames and the record of a slab that has been removed from the lists.
  ///
  /// @return how many frames
  long release(long record) {
    long pfn = SlabRecords.frameOf(SlabRecords.placeOf(caches.records.at(record)));
    long frames = Pages.orderToFrames(geometry.order);
    caches.map.note(pfn, frames, FrameInfo.KIND_NONE, 0);
    caches.records.free(record, units);
    caches.pages.free(pfn, geometry.order);
    return frames;
  }
}
