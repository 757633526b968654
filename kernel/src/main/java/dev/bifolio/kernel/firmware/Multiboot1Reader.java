package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.firmware.ReservedRegion.Source;

/// Reads what a Multiboot 1 loader leaves in memory for the kernel.
///
/// ```
///   register EBX ──> information: flags, then fields at fixed places, each valid if its flag is set
///                      │  16 command line ──> string
///                      │  20 module list  ──> start end string 0 │ start end string 0 │ …
///                      │  44 memory map   ──> size base  length type │ size base … │ …
///                      │                      u32  u64   u64    u32
///                      └  64 loader name  ──> string
/// ```
///
/// All pointers are physical addresses of 32 bits; a pointer to bytes that the memory image does
/// not hold is refused. Rules:
///
/// 1. The memory map is stepped by each entry's own size, which does not count itself. A size below
///    20 is refused, so every step moves on.
/// 2. The two sizes of lower and upper memory count only if there is no map (or an empty one).
/// 3. Everything that the structure points to lies in memory that the map calls free. Each such
///    extent is reserved as boot information under its own name; modules are listed as modules, and
///    whoever boots reserves them.
/// 4. A string address of 0 means no string.
///
/// Source: Multiboot Specification 0.6.96, section 3.3.
public final class Multiboot1Reader {
  private static final int FLAG_SIZES = 1;
  private static final int FLAG_COMMAND_LINE = 1 << 2;
  private static final int FLAG_MODULES = 1 << 3;
  private static final int FLAG_SYMBOLS = 1 << 4;
  private static final int FLAG_SECTIONS = 1 << 5;
  private static final int FLAG_MAP = 1 << 6;
  private static final int FLAG_DRIVES = 1 << 7;
  private static final int FLAG_LOADER_NAME = 1 << 9;
  private static final int FLAG_APM = 1 << 10;
  private static final int FLAG_VBE = 1 << 11;
  private static final int FLAG_FRAMEBUFFER = 1 << 12;

  private static final int MODULE_ENTRY_BYTES = 16;
  private static final int LEAST_MAP_ENTRY = 20;
  private static final int MAP_SIZE_FIELD = 4;
  private static final int APM_TABLE_BYTES = 20;
  private static final int VBE_CONTROL_BYTES = 512;
  private static final int VBE_MODE_BYTES = 256;

  private final ByteView memory;
  private final long info;
  private final long flags;
  private final MultibootText text;
  private final MemoryMapBuilder map;

  private Multiboot1Reader(ByteView memory, long info) throws MemoryMapException {
    this.memory = memory;
    this.info = info;
    this.flags = memory.u32le("Multiboot information", info);
    this.text = new MultibootText(memory);
    this.map = new MemoryMapBuilder("multiboot1").architecture(Architecture.X86_64);
  }

  /// Reads a machine's memory as the loader left it.
  ///
  /// @param memory the memory, by physical address
  /// @param infoAddress where the information structure is: EBX at entry
  /// @return the map, of x86-64
  /// @throws MemoryMapException if a structure or string is not wholly in `memory` or cannot be
  ///   right; the offset is a physical address
  public static MemoryMap read(ByteView memory, long infoAddress) throws MemoryMapException {
    return new Multiboot1Reader(memory, infoAddress).read();
  }

  private MemoryMap read() throws MemoryMapException {
    reserve(info, informationByteSize(), "Multiboot information");
    if (has(FLAG_COMMAND_LINE)) {
      map.commandLine(string(field("command line", 16), "command line"));
    }
    if (has(FLAG_LOADER_NAME)) {
      map.loaderName(string(field("loader name", 64), "loader name"));
    }
    if (has(FLAG_MODULES)) {
      readModules(field("module count", 20), field("module list", 24));
    }
    if (!has(FLAG_MAP) || !readMap(field("memory map", 44), field("memory map", 48))) {
      readSizes();
    }
    if (has(FLAG_FRAMEBUFFER)) {
      MultibootMemory.addFramebuffer(map, memory, info + 88, "framebuffer");
    }
    reserveTables();
    return map.build();
  }

  private boolean has(int flag) {
    return (flags & flag) != 0;
  }

  private long field(String record, int offset) throws MemoryMapException {
    return memory.u32le(record, info + offset);
  }

  /// Where the last field ends that a flag declares valid: no more of the structure is there for
  /// sure, since older loaders write a shorter one.
  private long informationByteSize() {
    int[] endOfFlag = {12, 16, 20, 28, 44, 44, 52, 60, 64, 68, 72, 88, 116};
    long end = 4;
    for (int bit = 0; bit < endOfFlag.length; bit++) {
      if (has(1 << bit)) {
        end = endOfFlag[bit];
      }
    }
    return end;
  }

  private String string(long address, String record) throws MemoryMapException {
    if (address == 0) {
      return "";
    }
    String value = text.endedByZero(record, address);
    reserve(address, value.length() + 1L, record);
    return value;
  }

  private void readModules(long count, long list) throws MemoryMapException {
    if (count == 0) {
      return;
    }
    memory.require("module list", list, count * MODULE_ENTRY_BYTES);
    reserve(list, count * MODULE_ENTRY_BYTES, "module list");
    for (long i = 0; i < count; i++) {
      long at = list + i * MODULE_ENTRY_BYTES;
      String record = "module " + i;
      String commandLine = string(memory.u32le(record, at + 8), record + " command line");
      long start = memory.u32le(record, at);
      long end = memory.u32le(record, at + 4);
      MultibootMemory.addModule(map, start, end, commandLine, record, at);
    }
  }

  /// Reads the map; false if it is empty.
  private boolean readMap(long byteCount, long start) throws MemoryMapException {
    if (byteCount == 0) {
      map.addWarning("memory map: its length is 0");
      return false;
    }
    if (byteCount > MemoryMap.MAX_FILE_BYTES) {
      throw new MemoryMapException("memory map", start, "longer than 16 MiB");
    }
    memory.require("memory map", start, byteCount);
    reserve(start, byteCount, "memory map");
    long index = 0;
    for (long at = 0; at < byteCount; index++) {
      String record = "memory map entry " + index;
      if (byteCount - at < MAP_SIZE_FIELD + LEAST_MAP_ENTRY) {
        throw new MemoryMapException(record, start + at, "the map ends within this entry");
      }
      long entryByteSize = memory.u32le(record, start + at);
      if (entryByteSize < LEAST_MAP_ENTRY) {
        throw new MemoryMapException(
            record, start + at, "entry size " + entryByteSize + ", but 20 is the least");
      }
      long place = start + at + MAP_SIZE_FIELD;
      E820Entry.add(
          map,
          memory.u64le(record, place),
          memory.u64le(record, place + 8),
          memory.u32le(record, place + 16),
          record,
          place);
      at += MAP_SIZE_FIELD + entryByteSize;
    }
    return true;
  }

  private void readSizes() throws MemoryMapException {
    if (has(FLAG_SIZES)) {
      long lowerKib = field("memory sizes", 4);
      long upperKib = field("memory sizes", 8);
      MultibootMemory.addFromSizes(map, lowerKib, upperKib, "memory sizes", info + 4);
    } else {
      map.addWarning("Multiboot information: neither a memory map nor memory sizes");
    }
  }

  /// Reserves the tables that this reader has no use for but a kernel may want to look at.
  private void reserveTables() throws MemoryMapException {
    if (has(FLAG_SYMBOLS)) {
      long symbols = field("symbols", 28) + field("symbols", 32) + 8;
      reserve(field("symbols", 36), symbols, "symbols");
    } else if (has(FLAG_SECTIONS)) {
      long count = field("section headers", 28);
      long headerByteSize = field("section headers", 32);
      reserve(field("section headers", 36), count * headerByteSize, "section headers");
    }
    if (has(FLAG_DRIVES)) {
      reserve(field("drives", 56), field("drives", 52), "drives");
    }
    if (has(FLAG_APM)) {
      reserve(field("APM table", 68), APM_TABLE_BYTES, "APM table");
    }
    if (has(FLAG_VBE)) {
      reserve(field("VBE control", 72), VBE_CONTROL_BYTES, "VBE control");
      reserve(field("VBE mode", 76), VBE_MODE_BYTES, "VBE mode");
    }
  }

  private void reserve(long address, long byteSize, String name) throws MemoryMapException {
    if (byteSize != 0 && address != 0) {
      map.addReserved(address, byteSize, name, Source.BOOT_INFO, false, false, name, address);
    }
  }
}
