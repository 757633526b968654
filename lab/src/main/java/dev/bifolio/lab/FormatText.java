package dev.bifolio.lab;

import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.PageFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What there is to say of a format of page tables: its addresses and the sizes of its pages.
final class FormatText {
  private FormatText() {}

  /// Bits of a virtual address that choose a byte of what one root maps.
  static int virtualBits(PageFormat format) {
    return Long.numberOfTrailingZeros(format.pageByteSize(format.levels()))
        + Integer.numberOfTrailingZeros(format.entryCount());
  }

  /// An address of a format, with the bits above the highest index as the format wants them.
  static long canonical(PageFormat format, long virtualAddress) {
    int bits = virtualBits(format);
    return format.isCanonical(virtualAddress) ? virtualAddress : virtualAddress | -1L << bits;
  }

  /// Which addresses a format has.
  static String canonicalRule(PageFormat format) {
    int bits = virtualBits(format);
    if (format instanceof I386Format) {
      return "addresses of i386 have 32 bits";
    }
    return format.rootCount() == 2
        ? "addresses of %s have bits 63 to %d all 0 or all 1".formatted(format, bits)
        : "addresses of %s have bits 63 to %d all like bit %d".formatted(format, bits, bits - 1);
  }

  /// The sizes of a format's pages, as a script names them.
  static String pageSizes(PageFormat format) {
    List<String> sizes = new ArrayList<>();
    for (int level = 1; level <= format.largestLeafLevel(); level++) {
      sizes.add(pageSize(format, level));
    }
    return String.join(", ", sizes);
  }

  /// Such as `4k`.
  static String pageSize(PageFormat format, int level) {
    String text = Numbers.bytes(format.pageByteSize(level));
    return text.replaceAll(" (.).*", "$1").toLowerCase(Locale.ROOT);
  }

  /// The level of a page size.
  ///
  /// @param word such as `2m`
  /// @throws ScriptException if the format has no such pages
  static int level(PageFormat format, String word) throws ScriptException {
    long byteSize = Numbers.parse(word);
    for (int level = 1; level <= format.largestLeafLevel(); level++) {
      if (format.pageByteSize(level) == byteSize) {
        return level;
      }
    }
    throw new ScriptException(
        "'%s' is no page size of %s, which has %s".formatted(word, format, pageSizes(format)));
  }
}
