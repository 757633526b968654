package dev.bifolio.kernel.firmware;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Writes little-endian structures for the tests of the readers.
final class MultibootBytes {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  int byteCount() {
    return out.size();
  }

  byte[] toBytes() {
    return out.toByteArray();
  }

  MultibootBytes number(long value, int byteCount) {
    for (int i = 0; i < byteCount; i++) {
      out.write((int) (value >>> (8 * i)));
    }
    return this;
  }

  MultibootBytes u8(int... values) {
    for (int value : values) {
      number(value, 1);
    }
    return this;
  }

  MultibootBytes u32(long... values) {
    for (long value : values) {
      number(value, 4);
    }
    return this;
  }

  MultibootBytes u64(long... values) {
    for (long value : values) {
      number(value, 8);
    }
    return this;
  }

  MultibootBytes text(String value) {
    out.writeBytes(value.getBytes(StandardCharsets.ISO_8859_1));
    return u8(0);
  }

  MultibootBytes raw(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  /// Zeros up to a place.
  MultibootBytes padTo(int place) {
    if (place < byteCount()) {
      throw new IllegalArgumentException("already at " + byteCount());
    }
    out.writeBytes(new byte[place - byteCount()]);
    return this;
  }

  MultibootBytes align8() {
    return padTo((byteCount() + 7) & -8);
  }

  /// A tag of Multiboot 2 at the next multiple of 8.
  MultibootBytes tag(int type, MultibootBytes payload) {
    return align8().u32(type, 8 + payload.byteCount()).raw(payload.toBytes());
  }

  /// The information of Multiboot 2: everything so far as its tags, and an end tag.
  byte[] asInformation() {
    align8().u32(0, 8);
    byte[] tags = toBytes();
    return new MultibootBytes().u32(8 + tags.length, 0).raw(tags).toBytes();
  }

  /// An ACPI table with everything so far as its body; length and sum are set.
  byte[] asTable(String signature, int revision) {
    byte[] body = toBytes();
    byte[] table =
        new MultibootBytes()
            .raw(signature.getBytes(StandardCharsets.US_ASCII))
            .u32(36 + body.length)
            .u8(revision, 0)
            .padTo(36)
            .raw(body)
            .toBytes();
    return withSum(table);
  }

  static byte[] withSum(byte[] table) {
    table[9] = 0;
    int sum = 0;
    for (byte each : table) {
      sum += each;
    }
    table[9] = (byte) -sum;
    return table;
  }

  static byte[] first(byte[] bytes, int byteCount) {
    return Arrays.copyOf(bytes, byteCount);
  }

  /// Ranges of RAM as text: `0x0+0x9fc00`, with node and flag where they are set.
  static String memoryOf(MemoryMap map) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < map.memoryCount(); i++) {
      MemoryRegion region = map.memory(i);
      text.append(i == 0 ? "" : " ")
          .append(sizeText(region.range().base(), region.range().byteSize()))
          .append(region.node() == MemoryRegion.NO_NODE ? "" : " node " + region.node())
          .append(region.hotpluggable() ? " hot" : "");
    }
    return text.toString();
  }

  /// Reserved ranges of one source as text: `0x9fc00+0x400 reserved, …`.
  static String reservedOf(MemoryMap map, ReservedRegion.Source source) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < map.reservedCount(); i++) {
      ReservedRegion region = map.reserved(i);
      if (region.source() == source) {
        text.append(text.isEmpty() ? "" : ", ")
            .append(sizeText(region.range().base(), region.range().byteSize()))
            .append(' ')
            .append(region.name());
      }
    }
    return text.toString();
  }

  static String warningsOf(MemoryMap map) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < map.warningCount(); i++) {
      text.append(map.warning(i)).append('\n');
    }
    return text.toString();
  }

  private static String sizeText(long base, long byteSize) {
    return "0x" + Long.toHexString(base) + "+0x" + Long.toHexString(byteSize);
  }
}
