package dev.bifolio.lab;

import java.io.Serial;

/// A script that is refused, with the line that is to blame.
final class TableScriptException extends InputException {
  @Serial private static final long serialVersionUID = 1L;

  private final int line;

  /// @param line from 1
  /// @param offset of the line in the file
  TableScriptException(int line, long offset, String message) {
    super(offset, "line " + line + ": " + message);
    this.line = line;
  }

  int line() {
    return line;
  }
}
