package dev.bifolio.kernel.rules.planted.frame;

import dev.bifolio.kernel.rules.planted.platform.PlantedPlatform;
import dev.bifolio.kernel.rules.planted.unit.UnitWithDependency;

/// Not a violation: `frame` may use `platform` and `unit`.
public final class LegalFrame {
  private LegalFrame() {}

  /// Does so.
  public static void use() {
    PlantedPlatform.use();
    UnitWithDependency.use();
  }
}
