package dev.bifolio.kernel.firmware;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.bifolio.testkit.SplitMix64;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/// Whatever the bytes: a map in order or a [MemoryMapException], nothing else, and never more than
/// a few reads for each byte of input.
class MultibootEfiAcpiHostileTest {
  private static final long BASE = 0x10000;

  /// What a reader makes of bytes.
  private enum Reader {
    E820_SHORT(e820(20)),
    E820_LONG(e820(24)),
    EFI(efi()),
    MULTIBOOT1(multiboot1()),
    MULTIBOOT2(multiboot2(true)),
    MULTIBOOT2_EFI(multiboot2(false)),
    SRAT(srat()),
    SLIT(slit());

    // Nobody writes into it: every mutation begins with a clone.
    @SuppressWarnings("ImmutableEnumChecker")
    private final byte[] sample;

    Reader(byte[] sample) {
      this.sample = sample;
    }

    MemoryMap read(byte[] bytes) throws MemoryMapException {
      boolean absolute = name().startsWith("MULTIBOOT");
      CountedView view = new CountedView(ByteView.at(absolute ? BASE : 0, bytes), bytes.length);
      return switch (this) {
        case E820_SHORT -> E820Reader.read(view, bytes.length, 20);
        case E820_LONG -> E820Reader.read(view, bytes.length, 24);
        case EFI -> EfiMemoryMapReader.read(view, bytes.length);
        case MULTIBOOT1 -> Multiboot1Reader.read(view, BASE);
        case MULTIBOOT2, MULTIBOOT2_EFI -> Multiboot2Reader.read(view, BASE);
        case SRAT, SLIT -> AcpiTables.read(view).applyTo(plainMap());
      };
    }

    /// Makes the sum right again, so that a mutation gets behind it.
    byte[] mended(byte[] bytes) {
      return (this == SRAT || this == SLIT) && bytes.length > 9
          ? MultibootBytes.withSum(bytes)
          : bytes;
    }
  }

  private static final class CountedView implements ByteView {
    private final ByteView inner;
    private long readsLeft;

    CountedView(ByteView inner, int byteCount) {
      this.inner = inner;
      // Strings may be reached by many pointers; their sum is capped at 1 MiB.
      this.readsLeft = (2L << 20) + 64L * byteCount;
    }

    @Override
    public boolean isReadable(long address, long byteCount) {
      return inner.isReadable(address, byteCount);
    }

    @Override
    public int byteAt(long address) {
      if (readsLeft-- == 0) {
        throw new AssertionError("too many reads");
      }
      return inner.byteAt(address);
    }
  }

  private static MemoryMap plainMap() throws MemoryMapException {
    return new MemoryMapBuilder("e820")
        .addMemory(0, 0x9fc00, -1, false, "test", 0)
        .addMemory(0x100000, 1L << 33, -1, false, "test", 0)
        .build();
  }

  private static byte[] e820(int entryByteSize) {
    MultibootBytes list = new MultibootBytes();
    for (int i = 0; i < 4; i++) {
      list.u64(0x100000L * i, 0x80000).u32(1 + i % 2);
      list.padTo(entryByteSize * i + 20);
      if (entryByteSize == 24) {
        list.u32(1);
      }
    }
    return list.toBytes();
  }

  private static byte[] efi() {
    MultibootBytes map = new MultibootBytes().u32(48, 1);
    for (int type = 0; type < 8; type++) {
      map.u32(type, 0).u64(0x100000L * type, 0, 16, 15, 0);
    }
    return map.toBytes();
  }

  private static byte[] multiboot1() {
    MultibootBytes image =
        new MultibootBytes()
            .u32(0x1FEF, 639, 7192, 0, BASE + 256, 2, BASE + 320)
            .u32(3, 40, BASE + 400, 0, 72, BASE + 128)
            .u32(0, 0, 0, BASE + 270, BASE + 400, BASE + 400, BASE + 400)
            .padTo(88)
            .u64(0xFD00_0000L)
            .u32(4096, 1024, 768)
            .padTo(128);
    for (int i = 0; i < 3; i++) {
      image.u32(20).u64(0x100000L * i, 0x80000).u32(1 + i % 2);
    }
    image.padTo(256).text("root=/dev").padTo(270).text("GRUB").padTo(280).text("module");
    image.padTo(320).u32(0x200000, 0x200005, BASE + 280, 0, 0x201000, 0x201001, 0, 0);
    return image.padTo(416).toBytes();
  }

  private static byte[] multiboot2(boolean withMap) {
    MultibootBytes tags = new MultibootBytes();
    tags.tag(1, new MultibootBytes().text("quiet"));
    tags.tag(2, new MultibootBytes().text("GRUB"));
    tags.tag(3, new MultibootBytes().u32(0x1000, 0x2000).text("module"));
    tags.tag(4, new MultibootBytes().u32(639, 7192));
    if (withMap) {
      MultibootBytes map = new MultibootBytes().u32(24, 0);
      tags.tag(6, map.u64(0, 0x9fc00).u32(1, 0).u64(0x100000, 0x700000).u32(1, 0));
    }
    tags.tag(8, new MultibootBytes().u64(0xFD00_0000L).u32(4096, 1024, 768).u8(32, 1, 0, 0));
    byte[] root = "RSD PTR ".getBytes(StandardCharsets.US_ASCII);
    tags.tag(14, new MultibootBytes().raw(root).padTo(20));
    tags.tag(15, new MultibootBytes().raw(root).padTo(36));
    tags.tag(17, new MultibootBytes().raw(efi()));
    tags.tag(18, new MultibootBytes());
    return tags.asInformation();
  }

  private static byte[] srat() {
    MultibootBytes body = new MultibootBytes().u32(1).u64(0);
    body.u8(0, 16, 0, 0).u32(1, 0, 0);
    body.u8(2, 24, 0, 0).u32(1, 300, 1, 0, 0);
    for (int i = 0; i < 3; i++) {
      body.u8(1, 40).u32(i).u8(0, 0).u64((long) i << 31, 1L << 31).u32(0, 1).u64(0);
    }
    return body.asTable("SRAT", 3);
  }

  private static byte[] slit() {
    return new MultibootBytes().u64(3).u8(10, 20, 30, 20, 10, 40, 30, 40, 10).asTable("SLIT", 1);
  }

  /// Reads and checks; true if a map came out.
  private static boolean readsOrRefuses(Reader reader, byte[] bytes, String what) {
    try {
      assertOrdered(reader.read(bytes));
      return true;
    } catch (MemoryMapException expected) {
      if (expected.record().isEmpty()) {
        fail(reader + ", " + what + ": a refusal without its record");
      }
      return false;
    } catch (RuntimeException | Error e) {
      throw new AssertionError(reader + ", " + what, e);
    }
  }

  private static void assertOrdered(MemoryMap map) {
    for (int i = 1; i < map.memoryCount(); i++) {
      long before = map.memory(i - 1).range().last();
      long base = map.memory(i).range().base();
      assertTrue(Long.compareUnsigned(before, base) < 0, "memory out of order");
    }
    for (int i = 1; i < map.reservedCount(); i++) {
      long before = map.reserved(i - 1).range().base();
      long base = map.reserved(i).range().base();
      assertTrue(Long.compareUnsigned(before, base) <= 0, "reservations out of order");
    }
  }

  @Test
  void theSamplesThemselvesAreRead() {
    for (Reader reader : Reader.values()) {
      assertTrue(readsOrRefuses(reader, reader.sample.clone(), "sample"), reader + " is refused");
    }
  }

  @Test
  void everyTruncationIsReadOrRefused() {
    for (Reader reader : Reader.values()) {
      for (int byteCount = 0; byteCount < reader.sample.length; byteCount++) {
        byte[] cut = MultibootBytes.first(reader.sample, byteCount);
        readsOrRefuses(reader, cut, "first " + byteCount);
        if (reader == Reader.SRAT || reader == Reader.SLIT) {
          // The same with a length that agrees.
          byte[] agreed = cut.clone();
          if (byteCount > 9) {
            agreed[4] = (byte) byteCount;
            readsOrRefuses(reader, reader.mended(agreed), "cut to " + byteCount);
          }
        }
      }
    }
  }

  @Test
  void everyByteTakesEveryValue() {
    for (Reader reader : Reader.values()) {
      for (int at = 0; at < reader.sample.length; at++) {
        for (int value = 0; value < 256; value++) {
          byte[] changed = reader.sample.clone();
          changed[at] = (byte) value;
          readsOrRefuses(reader, reader.mended(changed), "byte " + at + " = " + value);
        }
      }
    }
  }

  @Test
  void wholeWordsOfExtremeValuesAreReadOrRefused() {
    long[] values = {0, 1, -1, 0x8000_0000L, 0x7FFF_FFFFL, 1L << 63, 0xFFFF_FFF8L, BASE, -BASE};
    for (Reader reader : Reader.values()) {
      for (int at = 0; at + 8 <= reader.sample.length; at++) {
        for (long value : values) {
          for (int width = 4; width <= 8; width += 4) {
            byte[] changed = reader.sample.clone();
            byte[] word = new MultibootBytes().number(value, width).toBytes();
            System.arraycopy(word, 0, changed, at, width);
            readsOrRefuses(reader, reader.mended(changed), "word " + at + " = " + value);
          }
        }
      }
    }
  }

  @Test
  void randomMutationsAreReadOrRefused() {
    int mapCount = 0;
    int readers = Reader.values().length;
    for (long seed = 0; seed < 100_000; seed++) {
      SplitMix64 random = new SplitMix64(seed);
      Reader reader = Reader.values()[(int) (seed % readers)];
      byte[] changed = reader.sample.clone();
      for (int change = random.below(8); change >= 0; change--) {
        int at = random.below(changed.length);
        switch (random.below(4)) {
          case 0 -> changed[at] = (byte) random.next();
          case 1 -> changed[at] ^= (byte) (1 << random.below(8));
          case 2 -> changed[at] = random.oneIn(2) ? (byte) 0xFF : 0;
          default -> {
            int from = random.below(changed.length);
            int byteCount = Math.min(8, changed.length - Math.max(at, from));
            System.arraycopy(changed, from, changed, at, byteCount);
          }
        }
      }
      if (random.oneIn(8)) {
        changed = MultibootBytes.first(changed, random.below(changed.length));
      }
      if (readsOrRefuses(reader, reader.mended(changed), "seed " + seed)) {
        mapCount++;
      }
    }
    // Both outcomes must occur, or the mutations test nothing.
    assertTrue(mapCount > 10_000 && mapCount < 90_000, mapCount + " maps of 100000");
  }
}
