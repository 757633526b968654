package dev.bifolio.lab.text;

import dev.bifolio.kernel.firmware.MemoryMapException;

/// A range of addresses in text, such as `[mem 0x100000-0x1ffdffff]`: both ends belong to it.
///
/// @param base first byte, unsigned
/// @param last last byte, unsigned, not below base
record HexRange(long base, long last) {
  private static final int MAX_HEX_DIGITS = 16;

  /// The bytes of it, unsigned. All 2^64 do not fit; one byte less is no loss.
  long byteSize() {
    return base == 0 && last == -1L ? -1L : last - base + 1;
  }

  /// Reads two numbers and what stands between them.
  ///
  /// @param text the numbers, blanks around them allowed
  /// @param separator what stands between them
  /// @param lastBelongs whether the second number is the last byte or the one behind it
  /// @param lines for refusals
  /// @return the range
  /// @throws MemoryMapException if it is not a range or ends before it begins
  static HexRange parse(String text, String separator, boolean lastBelongs, TextLines lines)
      throws MemoryMapException {
    int middle = text.indexOf(separator);
    if (middle < 0) {
      throw lines.refusal("no address range in '" + abbreviated(text) + "'");
    }
    long base = number(text.substring(0, middle), lines);
    long end = number(text.substring(middle + separator.length()), lines);
    if (!lastBelongs && end == base) {
      throw lines.refusal("the range is empty");
    }
    long last = lastBelongs ? end : end - 1;
    if (Long.compareUnsigned(last, base) < 0) {
      throw lines.refusal("the range ends before it begins");
    }
    return new HexRange(base, last);
  }

  /// Reads what stands in brackets behind a word: `[mem A-B]`.
  ///
  /// @param line the whole line
  /// @param opening such as `[mem `
  /// @param lines for refusals
  /// @return the range
  /// @throws MemoryMapException if there is none
  static HexRange inBrackets(String line, String opening, TextLines lines)
      throws MemoryMapException {
    int open = line.indexOf(opening);
    int close = open < 0 ? -1 : line.indexOf(']', open);
    if (close < 0) {
      throw lines.refusal("no '" + opening + "…]' in this line");
    }
    return parse(line.substring(open + opening.length(), close), "-", true, lines);
  }

  /// A hexadecimal number with or without `0x`.
  static long number(String text, TextLines lines) throws MemoryMapException {
    String digits = text.strip();
    if (digits.startsWith("0x") || digits.startsWith("0X")) {
      digits = digits.substring(2);
    }
    int skip = 0;
    while (skip < digits.length() - 1 && digits.charAt(skip) == '0') {
      skip++;
    }
    digits = digits.substring(skip);
    if (digits.isEmpty() || digits.length() > MAX_HEX_DIGITS) {
      throw lines.refusal("'" + abbreviated(text) + "' is not an address");
    }
    long value = 0;
    for (int i = 0; i < digits.length(); i++) {
      int digit = Character.digit(digits.charAt(i), 16);
      if (digit < 0 || digits.charAt(i) > 'f') {
        throw lines.refusal("'" + abbreviated(text) + "' is not an address");
      }
      value = value << 4 | digit;
    }
    return value;
  }

  private static String abbreviated(String text) {
    return text.length() <= 40 ? text : text.substring(0, 40) + "…";
  }
}
