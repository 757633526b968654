package dev.bifolio.kernel.frame;

/// What a walk over an allocator found.
///
/// @param checkedFrames descriptors looked at
/// @param problemCount contradictions found
/// @param problems the first of them, one line each with its frame number, empty if all is well
public record ValidationReport(long checkedFrames, long problemCount, String problems) {
  /// Whether nothing contradicts.
  ///
  /// @return true if there is no problem
  public boolean isValid() {
    return problemCount == 0;
  }

  /// One line if all is well, else a headline and the problems.
  @Override
  public String toString() {
    return isValid()
        ? checkedFrames + " frames checked, no problem"
        : checkedFrames + " frames checked, " + problemCount + " problems:\n" + problems;
  }
}
