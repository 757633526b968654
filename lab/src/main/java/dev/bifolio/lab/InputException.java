package dev.bifolio.lab;

import dev.bifolio.kernel.firmware.MemoryMapException;
import java.io.Serial;

/// An input that cannot be used: one line for the user, and the place.
sealed class InputException extends Exception permits TableScriptException {
  @Serial private static final long serialVersionUID = 1L;

  /// Where, in bytes; 0 if the file as a whole is meant.
  private final long offset;

  InputException(long offset, String message) {
    super(message);
    this.offset = offset;
  }

  /// A reader's refusal, told to the user as it is.
  static InputException of(MemoryMapException e) {
    return new InputException(e.offset(), String.valueOf(e.getMessage()));
  }

  long offset() {
    return offset;
  }
}
