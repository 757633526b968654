package dev.bifolio.kernel.virtual;

/// Which areas get large pages without being asked page by page.
public enum HugePolicy {
  /// None.
  NEVER,
  /// Those that want them: [AreaFlags#HUGE].
  ADVISED,
  /// All but those that do not want them: [AreaFlags#NO_HUGE].
  ALWAYS;

  /// Whether an area gets them.
  ///
  /// @param areaFlags [AreaFlags]
  /// @return true if so
  public boolean allows(int areaFlags) {
    return switch (this) {
      case NEVER -> false;
      case ADVISED -> (areaFlags & AreaFlags.HUGE) != 0;
      case ALWAYS -> (areaFlags & AreaFlags.NO_HUGE) == 0;
    };
  }
}
