package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.BankCuts;
import dev.bifolio.kernel.boot.RegionList;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.ZoneType;
import org.jspecify.annotations.Nullable;

/// Which types of zones a machine has, and where each begins and ends.
///
/// # Overview
///
/// The kind of machine decides, as in Linux (arch/*/mm/init.c); ends are exclusive:
///
/// ```
///             DMA                    DMA32           NORMAL          HIGHMEM
///   x86-64    16 MiB                 4 GiB           the rest        -
///   i386      16 MiB                 -               896 MiB         the rest
///   aarch64   4 GiB, or narrower     4 GiB           the rest        -
///   arm       only where narrower    -               RAM + 768 MiB   the rest
///   riscv64   -                      4 GiB           the rest        -
///   riscv32   -                      -               all             -
///   unknown   -                      -               all             -
/// ```
///
/// - *narrower* is [MemoryMap#dmaLimit()], what the narrowest bus of a device tree reaches. Where
///   all RAM of an aarch64 machine lies above 4 GiB, there is nothing that 32-bit devices could
///   have, and DMA is all RAM up to that limit (arm64_dma_phys_limit).
/// - 768 MiB is what a kernel that begins at 3 GiB of its space maps at all times, less 248 MiB for
///   its own mappings; it counts from the first RAM, in steps of 2 MiB.
/// - A border that is no whole number of areas (512 frames) is moved down to one, so that no area
///   lies in two zones; every fixed border is one. So DMA never reaches too far.
/// - MOVABLE is the top of each node, by [BootOptions#withMovable] and
///   [BootOptions#withMovableHotplug] ([MovableSplit]). DEVICE is what
///   [BootOptions#withDeviceMemory] names, wherever it lies.
/// - A type that the machine has exists in every node, with memory or without.
///
/// One thread makes it, at boot; any may read it.
final class ZoneBorders implements BankCuts {
  private static final long DMA_END = 16 * Pages.MIB;
  private static final long END_OF_32_BITS = 4 * Pages.GIB;
  private static final long I386_LOW_MEMORY = 896 * Pages.MIB;
  private static final long ARM_LOW_MEMORY = 768 * Pages.MIB;
  private static final long NO_END = Long.MAX_VALUE;
  private static final long AREA_BYTES = 2 * Pages.MIB;

  private static final int DMA = ZoneType.DMA.index();
  private static final int DMA32 = ZoneType.DMA32.index();
  private static final int NORMAL = ZoneType.NORMAL.index();
  private static final int HIGHMEM = ZoneType.HIGHMEM.index();
  private static final int MOVABLE = ZoneType.MOVABLE.index();
  private static final int DEVICE = ZoneType.DEVICE.index();

  private final boolean[] exists = new boolean[ZoneType.COUNT];

  /// By type, of those that are told by address alone; a type without memory ends where the one
  /// before it does.
  private final long[] endPfn = new long[MOVABLE];

  private final DeviceMemory[] devices;
  private final Headroom headroom;
  private final MovableSplit movable;

  private ZoneBorders(
      @Nullable Architecture architecture,
      long dmaLimit,
      RegionList memory,
      BootOptions options,
      DeviceMemory[] devices,
      Headroom headroom) {
    this.devices = devices;
    this.headroom = headroom;
    exists[NORMAL] = true;
    exists[MOVABLE] = true;
    exists[DEVICE] = true;
    long firstByte = memory.count() == 0 ? 0 : memory.base(0);
    setEnds(architecture, dmaLimit, firstByte);
    long end = 0;
    for (int type = DMA; type < MOVABLE; type++) {
      end = Math.max(end, endPfn[type]);
      endPfn[type] = end;
    }
    this.movable = new MovableSplit(memory, options, startPfn(highestWithRam(memory)));
  }

  /// The borders of a machine.
  ///
  /// @param map for what the narrowest bus reaches
  /// @param architecture null if it is not known
  /// @param memory RAM, in whole frames
  /// @param options for movable and device memory
  /// @throws BootException if device memory overlaps RAM or other device memory
  static ZoneBorders of(
      MemoryMap map, @Nullable Architecture architecture, RegionList memory, BootOptions options)
      throws BootException {
    return of(map, architecture, memory, options, Headroom.NONE);
  }

  /// The borders of a machine to which memory may be added.
  ///
  /// @param headroom behind all RAM and device memory
  static ZoneBorders of(
      MemoryMap map,
      @Nullable Architecture architecture,
      RegionList memory,
      BootOptions options,
      Headroom headroom)
      throws BootException {
    DeviceMemory[] devices = DevicePlaces.sorted(options.deviceMemory(), memory);
    return new ZoneBorders(architecture, map.dmaLimit(), memory, options, devices, headroom);
  }

  private void setEnds(@Nullable Architecture architecture, long dmaLimit, long firstByte) {
    switch (architecture) {
      case X86_64 -> {
        end(DMA, DMA_END);
        end(DMA32, END_OF_32_BITS);
        end(NORMAL, NO_END);
      }
      case I386 -> {
        end(DMA, DMA_END);
        end(NORMAL, I386_LOW_MEMORY);
        end(HIGHMEM, NO_END);
      }
      case AARCH64 -> {
        boolean reaches = firstByte < END_OF_32_BITS - 1;
        end(DMA, reaches ? Math.min(dmaLimit, END_OF_32_BITS) : dmaLimit);
        end(DMA32, END_OF_32_BITS);
        end(NORMAL, NO_END);
      }
      case ARM -> {
        long lowMemory = Pages.alignDown(firstByte, AREA_BYTES) + ARM_LOW_MEMORY;
        if (dmaLimit != MemoryMap.NO_DMA_LIMIT) {
          end(DMA, Math.min(dmaLimit, lowMemory));
        }
        end(NORMAL, lowMemory);
        end(HIGHMEM, NO_END);
      }
      case RISCV64 -> {
        end(DMA32, END_OF_32_BITS);
        end(NORMAL, NO_END);
      }
      case RISCV32 -> end(NORMAL, NO_END);
      case null -> end(NORMAL, NO_END);
    }
  }

  private void end(int type, long address) {
    exists[type] = true;
    endPfn[type] =
        address == NO_END ? NO_END : Pages.alignDown(address, AREA_BYTES) >>> Pages.PAGE_SHIFT;
  }

  private int highestWithRam(RegionList memory) {
    return memory.count() == 0
        ? NORMAL
        : fixedTypeAt((memory.end(memory.count() - 1) >>> Pages.PAGE_SHIFT) - 1);
  }

  private int fixedTypeAt(long pfn) {
    int type = DMA;
    while (pfn >= endPfn[type]) {
      type++;
    }
    return type;
  }

  /// Whether the machine's nodes have a type of zone, be it empty.
  boolean exists(ZoneType type) {
    return exists[type.index()];
  }

  /// Which types the machine's nodes have, by [ZoneType#index()].
  boolean[] existing() {
    return exists.clone();
  }

  /// The first frame that can be of a type which is told by address alone.
  ///
  /// @param type DMA … HIGHMEM, as a number
  long startPfn(int type) {
    return type == DMA ? 0 : endPfn[type - 1];
  }

  /// Behind the last frame that can be of such a type; its start if there can be none, and
  /// [Long#MAX_VALUE] if nothing is behind it.
  ///
  /// @param type DMA … HIGHMEM, as a number
  long endPfn(int type) {
    return endPfn[type];
  }

  /// The first frame of a node's MOVABLE zone, [Long#MAX_VALUE] if it is empty.
  long movableStartPfn(int node) {
    return movable.startPfn(node);
  }

  /// Whether any node has MOVABLE memory.
  boolean hasMovable() {
    return movable.isAny();
  }

  /// A range of device memory, by its place in the order of addresses.
  DeviceMemory device(int index) {
    return devices[index];
  }

  /// All device memory, in the order of addresses.
  DeviceMemory[] devices() {
    return devices.clone();
  }

  // ---- What cuts banks ----

  @Override
  public int typeAt(int node, long pfn) {
    return pfn >= movableStart(node) ? MOVABLE : fixedTypeAt(pfn);
  }

  @Override
  public long borderAfter(int node, long pfn) {
    long start = movableStart(node);
    return pfn >= start ? NO_END : Math.min(start, endPfn[fixedTypeAt(pfn)]);
  }

  /// The headroom is behind all RAM, so both are tops of the node.
  private long movableStart(int node) {
    return Math.min(movable.startPfn(node), headroom.movableStartPfn());
  }

  @Override
  public long headroomStartPfn() {
    return headroom.startPfn();
  }

  @Override
  public long headroomEndPfn() {
    return headroom.endPfn();
  }

  @Override
  public int headroomNode() {
    return headroom.node();
  }

  @Override
  public boolean isForMetadata(int type) {
    return type < MOVABLE;
  }

  @Override
  public int deviceCount() {
    return devices.length;
  }

  @Override
  public long deviceStartPfn(int device) {
    return devices[device].startPfn();
  }

  @Override
  public long deviceEndPfn(int device) {
    return devices[device].endPfn();
  }

  @Override
  public int deviceNode(int device) {
    return devices[device].node();
  }

  @Override
  public int deviceType() {
    return DEVICE;
  }
}
