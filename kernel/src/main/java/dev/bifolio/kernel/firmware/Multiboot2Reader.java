package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.firmware.ReservedRegion.Source;

/// Reads what a Multiboot 2 loader leaves in memory for the kernel.
///
/// ```
///   register EBX ──> total size │ 0 │ tag │ tag │ … │ end tag
///                                     ▲     ▲
///                                     └─────┴─ each begins at a multiple of 8
///   tag: type u32 │ size u32 (header included, padding not) │ payload
/// ```
///
/// Everything lies in one extent, so one reservation (boot information) covers it; only modules lie
/// elsewhere. Rules:
///
/// 1. Memory comes from the memory map (tag 6); without one from the EFI map (tag 17); without
///    either from the sizes (tag 4). With EFI, the sizes end at the first hole: 7 MiB on a machine
///    of 8 GiB.
/// 2. Tag 18 says that boot services still run: what the EFI map gives them stays reserved, even
///    when the memory comes from tag 6.
/// 3. A tag shorter than its kind, or one that passes the total size, is refused; a tag of an
///    unknown type is passed over. A missing end tag leaves a warning.
/// 4. The copies of the ACPI root pointer (tags 14 and 15) are checked; a wrong sum leaves a
///    warning.
///
/// Source: Multiboot2 Specification 2.0, section 3.6.
public final class Multiboot2Reader {
  private static final int END = 0;
  private static final int COMMAND_LINE = 1;
  private static final int LOADER_NAME = 2;
  private static final int MODULE = 3;
  private static final int SIZES = 4;
  private static final int MAP = 6;
  private static final int FRAMEBUFFER = 8;
  private static final int ACPI_OLD = 14;
  private static final int ACPI_NEW = 15;
  private static final int EFI_MAP = 17;
  private static final int EFI_SERVICES_RUN = 18;

  private static final int HEADER_BYTES = 8;
  private static final int TAG_ALIGNMENT = 8;
  private static final int MAP_HEADER_BYTES = 16;
  private static final int LEAST_MAP_ENTRY = 24;
  private static final int OLD_ROOT_BYTES = 20;
  private static final int NEW_ROOT_BYTES = 36;

  private final ByteView memory;
  private final long info;
  private final long totalByteSize;
  private final MultibootText text;
  private final MemoryMapBuilder map;

  // What the first walk finds; the second walk decides by it.
  private boolean mapSeen;
  private boolean efiMapSeen;
  private boolean bootServicesRun;
  private long moduleIndex;

  private Multiboot2Reader(ByteView memory, long info) throws MemoryMapException {
    this.memory = memory;
    this.info = info;
    this.totalByteSize = memory.u32le("Multiboot information", info);
    this.text = new MultibootText(memory);
    this.map = new MemoryMapBuilder("multiboot2").architecture(Architecture.X86_64);
  }

  /// Reads a machine's memory as the loader left it.
  ///
  /// @param memory the memory, by physical address
  /// @param infoAddress where the information structure is: EBX at entry, a multiple of 8
  /// @return the map, of x86-64
  /// @throws MemoryMapException if a tag is not wholly in `memory` or cannot be right; the offset
  ///   is a physical address
  public static MemoryMap read(ByteView memory, long infoAddress) throws MemoryMapException {
    return new Multiboot2Reader(memory, infoAddress).read();
  }

  private MemoryMap read() throws MemoryMapException {
    if ((info & TAG_ALIGNMENT - 1) != 0) {
      throw new MemoryMapException("Multiboot information", info, "not at a multiple of 8");
    }
    if (totalByteSize < HEADER_BYTES || totalByteSize > MemoryMap.MAX_FILE_BYTES) {
      throw new MemoryMapException(
          "Multiboot information", info, "total size " + totalByteSize + " bytes");
    }
    memory.require("Multiboot information", info, totalByteSize);
    map.addReserved(
        info,
        totalByteSize,
        "Multiboot information",
        Source.BOOT_INFO,
        false,
        false,
        "Multiboot information",
        info);
    walk(true);
    walk(false);
    if (map.memoryCount() == 0 && !mapSeen && !efiMapSeen) {
      map.addWarning("Multiboot information: neither a memory map nor memory sizes");
    }
    return map.build();
  }

  /// Goes over the tags: once to learn what there is, once to read it.
  private void walk(boolean survey) throws MemoryMapException {
    long at = HEADER_BYTES;
    long index = 0;
    while (at < totalByteSize) {
      String record = "tag " + index;
      if (totalByteSize - at < HEADER_BYTES) {
        throw new MemoryMapException(record, info + at, "passes the total size");
      }
      long type = memory.u32le(record, info + at);
      long byteSize = memory.u32le(record, info + at + 4);
      if (byteSize < HEADER_BYTES || byteSize > totalByteSize - at) {
        throw new MemoryMapException(
            record, info + at + 4, "size " + byteSize + " of a tag of type " + type);
      }
      if (type == END) {
        return;
      }
      if (survey) {
        surveyTag(type, byteSize);
      } else {
        readTag(type, info + at, byteSize);
      }
      at += byteSize + TAG_ALIGNMENT - 1 & -TAG_ALIGNMENT;
      index++;
    }
    if (survey) {
      map.addWarning("Multiboot information: no end tag");
    }
  }

  private void surveyTag(long type, long byteSize) {
    mapSeen |= type == MAP && byteSize > MAP_HEADER_BYTES;
    efiMapSeen |= type == EFI_MAP;
    bootServicesRun |= type == EFI_SERVICES_RUN;
  }

  private void readTag(long type, long tag, long byteSize) throws MemoryMapException {
    switch ((int) Math.min(type, Integer.MAX_VALUE)) {
      case COMMAND_LINE ->
          map.commandLine(text.inField("command line", tag + 8, byteSize - HEADER_BYTES));
      case LOADER_NAME ->
          map.loaderName(text.inField("loader name", tag + 8, byteSize - HEADER_BYTES));
      case MODULE -> readModule(tag, byteSize);
      case SIZES -> readSizes(tag, byteSize);
      case MAP -> readMap(tag, byteSize);
      case FRAMEBUFFER -> {
        requireSize("framebuffer", tag, byteSize, 32);
        MultibootMemory.addFramebuffer(map, memory, tag + 8, "framebuffer");
      }
      case ACPI_OLD -> checkRootPointer(tag, byteSize, OLD_ROOT_BYTES);
      case ACPI_NEW -> checkRootPointer(tag, byteSize, NEW_ROOT_BYTES);
      case EFI_MAP -> readEfiMap(tag, byteSize);
      default -> {
        // Of no use for a memory map.
      }
    }
  }

  private static void requireSize(String record, long tag, long byteSize, long least)
      throws MemoryMapException {
    if (byteSize < least) {
      throw new MemoryMapException(
          record, tag + 4, "tag of " + byteSize + " bytes, but " + least + " is the least");
    }
  }

  private void readModule(long tag, long byteSize) throws MemoryMapException {
    String record = "module " + moduleIndex++;
    requireSize(record, tag, byteSize, 16);
    String commandLine = text.inField(record, tag + 16, byteSize - 16);
    long start = memory.u32le(record, tag + 8);
    long end = memory.u32le(record, tag + 12);
    MultibootMemory.addModule(map, start, end, commandLine, record, tag);
  }

  private void readSizes(long tag, long byteSize) throws MemoryMapException {
    requireSize("memory sizes", tag, byteSize, 16);
    if (!mapSeen && !efiMapSeen) {
      long lowerKib = memory.u32le("memory sizes", tag + 8);
      long upperKib = memory.u32le("memory sizes", tag + 12);
      MultibootMemory.addFromSizes(map, lowerKib, upperKib, "memory sizes", tag);
    }
  }

  private void readMap(long tag, long byteSize) throws MemoryMapException {
    requireSize("memory map", tag, byteSize, MAP_HEADER_BYTES);
    long entryByteSize = memory.u32le("memory map", tag + 8);
    if (entryByteSize < LEAST_MAP_ENTRY) {
      throw new MemoryMapException(
          "memory map", tag + 8, "entry size " + entryByteSize + ", but 24 is the least");
    }
    if ((byteSize - MAP_HEADER_BYTES) % entryByteSize != 0) {
      throw new MemoryMapException(
          "memory map", tag + 4, "not a whole number of entries of " + entryByteSize + " bytes");
    }
    for (long at = MAP_HEADER_BYTES; at < byteSize; at += entryByteSize) {
      String record = "memory map entry " + (at - MAP_HEADER_BYTES) / entryByteSize;
      E820Entry.add(
          map,
          memory.u64le(record, tag + at),
          memory.u64le(record, tag + at + 8),
          memory.u32le(record, tag + at + 16),
          record,
          tag + at);
    }
  }

  private void readEfiMap(long tag, long byteSize) throws MemoryMapException {
    if (!mapSeen) {
      EfiMemoryMapReader.addTo(
          map, memory, tag + HEADER_BYTES, byteSize - HEADER_BYTES, bootServicesRun);
    } else if (bootServicesRun) {
      EfiMemoryMapReader.addBootServicesTo(
          map, memory, tag + HEADER_BYTES, byteSize - HEADER_BYTES);
    }
  }

  private void checkRootPointer(long tag, long byteSize, int pointerByteSize)
      throws MemoryMapException {
    String record = "ACPI root pointer";
    requireSize(record, tag, byteSize, HEADER_BYTES + pointerByteSize);
    boolean named = isRootSignature(record, tag + HEADER_BYTES);
    boolean summed = byteSum(record, tag + HEADER_BYTES, OLD_ROOT_BYTES) == 0;
    if (pointerByteSize == NEW_ROOT_BYTES) {
      summed &= byteSum(record, tag + HEADER_BYTES, NEW_ROOT_BYTES) == 0;
    }
    if (!named || !summed) {
      map.addWarning(record + ": " + (named ? "wrong sum" : "wrong signature"));
    }
  }

  private boolean isRootSignature(String record, long address) throws MemoryMapException {
    String signature = "RSD PTR ";
    for (int i = 0; i < signature.length(); i++) {
      if (memory.u8(record, address + i) != signature.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private int byteSum(String record, long address, int byteCount) throws MemoryMapException {
    int sum = 0;
    for (int i = 0; i < byteCount; i++) {
      sum += memory.u8(record, address + i);
    }
    return sum & 0xFF;
  }
}
