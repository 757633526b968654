package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.Memblock;
import dev.bifolio.kernel.boot.RegionList;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// The RAM of a map and of the loader: where it begins and ends, and its way into memblock.
///
/// The span is known before memblock is, because memblock must know at which distance physical
/// memory is mapped. Device memory widens it, for it is mapped too. RAM that no window can span,
/// 2^46 bytes from the first byte to the last, is refused by name.
///
/// On a PC the first frame and [640 KiB, 1 MiB) are no RAM, even where the map says so: frames of
/// theirs are not *present* (Linux: trim_bios_range). The rest of the first MiB is RAM and
/// reserved.
final class RamSpan {
  /// Where the address space of a 32-bit x86 machine ends.
  private static final long I386_END = 4 * Pages.GIB;

  /// What PC firmware keeps its own data in, whatever its map says of it.
  private static final AddressRange PC_FIRST_FRAME = new AddressRange(0, Pages.PAGE_SIZE);

  /// Where a PC has its display memory and firmware, never RAM.
  private static final AddressRange PC_HOLE = AddressRange.ofBounds(0xA_0000L, Pages.MIB);

  private final MemoryMap map;
  private final AddressRange[] loaderMemory;
  private final boolean cutAt4Gib;
  private final boolean isPc;
  private final long base;
  private final long byteSize;

  private RamSpan(
      MemoryMap map,
      AddressRange[] loaderMemory,
      @Nullable Architecture architecture,
      long base,
      long byteSize) {
    this.map = map;
    this.loaderMemory = loaderMemory;
    this.cutAt4Gib = architecture == Architecture.I386;
    this.isPc = cutAt4Gib || architecture == Architecture.X86_64;
    this.base = base;
    this.byteSize = byteSize;
  }

  static RamSpan of(MemoryMap map, BootOptions options, @Nullable Architecture architecture)
      throws BootException {
    boolean cut = architecture == Architecture.I386;
    AddressRange[] loaderMemory = options.loaderMemory();
    int count = map.memoryCount() + loaderMemory.length;
    AddressRange lowest = null;
    AddressRange highest = null;
    for (int i = 0; i < count; i++) {
      AddressRange range = range(map, loaderMemory, i);
      if (cut && Long.compareUnsigned(range.base(), I386_END) >= 0) {
        continue;
      }
      if (lowest == null || Long.compareUnsigned(range.base(), lowest.base()) < 0) {
        lowest = range;
      }
      if (highest == null || Long.compareUnsigned(range.last(), highest.last()) > 0) {
        highest = range;
      }
    }
    if (lowest == null || highest == null) {
      throw noRam(map, count > 0);
    }
    long last = highest.last();
    if (cut && Long.compareUnsigned(last, I386_END) >= 0) {
      last = I386_END - 1;
    }
    last |= Pages.PAGE_MASK;
    for (DeviceMemory device : options.deviceMemory()) {
      AddressRange range = device.range();
      if (cut && range.last() >= I386_END) {
        throw new BootException(device.describe() + " is out of reach on i386");
      }
      lowest = Long.compareUnsigned(range.base(), lowest.base()) < 0 ? range : lowest;
      if (Long.compareUnsigned(range.last(), last) > 0) {
        highest = range;
        last = range.last();
      }
    }
    long base = Pages.alignDown(lowest.base());
    // An end of 2^63, which is signed the least number, is no address that a frame may end at.
    if (lowest.base() < 0 || last + 1 <= 0 || last - base >= Window.MAX_BYTE_SIZE) {
      throw new BootException(
          "RAM "
              + highest
              + " is out of reach: a machine spans at most 2^46 bytes (64 TiB) below 2^63, and its"
              + " RAM begins at "
              + AddressRange.hex(lowest.base()));
    }
    return new RamSpan(map, loaderMemory, architecture, base, last - base + 1);
  }

  private static AddressRange range(MemoryMap map, AddressRange[] loaderMemory, int index) {
    int fromMap = map.memoryCount();
    return index < fromMap ? map.memory(index).range() : loaderMemory[index - fromMap];
  }

  private static BootException noRam(MemoryMap map, boolean allAbove4Gib) {
    String text =
        map.format().equals("fdt") ? BootException.NO_RAM_IN_DTB : BootException.NO_RAM_IN_MAP;
    return new BootException(
        allAbove4Gib ? text + ": all of it lies above 4 GiB, out of reach on i386" : text);
  }

  /// The first frame's address.
  long base() {
    return base;
  }

  /// Bytes from the first frame to the end of the last.
  long byteSize() {
    return byteSize;
  }

  /// Adds all RAM to memblock, in whole frames, and cuts off what the architecture cannot address.
  ///
  /// @return bytes of RAM before the cut
  long addTo(Memblock memblock, BootNotes notes) throws BootException {
    for (int i = 0; i < map.memoryCount(); i++) {
      MemoryRegion region = map.memory(i);
      int node = Math.max(0, region.node());
      int flags = region.hotpluggable() ? Memblock.HOTPLUG : 0;
      memblock.add(region.range().base(), region.range().byteSize(), node, flags);
    }
    for (AddressRange range : loaderMemory) {
      memblock.add(range.base(), range.byteSize(), 0, 0);
    }
    memblock.trim(Pages.PAGE_SIZE);
    RegionList memory = memblock.memory();
    long totalBytes = memory.totalBytes();
    if (isPc) {
      memblock.remove(PC_FIRST_FRAME.base(), PC_FIRST_FRAME.byteSize());
      memblock.remove(PC_HOLE.base(), PC_HOLE.byteSize());
    }
    boolean cutAll = false;
    if (cutAt4Gib) {
      long below = memory.totalBytes();
      memblock.remove(I386_END, -1L);
      long cutBytes = below - memory.totalBytes();
      cutAll = cutBytes != 0 && memory.count() == 0;
      if (cutBytes != 0) {
        notes.warning(
            "RAM above 4 GiB is out of reach on i386: "
                + BootNotes.bytes(cutBytes)
                + " are left out");
      }
    }
    if (memory.count() == 0) {
      throw noRam(map, cutAll);
    }
    for (int i = 0; i < memory.count() && notes.isWanted(i, memory.count(), "RAM"); i++) {
      AddressRange range = new AddressRange(memory.base(i), memory.byteSize(i));
      boolean hotpluggable = (memory.flags(i) & Memblock.HOTPLUG) != 0;
      notes.line(
          "RAM: "
              + BootNotes.text(range)
              + ", node "
              + memory.node(i)
              + (hotpluggable ? ", hotpluggable" : ""));
    }
    return totalBytes;
  }
}
