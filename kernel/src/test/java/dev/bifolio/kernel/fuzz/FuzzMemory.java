package dev.bifolio.kernel.fuzz;

import dev.bifolio.kernel.firmware.ByteView;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A memory image as fuzz input: 8 bytes of an address, then pieces, each with 8 bytes of base, 2
/// of length and its content, most significant byte first. The last piece ends with the input.
record FuzzMemory(long infoAddress, ByteView memory) {
  private static final int PIECE_HEADER_BYTES = 10;
  private static final int MAX_PIECES = 16;

  static FuzzMemory of(byte[] input) {
    ByteBuffer in = ByteBuffer.wrap(Arrays.copyOf(input, Math.max(input.length, Long.BYTES)));
    long infoAddress = in.getLong();
    List<ByteView> pieces = new ArrayList<>();
    while (in.remaining() >= PIECE_HEADER_BYTES && pieces.size() < MAX_PIECES) {
      long base = in.getLong();
      byte[] content = new byte[Math.min(in.getShort() & 0xFFFF, in.remaining())];
      in.get(content);
      pieces.add(ByteView.at(base, content));
    }
    return new FuzzMemory(infoAddress, ByteView.ofPieces(pieces.toArray(ByteView[]::new)));
  }

  /// Writes such an input.
  static final class Writer {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Writer(long infoAddress) {
      out.writeBytes(ByteBuffer.allocate(Long.BYTES).putLong(infoAddress).array());
    }

    void addPiece(long base, byte[] content) {
      ByteBuffer header = ByteBuffer.allocate(PIECE_HEADER_BYTES);
      out.writeBytes(header.putLong(base).putShort((short) content.length).array());
      out.writeBytes(content);
    }

    byte[] toBytes() {
      return out.toByteArray();
    }
  }
}
