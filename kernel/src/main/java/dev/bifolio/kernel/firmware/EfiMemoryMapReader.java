package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.firmware.ReservedRegion.Source;
import dev.bifolio.kernel.unit.AddressRange;

/// Reads the memory map of UEFI as Multiboot 2 hands it over in its tag 17.
///
/// ```
///      0      4      8                      8 + stride
///      ┌──────┬──────┬──────────────────────┬─────────────── …
///      │stride│version│ descriptor 0        │ descriptor 1
///      └──────┴──────┴──────────────────────┴─────────────── …
///   descriptor:  0 type u32 · 8 physical u64 · 16 virtual u64 · 24 pages u64 · 32 attributes u64
/// ```
///
/// The stride is the firmware's: 48 as a rule, 40 at least, and never assumed. What a type means:
///
/// | type | memory | reserved, as |
/// |---|---|---|
/// | 7 conventional | yes | no |
/// | 3, 4 boot services | yes | `boot services`, only while boot services run |
/// | 1, 2 loader code and data | yes | `loader code`, `loader data`: kernel, modules and boot information may lie there |
/// | 9 ACPI tables | no | `ACPI reclaimable` |
/// | 10 ACPI NVS | no | `ACPI NVS` |
/// | 0, 5, 6, 8, 11 … 15, others | no | its name, or `type N` |
///
/// Types 1 … 4 and 7 with the attribute *specific purpose* are set aside by the firmware for a
/// driver; they are reserved and not memory, as Linux has it. The attribute *more reliable* is
/// ignored. A range of which the size does not fit 64 bits is cut at the end of the address space
/// with a warning. Source: UEFI 2.10, section 7.2.3.
public final class EfiMemoryMapReader {
  /// The fields that this reader uses end here; a smaller stride cannot be right.
  private static final int LEAST_STRIDE = 40;

  private static final int HEADER_BYTES = 8;
  private static final int EFI_PAGE_SHIFT = 12;
  private static final long MAX_PAGES = 1L << (64 - EFI_PAGE_SHIFT);
  private static final long ATTRIBUTE_SPECIFIC_PURPOSE = 0x4_0000L;

  private static final long LOADER_CODE = 1;
  private static final long LOADER_DATA = 2;
  private static final long BOOT_SERVICES_CODE = 3;
  private static final long BOOT_SERVICES_DATA = 4;
  private static final long CONVENTIONAL = 7;

  private EfiMemoryMapReader() {}

  /// Reads a map that was taken when boot services ended.
  ///
  /// @param bytes stride, version and descriptors, from address 0
  /// @param byteCount their size, up to [MemoryMap#MAX_FILE_BYTES]
  /// @return the map, of x86-64
  /// @throws MemoryMapException if the stride is impossible, the size is not a number of whole
  ///   descriptors, bytes are missing, or there are too many descriptors
  public static MemoryMap read(ByteView bytes, long byteCount) throws MemoryMapException {
    MemoryMapBuilder map = new MemoryMapBuilder("efi").architecture(Architecture.X86_64);
    addTo(map, bytes, 0, byteCount, false);
    return map.build();
  }

  /// Adds the descriptors of a map to a larger one.
  ///
  /// @param map receives them
  /// @param bytes holds the map
  /// @param address where it begins
  /// @param byteCount its size, unsigned
  /// @param bootServicesRun whether boot services still use their memory
  /// @throws MemoryMapException as [#read]
  static void addTo(
      MemoryMapBuilder map, ByteView bytes, long address, long byteCount, boolean bootServicesRun)
      throws MemoryMapException {
    long stride = strideOf(bytes, address, byteCount);
    if (bytes.u32le("EFI map", address + 4) != 1) {
      map.addWarning("EFI map: version " + bytes.u32le("EFI map", address + 4) + " is not 1");
    }
    for (long at = HEADER_BYTES, index = 0; at < byteCount; at += stride, index++) {
      String record = "EFI descriptor " + index;
      long place = address + at;
      bytes.require(record, place, LEAST_STRIDE);
      addDescriptor(map, bytes, place, bootServicesRun, record);
    }
  }

  /// Adds only what boot services still hold, for a map whose memory is stated elsewhere.
  ///
  /// @param map receives the reservations
  /// @param bytes holds the EFI map
  /// @param address where it begins
  /// @param byteCount its size, unsigned
  /// @throws MemoryMapException as [#read]
  static void addBootServicesTo(MemoryMapBuilder map, ByteView bytes, long address, long byteCount)
      throws MemoryMapException {
    long stride = strideOf(bytes, address, byteCount);
    for (long at = HEADER_BYTES, index = 0; at < byteCount; at += stride, index++) {
      String record = "EFI descriptor " + index;
      long place = address + at;
      bytes.require(record, place, LEAST_STRIDE);
      long type = bytes.u32le(record, place);
      if (type == BOOT_SERVICES_CODE || type == BOOT_SERVICES_DATA) {
        long byteSize = byteSizeOf(map, bytes, place, record);
        reserve(map, bytes, place, byteSize, "boot services", record);
      }
    }
  }

  private static long strideOf(ByteView bytes, long address, long byteCount)
      throws MemoryMapException {
    if (Long.compareUnsigned(byteCount, MemoryMap.MAX_FILE_BYTES) > 0) {
      throw new MemoryMapException("EFI map", address, "larger than 16 MiB");
    }
    if (byteCount < HEADER_BYTES) {
      throw new MemoryMapException("EFI map", address, "shorter than its header of 8 bytes");
    }
    long stride = bytes.u32le("EFI map", address);
    if (stride < LEAST_STRIDE) {
      throw new MemoryMapException(
          "EFI map", address, "descriptors of " + stride + " bytes, but 40 is the least");
    }
    long rest = (byteCount - HEADER_BYTES) % stride;
    if (rest != 0) {
      throw new MemoryMapException(
          "EFI map",
          address + byteCount - rest,
          "not a whole number of descriptors of " + stride + " bytes");
    }
    return stride;
  }

  private static void addDescriptor(
      MemoryMapBuilder map, ByteView bytes, long place, boolean bootServicesRun, String record)
      throws MemoryMapException {
    long type = bytes.u32le(record, place);
    long byteSize = byteSizeOf(map, bytes, place, record);
    if (!isMemory(type)) {
      reserve(map, bytes, place, byteSize, nameOf(type), record);
      return;
    }
    if ((bytes.u64le(record, place + 32) & ATTRIBUTE_SPECIFIC_PURPOSE) != 0) {
      reserve(map, bytes, place, byteSize, "specific purpose", record);
      return;
    }
    map.addMemory(
        bytes.u64le(record, place + 8), byteSize, MemoryRegion.NO_NODE, false, record, place);
    boolean loader = type == LOADER_CODE || type == LOADER_DATA;
    boolean services = type == BOOT_SERVICES_CODE || type == BOOT_SERVICES_DATA;
    if (loader || (services && bootServicesRun)) {
      reserve(map, bytes, place, byteSize, nameOf(type), record);
    }
  }

  private static long byteSizeOf(MemoryMapBuilder map, ByteView bytes, long place, String record)
      throws MemoryMapException {
    long base = bytes.u64le(record, place + 8);
    long pageCount = bytes.u64le(record, place + 24);
    if ((base & (1 << EFI_PAGE_SHIFT) - 1) != 0) {
      map.addWarning(record + ": " + AddressRange.hex(base) + " is not a multiple of 4 KiB");
    }
    if (Long.compareUnsigned(pageCount, MAX_PAGES) >= 0) {
      map.addWarning(
          record + ": " + Long.toUnsignedString(pageCount) + " pages pass 2^64; cut there");
      return base == 0 ? -1L : -base;
    }
    return pageCount << EFI_PAGE_SHIFT;
  }

  private static void reserve(
      MemoryMapBuilder map, ByteView bytes, long place, long byteSize, String name, String record)
      throws MemoryMapException {
    map.addReserved(
        bytes.u64le(record, place + 8),
        byteSize,
        name,
        Source.FIRMWARE,
        false,
        false,
        record,
        place);
  }

  private static boolean isMemory(long type) {
    return (type >= LOADER_CODE && type <= BOOT_SERVICES_DATA) || type == CONVENTIONAL;
  }

  private static String nameOf(long type) {
    return switch ((int) Math.min(type, Integer.MAX_VALUE)) {
      case 0 -> "reserved";
      case 1 -> "loader code";
      case 2 -> "loader data";
      case 3, 4 -> "boot services";
      case 5 -> "runtime code";
      case 6 -> "runtime data";
      case 8 -> "unusable";
      case 9 -> "ACPI reclaimable";
      case 10 -> "ACPI NVS";
      case 11 -> "memory-mapped I/O";
      case 12 -> "memory-mapped I/O ports";
      case 13 -> "PAL code";
      case 14 -> "persistent memory";
      case 15 -> "unaccepted";
      default -> "type " + type;
    };
  }
}
