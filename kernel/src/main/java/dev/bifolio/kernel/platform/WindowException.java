package dev.bifolio.kernel.platform;

import java.io.Serial;

/// A virtual range that this machine does not give.
public final class WindowException extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  /// A refusal.
  ///
  /// @param message one line that says what was asked and why it was refused
  public WindowException(String message) {
    super(message);
  }
}
