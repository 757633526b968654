package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.firmware.ReservedRegion.Source;

/// What both versions of Multiboot say in the same way.
final class MultibootMemory {
  private static final long KIB = 1024;
  private static final long ONE_MIB = 1L << 20;

  /// Where conventional memory of a PC ends at the latest.
  private static final long MAX_LOWER_KIB = 640;

  private MultibootMemory() {}

  /// Adds memory from the two sizes, for loaders that give no map. They count KiB from 0 and from 1
  /// MiB up to the first hole, so they know nothing of memory behind it.
  ///
  /// @param map receives it
  /// @param lowerKib KiB from address 0
  /// @param upperKib KiB from 1 MiB
  /// @param record for messages
  /// @param offset for messages
  /// @throws MemoryMapException if there are too many entries
  static void addFromSizes(
      MemoryMapBuilder map, long lowerKib, long upperKib, String record, long offset)
      throws MemoryMapException {
    if (lowerKib > MAX_LOWER_KIB) {
      map.addWarning(record + ": " + lowerKib + " KiB of lower memory; cut at 640 KiB");
    }
    long lower = Math.min(lowerKib, MAX_LOWER_KIB) * KIB;
    map.addMemory(0, lower, MemoryRegion.NO_NODE, false, record, offset);
    map.addMemory(ONE_MIB, upperKib * KIB, MemoryRegion.NO_NODE, false, record, offset);
    map.addWarning(record + ": no memory map; memory behind the first hole is unknown");
  }

  /// Reserves a frame buffer; without lines or bytes in a line there is none.
  ///
  /// @param map receives it
  /// @param memory holds the fields
  /// @param fields where address, pitch, width and height lie in a row
  /// @param record for messages
  /// @throws MemoryMapException if a field is missing or there are too many entries
  static void addFramebuffer(MemoryMapBuilder map, ByteView memory, long fields, String record)
      throws MemoryMapException {
    long base = memory.u64le(record, fields);
    long pitch = memory.u32le(record, fields + 8);
    long height = memory.u32le(record, fields + 16);
    if (pitch != 0 && height != 0) {
      map.addReserved(
          base, pitch * height, "framebuffer", Source.FIRMWARE, false, false, record, fields);
    }
  }

  /// Adds a module.
  ///
  /// @param map receives it
  /// @param start first byte
  /// @param end the byte behind the last
  /// @param commandLine its words
  /// @param record for messages
  /// @param offset for messages
  /// @throws MemoryMapException if it ends before it starts or there are too many
  static void addModule(
      MemoryMapBuilder map, long start, long end, String commandLine, String record, long offset)
      throws MemoryMapException {
    if (end < start) {
      throw new MemoryMapException(record, offset, "the module ends before it starts");
    }
    map.addModule(new BootModule(start, end - start, commandLine), record, offset);
  }
}
