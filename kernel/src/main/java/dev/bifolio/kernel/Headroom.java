package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.BankPlan;
import dev.bifolio.kernel.boot.RegionList;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.reclaim.HostMemory;
import dev.bifolio.kernel.reclaim.HotMemory;
import dev.bifolio.kernel.reclaim.MemoryReclaim;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.Watermarks;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZonedFrames;
import org.jspecify.annotations.Nullable;

/// Where memory may be added later: whole areas behind all RAM and device memory.
///
/// ```
///   window   ├ RAM ─ hole ─ RAM ┤ . ├─ area ─┼─ area ─┼─ area ─┤ . ┤
///                                   startPfn                endPfn
/// ```
///
/// It is a bank, or one for each type of zone that its addresses have, handed over at boot and
/// taken again at once: its frames are allocated for the allocators, and *offline* for all others,
/// neither managed nor present nor used. So what is added needs no moment at which nobody
/// allocates.
///
/// @param startPfn a multiple of an area's frames
/// @param endPfn exclusive, a multiple too; the same as `startPfn` if there is no room
/// @param node its NUMA node
/// @param isMovable whether it is MOVABLE wherever it lies
record Headroom(long startPfn, long endPfn, int node, boolean isMovable) {
  static final Headroom NONE = new Headroom(0, 0, 0, false);

  private static final long AREA_FRAMES = 1L << Pages.HUGE_ORDER;
  private static final long I386_END_PFN = (4 * Pages.GIB) >>> Pages.PAGE_SHIFT;

  /// The headroom of a machine.
  ///
  /// @param memory RAM, in whole frames, at least one
  static Headroom of(
      BootOptions options, RamSpan span, RegionList memory, @Nullable Architecture architecture) {
    long spanEnd = span.base() + span.byteSize();
    long start = Pages.alignUp(spanEnd >>> Pages.PAGE_SHIFT, AREA_FRAMES);
    long end =
        Pages.alignDown((spanEnd + options.headroomByteSize()) >>> Pages.PAGE_SHIFT, AREA_FRAMES);
    if (architecture == Architecture.I386) {
      end = Math.min(end, I386_END_PFN);
    }
    if (options.headroomByteSize() == 0 || start >= end) {
      return NONE;
    }
    int named = options.headroomNode();
    int node = named == BootOptions.HIGHEST_NODE ? memory.node(memory.count() - 1) : named;
    return new Headroom(start, end, node, options.headroomMovable());
  }

  /// From where on it is MOVABLE; [Long#MAX_VALUE] if that is not for it to say.
  long movableStartPfn() {
    return isMovable ? startPfn : Long.MAX_VALUE;
  }

  boolean isEmpty() {
    return startPfn == endPfn;
  }

  long frameCount() {
    return endPfn - startPfn;
  }

  /// Hands its frames over and takes them offline. Nobody else allocates yet.
  void takeOffline(ZonedFrames frames, BankPlan plan, BootNotes notes) {
    for (int b = 0; b < plan.count(); b++) {
      if (plan.isHeadroom(b)) {
        long start = plan.startPfn(b);
        long count = plan.endPfn(b) - start;
        frames.addFrames(start, plan.endPfn(b));
        long taken = frames.tryAllocateRange(start, count, AllocationFlags.LONG);
        Zone zone = frames.zones().ofFrame(start);
        if (taken != start || zone == null) {
          throw new IllegalStateException("headroom that is not free");
        }
        zone.addOffline(count);
        notes.line(
            "headroom: "
                + count
                + " frames offline, node "
                + zone.nid()
                + " "
                + zone.type().label());
      }
    }
  }

  /// What is added and taken away.
  ///
  /// @param address of [HotMemory#BYTE_SIZE] zero bytes
  HotMemory hotMemory(
      ZonedFrames frames,
      MemoryReclaim reclaim,
      Watermarks watermarks,
      HostMemory host,
      long address) {
    HotMemory hot = new HotMemory(frames, reclaim, watermarks, host, address);
    if (!isEmpty()) {
      hot.beginOffline(startPfn, endPfn);
    }
    return hot;
  }
}
