package dev.bifolio.lab;

import dev.bifolio.kernel.firmware.AcpiTables;
import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.E820Reader;
import dev.bifolio.kernel.firmware.EfiMemoryMapReader;
import dev.bifolio.kernel.firmware.FdtReader;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.firmware.Multiboot1Reader;
import dev.bifolio.kernel.firmware.Multiboot2Reader;
import dev.bifolio.lab.input.MemoryImage;
import dev.bifolio.lab.text.DmesgReader;
import dev.bifolio.lab.text.IomemReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How a file becomes a memory map: the options that `map` and `boot` share, and the guess at a
/// format that is not named.
final class MapSource {
  /// The formats an input can have.
  enum Format {
    /// Guessed from the content.
    AUTO,
    /// Flattened device tree.
    FDT,
    /// Multiboot 1 information in an image of memory.
    MULTIBOOT1,
    /// Multiboot 2 information in an image of memory.
    MULTIBOOT2,
    /// Array of E820 entries.
    E820,
    /// EFI memory map with the header that Multiboot 2 puts before it.
    EFI,
    /// Text of /proc/iomem.
    IOMEM,
    /// Text of a Linux boot log.
    DMESG
  }

  private static final Pattern IOMEM_LINE =
      Pattern.compile("\\s*[0-9a-fA-F]{4,16}-[0-9a-fA-F]{4,16} : .*");

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      defaultValue = "auto",
      description =
          "auto, fdt, multiboot1, multiboot2, e820, efi, iomem or dmesg (default: ${DEFAULT-VALUE}).")
  Format format = Format.AUTO;

  @Option(
      names = "--acpi",
      paramLabel = "TABLE",
      description =
          "An ACPI SRAT or SLIT table with nodes and distances; may be given several times.")
  List<String> acpi = new ArrayList<>();

  @Option(
      names = "--at",
      paramLabel = "ADDR",
      converter = Numbers.LongConverter.class,
      description = "Multiboot images: the address of FILE's first byte (default: 0).")
  long imageBase;

  @Option(
      names = "--info",
      paramLabel = "ADDR",
      converter = Numbers.LongConverter.class,
      description = "Multiboot images: the address of the information structure.")
  @Nullable Long infoAddress;

  @Option(
      names = "--entry-size",
      paramLabel = "BYTES",
      defaultValue = "20",
      converter = Numbers.EntrySizeConverter.class,
      description = "E820: bytes an entry, 20 or 24 (default: ${DEFAULT-VALUE}).")
  int entryByteSize = 20;

  /// What a file gave.
  ///
  /// @param map its memory map, with the ACPI tables applied
  /// @param byteCount of the file, unpacked
  record Input(MemoryMap map, int byteCount) {}

  /// Reads a file into a map, with the ACPI tables applied.
  ///
  /// @throws InputException with one line that says what is wrong, and the place
  Input read(String file) throws InputException {
    return read(file, InputFile.read(file));
  }

  /// The same for bytes that are there already.
  Input read(String name, byte[] bytes) throws InputException {
    try {
      MemoryMap map = parse(name, bytes);
      return new Input(acpi.isEmpty() ? map : tables().applyTo(map), bytes.length);
    } catch (MemoryMapException e) {
      throw InputException.of(e);
    }
  }

  private AcpiTables tables() throws InputException {
    ByteView[] views = new ByteView[acpi.size()];
    for (int i = 0; i < views.length; i++) {
      try {
        views[i] = ByteView.of(InputFile.read(acpi.get(i)));
        // Each alone first, so that the message can name the file.
        AcpiTables.read(views[i]);
      } catch (MemoryMapException e) {
        throw new InputException(e.offset(), acpi.get(i) + ": " + e.getMessage());
      } catch (InputException e) {
        throw new InputException(e.offset(), acpi.get(i) + ": " + e.getMessage());
      }
    }
    try {
      return AcpiTables.read(views);
    } catch (MemoryMapException e) {
      throw InputException.of(e);
    }
  }

  private MemoryMap parse(String file, byte[] bytes) throws MemoryMapException, InputException {
    Format actual = format == Format.AUTO ? guess(bytes) : format;
    return switch (actual) {
      case FDT -> FdtReader.read(ByteView.of(bytes));
      case E820 -> E820Reader.read(ByteView.of(bytes), bytes.length, entryByteSize);
      case EFI -> EfiMemoryMapReader.read(ByteView.of(bytes), bytes.length);
      case IOMEM -> IomemReader.read(bytes);
      case DMESG -> DmesgReader.read(bytes);
      case MULTIBOOT1, MULTIBOOT2 -> multiboot(actual, file, bytes);
      case AUTO ->
          throw new InputException(
              0,
              "is neither a device tree nor JSON nor text of a known form; name it with --format");
    };
  }

  private MemoryMap multiboot(Format actual, String file, byte[] bytes)
      throws MemoryMapException, InputException {
    if (firstPrintable(bytes) == '{') {
      Path folder = Objects.requireNonNull(Path.of(file).toAbsolutePath().getParent());
      return MemoryImage.of(bytes, folder).readMap();
    }
    if (infoAddress == null) {
      throw new InputException(
          0, "is a raw memory image: say with --info where the information structure lies");
    }
    ByteView memory = ByteView.at(imageBase, bytes);
    return actual == Format.MULTIBOOT1
        ? Multiboot1Reader.read(memory, infoAddress)
        : Multiboot2Reader.read(memory, infoAddress);
  }

  private static Format guess(byte[] bytes) {
    if (FdtReader.hasMagic(ByteView.of(bytes))) {
      return Format.FDT;
    }
    if (firstPrintable(bytes) == '{') {
      return Format.MULTIBOOT2;
    }
    String head =
        new String(bytes, 0, Math.min(bytes.length, 1 << 16), StandardCharsets.ISO_8859_1);
    if (head.indexOf('\0') >= 0) {
      return Format.AUTO;
    }
    String firstLine = head.lines().filter(line -> !line.isBlank()).findFirst().orElse("");
    if (IOMEM_LINE.matcher(firstLine).matches()) {
      return Format.IOMEM;
    }
    return head.contains("mem") ? Format.DMESG : Format.AUTO;
  }

  private static int firstPrintable(byte[] bytes) {
    for (byte b : bytes) {
      if (b != ' ' && b != '\t' && b != '\n' && b != '\r') {
        return b;
      }
    }
    return -1;
  }
}
