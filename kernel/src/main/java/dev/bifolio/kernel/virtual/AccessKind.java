package dev.bifolio.kernel.virtual;

/// What an access that faulted wanted.
public enum AccessKind {
  /// To load, which who may store may too.
  LOAD(AreaFlags.READ | AreaFlags.WRITE),
  /// To store.
  STORE(AreaFlags.WRITE),
  /// To fetch an instruction.
  FETCH(AreaFlags.EXECUTE);

  private final int flags;

  AccessKind(int flags) {
    this.flags = flags;
  }

  /// Whether an area allows it.
  ///
  /// @param areaFlags [AreaFlags]
  /// @return true if so
  public boolean isAllowed(int areaFlags) {
    return (areaFlags & flags) != 0;
  }
}
