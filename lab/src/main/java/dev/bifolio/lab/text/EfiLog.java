package dev.bifolio.lab.text;

import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.EfiMemoryMapReader;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The EFI memory map as a boot log prints it (`efi=debug`), one descriptor a line:
///
/// ```
///   efi: mem00: [Conventional|   |  |  |…|WB|WT|WC|UC] range=[0x0000000000000000-0x000000000009ffff] (0MB)
///   efi: mem00: [Conventional Memory|…] range=[0x0000000000000000-0x00000000000a0000) (0MB)
///   EFI: mem00: type=7, attr=0xf, range=[0x0000000000000000-0x00000000000a0000) (0MB)
/// ```
///
/// A range that closes with a parenthesis does not contain its second number. The lines are put
/// back into the binary form and read by [EfiMemoryMapReader], so that there is one set of rules.
final class EfiLog {
  private static final int STRIDE = 48;
  private static final int EFI_PAGE_SHIFT = 12;
  private static final long SPECIFIC_PURPOSE = 0x4_0000L;

  private record Descriptor(int type, HexRange range, long attributes) {}

  private final List<Descriptor> descriptors = new ArrayList<>();

  static boolean isDescriptor(String message) {
    return message.length() > 8
        && message.regionMatches(true, 0, "efi: mem", 0, 8)
        && Character.isDigit(message.charAt(8));
  }

  boolean isEmpty() {
    return descriptors.isEmpty();
  }

  /// Takes a line for which [#isDescriptor] holds.
  void add(String message, TextLines lines) throws MemoryMapException {
    int range = message.indexOf("range=[");
    if (range < 0) {
      throw lines.refusal("no 'range=[…]' in this EFI line");
    }
    if (descriptors.size() == MemoryMap.MAX_REGIONS) {
      throw lines.refusal("more than " + MemoryMap.MAX_REGIONS + " EFI descriptors");
    }
    int from = range + "range=[".length();
    int inclusive = message.indexOf(']', from);
    int exclusive = message.indexOf(')', from);
    boolean lastBelongs = inclusive >= 0 && (exclusive < 0 || inclusive < exclusive);
    int close = lastBelongs ? inclusive : exclusive;
    if (close < 0) {
      throw lines.refusal("the EFI range is not closed");
    }
    HexRange bytes = HexRange.parse(message.substring(from, close), "-", lastBelongs, lines);
    if ((bytes.byteSize() & (1 << EFI_PAGE_SHIFT) - 1) != 0) {
      throw lines.refusal("an EFI range that is not whole pages");
    }
    String kind = message.substring(0, range);
    long attributes = kind.contains("|SP|") ? SPECIFIC_PURPOSE : 0;
    descriptors.add(new Descriptor(typeOf(kind, lines), bytes, attributes));
  }

  /// The map of all lines.
  MemoryMap read() throws MemoryMapException {
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + STRIDE * descriptors.size()).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(STRIDE).putInt(1);
    for (Descriptor each : descriptors) {
      bytes
          .putLong(each.type)
          .putLong(each.range.base())
          .putLong(0)
          .putLong(each.range.byteSize() >>> EFI_PAGE_SHIFT)
          .putLong(each.attributes)
          .putLong(0);
    }
    return EfiMemoryMapReader.read(ByteView.of(bytes.array()), bytes.capacity());
  }

  private static int typeOf(String kind, TextLines lines) throws MemoryMapException {
    String name = between(kind, "type=", ",");
    if (name == null) {
      name = between(kind, "[", "|");
    }
    if (name == null) {
      name = between(kind, "[", "]");
    }
    if (name == null) {
      throw lines.refusal("no type in this EFI line");
    }
    String stripped = name.strip();
    return switch (stripped) {
      case "Reserved" -> 0;
      case "Loader Code" -> 1;
      case "Loader Data" -> 2;
      case "Boot Code" -> 3;
      case "Boot Data" -> 4;
      case "Runtime Code" -> 5;
      case "Runtime Data" -> 6;
      case "Conventional", "Conventional Memory" -> 7;
      case "Unusable", "Unusable Memory" -> 8;
      case "ACPI Reclaim", "ACPI Reclaim Memory" -> 9;
      case "ACPI Mem NVS", "ACPI Memory NVS" -> 10;
      case "MMIO", "Memory Mapped I/O" -> 11;
      case "MMIO Port", "MMIO Port Space" -> 12;
      case "PAL Code" -> 13;
      case "Persistent", "Persistent Memory" -> 14;
      case "Unaccepted" -> 15;
      default -> numberOf(stripped, lines);
    };
  }

  private static int numberOf(String name, TextLines lines) throws MemoryMapException {
    String digits = name.startsWith("type=") ? name.substring(5) : name;
    try {
      return Integer.parseUnsignedInt(digits);
    } catch (NumberFormatException e) {
      throw lines.refusal("unknown EFI memory type");
    }
  }

  private static @Nullable String between(String text, String opening, String closing) {
    int open = text.indexOf(opening);
    int close = open < 0 ? -1 : text.indexOf(closing, open + opening.length());
    return close < 0 ? null : text.substring(open + opening.length(), close);
  }
}
