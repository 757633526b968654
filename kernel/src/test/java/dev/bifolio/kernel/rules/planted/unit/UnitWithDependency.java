package dev.bifolio.kernel.rules.planted.unit;

import org.junit.jupiter.api.Assertions;

/// Planted: a package of the kernel that uses a library.
public final class UnitWithDependency {
  private UnitWithDependency() {}

  /// Does so.
  public static void use() {
    Assertions.assertEquals(1L, 1L);
  }
}
