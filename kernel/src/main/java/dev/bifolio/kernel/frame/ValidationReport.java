package dev.bifolio.kernel.frame;

/// What a walk over an allocator found.
///
/// @param checkedFrames frames looked at
/// @param problemCount contradictions found
/// @param problems the first of them, one line each, empty if all is well
public record ValidationReport(long checkedFrames, long problemCount, String problems) {
  /// Whether nothing contradicts.
  ///
  /// @return true if there is no problem
  public boolean isValid() {
    return problemCount == 0;
  }
}
