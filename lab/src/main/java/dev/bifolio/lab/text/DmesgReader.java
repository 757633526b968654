package dev.bifolio.lab.text;

import dev.bifolio.kernel.firmware.AcpiOverlay;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.firmware.ReservedRegion.Source;
import dev.bifolio.kernel.unit.AddressRange;
import org.jspecify.annotations.Nullable;

/// Reads the memory map out of the log of a Linux boot.
///
/// ```
///   BIOS-e820: [mem 0x0000000000100000-0x000000003ffdefff] usable     what the firmware says …
///   efi: mem07: [Conventional|…|WB|…] range=[0x…-0x…] (12MB)          … or says with EFI
///   ACPI: SRAT: Node 1 PXM 1 [mem 0x20000000-0x3fffffff] hotplug      which node it is on
///     node   1: [mem 0x0000000020000000-0x000000003ffdefff]           what Linux made of it
///   OF: reserved mem: 0x80000000..0x8007ffff (512 KiB) nomap non-reusable name@80000000
///   RAMDISK: [mem 0x3fed4000-0x3ffcffff]
///   Command line: console=ttyS0
/// ```
///
/// Rules:
///
/// 1. Memory comes from the E820 lines; without them from the EFI lines; without either (arm64 and
///    riscv64 as a rule) from the node ranges, which Linux has rounded to pages already.
/// 2. Nodes of E820 and EFI memory come from the SRAT lines, or from the node ranges when these
///    name more than one node.
/// 3. Time stamps, levels and a log daemon's prefix are passed over. Of several boots in a log the
///    first counts, with a warning.
/// 4. A line of one of these kinds that cannot be read is refused with its number; all others are
///    ignored. Node numbers are below 1024, as in the other formats.
public final class DmesgReader {
  /// Linux has no more nodes; the readers of device trees and of the SRAT have the same limit.
  private static final int MAX_NODES = 1024;

  private static final String RESERVED_MEM = "OF: reserved mem: 0x";

  private final TextLines lines;
  private final MemoryMapBuilder map = new MemoryMapBuilder("dmesg");
  private final EfiLog efi = new EfiLog();
  private final MemoryMapBuilder affinities = new MemoryMapBuilder("dmesg");
  private final MemoryMapBuilder nodeRanges = new MemoryMapBuilder("dmesg");
  private int e820LineCount;
  private int greatestNode;
  private boolean versionSeen;
  private @Nullable Architecture architecture;
  private @Nullable String commandLine;

  private DmesgReader(TextLines lines) {
    this.lines = lines;
  }

  /// Reads a log.
  ///
  /// @param bytes its content
  /// @return the map
  /// @throws MemoryMapException if there is no memory map in it, or a line of it is damaged; the
  ///   record is the line, the offset that of its first byte
  public static MemoryMap read(byte[] bytes) throws MemoryMapException {
    return read(TextLines.textOf(bytes));
  }

  /// Reads a log.
  ///
  /// @param text its content
  /// @return the map
  /// @throws MemoryMapException as [#read(byte[])]
  public static MemoryMap read(String text) throws MemoryMapException {
    return new DmesgReader(new TextLines(text, "boot log")).read();
  }

  private MemoryMap read() throws MemoryMapException {
    while (lines.hasNext()) {
      LogMessage message = LogMessage.of(lines.next());
      if (message.text().startsWith("Linux version ") && message.timed()) {
        if (versionSeen) {
          map.addWarning(lines.record() + ": another boot begins; left out");
          break;
        }
        versionSeen = true;
      }
      readMessage(message.text());
    }
    return finish();
  }

  private void readMessage(String message) throws MemoryMapException {
    int afterBlanks = 0;
    while (afterBlanks < message.length() && message.charAt(afterBlanks) == ' ') {
      afterBlanks++;
    }
    if (message.startsWith("BIOS-e820: ", afterBlanks)) {
      readE820(message.substring(afterBlanks + "BIOS-e820: ".length()));
    } else if (EfiLog.isDescriptor(message)) {
      efi.add(message, lines);
    } else if (message.startsWith("ACPI: SRAT: Node ") || message.startsWith("SRAT: Node ")) {
      readAffinity(message.substring(message.indexOf("Node ") + "Node ".length()));
    } else if (message.startsWith("node ", afterBlanks) && message.contains(": [mem ")) {
      readNodeRange(message.substring(afterBlanks + "node ".length()));
    } else if (message.startsWith(RESERVED_MEM)) {
      readReservation(message.substring(RESERVED_MEM.length() - 2));
    } else if (message.startsWith("RAMDISK: ")) {
      readRamDisk(message);
    } else if (message.startsWith("Command line: ")) {
      noteCommandLine(message.substring("Command line: ".length()));
    } else if (message.startsWith("Kernel command line: ")) {
      noteCommandLine(message.substring("Kernel command line: ".length()));
    } else if (architecture == null) {
      architecture = architectureOf(message);
    }
  }

  /// `[mem A-B] kind`, or `A - B (kind)` with B behind the range, as kernels before 3.6 print it.
  private void readE820(String entry) throws MemoryMapException {
    HexRange range;
    String kind;
    if (entry.startsWith("[mem ")) {
      range = HexRange.inBrackets(entry, "[mem ", lines);
      kind = entry.substring(entry.indexOf(']') + 1).strip();
    } else {
      int open = entry.indexOf('(');
      if (open < 0 || !entry.stripTrailing().endsWith(")")) {
        throw lines.refusal("neither '[mem A-B] kind' nor 'A - B (kind)'");
      }
      range = HexRange.parse(entry.substring(0, open), " - ", false, lines);
      kind = entry.substring(open + 1, entry.lastIndexOf(')')).strip();
    }
    if (kind.isEmpty()) {
      throw lines.refusal("an E820 entry without a kind");
    }
    e820LineCount++;
    if (kind.equals("usable")) {
      addMemory(map, range, MemoryRegion.NO_NODE, false);
    } else {
      reserve(range, e820Name(kind), Source.FIRMWARE, false, false);
    }
  }

  /// The same names as the reader of the binary form gives.
  private static String e820Name(String kind) {
    if (kind.startsWith("persistent")) {
      return "persistent memory";
    }
    return kind.equals("ACPI data") ? "ACPI reclaimable" : kind;
  }

  /// `0 PXM 0 [mem A-B] hotplug`, or `0 PXM 0 A-B` with B behind the range.
  private void readAffinity(String text) throws MemoryMapException {
    int node = leadingNode(text);
    int bracket = text.indexOf("[mem ");
    if (bracket >= 0) {
      HexRange range = HexRange.inBrackets(text, "[mem ", lines);
      boolean hotpluggable = text.indexOf("hotplug", bracket) >= 0;
      addMemory(affinities, range, node, hotpluggable);
      return;
    }
    int range = text.lastIndexOf(' ') + 1;
    addMemory(affinities, HexRange.parse(text.substring(range), "-", false, lines), node, false);
  }

  private void readNodeRange(String text) throws MemoryMapException {
    int node = leadingNode(text.stripLeading());
    greatestNode = Math.max(greatestNode, node);
    addMemory(nodeRanges, HexRange.inBrackets(text, "[mem ", lines), node, false);
  }

  /// `0xA..0xB (512 KiB) nomap reusable name`.
  private void readReservation(String text) throws MemoryMapException {
    int open = text.indexOf('(');
    int close = text.indexOf(')');
    if (open < 0 || close < open) {
      throw lines.refusal("not '0xA..0xB (size) map non-reusable name'");
    }
    HexRange range = HexRange.parse(text.substring(0, open), "..", true, lines);
    String[] words = text.substring(close + 1).strip().split(" +", 3);
    if (words.length < 3) {
      throw lines.refusal("a reservation without its flags and name");
    }
    boolean noMap = words[0].equals("nomap");
    boolean reusable = words[1].equals("reusable");
    reserve(range, words[2], Source.RESERVED_MEMORY, noMap, reusable);
  }

  /// `[mem A-B]`, or `A - B` with B behind the range.
  private void readRamDisk(String message) throws MemoryMapException {
    HexRange range =
        message.contains("[mem ")
            ? HexRange.inBrackets(message, "[mem ", lines)
            : HexRange.parse(message.substring("RAMDISK: ".length()), " - ", false, lines);
    map.initrd(new AddressRange(range.base(), range.byteSize()));
  }

  private void noteCommandLine(String text) {
    if (commandLine == null) {
      commandLine = text;
    }
  }

  private static @Nullable Architecture architectureOf(String message) {
    if (message.startsWith("Booting Linux on physical CPU ")) {
      return message.contains("[0x") ? Architecture.AARCH64 : Architecture.ARM;
    }
    if (message.startsWith("SBI specification ")) {
      return Architecture.RISCV64;
    }
    if (!message.startsWith("Linux version ")) {
      return null;
    }
    if (message.contains("aarch64") || message.contains("arm64")) {
      return Architecture.AARCH64;
    }
    if (message.contains("riscv64")) {
      return Architecture.RISCV64;
    }
    boolean x86 = message.contains("x86_64") || message.contains("amd64");
    return x86 ? Architecture.X86_64 : null;
  }

  private int leadingNode(String text) throws MemoryMapException {
    int end = 0;
    while (end < text.length() && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
      end++;
    }
    if (end == 0) {
      throw lines.refusal("no node number");
    }
    int node = end > 6 ? MAX_NODES : Integer.parseInt(text, 0, end, 10);
    if (node >= MAX_NODES) {
      throw lines.refusal("the node number is not below " + MAX_NODES);
    }
    return node;
  }

  private void addMemory(MemoryMapBuilder to, HexRange range, int node, boolean hotpluggable)
      throws MemoryMapException {
    to.addMemory(
        range.base(), range.byteSize(), node, hotpluggable, lines.record(), lines.offset());
  }

  private void reserve(HexRange range, String name, Source source, boolean noMap, boolean reusable)
      throws MemoryMapException {
    map.addReserved(
        range.base(),
        range.byteSize(),
        name,
        source,
        noMap,
        reusable,
        lines.record(),
        lines.offset());
  }

  private MemoryMap finish() throws MemoryMapException {
    map.commandLine(commandLine);
    boolean fromFirmware = e820LineCount > 0 || !efi.isEmpty();
    if (e820LineCount > 0) {
      map.architecture(Architecture.X86_64);
    } else {
      map.architecture(architecture);
      if (!efi.isEmpty()) {
        addAll(efi.read());
      } else if (nodeRanges.memoryCount() > 0) {
        addAll(nodeRanges.build());
      } else {
        throw new MemoryMapException("boot log", 0, "no memory map in this text");
      }
    }
    MemoryMap result = map.build();
    if (fromFirmware && affinities.memoryCount() > 0) {
      return AcpiOverlay.apply(result, affinities.build());
    }
    if (fromFirmware && greatestNode > 0) {
      return AcpiOverlay.apply(result, nodeRanges.build());
    }
    return result;
  }

  private void addAll(MemoryMap from) throws MemoryMapException {
    for (int i = 0; i < from.memoryCount(); i++) {
      MemoryRegion region = from.memory(i);
      map.addMemory(
          region.range().base(),
          region.range().byteSize(),
          region.node(),
          region.hotpluggable(),
          "boot log",
          0);
    }
    for (int i = 0; i < from.reservedCount(); i++) {
      ReservedRegion region = from.reserved(i);
      map.addReserved(
          region.range().base(),
          region.range().byteSize(),
          region.name(),
          region.source(),
          region.noMap(),
          region.reusable(),
          "boot log",
          0);
    }
    for (int i = 0; i < from.warningCount(); i++) {
      map.addWarning(from.warning(i));
    }
  }
}
