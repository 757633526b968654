package dev.bifolio.kernel.rules.planted.firmware;

import dev.bifolio.kernel.rules.planted.frame.LegalFrame;

/// Planted: `firmware` uses `frame`, which closes a cycle.
public final class PlantedMap {
  /// A constant, inlined where it is used.
  public static final int LIMIT = 7;

  private PlantedMap() {}

  /// Uses `frame`.
  ///
  /// @return a count
  public static int count() {
    LegalFrame.use();
    return LIMIT;
  }
}
