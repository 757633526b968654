package dev.bifolio.kernel.fuzz;

import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.MemoryMapException;

/// Fuzz target: views in pieces against one view of the same bytes.
///
/// The first 16 bytes choose a base address and a cut, the rest is the content. Two neighbouring
/// pieces must answer exactly as the whole does, at every address that the input leads to.
public final class ByteViewFuzz {
  private static final int HEADER_BYTES = 16;

  private ByteViewFuzz() {}

  /// Runs one input.
  ///
  /// @param input from the fuzzer
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < HEADER_BYTES) {
      return;
    }
    byte[] content = java.util.Arrays.copyOfRange(input, HEADER_BYTES, input.length);
    long base = word(input, 0);
    int cut = (int) Long.remainderUnsigned(word(input, 8), content.length + 1L);
    ByteView whole = ByteView.at(base, content);
    ByteView pieces =
        ByteView.ofPieces(
            ByteView.at(base, java.util.Arrays.copyOf(content, cut)),
            ByteView.at(base + cut, java.util.Arrays.copyOfRange(content, cut, content.length)));
    for (int i = 0; i + 8 <= content.length; i++) {
      long address = base + word(content, i) % (2L * content.length + 1);
      expectSame(whole, pieces, address);
      expectSame(whole, pieces, word(content, i));
    }
  }

  private static void expectSame(ByteView whole, ByteView pieces, long address) {
    String one = outcome(whole, address);
    String other = outcome(pieces, address);
    if (!one.equals(other)) {
      throw new AssertionError(
          "at 0x" + Long.toHexString(address) + " whole says " + one + ", pieces say " + other);
    }
  }

  private static String outcome(ByteView view, long address) {
    try {
      return Long.toHexString(view.u64be("fuzz", address));
    } catch (MemoryMapException e) {
      return e.getMessage();
    }
  }

  private static long word(byte[] bytes, int from) {
    return java.nio.ByteBuffer.wrap(bytes).getLong(from);
  }
}
