package dev.bifolio.kernel.rules.planted.frame;

import dev.bifolio.kernel.rules.planted.firmware.PlantedMap;

/// Planted: `frame` may not use `firmware`.
public final class FrameThatReadsFirmware {
  private FrameThatReadsFirmware() {}

  /// Does so.
  ///
  /// @return a count
  public static int use() {
    return PlantedMap.count();
  }
}
