package dev.bifolio.lab;

import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.X86Format;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// For which processors `bifolio tables` writes page tables.
enum TableArchitecture {
  /// Four levels.
  X86_64(0x10_0000),
  /// Five levels.
  X86_64_LA57(0x10_0000),
  /// Two levels.
  I386(0x10_0000),
  /// Four levels, two roots.
  AARCH64(0x4020_0000),
  /// RISC-V, three levels.
  SV39(0x8000_0000L),
  /// RISC-V, four levels.
  SV48(0x8000_0000L),
  /// RISC-V, five levels.
  SV57(0x8000_0000L);

  private final long defaultBase;

  TableArchitecture(long defaultBase) {
    this.defaultBase = defaultBase;
  }

  /// The name on the command line.
  String label() {
    return format().name();
  }

  /// How its tables are written, on RISC-V without memory types.
  PageFormat format() {
    return switch (this) {
      case X86_64 -> X86Format.LEVELS_4;
      case X86_64_LA57 -> X86Format.LEVELS_5;
      case I386 -> I386Format.INSTANCE;
      case AARCH64 -> Aarch64Format.INSTANCE;
      case SV39 -> RiscvFormat.SV39;
      case SV48 -> RiscvFormat.SV48;
      case SV57 -> RiscvFormat.SV57;
    };
  }

  /// The same with RISC-V's memory types; no other than [#format] where there are none.
  PageFormat formatWithSvpbmt() {
    return switch (this) {
      case SV39 -> RiscvFormat.SV39_SVPBMT;
      case SV48 -> RiscvFormat.SV48_SVPBMT;
      case SV57 -> RiscvFormat.SV57_SVPBMT;
      default -> format();
    };
  }

  /// Where its tables begin unless the user says so: RAM on machines of this kind.
  long defaultBase() {
    return defaultBase;
  }

  /// Converts a name.
  static final class Converter implements ITypeConverter<TableArchitecture> {
    @Override
    public TableArchitecture convert(String value) {
      for (TableArchitecture each : values()) {
        if (each.label().equals(value.toLowerCase(Locale.ROOT))) {
          return each;
        }
      }
      throw new TypeConversionException("'" + value + "' is none of " + names());
    }
  }

  /// The names, for completion in a shell.
  static final class Names implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Arrays.stream(values()).map(TableArchitecture::label).iterator();
    }
  }

  private static String names() {
    return Arrays.stream(values()).map(TableArchitecture::label).collect(Collectors.joining(", "));
  }
}
