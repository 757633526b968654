package dev.bifolio.kernel.fuzz;

import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.FdtReader;

/// Fuzz target: flattened device trees. The input is the file.
public final class FdtFuzz {
  private FdtFuzz() {}

  /// Runs one input.
  ///
  /// @param input from the fuzzer
  public static void fuzzerTestOneInput(byte[] input) {
    MapRules.check(() -> FdtReader.read(ByteView.of(input)));
  }
}
