package dev.bifolio.lab.text;

import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.firmware.ReservedRegion.Source;
import java.util.Locale;

/// Reads `/proc/iomem`: the address space as the running kernel sees it, as a tree by indentation.
///
/// ```
///   00001000-0009fbff : System RAM          memory
///   0009fc00-0009ffff : Reserved            reserved, firmware
///   000a0000-000bffff : PCI Bus 0000:00     a device: left out
///   00100000-3ffdefff : System RAM          memory
///     21200000-221fffff : Kernel code       reserved, kernel
///     3ff00000-3fffffff : reserved          reserved, firmware
/// ```
///
/// Rules:
///
/// 1. A line that begins with `System RAM` is memory, wherever it stands: memory that was added
///    through a device driver hangs below its device.
/// 2. Whatever lies below memory is reserved: the kernel's own parts and the crash kernel as the
///    kernel's, all else as the firmware's.
/// 3. Elsewhere only lines with a name that firmware maps use (Reserved, ACPI …, Persistent Memory
///    …) are reserved; devices are no business of a memory map.
/// 4. The file has real addresses for root only. One with only zeros is refused with that advice.
///
/// The machine's kind is not in the file.
public final class IomemReader {
  private static final int MAX_DEPTH = 64;
  private static final String SEPARATOR = " : ";

  private final TextLines lines;
  private final MemoryMapBuilder map = new MemoryMapBuilder("iomem");
  // Whether the line last seen at each depth is memory or lies below memory.
  private final boolean[] insideRam = new boolean[MAX_DEPTH];
  private int lastDepth = -1;
  private boolean anyLine;
  private boolean anyAddress;

  private IomemReader(TextLines lines) {
    this.lines = lines;
  }

  /// Reads the file.
  ///
  /// @param bytes its content
  /// @return the map, of no known architecture
  /// @throws MemoryMapException if a line is not as described, or the addresses are hidden; the
  ///   record is the line, the offset that of its first byte
  public static MemoryMap read(byte[] bytes) throws MemoryMapException {
    return read(TextLines.textOf(bytes));
  }

  /// Reads the file.
  ///
  /// @param text its content
  /// @return the map, of no known architecture
  /// @throws MemoryMapException as [#read(byte[])]
  public static MemoryMap read(String text) throws MemoryMapException {
    return new IomemReader(new TextLines(text, "iomem")).read();
  }

  private MemoryMap read() throws MemoryMapException {
    while (lines.hasNext()) {
      String line = lines.next();
      if (!line.isBlank()) {
        readLine(line);
      }
    }
    if (!anyLine) {
      throw new MemoryMapException("iomem", 0, "no lines");
    }
    if (!anyAddress) {
      throw new MemoryMapException(
          "iomem", 0, "all addresses are zero; only root sees them: sudo cat /proc/iomem");
    }
    return map.build();
  }

  private void readLine(String line) throws MemoryMapException {
    int indent = 0;
    while (line.charAt(indent) == ' ') {
      indent++;
    }
    int depth = indent / 2;
    if (depth > lastDepth + 1 || depth >= MAX_DEPTH) {
      throw lines.refusal("indented by " + indent + " blanks, deeper than its parent allows");
    }
    int separator = line.indexOf(SEPARATOR, indent);
    if (separator < 0) {
      throw lines.refusal("not 'start-end : name'");
    }
    HexRange range = HexRange.parse(line.substring(indent, separator), "-", true, lines);
    String name = line.substring(separator + SEPARATOR.length()).strip();
    anyLine = true;
    anyAddress |= range.last() != 0;
    boolean belowRam = depth > 0 && insideRam[depth - 1];
    boolean memory = name.startsWith("System RAM");
    if (memory) {
      map.addMemory(
          range.base(),
          range.byteSize(),
          MemoryRegion.NO_NODE,
          false,
          lines.record(),
          lines.offset());
    } else if (belowRam) {
      boolean kernels = name.startsWith("Kernel ") || name.startsWith("Crash kernel");
      reserve(range, name, kernels ? Source.KERNEL : Source.FIRMWARE);
    } else if (isFirmwareName(name)) {
      reserve(range, name, Source.FIRMWARE);
    }
    insideRam[depth] = memory || belowRam;
    lastDepth = depth;
  }

  private void reserve(HexRange range, String name, Source source) throws MemoryMapException {
    map.addReserved(
        range.base(), range.byteSize(), name, source, false, false, lines.record(), lines.offset());
  }

  private static boolean isFirmwareName(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return lower.equals("reserved")
        || lower.equals("soft reserved")
        || lower.equals("ram buffer")
        || lower.startsWith("acpi tables")
        || lower.startsWith("acpi non-volatile")
        || lower.startsWith("unusable")
        || lower.startsWith("unaccepted")
        || lower.startsWith("unknown e820")
        || lower.startsWith("persistent memory");
  }
}
