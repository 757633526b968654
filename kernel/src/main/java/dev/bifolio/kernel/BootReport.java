package dev.bifolio.kernel;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.ZoneType;
import org.jspecify.annotations.Nullable;

/// What a boot found, decided and built, as it was when the boot ended; immutable.
///
/// Two equations hold: `managed = present - reserved - memMap` and `free = managed - heap - tables
/// - cached`, all in frames.
///
/// @param format of the memory map, see
///   [MemoryMap#format()][dev.bifolio.kernel.firmware.MemoryMap#format()]
/// @param architecture the kind of machine, null if nobody said
/// @param frames how many of which kind
/// @param memory the RAM that the machine uses, the loader's part included, in whole frames; sorted
/// @param allocator which frame allocators run the memory, and what they cost
/// @param memMapSections where the frame metadata lie, one row a node
/// @param heap the kernel heap
/// @param pageTables the permanent page tables, null if the machine has none
/// @param nodes one row a NUMA node, in ascending order
/// @param zones one row for each node and each type of zone that the machine has, in this order
/// @param devices the memory in DEVICE zones, as it was given; sorted by base
/// @param reservations all that were made, with the places found for dynamic ones; sorted by base
/// @param warnings of the map and of the boot, one line each
/// @param steps the boot's steps in order
public record BootReport(
    String format,
    @Nullable Architecture architecture,
    Frames frames,
    @SuppressWarnings("ArrayRecordComponent") MemoryRegion[] memory, // copied out
    Allocator allocator,
    @SuppressWarnings("ArrayRecordComponent") MemMapSection[] memMapSections, // copied out
    AddressRange heap,
    @Nullable PageTables pageTables,
    @SuppressWarnings("ArrayRecordComponent") NodeRow[] nodes, // copied out
    @SuppressWarnings("ArrayRecordComponent") ZoneRow[] zones, // copied out
    @SuppressWarnings("ArrayRecordComponent") DeviceMemory[] devices, // copied out
    @SuppressWarnings("ArrayRecordComponent") ReservedRegion[] reservations, // copied out
    @SuppressWarnings("ArrayRecordComponent") String[] warnings, // copied out
    @SuppressWarnings("ArrayRecordComponent") Step[] steps) { // copied out

  /// Counts of frames.
  ///
  /// @param total whole frames of RAM that the map and the loader state
  /// @param present those of them that the machine can use; less than `total` only where an
  ///   architecture cannot address all RAM
  /// @param reserved present frames that a reservation touches
  /// @param memMap frames that hold the frame metadata
  /// @param managed frames handed over to the frame allocators
  /// @param heap frames of the kernel heap
  /// @param tables frames of the permanent page tables; the pool of the temporary ones is among the
  ///   reserved
  /// @param free frames that were free when the boot ended
  /// @param cached frames that waited in caches then: none, as a boot ends with empty caches
  public record Frames(
      long total,
      long present,
      long reserved,
      long memMap,
      long managed,
      long heap,
      long tables,
      long free,
      long cached) {}

  /// The frame allocators, one a bank.
  ///
  /// @param kind which one
  /// @param cpuCount for how many CPUs there are caches, 0 for an allocator without
  /// @param byteSize what they need to know of the frames, caches included
  /// @param zoneByteSize of the words of zones, reclaim and accounts
  /// @param infoByteSize of the words for the layers above,
  ///   [FrameInfo][dev.bifolio.kernel.frame.FrameInfo]
  public record Allocator(
      BootOptions.AllocatorKind kind,
      int cpuCount,
      long byteSize,
      long zoneByteSize,
      long infoByteSize) {
    /// What the allocators need for each frame.
    ///
    /// @param frameCount frames of RAM
    /// @return hundredths of a bit, rounded up
    public long centibitsPerFrame(long frameCount) {
      return (byteSize * 800 + frameCount - 1) / frameCount;
    }
  }

  /// The part of mem_map that describes one node.
  ///
  /// @param node whose frames it describes
  /// @param range whole frames
  /// @param bankCount how many banks the node's RAM is cut into
  public record MemMapSection(int node, AddressRange range, int bankCount) {}

  /// One NUMA node.
  ///
  /// @param node its id; RAM without one belongs to node 0
  /// @param startPfn its first frame of RAM
  /// @param endPfn behind its last frame of RAM
  /// @param present frames of RAM in it
  /// @param managed frames handed over to the frame allocators
  /// @param free frames that were free when the boot ended
  /// @param freeBlocks free blocks by order, 0 … maxOrder
  public record NodeRow(
      int node,
      long startPfn,
      long endPfn,
      long present,
      long managed,
      long free,
      @SuppressWarnings("ArrayRecordComponent") long[] freeBlocks) { // copied out
    /// Frames from the first to the last, holes counted.
    ///
    /// @return a count
    public long spanned() {
      return endPfn - startPfn;
    }

    /// Free blocks by order.
    ///
    /// @return a copy
    @Override
    public long[] freeBlocks() {
      return freeBlocks.clone();
    }
  }

  /// One zone of a node, with memory or without.
  ///
  /// @param node its node's id
  /// @param type what reaches it
  /// @param startPfn the first frame it spans, 0 if it spans none
  /// @param endPfn behind the last frame it spans
  /// @param present frames of memory in it
  /// @param managed frames handed over to the frame allocators
  /// @param free frames that were free when the boot ended
  /// @param min watermark, in frames
  /// @param low watermark, in frames
  /// @param high watermark, in frames
  /// @param protection the lowmem reserve against requests for each type that the machine has
  /// @param freeBlocks free blocks by order, 0 … maxOrder; none if there is no memory
  public record ZoneRow(
      int node,
      ZoneType type,
      long startPfn,
      long endPfn,
      long present,
      long managed,
      long free,
      long min,
      long low,
      long high,
      @SuppressWarnings("ArrayRecordComponent") long[] protection, // copied out
      @SuppressWarnings("ArrayRecordComponent") long[] freeBlocks) { // copied out
    /// Frames from the first to the last, holes counted.
    ///
    /// @return a count
    public long spanned() {
      return endPfn - startPfn;
    }

    /// The lowmem reserve by type.
    ///
    /// @return a copy
    @Override
    public long[] protection() {
      return protection.clone();
    }

    /// Free blocks by order.
    ///
    /// @return a copy
    @Override
    public long[] freeBlocks() {
      return freeBlocks.clone();
    }
  }

  /// The permanent page tables.
  ///
  /// @param format how they are written, see
  ///   [PageFormat#name()][dev.bifolio.kernel.table.PageFormat#name()]
  /// @param root the physical address of the root; of the lower half, where there are two
  /// @param upperRoot of the upper half's root, [#NO_ROOT] where there is one for both
  /// @param tables frames of the tree, roots included
  /// @param pages how many pages are mapped of each size, from the smallest on
  /// @param pageByteSizes the sizes
  /// @param directMapBase where the direct map begins
  /// @param physicalBase the physical address that the direct map begins with
  /// @param temporaryTables frames of the pool that the temporary tables took, until the permanent
  ///   ones were there
  /// @param fromAllocator frames of the permanent ones that came from the frame allocators; the
  ///   others are the pool's
  public record PageTables(
      String format,
      long root,
      long upperRoot,
      long tables,
      @SuppressWarnings("ArrayRecordComponent") long[] pages, // copied out
      @SuppressWarnings("ArrayRecordComponent") long[] pageByteSizes, // copied out
      long directMapBase,
      long physicalBase,
      long temporaryTables,
      long fromAllocator) {
    /// There is no second root.
    public static final long NO_ROOT = -1;

    /// Bytes of the tables.
    ///
    /// @return a multiple of 4096
    public long byteSize() {
      return tables << Pages.PAGE_SHIFT;
    }

    /// How many pages are mapped of each size.
    ///
    /// @return a copy
    @Override
    public long[] pages() {
      return pages.clone();
    }

    /// The sizes of pages.
    ///
    /// @return a copy, ascending
    @Override
    public long[] pageByteSizes() {
      return pageByteSizes.clone();
    }

    /// How many tables there are, and pages of which sizes.
    ///
    /// @return a text without a line end
    public String describe() {
      StringBuilder text = new StringBuilder(format);
      text.append(", ").append(tables).append(tables == 1 ? " table (" : " tables (");
      text.append(AddressRange.sizeText(byteSize())).append("), pages:");
      String comma = " ";
      for (int level = pages.length - 1; level >= 0; level--) {
        if (pages[level] > 0) {
          text.append(comma).append(pages[level]).append(" of ");
          text.append(AddressRange.sizeText(pageByteSizes[level]));
          comma = ", ";
        }
      }
      return text.toString();
    }
  }

  /// One step of the boot.
  ///
  /// @param name a short name
  /// @param nanos elapsed time
  public record Step(String name, long nanos) {}

  /// All of mem_map in bytes.
  ///
  /// @return the sum of the sections, a multiple of 4096
  public long memMapByteSize() {
    long sum = 0;
    for (MemMapSection section : memMapSections) {
      sum += section.range().byteSize();
    }
    return sum;
  }

  /// The RAM.
  ///
  /// @return a copy
  @Override
  public MemoryRegion[] memory() {
    return memory.clone();
  }

  /// Where the frame metadata lie.
  ///
  /// @return a copy
  @Override
  public MemMapSection[] memMapSections() {
    return memMapSections.clone();
  }

  /// The NUMA nodes.
  ///
  /// @return a copy
  @Override
  public NodeRow[] nodes() {
    return nodes.clone();
  }

  /// The zones.
  ///
  /// @return a copy
  @Override
  public ZoneRow[] zones() {
    return zones.clone();
  }

  /// The device memory.
  ///
  /// @return a copy
  @Override
  public DeviceMemory[] devices() {
    return devices.clone();
  }

  /// What a frame of a DEVICE zone is: whose, and whether it keeps its content.
  ///
  /// @param pfn any frame
  /// @return null if it is no device memory
  public @Nullable DeviceMemory deviceAt(long pfn) {
    for (DeviceMemory device : devices) {
      if (pfn >= device.startPfn() && pfn < device.endPfn()) {
        return device;
      }
    }
    return null;
  }

  /// The reservations.
  ///
  /// @return a copy
  @Override
  public ReservedRegion[] reservations() {
    return reservations.clone();
  }

  /// How many warnings there are.
  ///
  /// @return 0 or more
  public int warningCount() {
    return warnings.length;
  }

  /// One warning.
  ///
  /// @param index 0 … [#warningCount()] - 1
  /// @return one line
  public String warning(int index) {
    return warnings[index];
  }

  /// The warnings.
  ///
  /// @return a copy
  @Override
  public String[] warnings() {
    return warnings.clone();
  }

  /// The steps.
  ///
  /// @return a copy
  @Override
  public Step[] steps() {
    return steps.clone();
  }
}
