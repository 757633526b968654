package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.BankPlan;
import dev.bifolio.kernel.boot.Memblock;
import dev.bifolio.kernel.boot.RegionList;
import dev.bifolio.kernel.boot.Reservations;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.firmware.ReservedRegion.Source;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.reclaim.HostMemory;
import dev.bifolio.kernel.reclaim.HotMemory;
import dev.bifolio.kernel.reclaim.MappedCopier;
import dev.bifolio.kernel.reclaim.MemoryReclaim;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.AccountTree;
import dev.bifolio.kernel.zone.NumaTopology;
import dev.bifolio.kernel.zone.Watermarks;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneSet;
import dev.bifolio.kernel.zone.ZonedFrames;
import org.jspecify.annotations.Nullable;

/// The way from a memory map to a running machine.
///
/// # Overview
///
/// The frame allocators need metadata, the metadata need memory, and nobody hands out memory yet.
/// The order of the steps breaks the circle:
///
/// ```
///  map ──> window ──> memblock: RAM ──> reservations: stated ──> unmapped ──> placed by boot
///                                                                                 │
///  report <── heap <── permanent <── free ranges to <── temporary <── steal <── banks
///                      tables        the allocators     tables        mem_map
/// ```
///
/// 1. *window*: the span from the first to the last frame of RAM becomes a virtual range.
/// 2. *ram*: what the map and the loader state, inward to whole frames.
/// 3. *reservations*: what states its place first, then what may not be mapped, then what boot
///    finds a place for ([dev.bifolio.kernel.boot] has the policy).
/// 4. *mem_map*: RAM is cut into banks, and for each node a hole is stolen that touches no
///    reservation.
/// 5. *frames*: temporary page tables from a reserved pool ([TableStep]); every frame that no
///    reservation touches goes to the allocator of its bank.
/// 6. *zones*: watermarks and lowmem reserves, from what was handed over.
/// 7. *tables*: permanent page tables, from frames of the allocators.
/// 8. *heap*: RAM / 128, at least 16 and at most 64 MiB, as exactly that many frames.
///
/// - I1 Nothing is allocated before everything that states its place is reserved.
/// - I2 Metadata are all zero when their allocator begins.
/// - I3 A boot that fails leaves no window behind.
///
/// Memblock's lists lie in storage that is as large as this map may need, so they never have to
/// grow before I1 holds. One thread. Cost: the number of ranges and of banks, not the memory.
final class BootSequence {
  private static final long HEAP_SHARE = 128;
  private static final long HEAP_LEAST = 16 * Pages.MIB;
  private static final long HEAP_MOST = 64 * Pages.MIB;

  private final BootOptions options;
  private final BootNotes notes;
  private final Memblock memblock;
  private final long offset;
  private final BankLayout layout;
  private long presentFrames;
  private long freeFrames;

  private BootSequence(BootOptions options, BootNotes notes, Memblock memblock, long offset) {
    this.options = options;
    this.notes = notes;
    this.memblock = memblock;
    this.offset = offset;
    this.layout = new BankLayout(options);
  }

  static Machine run(MemoryMap map, BootOptions options, BootLog log) throws BootException {
    BootNotes notes = new BootNotes(log);
    Architecture architecture =
        options.architecture() == null ? map.architecture() : options.architecture();
    describe(map, architecture, notes);
    RamSpan span = RamSpan.of(map, options, architecture);
    int capacity = listCapacity(map, options);
    long storageBytes = Memblock.storageByteSize(capacity);
    try (Window storage = reserve(2 * storageBytes)) {
      Window window = reserve(span.byteSize() + options.headroomByteSize());
      boolean booted = false;
      try {
        long offset = window.address() - span.base();
        // Where it lies in virtual memory differs from run to run; the log does not.
        notes.line(
            "window: "
                + BootNotes.text(new AddressRange(span.base(), window.byteSize()))
                + " reserved, nothing of it touched");
        notes.endStep("window");
        Memblock memblock = new Memblock(storage.address(), capacity, offset);
        Memblock rest = new Memblock(storage.address() + storageBytes, capacity, offset);
        BootSequence sequence = new BootSequence(options, notes, memblock, offset);
        Machine machine = sequence.boot(map, architecture, span, rest, window);
        booted = true;
        return machine;
      } finally {
        if (!booted) {
          window.close();
        }
      }
    }
  }

  private static void describe(
      MemoryMap map, @Nullable Architecture architecture, BootNotes notes) {
    notes.line(
        "map: "
            + map.format()
            + ", "
            + (architecture == null ? "unknown architecture" : architecture.label())
            + ", "
            + map.memoryCount()
            + (map.memoryCount() == 1 ? " range of RAM, " : " ranges of RAM, ")
            + map.reservedCount()
            + " reserved, "
            + map.dynamicReservationCount()
            + " to be placed");
    for (int i = 0; i < map.warningCount(); i++) {
      notes.warning(map.warning(i));
    }
  }

  /// Enough for every list: each stated range adds at most two borders to it, and so does each of
  /// the few that boot adds.
  private static int listCapacity(MemoryMap map, BootOptions options) {
    int stated = map.memoryCount() + map.reservedCount() + map.moduleCount();
    int all = stated + map.dynamicReservationCount() + options.loaderMemory().length;
    return Math.max(Memblock.INITIAL_CAPACITY, 4 * (all + map.memoryCount()) + 64);
  }

  private static Window reserve(long byteSize) throws BootException {
    try {
      return Window.reserve(byteSize);
    } catch (WindowException e) {
      throw new BootException(String.valueOf(e.getMessage()));
    }
  }

  private Machine boot(
      MemoryMap map,
      @Nullable Architecture architecture,
      RamSpan span,
      Memblock rest,
      Window window)
      throws BootException {
    long totalBytes = span.addTo(memblock, notes);
    long presentBytes = memblock.memory().totalBytes();
    presentFrames = presentBytes >>> Pages.PAGE_SHIFT;
    notes.line("RAM: " + presentFrames + " frames, " + BootNotes.bytes(presentBytes));
    if (options.checkMinimumMemory() && presentBytes < BootOptions.MINIMUM_BYTES) {
      throw new BootException(
          BootException.TOO_LITTLE_RAM + ": " + BootNotes.bytes(presentBytes) + " of RAM");
    }
    notes.endStep("ram");
    TableStep tables = TableStep.of(map, options, architecture, memblock.memory(), notes);
    Reservations reservations =
        ReservationStep.run(map, options, architecture, memblock, tables, notes);
    freeFrames = countFree();
    if (freeFrames == 0) {
      throw new BootException(BootException.ALL_RESERVED);
    }
    long reservedFrames = presentFrames - freeFrames;
    notes.endStep("reservations");
    Headroom headroom = Headroom.of(options, span, memblock.memory(), architecture);
    ZoneBorders borders = ZoneBorders.of(map, architecture, memblock.memory(), options, headroom);
    if (options.movableByteSize() > 0 && !borders.hasMovable()) {
      notes.warning("nothing became MOVABLE: too much was asked for, or less than 2 MiB a node");
    }
    BankPlan plan = placeMemMap(borders, presentFrames + headroom.frameCount());
    notes.endStep("mem_map");
    long words = plan.headerAddress() + offset + layout.tableOffset(plan);
    tables.buildTemporary(words, window, span.base());
    NumaTopology topology =
        NumaStep.topologyOf(map, nodeIds(plan, true), nodeIds(plan, false), notes);
    AccountTree accounts = layout.buildAccounts(plan, plan.headerAddress() + offset);
    ZonedFrames frames =
        new ZonedFrames(
            layout.buildBanks(plan, topology, offset),
            topology,
            borders.existing(),
            accounts,
            plan.headerAddress() + offset);
    long[] release = handOver(frames, plan, reservations, rest);
    headroom.takeOffline(frames, plan, notes);
    notes.endStep("frames");
    Watermarks watermarks = new Watermarks(frames.zones());
    watermarks.setMinFree(options.minFreeKib(), options.hugePages());
    try {
      watermarks.apply();
    } catch (IllegalArgumentException e) {
      throw new BootException(String.valueOf(e.getMessage()));
    }
    MemoryReclaim reclaim =
        new MemoryReclaim(
            frames,
            new MappedCopier(offset),
            options.verifiedMoves(),
            plan.headerAddress() + offset + BankLayout.reclaimOffset());
    HostMemory host = new WindowPages(window, offset);
    HotMemory hot =
        headroom.hotMemory(
            frames,
            reclaim,
            watermarks,
            host,
            plan.headerAddress() + offset + layout.hotOffset(plan));
    logZones(frames.zones());
    notes.endStep("zones");
    KernelTables kernelTables = tables.buildPermanent(frames, headroom);
    BootReport.PageTables pageTables = TableStep.report(kernelTables, tables, notes);
    notes.endStep("tables");
    AddressRange heap = takeHeap(frames, presentBytes);
    notes.endStep("heap");
    long heapFrames = heap.byteSize() >>> Pages.PAGE_SHIFT;
    BootReport.Frames counts =
        new BootReport.Frames(
            totalBytes >>> Pages.PAGE_SHIFT,
            presentFrames,
            reservedFrames,
            plan.totalByteSize() >>> Pages.PAGE_SHIFT,
            frames.zones().managedFrames(),
            heapFrames,
            pageTables == null ? 0 : pageTables.fromAllocator(),
            frames.zones().freeFrames(-1),
            frames.zones().cachedFrames(-1));
    notes.line("frames: " + counts.managed() + " managed, " + counts.free() + " free");
    BootReport report =
        new BootReport(
            map.format(),
            architecture,
            counts,
            memoryRegions(),
            layout.report(plan),
            sections(plan),
            heap,
            pageTables,
            NodeRows.of(plan, frames, options.maxOrder()),
            ZoneRows.of(plan, new ZoneSpans(plan, borders), borders, frames, options.maxOrder()),
            borders.devices(),
            reservations.sorted(),
            notes.warnings(),
            notes.steps());
    MachineParts parts =
        new MachineParts(window, offset, frames, reclaim, watermarks, accounts, hot, kernelTables);
    return new Machine(parts, release, report);
  }

  /// Whole frames that no reservation touches.
  private long countFree() {
    long count = 0;
    for (long at = 0; memblock.nextFree(at, Memblock.NO_NODE); at = memblock.freeEnd()) {
      long start = Pages.alignUp(memblock.freeBase());
      long end = Pages.alignDown(memblock.freeEnd());
      count += start < end ? (end - start) >>> Pages.PAGE_SHIFT : 0;
    }
    return count;
  }

  // ---- mem_map ----

  private BankPlan placeMemMap(ZoneBorders borders, long frameCount) throws BootException {
    BankPlan plan = new BankPlan(memblock.memory(), borders);
    plan.setHeaderByteSize(layout.headerBytes(plan));
    for (int b = 0; b < plan.count(); b++) {
      plan.setSectionByteSize(b, layout.sectionBytes(plan, b));
    }
    notes.line(layout.describe(plan, frameCount));
    notes.line(
        "mem_map: "
            + BootNotes.bytes(plan.totalByteSize())
            + " for "
            + plan.count()
            + (plan.count() == 1 ? " bank" : " banks"));
    int failed = plan.place(memblock);
    if (failed >= 0) {
      throw new BootException(
          BootException.NO_ROOM_FOR_MEM_MAP
              + ": "
              + BootNotes.bytes(plan.nodeByteSize(failed))
              + " for node "
              + plan.nodeId(failed));
    }
    int nodes = plan.nodeCount();
    for (int n = 0; n < nodes && notes.isWanted(n, nodes, "mem_map"); n++) {
      notes.line("mem_map: " + BootNotes.text(plan.nodeRange(n)) + " for node " + plan.nodeId(n));
    }
    return plan;
  }

  /// The ids of the nodes that have RAM, or device memory too.
  private static int[] nodeIds(BankPlan plan, boolean withDevices) {
    boolean[] counts = new boolean[plan.nodeCount()];
    int count = 0;
    for (int b = 0; b < plan.count(); b++) {
      int n = plan.nodeIndex(b);
      if (!counts[n] && (withDevices || !plan.isDevice(b))) {
        counts[n] = true;
        count++;
      }
    }
    int[] ids = new int[count];
    int next = 0;
    for (int n = 0; n < counts.length; n++) {
      if (counts[n]) {
        ids[next++] = plan.nodeId(n);
      }
    }
    return ids;
  }

  // ---- Frames ----

  /// Gives all free frames to the banks.
  ///
  /// @return pairs of start and end of the frames that boot information alone holds
  private long[] handOver(
      ZonedFrames frames, BankPlan plan, Reservations reservations, Memblock rest) {
    memblock.retire();
    for (long at = 0; memblock.nextFree(at, Memblock.NO_NODE); at = memblock.freeEnd()) {
      long start = Pages.alignUp(memblock.freeBase());
      long end = Pages.alignDown(memblock.freeEnd());
      if (start < end) {
        addFrames(frames, plan, start >>> Pages.PAGE_SHIFT, end >>> Pages.PAGE_SHIFT);
        rest.reserve(start, end - start);
      }
    }
    for (int b = 0; b < plan.count(); b++) {
      if (plan.isDevice(b)) {
        frames.addFrames(plan.startPfn(b), plan.endPfn(b));
      }
    }
    RegionList memory = memblock.memory();
    for (int i = 0; i < memory.count(); i++) {
      rest.add(memory.base(i), memory.byteSize(i), 0, 0);
    }
    for (int i = 0; i < reservations.count(); i++) {
      if (!isReleasable(reservations.get(i))) {
        reserveOutward(rest, reservations.get(i).range());
      }
    }
    for (int n = 0; n < plan.nodeCount(); n++) {
      reserveOutward(rest, plan.nodeRange(n));
    }
    return freeRuns(rest, plan);
  }

  /// Gives free frames to the banks they lie in, which may touch.
  private static void addFrames(ZonedFrames frames, BankPlan plan, long start, long end) {
    for (long at = start; at < end; at = plan.endPfn(plan.bankOf(at))) {
      frames.addFrames(at, Math.min(end, plan.endPfn(plan.bankOf(at))));
    }
  }

  private static boolean isReleasable(ReservedRegion region) {
    return region.source() == Source.INITRD || region.source() == Source.BOOT_INFO;
  }

  private static void reserveOutward(Memblock rest, AddressRange range) {
    long start = range.base() & ~Pages.PAGE_MASK;
    long last = range.last() | Pages.PAGE_MASK;
    rest.reserve(start, last == -1L ? last - start : last - start + 1);
  }

  /// Free runs, cut where one bank ends and the next begins.
  private static long[] freeRuns(Memblock rest, BankPlan plan) {
    int count = 0;
    for (long at = 0; rest.nextFree(at, Memblock.NO_NODE); at = rest.freeEnd()) {
      int first = plan.bankOf(rest.freeBase() >>> Pages.PAGE_SHIFT);
      int last = plan.bankOf((rest.freeEnd() >>> Pages.PAGE_SHIFT) - 1);
      count += last - first + 1;
    }
    long[] runs = new long[2 * count];
    int next = 0;
    for (long at = 0; rest.nextFree(at, Memblock.NO_NODE); at = rest.freeEnd()) {
      long end = rest.freeEnd() >>> Pages.PAGE_SHIFT;
      for (long start = rest.freeBase() >>> Pages.PAGE_SHIFT; start < end; start = runs[next - 1]) {
        runs[next++] = start;
        runs[next++] = Math.min(end, plan.endPfn(plan.bankOf(start)));
      }
    }
    return runs;
  }

  private void logZones(ZoneSet zones) {
    for (int z = 0; z < zones.count() && notes.isWanted(z, zones.count(), "zone"); z++) {
      Zone zone = zones.zone(z);
      notes.line(
          "zone: node "
              + zone.nid()
              + " "
              + zone.type().label()
              + ", "
              + zone.managedFrames()
              + " frames managed, watermarks "
              + zone.minFrames()
              + " "
              + zone.lowFrames()
              + " "
              + zone.highFrames());
    }
  }

  private AddressRange takeHeap(ZonedFrames frames, long presentBytes) throws BootException {
    long wanted = Math.min(HEAP_MOST, Math.max(HEAP_LEAST, presentBytes / HEAP_SHARE));
    long frameCount = wanted >>> Pages.PAGE_SHIFT;
    // It stays for as long as the machine runs. Where the boot runs must make no difference.
    int node = frames.topology().nodeOfCpu(0);
    long pfn = frames.tryAllocateNear(node, frameCount, AllocationFlags.LONG);
    frames.zones().drainCaches();
    if (pfn < 0) {
      throw new BootException(
          BootException.NO_HEAP
              + ": "
              + frameCount
              + " consecutive frames of "
              + frames.zones().freeFrames(-1));
    }
    frames.zones().resetCounters();
    AddressRange heap = new AddressRange(pfn << Pages.PAGE_SHIFT, frameCount << Pages.PAGE_SHIFT);
    notes.line("heap: " + BootNotes.text(heap) + ", " + frameCount + " frames");
    return heap;
  }

  // ---- Report ----

  /// RAM as memblock has it, without the borders that reservations which must not be mapped draw.
  private MemoryRegion[] memoryRegions() {
    RegionList memory = memblock.memory();
    MemoryRegion[] merged = new MemoryRegion[memory.count()];
    int count = 0;
    for (int i = 0; i < merged.length; i++) {
      long base = memory.base(i);
      boolean hotpluggable = (memory.flags(i) & Memblock.HOTPLUG) != 0;
      MemoryRegion before = count == 0 ? null : merged[count - 1];
      if (before != null
          && before.range().end() == base
          && before.node() == memory.node(i)
          && before.hotpluggable() == hotpluggable) {
        base = before.range().base();
        count--;
      }
      AddressRange range = AddressRange.ofBounds(base, memory.end(i));
      merged[count++] = new MemoryRegion(range, memory.node(i), hotpluggable);
    }
    MemoryRegion[] regions = new MemoryRegion[count];
    System.arraycopy(merged, 0, regions, 0, count);
    return regions;
  }

  private static BootReport.MemMapSection[] sections(BankPlan plan) {
    BootReport.MemMapSection[] sections = new BootReport.MemMapSection[plan.nodeCount()];
    int[] bankCounts = new int[plan.nodeCount()];
    for (int b = 0; b < plan.count(); b++) {
      bankCounts[plan.nodeIndex(b)]++;
    }
    for (int n = 0; n < sections.length; n++) {
      sections[n] = new BootReport.MemMapSection(plan.nodeId(n), plan.nodeRange(n), bankCounts[n]);
    }
    return sections;
  }
}
