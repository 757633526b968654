package dev.bifolio.kernel.virtual;

/// What came of a fault. After the first four the access is to be tried again; after the others
/// nothing has changed.
public enum FaultOutcome {
  /// The page had none, and has a frame now: of zeros, or of the backing.
  MAPPED,
  /// The frame was shared; the page has a copy of its own now.
  COPIED,
  /// The frame is nobody else's any more, or is meant to be shared; stores are allowed now.
  MADE_WRITABLE,
  /// There was nothing to do: another fault did it, or the processor knew an old translation.
  ALREADY,
  /// The address is in no area.
  SEGFAULT,
  /// The area does not allow it.
  PROTECTION,
  /// There is no frame for the page, or no table, or the frame has too many sharers.
  NO_MEMORY,
  /// The backing could not read the page.
  IO_ERROR;

  /// Whether the access should be tried again.
  ///
  /// @return false if it cannot succeed
  public boolean isResolved() {
    return compareTo(SEGFAULT) < 0;
  }
}
