package dev.bifolio.kernel.platform;

/// The switch for expensive internal checks.
public final class Checks {
  /// True if the JVM was started with `-Dbifolio.checks=true`. A constant: where it is false, the
  /// compiler removes the checks.
  public static final boolean ENABLED = Boolean.getBoolean("bifolio.checks");

  private Checks() {}
}
