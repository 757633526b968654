package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.firmware.ReservedRegion.Source;

/// What an entry of a PC memory map means, whichever loader hands it over: E820 and both versions
/// of Multiboot use the same numbers (ACPI 6.5, section 15.1, table 15.4).
final class E820Entry {
  /// RAM. Every other type is a reservation.
  static final long RAM = 1;

  /// What Linux calls memory that the firmware keeps for a driver. Not an ACPI number.
  private static final long SOFT_RESERVED = 0xEFFF_FFFFL;

  private E820Entry() {}

  /// Adds one entry: type 1 is memory, everything else is reserved under the name of its type.
  ///
  /// @param map receives it
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned
  /// @param type as stated, 0 … 2^32 - 1
  /// @param record where it is stated, for messages
  /// @param offset where it is stated, in bytes
  /// @throws MemoryMapException if there are too many entries
  static void add(
      MemoryMapBuilder map, long base, long byteSize, long type, String record, long offset)
      throws MemoryMapException {
    if (type == RAM) {
      map.addMemory(base, byteSize, MemoryRegion.NO_NODE, false, record, offset);
    } else {
      map.addReserved(base, byteSize, nameOf(type), Source.FIRMWARE, false, false, record, offset);
    }
  }

  /// The name of a type that is not RAM.
  ///
  /// @param type 0 … 2^32 - 1
  /// @return `type N` for a number that no standard explains
  static String nameOf(long type) {
    if (type == SOFT_RESERVED) {
      return "soft reserved";
    }
    return switch ((int) Math.min(type, Integer.MAX_VALUE)) {
      case 2 -> "reserved";
      case 3 -> "ACPI reclaimable";
      case 4 -> "ACPI NVS";
      case 5 -> "unusable";
      case 6 -> "disabled";
      // 12 is what firmware used before ACPI gave out 7.
      case 7, 12 -> "persistent memory";
      case 8 -> "unaccepted";
      default -> "type " + type;
    };
  }
}
