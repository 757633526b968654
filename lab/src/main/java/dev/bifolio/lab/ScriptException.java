package dev.bifolio.lab;

import java.io.Serial;

/// A line of a script that is refused: why, in one line.
final class ScriptException extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  ScriptException(String message) {
    super(message);
  }
}
