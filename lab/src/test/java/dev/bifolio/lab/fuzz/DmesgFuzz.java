package dev.bifolio.lab.fuzz;

import dev.bifolio.lab.text.DmesgReader;

/// Fuzz target: Linux boot logs. The input is the text.
public final class DmesgFuzz {
  private DmesgFuzz() {}

  /// Runs one input.
  ///
  /// @param input from the fuzzer
  public static void fuzzerTestOneInput(byte[] input) {
    TextTarget.check(DmesgReader::read, input);
  }
}
