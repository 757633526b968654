package dev.bifolio.kernel.fuzz;

import dev.bifolio.kernel.firmware.Multiboot2Reader;

/// Fuzz target: Multiboot 2 boot information in a memory image of several pieces.
public final class Multiboot2Fuzz {
  private Multiboot2Fuzz() {}

  /// Runs one input.
  ///
  /// @param input from the fuzzer, as [FuzzMemory] describes
  public static void fuzzerTestOneInput(byte[] input) {
    FuzzMemory image = FuzzMemory.of(input);
    MapRules.check(() -> Multiboot2Reader.read(image.memory(), image.infoAddress()));
  }
}
