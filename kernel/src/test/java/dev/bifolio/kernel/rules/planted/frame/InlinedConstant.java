package dev.bifolio.kernel.rules.planted.frame;

import dev.bifolio.kernel.rules.planted.firmware.PlantedMap;

/// Planted: a forbidden import that the class file does not show.
public final class InlinedConstant {
  /// A copy.
  public static final int COPY = PlantedMap.LIMIT;

  private InlinedConstant() {}
}
