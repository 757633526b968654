package dev.bifolio.kernel.zone;

/// How short memory is in a zone, from nothing to the worst.
///
/// ```
///             below low                    below min
///   ┌──────┐ ──────────> ┌──────┐ ────────────────────> ┌──────┐
///   │ NONE │             │ SOME │                       │ FULL │
///   └──────┘ <────────── └──────┘ <──────────────────── └──────┘
///      ^      high and above           low and above        │
///      └────────────────────────────────────────────────────┘
///                         high and above
/// ```
///
/// And from NONE to FULL at once, below min. Each way back begins one mark above the way in, so
/// that a zone at the edge of a mark does not signal again and again. Whole, by where the available
/// frames lie:
///
/// | from | below min | min … low | low … high | high and above |
/// |------|-----------|-----------|------------|----------------|
/// | NONE | FULL      | SOME      | NONE       | NONE           |
/// | SOME | FULL      | SOME      | SOME       | NONE           |
/// | FULL | FULL      | FULL      | SOME       | NONE           |
///
/// The names are those of Linux' pressure stall information (`Documentation/accounting/psi.rst`);
/// there they measure time lost, here they follow the watermarks.
public enum PressureLevel {
  /// Enough is available.
  NONE,
  /// Memory is getting short: background reclaim is at work, requests may stall soon.
  SOME,
  /// Ordinary requests are not served without direct reclaim.
  FULL;

  /// How many levels there are.
  public static final int COUNT = 3;

  /// The level that follows when so many frames are available. The marks should ascend; whatever
  /// they are, the first column from the left that applies counts.
  ///
  /// @param available frames
  /// @param min below it begins [#FULL]
  /// @param low below it begins [#SOME]; from it on [#FULL] ends
  /// @param high from it on [#SOME] ends
  /// @return the new level, which may be this one
  public PressureLevel next(long available, long min, long low, long high) {
    if (available < min) {
      return FULL;
    }
    if (available < low) {
      return this == FULL ? FULL : SOME;
    }
    if (available < high) {
      return this == NONE ? NONE : SOME;
    }
    return NONE;
  }
}
