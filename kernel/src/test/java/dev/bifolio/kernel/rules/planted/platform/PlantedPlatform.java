package dev.bifolio.kernel.rules.planted.platform;

/// What `frame` may use.
public final class PlantedPlatform {
  private PlantedPlatform() {}

  /// Nothing.
  public static void use() {}
}
