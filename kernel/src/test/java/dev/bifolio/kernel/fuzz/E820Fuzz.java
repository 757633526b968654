package dev.bifolio.kernel.fuzz;

import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.E820Reader;
import java.util.Arrays;

/// Fuzz target: E820 lists. The low bit of the first byte chooses the size of entries, the second
/// is added to the length that is claimed, the rest is the list.
public final class E820Fuzz {
  private static final int HEADER_BYTES = 2;

  private E820Fuzz() {}

  /// Runs one input.
  ///
  /// @param input from the fuzzer
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < HEADER_BYTES) {
      return;
    }
    byte[] list = Arrays.copyOfRange(input, HEADER_BYTES, input.length);
    int entryByteSize = (input[0] & 1) == 0 ? 20 : 24;
    long byteCount = list.length + (long) input[1];
    MapRules.check(() -> E820Reader.read(ByteView.of(list), byteCount, entryByteSize));
  }
}
