package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.Watermarks;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZonedFrames;
import org.jspecify.annotations.Nullable;

/// Adds memory to a running machine and takes it away, in whole areas of 512 frames.
///
/// # Overview
///
/// An allocator is handed its frames when nobody allocates, but freeing needs no such moment. So
/// all memory that may ever come is handed over at boot and taken again at once:
///
/// ```
///                   online(range): cut, free, marks
///   OFFLINE ──────────────────────────────────────────────> online
///   allocated, in    <──────────────────────────────────     free, cached, or somebody's
///   the list here    offline(range): empty, take, discard, marks
/// ```
///
/// Offline frames are allocated for their allocator and in the list here; their zone counts them
/// ([Zone#offlineFrames()]), so that they are neither present nor managed, used or free. The host
/// gets back what is behind them, and they read as zero when they come.
///
/// A range is allocated as the largest blocks that lie in it. Where only a part of a block goes
/// online, the block is split into single frames first; what stays offline stays so.
///
/// - I1 A frame is in the list if and only if this class has it; nobody else frees it.
/// - I2 A request is done wholly or not at all. What fails leaves all as it was, but for the places
///   of movable frames.
/// - I3 A zone keeps min, unless it is emptied wholly; what is moved out of it finds place where
///   ordinary requests would, without reclaim.
/// - I4 Watermarks are applied anew with each change: boosts end, and the cap of a zone's reserve
///   stays what it was, as far as min reaches ([Zone#setWatermarks]).
///
/// ```
///   address   [ lock │ blocked frame │ list of ranges ]
/// ```
///
/// Any thread, one at a time: a second one is told BUSY and does not wait, since owners of frames
/// are called while the lock is held. Others allocate, free and move as they like. The settings of
/// the watermarks are not to be changed meanwhile. No Java objects after the constructor. Cost: to
/// add, one free for each block, and 4 GiB at most in single frames; to take away, a move for each
/// live frame and a system call.
///
/// Rejected: handing frames over when they come (nobody may allocate then); a kind of its own in
/// each word of FrameInfo (touches 4 KiB for each area of headroom); a bit for each area (as large
/// as the headroom wants; ranges are few).
///
/// Sources: Linux, Documentation/admin-guide/mm/memory-hotplug.rst and mm/memory_hotplug.c.
public final class HotMemory {
  /// Bytes of memory that it needs.
  public static final long BYTE_SIZE = 2048;

  /// In how many pieces what is offline can be.
  static final int MOST_RANGES = (int) ((BYTE_SIZE - 64 - Long.BYTES) / 16);

  private static final long BLOCKED = Long.BYTES;
  private static final long LIST = 64;
  private static final long NONE = -1;
  private static final long AREA_FRAMES = 1L << Pages.HUGE_ORDER;

  private final ZonedFrames frames;
  private final MemoryReclaim reclaim;
  private final Watermarks watermarks;
  private final HostMemory host;
  private final FrameMap[] maps;
  private final long address;
  private final HotRanges ranges;

  /// Nothing is offline yet.
  ///
  /// @param frames the memory
  /// @param reclaim who empties ranges of it
  /// @param watermarks applied anew with each change
  /// @param host who gets back what is behind offline frames
  /// @param address of [#BYTE_SIZE] zero bytes, a multiple of 64
  public HotMemory(
      ZonedFrames frames,
      MemoryReclaim reclaim,
      Watermarks watermarks,
      HostMemory host,
      long address) {
    this.frames = frames;
    this.reclaim = reclaim;
    this.watermarks = watermarks;
    this.host = host;
    this.address = address;
    ranges = new HotRanges(address + LIST, MOST_RANGES);
    int banks = 0;
    for (int z = 0; z < frames.zones().count(); z++) {
      banks += frames.zones().zone(z).bankCount();
    }
    maps = new FrameMap[banks];
    for (int z = 0, next = 0; z < frames.zones().count(); z++) {
      Zone zone = frames.zones().zone(z);
      for (int b = 0; b < zone.bankCount(); b++) {
        maps[next++] = new FrameMap(zone.bank(b).allocator());
      }
    }
    Memory.putLong(address + BLOCKED, NONE);
  }

  /// Says at boot which frames are offline: allocated as a range, never used, and counted by their
  /// zone already.
  ///
  /// @param startPfn first frame, of an area
  /// @param endPfn exclusive end, of an area
  public void beginOffline(long startPfn, long endPfn) {
    boolean _ = ranges.add(startPfn, endPfn);
  }

  // ---- What there is ----

  /// Frames that can be brought online. For reports: exact when nobody adds or takes away.
  ///
  /// @return a count
  public long offlineFrames() {
    long sum = 0;
    for (int i = 0; i < ranges.count(); i++) {
      sum += ranges.endPfn(i) - ranges.startPfn(i);
    }
    return sum;
  }

  /// In how many pieces what is offline is.
  ///
  /// @return a count
  public int rangeCount() {
    return ranges.count();
  }

  /// Where a piece begins.
  ///
  /// @param range 0 … [#rangeCount()] - 1, ascending
  /// @return its first frame
  public long startPfn(int range) {
    return ranges.startPfn(range);
  }

  /// Where a piece ends.
  ///
  /// @param range 0 … [#rangeCount()] - 1, ascending
  /// @return the frame behind its last
  public long endPfn(int range) {
    return ranges.endPfn(range);
  }

  /// The frame that was in the way of the last range that was BLOCKED.
  ///
  /// @return its pfn, -1 if none was yet
  public long blockedPfn() {
    return Memory.getLongVolatile(address + BLOCKED);
  }

  // ---- Online ----

  /// Brings frames online: afterwards they are free.
  ///
  /// @param startPfn a multiple of 512
  /// @param frameCount a multiple of 512, 512 or more
  /// @return what came of it
  public HotOutcome online(long startPfn, long frameCount) {
    if (!isWholeAreas(startPfn, frameCount)) {
      return HotOutcome.OUT_OF_RANGE;
    }
    if (!tryLock()) {
      return HotOutcome.BUSY;
    }
    try {
      return onlineLocked(startPfn, startPfn + frameCount);
    } finally {
      unlock();
    }
  }

  private HotOutcome onlineLocked(long start, long end) {
    FrameMap map = mapOf(start, end);
    Zone zone = frames.zones().ofFrame(start);
    if (map == null || zone == null) {
      return HotOutcome.OUT_OF_RANGE;
    }
    int range = ranges.rangeWith(start, end);
    if (range < 0) {
      return HotOutcome.NOT_OFFLINE;
    }
    long low = ranges.startPfn(range);
    if (!ranges.remove(start, end)) {
      return HotOutcome.TOO_MANY_RANGES;
    }
    cut(map, start, low);
    cut(map, end, low);
    zone.addOffline(start - end);
    if (release(map, start, end)) {
      long _ = zone.drainCaches();
    }
    watermarks.apply();
    return HotOutcome.DONE;
  }

  /// Splits the block that lies over a border within an offline range. Blocks are aligned to their
  /// size, so its head is one of a few frames.
  private void cut(FrameMap map, long border, long lowest) {
    if (map.stateAt(border) != FrameMap.TAIL) {
      return;
    }
    for (int order = Pages.HUGE_ORDER + 1; order <= frames.maxOrder(); order++) {
      long head = border & -Pages.orderToFrames(order);
      long frameCount = head < lowest ? 0 : map.frameCountAt(head);
      if (frameCount > border - head) {
        frames.splitFrames(head, frameCount);
        return;
      }
    }
  }

  /// Frees all blocks of an offline range. What was freed may be somebody's at once, so there is no
  /// second look.
  ///
  /// @return whether single frames were among them, which may wait in caches now
  private boolean release(FrameMap map, long start, long end) {
    boolean anySingle = false;
    for (long pfn = start; pfn < end; ) {
      long found = map.stretchAt(pfn);
      long next = FrameMap.endOf(found);
      if (FrameMap.stateOf(found) != FrameMap.HEAD || frames.tryFreeFrames(pfn, next - pfn) != 0) {
        throw new IllegalStateException("an offline frame was freed by somebody else");
      }
      anySingle |= next - pfn == 1;
      pfn = next;
    }
    return anySingle;
  }

  // ---- Offline ----

  /// Takes frames out of use: what is free there is taken, what is movable is moved out. Calls
  /// owners of frames, so no lock of theirs may be held.
  ///
  /// @param startPfn a multiple of 512
  /// @param frameCount a multiple of 512, 512 or more
  /// @return what came of it
  public HotOutcome offline(long startPfn, long frameCount) {
    if (!isWholeAreas(startPfn, frameCount)) {
      return HotOutcome.OUT_OF_RANGE;
    }
    if (!tryLock()) {
      return HotOutcome.BUSY;
    }
    try {
      return offlineLocked(startPfn, startPfn + frameCount);
    } finally {
      unlock();
    }
  }

  private HotOutcome offlineLocked(long start, long end) {
    FrameMap map = mapOf(start, end);
    Zone zone = frames.zones().ofFrame(start);
    if (map == null || zone == null) {
      return HotOutcome.OUT_OF_RANGE;
    }
    if (ranges.intersects(start, end)) {
      return HotOutcome.ALREADY_OFFLINE;
    }
    if (!ranges.hasRoom()) {
      return HotOutcome.TOO_MANY_RANGES;
    }
    if (fallsBelowMin(zone, end - start)) {
      return HotOutcome.BELOW_MIN;
    }
    EvacuationOutcome outcome = reclaim.takeRange(start, end - start);
    if (outcome != EvacuationOutcome.EMPTIED) {
      return failed(outcome, map, zone, start, end);
    }
    boolean _ = ranges.add(start, end);
    zone.addOffline(end - start);
    host.discard(start, end - start);
    watermarks.apply();
    return HotOutcome.DONE;
  }

  private static boolean fallsBelowMin(Zone zone, long frameCount) {
    boolean emptied = zone.managedFrames() <= frameCount;
    return !emptied && zone.availableFrames() - frameCount < zone.minFrames();
  }

  private HotOutcome failed(
      EvacuationOutcome outcome, FrameMap map, Zone zone, long start, long end) {
    Compaction compaction = reclaim.compaction(zone);
    if (compaction == null) {
      return nameFirst(map, start, end);
    }
    return switch (outcome) {
      case BLOCKED -> {
        Memory.putLongRelease(address + BLOCKED, compaction.blockedPfn());
        yield HotOutcome.BLOCKED;
      }
      case NO_TARGET -> HotOutcome.NO_TARGET;
      case OUT_OF_RANGE -> HotOutcome.OUT_OF_RANGE;
      case RACED, UNDER_WAY, EMPTIED -> HotOutcome.RACED;
    };
  }

  /// What is in the way where nothing can be moved.
  private HotOutcome nameFirst(FrameMap map, long start, long end) {
    long blocked = NONE;
    for (long pfn = start; pfn < end; ) {
      long found = map.stretchAt(pfn);
      int state = FrameMap.stateOf(found);
      if (state == FrameMap.ABSENT) {
        return HotOutcome.OUT_OF_RANGE;
      }
      blocked = blocked == NONE && state != FrameMap.FREE ? pfn : blocked;
      pfn = FrameMap.endOf(found);
    }
    if (blocked == NONE) {
      return HotOutcome.RACED;
    }
    Memory.putLongRelease(address + BLOCKED, blocked);
    return HotOutcome.BLOCKED;
  }

  // ---- Arguments, lock ----

  private static boolean isWholeAreas(long startPfn, long frameCount) {
    return ((startPfn | frameCount) & AREA_FRAMES - 1) == 0
        && startPfn >= 0
        && frameCount > 0
        && frameCount <= Long.MAX_VALUE - startPfn;
  }

  /// The map of the bank that spans a range, null if none does.
  private @Nullable FrameMap mapOf(long start, long end) {
    for (FrameMap map : maps) {
      if (start >= map.allocator().startPfn() && start < map.allocator().endPfn()) {
        return end <= map.allocator().endPfn() ? map : null;
      }
    }
    return null;
  }

  private boolean tryLock() {
    return Memory.compareAndSetLong(address, 0, 1);
  }

  private void unlock() {
    Memory.putLongRelease(address, 0);
  }
}
