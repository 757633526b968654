package dev.bifolio.kernel.heap;

import java.io.Serial;

/// A caller's mistake with a pointer of the heap. The heap that throws it has changed nothing.
///
/// Exhaustion is never reported in this way.
public final class HeapException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /// What is wrong.
  private final HeapError error;

  /// A mistake and its particulars.
  ///
  /// @param error the kind
  /// @param detail what was expected and what was found, with pointers in hex
  public HeapException(HeapError error, String detail) {
    super(error.text() + ": " + detail);
    this.error = error;
  }

  /// The kind of mistake.
  ///
  /// @return one of them
  public HeapError error() {
    return error;
  }
}
