package dev.bifolio.lab.fuzz;

import dev.bifolio.lab.text.IomemReader;

/// Fuzz target: `/proc/iomem`. The input is the text.
public final class IomemFuzz {
  private IomemFuzz() {}

  /// Runs one input.
  ///
  /// @param input from the fuzzer
  public static void fuzzerTestOneInput(byte[] input) {
    TextTarget.check(IomemReader::read, input);
  }
}
