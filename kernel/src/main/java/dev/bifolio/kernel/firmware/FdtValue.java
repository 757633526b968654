package dev.bifolio.kernel.firmware;

/// The value of a property: big-endian cells of 4 bytes, or texts that end with a zero.
///
/// The bytes were checked to be inside of the tree. A text that lacks its zero ends with the value.
///
/// @param bytes the tree
/// @param offset of the first byte in it
/// @param byteSize bytes, 0 or more
record FdtValue(ByteView bytes, int offset, int byteSize) {
  /// One cell.
  long cell(int index) {
    int at = offset + 4 * index;
    return (long) bytes.byteAt(at) << 24
        | (long) bytes.byteAt(at + 1) << 16
        | (long) bytes.byteAt(at + 2) << 8
        | bytes.byteAt(at + 3);
  }

  /// How many whole cells there are.
  int cellCount() {
    return byteSize / 4;
  }

  /// Whether the number in `count` cells fits 64 bits.
  boolean fits(int index, int count) {
    for (int i = 0; i < count - 2; i++) {
      if (cell(index + i) != 0) {
        return false;
      }
    }
    return true;
  }

  /// The number in `count` cells that [#fits] was true for, unsigned.
  long number(int index, int count) {
    long number = 0;
    for (int i = Math.max(0, count - 2); i < count; i++) {
      number = number << 32 | cell(index + i);
    }
    return number;
  }

  /// Whether the value is one number of up to 64 bits, in one cell or more.
  boolean isNumber() {
    return byteSize > 0 && byteSize % 4 == 0 && byteSize <= 16 && fits(0, cellCount());
  }

  /// The value as one number, if [#isNumber].
  long number() {
    return number(0, cellCount());
  }

  /// Whether the first text is this one.
  boolean is(String text) {
    return isAt(0, text);
  }

  /// Whether one of the texts is this one.
  boolean lists(String text) {
    for (int at = 0; at < byteSize; at = afterText(at)) {
      if (isAt(at, text)) {
        return true;
      }
    }
    return false;
  }

  /// Where the text behind the one at `at` begins; at or behind the end if there is none.
  int afterText(int at) {
    int end = at;
    while (end < byteSize && bytes.byteAt(offset + end) != 0) {
      end++;
    }
    return end + 1;
  }

  /// The text that begins at `at`, each byte as the character of its number; at most `maxChars`.
  String text(int at, int maxChars) {
    StringBuilder text = new StringBuilder();
    for (int i = at; i < byteSize && text.length() < maxChars; i++) {
      int each = bytes.byteAt(offset + i);
      if (each == 0) {
        break;
      }
      text.append((char) each);
    }
    return text.toString();
  }

  private boolean isAt(int at, String text) {
    if (text.length() > byteSize - at) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      if (bytes.byteAt(offset + at + i) != text.charAt(i)) {
        return false;
      }
    }
    int end = at + text.length();
    return end == byteSize || bytes.byteAt(offset + end) == 0;
  }
}
