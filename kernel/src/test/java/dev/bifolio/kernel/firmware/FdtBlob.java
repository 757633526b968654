package dev.bifolio.kernel.firmware;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/// Writes flattened device trees, good ones and bad ones, token by token.
final class FdtBlob {
  private final ByteArrayOutputStream reservations = new ByteArrayOutputStream();
  private final ByteArrayOutputStream structure = new ByteArrayOutputStream();
  private final ByteArrayOutputStream strings = new ByteArrayOutputStream();
  private final Map<String, Integer> stringOffsets = new LinkedHashMap<>();

  /// A tree whose root has the usual cells, still open.
  static FdtBlob root(int addressCells, int sizeCells) {
    return new FdtBlob()
        .begin("")
        .cells("#address-cells", addressCells)
        .cells("#size-cells", sizeCells);
  }

  FdtBlob reserve(long base, long byteSize) {
    return raw(reservations, base >>> 32, base, byteSize >>> 32, byteSize);
  }

  FdtBlob begin(String name) {
    raw(structure, 1);
    structure.writeBytes((name + "\0").getBytes(StandardCharsets.ISO_8859_1));
    return pad();
  }

  FdtBlob end() {
    return token(2);
  }

  FdtBlob nop() {
    return token(4);
  }

  FdtBlob token(long token) {
    return raw(structure, token);
  }

  FdtBlob flag(String name) {
    return bytes(name, new byte[0]);
  }

  FdtBlob text(String name, String value) {
    return bytes(name, (value + "\0").getBytes(StandardCharsets.ISO_8859_1));
  }

  /// A property of 4-byte cells; the upper halves of the arguments are not looked at.
  FdtBlob cells(String name, long... values) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    raw(out, values);
    return bytes(name, out.toByteArray());
  }

  FdtBlob bytes(String name, byte[] value) {
    Integer offset = stringOffsets.get(name);
    if (offset == null) {
      offset = strings.size();
      stringOffsets.put(name, offset);
      strings.writeBytes((name + "\0").getBytes(StandardCharsets.ISO_8859_1));
    }
    raw(structure, 3, value.length, offset);
    structure.writeBytes(value);
    return pad();
  }

  /// A memory node with two cells each.
  FdtBlob memory(long base, long byteSize) {
    return begin("memory@" + Long.toHexString(base))
        .text("device_type", "memory")
        .cells("reg", base >>> 32, base, byteSize >>> 32, byteSize)
        .end();
  }

  /// Closes the root and gives the tree.
  byte[] close() {
    return end().token(9).finish();
  }

  /// The tree as it is, whether that is right or not.
  byte[] finish() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int reservationBytes = reservations.size() + 16;
    int structOffset = 40 + reservationBytes;
    int stringsOffset = structOffset + structure.size();
    raw(out, FdtHeader.MAGIC, stringsOffset + strings.size(), structOffset, stringsOffset, 40);
    raw(out, 17, 16, 0, strings.size(), structure.size());
    out.writeBytes(reservations.toByteArray());
    raw(out, 0, 0, 0, 0);
    out.writeBytes(structure.toByteArray());
    out.writeBytes(strings.toByteArray());
    return out.toByteArray();
  }

  static byte[] withU32(byte[] blob, int offset, long value) {
    byte[] copy = blob.clone();
    for (int i = 0; i < 4; i++) {
      copy[offset + i] = (byte) (value >>> (24 - 8 * i));
    }
    return copy;
  }

  static MemoryMap read(byte[] blob) throws MemoryMapException {
    return FdtReader.read(ByteView.of(blob));
  }

  private FdtBlob pad() {
    while (structure.size() % 4 != 0) {
      structure.write(0);
    }
    return this;
  }

  private FdtBlob raw(ByteArrayOutputStream out, long... words) {
    try (DataOutputStream data = new DataOutputStream(out)) {
      for (long word : words) {
        data.writeInt((int) word);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }
}
