package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.ReplaceOutcome;
import dev.bifolio.kernel.unit.Pages;

/// What a fault does.
///
/// ```
///                    no area, nor one above that grows down to it ────────────> SEGFAULT
///                    the area does not allow it ──────────────────────────────> PROTECTION
///   not mapped       anonymous ── a large page fits and is free ──> zeros ────> MAPPED
///                                 else one frame of zeros ────────────────────> MAPPED
///                    backed    ── load, or shared ──> the backing's frame ────> MAPPED
///                                 store, private  ──> a copy of it ───────────> MAPPED
///   mapped, a store  shared area ─────────────────> allowed, and dirty ───────> MADE_WRITABLE
///   to what allows   private, one sharer ─────────> allowed ──────────────────> MADE_WRITABLE
///   none             private, more sharers ───────> a copy in its place ──────> COPIED
///   mapped, else     ─────────────────────────────────────────────────────────> ALREADY
/// ```
///
/// Many faults of a space run at the same time, so each of them does its work first (a frame, its
/// bytes) and then asks the tables to take it: to map what is not mapped, or to replace what still
/// is as it was. Who comes second gives his frame back. While they share the space's lock nothing
/// is unmapped and nobody forks, therefore
///
/// - I1 a frame with one sharer that is mapped here stays with one sharer;
/// - I2 a page that still is as it was has been so all the time, so a copy of it is right.
///
/// Replaced pages are flushed one at a time, under a lock of their own. For who shares the space's
/// lock, or has it.
final class PageFaults {
  private final AddressSpace space;
  private final VirtualAreas areas;
  private final UserMemory memory;
  private final Backings backings;
  private final HugePages huge;
  private final SpinLock replacing;
  private final FlushBatch batch;

  /// Faults of a space.
  ///
  /// @param replacing for who replaces pages with this batch
  PageFaults(
      AddressSpace space,
      VirtualAreas areas,
      UserMemory memory,
      Backings backings,
      HugePages huge,
      SpinLock replacing,
      FlushBatch batch) {
    this.space = space;
    this.areas = areas;
    this.memory = memory;
    this.backings = backings;
    this.huge = huge;
    this.replacing = replacing;
    this.batch = batch;
  }

  /// Resolves a fault.
  FaultOutcome fault(long address, AccessKind kind) {
    long area = areas.find(address);
    if (area == VirtualAreas.NO_AREA) {
      return FaultOutcome.SEGFAULT;
    }
    int flags = areas.flags(area);
    if (!kind.isAllowed(flags)) {
      return FaultOutcome.PROTECTION;
    }
    long page = Pages.alignDown(address);
    long word = space.lookup(page);
    if (word == AddressSpace.NOT_MAPPED) {
      return areas.backing(area) == VirtualAreas.ANONYMOUS
          ? touchAnonymous(area, page, flags)
          : touchBacked(area, page, flags, kind);
    }
    if (kind == AccessKind.STORE && (MappedPage.flags(word) & PageFlags.WRITE) == 0) {
      return (flags & AreaFlags.SHARED) != 0
          ? makeWritable(page, word, flags)
          : storePrivate(page, word, flags);
    }
    return FaultOutcome.ALREADY;
  }

  /// Resolves a fault in no area: lets the one above begin at its page, if that grows down, and
  /// keeps this if the fault is resolved then. For who has the space's lock alone, so that nobody
  /// sees a stack that grew for nothing.
  ///
  /// @param mostByteSize how large an area that grows down may become
  FaultOutcome faultBelowStack(long address, AccessKind kind, long mostByteSize) {
    long area = areas.firstAbove(address);
    if (area == VirtualAreas.NO_AREA || address < areas.floor()) {
      return FaultOutcome.SEGFAULT;
    }
    long start = Pages.alignDown(address);
    long end = areas.start(area); // below the start if another fault was quicker
    if (start < end && !growStack(area, start, mostByteSize)) {
      return FaultOutcome.SEGFAULT;
    }
    FaultOutcome outcome = fault(address, kind);
    if (start < end && !outcome.isResolved()) {
      areas.remove(start, end);
    }
    return outcome;
  }

  private boolean growStack(long area, long start, long mostByteSize) {
    return (areas.flags(area) & AreaFlags.GROWS_DOWN) != 0
        && areas.end(area) - start <= mostByteSize
        && areas.growDown(area, start);
  }

  // ---- Not mapped ----

  private FaultOutcome touchAnonymous(long area, long page, int flags) {
    if (huge.touch(area, page)) {
      return FaultOutcome.MAPPED;
    }
    long pfn = memory.allocate();
    if (pfn == UserMemory.NO_FRAME) {
      return FaultOutcome.NO_MEMORY;
    }
    memory.zero(pfn, 0);
    return map(page, pfn, AreaFlags.toWritablePage(flags));
  }

  private FaultOutcome touchBacked(long area, long page, int flags, AccessKind kind) {
    long place = areas.offset(area) + (page - areas.start(area));
    BackedPages pages = backings.get(areas.backing(area));
    long pfn = pages.take(place >>> Pages.PAGE_SHIFT);
    if (pfn < 0) {
      return pfn == BackedPages.READ_FAILED ? FaultOutcome.IO_ERROR : FaultOutcome.NO_MEMORY;
    }
    boolean isStore = kind == AccessKind.STORE;
    if ((flags & AreaFlags.SHARED) != 0) {
      // Stores are allowed from the first one on, so that it makes the page dirty.
      return map(page, pfn, isStore ? AreaFlags.toWritablePage(flags) : AreaFlags.toPage(flags));
    }
    if (!isStore) {
      return map(page, pfn, AreaFlags.toPage(flags) | PageFlags.COPY_ON_WRITE);
    }
    long copy = memory.allocate();
    if (copy != UserMemory.NO_FRAME) {
      memory.copy(pfn, copy);
    }
    memory.release(pfn);
    return copy == UserMemory.NO_FRAME
        ? FaultOutcome.NO_MEMORY
        : map(page, copy, AreaFlags.toWritablePage(flags));
  }

  /// Maps a frame of which the caller is a sharer, or ceases to be one.
  private FaultOutcome map(long page, long pfn, int pageFlags) {
    MapOutcome outcome = space.map(page, Pages.pfnToAddress(pfn), Pages.PAGE_SIZE, pageFlags, 1);
    if (outcome == MapOutcome.MAPPED) {
      return FaultOutcome.MAPPED;
    }
    memory.release(pfn);
    return outcome == MapOutcome.ALREADY_MAPPED ? FaultOutcome.ALREADY : FaultOutcome.NO_MEMORY;
  }

  // ---- Mapped, but not for stores ----

  private FaultOutcome makeWritable(long page, long word, int flags) {
    long physical = MappedPage.physicalAddress(word);
    return replace(page, word, physical, flags) ? FaultOutcome.MADE_WRITABLE : FaultOutcome.ALREADY;
  }

  private FaultOutcome storePrivate(long page, long word, int flags) {
    long pfn = MappedPage.physicalAddress(word) >>> Pages.PAGE_SHIFT;
    if (MappedPage.level(word) > 1 || memory.sharers().count(pfn) == 1) {
      return makeWritable(page, word, flags);
    }
    long copy = memory.allocate();
    if (copy == UserMemory.NO_FRAME) {
      return FaultOutcome.NO_MEMORY;
    }
    memory.copy(pfn, copy);
    if (replace(page, word, Pages.pfnToAddress(copy), flags)) {
      return FaultOutcome.COPIED;
    }
    memory.release(copy);
    return FaultOutcome.ALREADY;
  }

  /// Puts a page that allows stores in the place of one, if that still is what it was.
  private boolean replace(long page, long word, long physical, int flags) {
    replacing.lock();
    try {
      int pageFlags = AreaFlags.toWritablePage(flags);
      if (space.replace(page, word, physical, pageFlags, batch) != ReplaceOutcome.DONE) {
        return false;
      }
      batch.flush();
      space.flushed(batch);
      return true;
    } finally {
      replacing.unlock();
    }
  }
}
