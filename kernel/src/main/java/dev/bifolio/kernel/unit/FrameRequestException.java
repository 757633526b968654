package dev.bifolio.kernel.unit;

import java.io.Serial;

/// A caller's mistake: double free, wrong order, foreign frame, misaligned address. The allocator
/// that throws it has changed nothing.
///
/// Exhaustion is never reported in this way.
public final class FrameRequestException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /// What is wrong.
  private final FrameError error;

  /// A mistake and its particulars.
  ///
  /// @param error the kind
  /// @param detail what was expected and what was found, with frame numbers in hex
  public FrameRequestException(FrameError error, String detail) {
    super(error.text() + ": " + detail);
    this.error = error;
  }

  /// The kind of mistake.
  ///
  /// @return one of the ten
  public FrameError error() {
    return error;
  }
}
