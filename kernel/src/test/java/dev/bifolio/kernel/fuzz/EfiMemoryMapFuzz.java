package dev.bifolio.kernel.fuzz;

import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.EfiMemoryMapReader;
import java.util.Arrays;

/// Fuzz target: EFI memory maps. The first byte is added to the length that is claimed, the rest is
/// the map.
public final class EfiMemoryMapFuzz {
  private EfiMemoryMapFuzz() {}

  /// Runs one input.
  ///
  /// @param input from the fuzzer
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    byte[] map = Arrays.copyOfRange(input, 1, input.length);
    MapRules.check(() -> EfiMemoryMapReader.read(ByteView.of(map), map.length + (long) input[0]));
  }
}
