package dev.bifolio.lab;

import dev.bifolio.kernel.BootOptions;
import dev.bifolio.kernel.unit.AddressRange;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Numbers as people write and read them: addresses in hex, sizes with K, M, G, T, ranges as
/// `BASE+SIZE`.
final class Numbers {
  private Numbers() {}

  /// A byte size, see [AddressRange#sizeText].
  static String bytes(long byteSize) {
    return AddressRange.sizeText(byteSize);
  }

  /// The size of a page as it is named in scripts and JSON: `4k`, `2m`, `1g`, `512g`, `256t`.
  static String pageSize(long byteSize) {
    int unit = (Long.SIZE - 1 - Long.numberOfLeadingZeros(byteSize)) / 10;
    return (byteSize >>> (10 * unit)) + String.valueOf("bkmgtp".charAt(unit));
  }

  /// A count in groups of three, `1,234,567`.
  static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  /// An address in hex or decimal, or a size with a binary suffix.
  static long parse(String text) {
    String trimmed = text.trim().toLowerCase(Locale.ROOT);
    int shift = 0;
    String digits = trimmed.replaceFirst("i?b$", "");
    boolean hex = digits.startsWith("0x");
    if (hex) {
      digits = trimmed;
    } else if (!digits.isEmpty()) {
      int suffix = "kmgt".indexOf(digits.charAt(digits.length() - 1));
      if (suffix >= 0) {
        shift = 10 * (suffix + 1);
        digits = digits.substring(0, digits.length() - 1);
      }
    }
    try {
      long value =
          hex
              ? Long.parseUnsignedLong(digits.substring(2).replace("_", ""), 16)
              : Long.parseUnsignedLong(digits.replace("_", ""));
      if (shift != 0 && value >>> (Long.SIZE - shift) != 0) {
        throw new TypeConversionException("'" + text + "' does not fit 64 bits");
      }
      return value << shift;
    } catch (NumberFormatException e) {
      throw new TypeConversionException(
          "'" + text + "' is no number such as 0x80000000, 4096, 512M or 2GiB");
    }
  }

  /// Converts a byte size below 2^63.
  static final class SizeConverter implements ITypeConverter<Long> {
    @Override
    public Long convert(String value) {
      long byteSize = parse(value);
      if (byteSize < 0) {
        throw new TypeConversionException("'" + value + "' is larger than any machine");
      }
      return byteSize;
    }
  }

  /// Converts a seed: any whole number of 64 bits.
  static final class SeedConverter implements ITypeConverter<Long> {
    @Override
    public Long convert(String value) {
      try {
        return Long.decode(value);
      } catch (NumberFormatException e) {
        throw new TypeConversionException("'" + value + "' is no whole number of 64 bits");
      }
    }
  }

  /// For how many CPUs there are caches.
  static final class CpusConverter implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String value) {
      try {
        int count = Integer.parseInt(value);
        if (count >= 1 && count <= BootOptions.MAX_CPU_COUNT) {
          return count;
        }
      } catch (NumberFormatException e) {
        // told below
      }
      throw new TypeConversionException(
          "'" + value + "' is no number of CPUs, 1 … " + BootOptions.MAX_CPU_COUNT);
    }
  }

  /// Converts the byte size of an E820 entry.
  static final class EntrySizeConverter implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String value) {
      return switch (value) {
        case "20" -> 20;
        case "24" -> 24;
        default -> throw new TypeConversionException("'" + value + "' is neither 20 nor 24");
      };
    }
  }

  /// Converts an address or a size.
  static final class LongConverter implements ITypeConverter<Long> {
    @Override
    public Long convert(String value) {
      return parse(value);
    }
  }

  /// Converts `BASE+SIZE`.
  static final class RangeConverter implements ITypeConverter<AddressRange> {
    @Override
    public AddressRange convert(String value) {
      int plus = value.indexOf('+');
      if (plus < 0) {
        throw new TypeConversionException(
            "'" + value + "' is not of the form BASE+SIZE, such as 0x80000000+2G");
      }
      try {
        return new AddressRange(parse(value.substring(0, plus)), parse(value.substring(plus + 1)));
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException("'" + value + "': " + e.getMessage());
      }
    }
  }
}
