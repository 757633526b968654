package dev.bifolio.lab.text;

import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapException;
import java.nio.charset.StandardCharsets;

/// Goes over the lines of a text and knows where it is, for messages.
///
/// Bytes are taken as Latin-1, so that a place in the text is a place in the file. Lines may end
/// with LF or CRLF.
final class TextLines {
  private final String text;
  private int next;
  private int start;
  private int number;

  /// @param text the whole text
  /// @param record what it is, for messages
  /// @throws MemoryMapException if it is larger than an input may be
  TextLines(String text, String record) throws MemoryMapException {
    if (text.length() > MemoryMap.MAX_FILE_BYTES) {
      throw new MemoryMapException(record, 0, "larger than 16 MiB");
    }
    this.text = text;
  }

  static String textOf(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  boolean hasNext() {
    return next < text.length();
  }

  String next() {
    start = next;
    number++;
    int end = text.indexOf('\n', start);
    if (end < 0) {
      end = text.length();
    }
    next = Math.min(end + 1, text.length());
    if (end > start && text.charAt(end - 1) == '\r') {
      end--;
    }
    return text.substring(start, end);
  }

  /// `line 7`, of the line that was given last.
  String record() {
    return "line " + number;
  }

  /// Where the line that was given last begins.
  long offset() {
    return start;
  }

  MemoryMapException refusal(String problem) {
    return new MemoryMapException(record(), offset(), problem);
  }
}
