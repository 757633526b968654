package dev.bifolio.kernel.fuzz;

import dev.bifolio.kernel.firmware.Multiboot1Reader;

/// Fuzz target: Multiboot 1 boot information in a memory image of several pieces.
public final class Multiboot1Fuzz {
  private Multiboot1Fuzz() {}

  /// Runs one input.
  ///
  /// @param input from the fuzzer, as [FuzzMemory] describes
  public static void fuzzerTestOneInput(byte[] input) {
    FuzzMemory image = FuzzMemory.of(input);
    MapRules.check(() -> Multiboot1Reader.read(image.memory(), image.infoAddress()));
  }
}
