package dev.bifolio.kernel;

import dev.bifolio.kernel.virtual.Asids;
import dev.bifolio.kernel.virtual.HugePolicy;

/// How many user spaces a machine has, and for which processors.
///
/// @param mostSpaces how many may be open at a time, 1 or more
/// @param cpuCount processors that run them, 1 or more; they need not be those of this computer
/// @param asidBits of the numbers by which processors tell spaces apart, 0 … [Asids#mostBits]; 0
///   for processors that flush at each switch
/// @param hugePolicy which areas get large pages
/// @param mostHoles how many pages of a large one may be missing when small ones are collapsed
public record UserSettings(
    int mostSpaces, int cpuCount, int asidBits, HugePolicy hugePolicy, int mostHoles) {
  private static final int MOST_SPACES = 1 << 16;

  /// Refuses what cannot be.
  ///
  /// @throws IllegalArgumentException if there are no spaces or more than 65536, negative holes, or
  ///   not two numbers more than processors
  public UserSettings {
    if (mostSpaces < 1 || mostSpaces > MOST_SPACES || mostHoles < 0) {
      throw new IllegalArgumentException(
          "no " + mostSpaces + " user spaces, or " + mostHoles + " holes");
    }
    long _ = Asids.byteSize(cpuCount, asidBits);
  }
}
