package dev.bifolio.kernel.rules.planted.strange;

/// Planted: a package that the table does not know.
public final class Strange {
  private Strange() {}
}
