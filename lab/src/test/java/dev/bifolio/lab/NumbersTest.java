package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class NumbersTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "1, 1 B",
    "1023, 1023 B",
    "1024, 1 KiB",
    "1536, 1.5 KiB",
    "10368000, 9.8 MiB",
    "2147483648, 2 GiB",
    "1099511627776, 1 TiB",
    "-1, 15.9 EiB",
    "1073741823, 1023.9 MiB"
  })
  void sizesArePrintedWithTheLargestUnitThatFits(long byteSize, String text) {
    assertEquals(text, Numbers.bytes(byteSize));
  }

  @ParameterizedTest
  @CsvSource({
    "0x80000000, 2147483648", "4096, 4096", "4k, 4096", "4KiB, 4096", "512M, 536870912",
    "2g, 2147483648", "1T, 1099511627776", "0x8_8000_0000, 36507222016", "0xb, 11", "16B, 16"
  })
  void numbersAreReadInHexDecimalAndWithBinarySuffixes(String text, long value) {
    assertEquals(value, Numbers.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "x", "0x", "-1", "1.5G", "0x1ffffffffffffffff", "99999999T", "4q", "k"})
  void whatIsNoNumberIsRefused(String text) {
    assertThrows(TypeConversionException.class, () -> Numbers.parse(text));
  }

  @Test
  void aRangeIsBasePlusSize() {
    assertEquals(
        new AddressRange(0x8000_0000L, 2 * Pages.GIB),
        new Numbers.RangeConverter().convert("0x80000000+2G"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0x1000", "0x1000+0", "+", "0x1000-0x2000", "0xffffffffffffffff+2"})
  void whatIsNoRangeIsRefused(String text) {
    Numbers.RangeConverter converter = new Numbers.RangeConverter();
    assertThrows(TypeConversionException.class, () -> converter.convert(text));
  }
}
