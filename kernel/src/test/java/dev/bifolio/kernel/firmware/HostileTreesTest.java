package dev.bifolio.kernel.firmware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.SplitMix64;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Damaged and hostile trees: a map or a refusal, never anything else, never late.
class HostileTreesTest {
  private static final int MUTATIONS = 100_000;

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void everyTruncationIsAnswered() {
    HostileInput input = new HostileInput(FdtReader::read);
    for (byte[] blob : FdtTrees.fixtures()) {
      HostileTrees.truncate(input, blob, "fixture");
    }
    assertTrue(input.refusals() > 1000);
  }

  @Test
  @Tag("slow")
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void everyByteOfHeaderAndReservationBlockMayBeAnything() throws MemoryMapException {
    HostileInput input = new HostileInput(FdtReader::read);
    for (byte[] blob : FdtTrees.fixtures()) {
      int end = FdtHeader.read(ByteView.of(blob)).structOffset();
      for (int at = 0; at < end; at++) {
        byte good = blob[at];
        for (int value = 0; value < 256; value++) {
          blob[at] = (byte) value;
          input.feed(blob, value + " at " + at);
        }
        blob[at] = good;
      }
    }
    assertTrue(input.maps() > 1000 && input.refusals() > 1000);
  }

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void everyHeaderFieldMayBeAnyBorderValue() {
    HostileInput input = new HostileInput(FdtReader::read);
    for (byte[] blob : FdtTrees.fixtures()) {
      for (int field = 0; field < 40; field += 4) {
        for (long value : borderValues(blob.length)) {
          input.feed(FdtBlob.withU32(blob, field, value), value + " in field " + field);
        }
      }
    }
    assertTrue(input.refusals() > 1000);
  }

  @Test
  @Tag("slow")
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void aHundredThousandSeededMutationsAreAnswered() {
    SplitMix64 random = new SplitMix64(42);
    HostileInput input = new HostileInput(FdtReader::read);
    List<byte[]> trees = FdtTrees.fixtures();
    for (int i = 0; i < MUTATIONS; i++) {
      byte[] blob = trees.get(random.below(trees.size())).clone();
      int changes = 1 + random.below(4);
      for (int change = 0; change < changes; change++) {
        mutate(blob, random);
      }
      input.feed(blob, "mutation " + i);
    }
    assertEquals(MUTATIONS, input.maps() + input.refusals());
    assertTrue(input.maps() > 10_000, input.maps() + " maps");
    assertTrue(input.refusals() > 10_000, input.refusals() + " refusals");
  }

  @Test
  void everyReadingOfTheSameBytesGivesTheSameMap() throws MemoryMapException {
    for (byte[] blob : FdtTrees.fixtures()) {
      String first = FdtTrees.text(FdtBlob.read(blob));
      assertEquals(first, FdtTrees.text(FdtBlob.read(blob)));
      byte[] packed = HostileTrees.withoutPadding(blob);
      assertEquals(first, FdtTrees.text(FdtBlob.read(packed)));
    }
  }

  @Test
  @Timeout(10)
  void aMillionPropertiesWithOneLongNameAreReadInTime() throws MemoryMapException {
    FdtBlob blob = FdtBlob.root(2, 2);
    String name = "x".repeat(4_000_000);
    for (int i = 0; i < 900_000; i++) {
      blob.flag(name);
    }
    assertEquals(0, FdtBlob.read(blob.close()).memoryCount());
  }

  @Test
  @Timeout(10)
  void nodesUpToTheLimitAreReadAndOneMoreIsRefused() throws MemoryMapException {
    FdtBlob most = FdtBlob.root(2, 2);
    for (int i = 1; i < FdtTree.MAX_NODES; i++) {
      most.begin("").end();
    }
    assertEquals(0, FdtBlob.read(most.close()).warningCount());
    FdtBlob tooMany = FdtBlob.root(2, 2);
    for (int i = 0; i < FdtTree.MAX_NODES; i++) {
      tooMany.begin("").end();
    }
    byte[] refused = tooMany.close();
    MemoryMapException e = assertThrows(MemoryMapException.class, () -> FdtBlob.read(refused));
    assertTrue(e.getMessage().contains("more than 262144 nodes"), e.getMessage());
  }

  @Test
  @Timeout(10)
  void nestingHasNoLimitButOnly64LevelsAreLookedAt() throws MemoryMapException {
    FdtBlob blob = FdtBlob.root(2, 2);
    for (int i = 0; i < 200_000; i++) {
      blob.begin("deep");
    }
    blob.flag("deepest");
    for (int i = 0; i < 200_000; i++) {
      blob.end();
    }
    MemoryMap map = FdtBlob.read(blob.memory(0x1000, 0x1000).close());
    assertEquals(List.of("[0x1000, 0x2000)"), FdtTrees.memory(map));
    assertEquals(List.of("nodes deeper than 64 are not looked at"), FdtTrees.warnings(map));
  }

  @Test
  @Timeout(10)
  void aQuarterOfAMillionUselessNodesAreReadInTime() throws MemoryMapException {
    FdtBlob blob = FdtBlob.root(2, 2).begin("reserved-memory");
    for (int i = 0; i < 150_000; i++) {
      blob.begin("r").cells("reg", 0, 0).end();
    }
    blob.end();
    for (int i = 0; i < 60_000; i++) {
      blob.begin("m").text("device_type", "memory").end();
    }
    MemoryMap map = FdtBlob.read(blob.close());
    assertEquals(0, map.memoryCount());
    assertEquals(100, map.warningCount());
  }

  @Test
  @Tag("slow")
  @Timeout(10)
  void aMillionReservationsOutsideOfAllWindowsAreReadInTime() throws MemoryMapException {
    long[] windows = new long[100 * 3];
    for (int i = 0; i < 100; i++) {
      windows[3 * i] = 0x1000L * i;
      windows[3 * i + 1] = 0x1000L * i;
      windows[3 * i + 2] = 0x1000;
    }
    long[] reg = new long[2_000_000];
    Arrays.fill(reg, 0x70000000L);
    MemoryMap map =
        FdtBlob.read(
            FdtBlob.root(1, 1)
                .begin("reserved-memory")
                .cells("#address-cells", 1)
                .cells("#size-cells", 1)
                .cells("ranges", windows)
                .begin("n".repeat(1_000_000))
                .cells("reg", reg)
                .end()
                .end()
                .close());
    assertEquals(0, map.reservedCount());
    assertEquals(2, map.warningCount());
  }

  @Test
  @Timeout(10)
  void moreThan65536RangesAreRefusedAndNotCut() {
    FdtBlob blob = FdtBlob.root(1, 1);
    long[] reg = new long[2 * (MemoryMap.MAX_REGIONS + 1)];
    for (int i = 0; i < reg.length; i += 2) {
      reg[i] = i;
      reg[i + 1] = 1;
    }
    byte[] bytes =
        blob.begin("memory").text("device_type", "memory").cells("reg", reg).end().close();
    MemoryMapException e = assertThrows(MemoryMapException.class, () -> FdtBlob.read(bytes));
    assertEquals("/memory", e.record());
    assertTrue(e.offset() > 8 * MemoryMap.MAX_REGIONS, e.getMessage());
  }

  @Test
  void aFileAboveTheLimitIsRefused() {
    byte[] blob = Arrays.copyOf(FdtTrees.fixture("virt"), MemoryMap.MAX_FILE_BYTES + 1);
    FdtReaderTest.assertRefused(FdtBlob.withU32(blob, 4, blob.length), "header", 4);
  }

  @Test
  void tokensOutOfPlaceAreRefusedWithTheirOffset() {
    int structure = 40 + 16;
    FdtReaderTest.assertRefused(new FdtBlob().token(9).finish(), "structure block", structure);
    FdtReaderTest.assertRefused(
        new FdtBlob().flag("x").begin("").close(), "structure block", structure);
    FdtReaderTest.assertRefused(
        new FdtBlob().token(7).begin("").close(), "structure block", structure);
    FdtReaderTest.assertRefused(
        new FdtBlob().token(2).begin("").close(), "structure block", structure);
    FdtReaderTest.assertRefused(
        new FdtBlob().begin("").token(9).finish(), "structure block", structure + 8);
    FdtReaderTest.assertRefused(new FdtBlob().begin("").finish(), "structure block", structure + 8);
    FdtReaderTest.assertRefused(
        new FdtBlob().begin("").end().begin("").close(), "structure block", structure + 12);
    FdtReaderTest.assertRefused(
        new FdtBlob().begin("").end().nop().token(9).finish(), "structure block", structure + 12);
  }

  @Test
  void propertiesThatPassTheirBlockAreRefused() {
    byte[] blob = new FdtBlob().begin("").cells("a", 1).close();
    int property = 40 + 16 + 8;
    for (long byteSize : new long[] {0x7FFFFFFF, 0x80000000L, 0xFFFFFFFCL, 0xFFFFFFFFL, 40}) {
      FdtReaderTest.assertRefused(
          FdtBlob.withU32(blob, property + 4, byteSize), "structure block", property + 4);
    }
    for (long name : new long[] {2, 0x7FFFFFFF, 0x80000000L, 0xFFFFFFFFL}) {
      FdtReaderTest.assertRefused(
          FdtBlob.withU32(blob, property + 8, name), "structure block", property + 8);
    }
    byte[] endless = blob.clone();
    endless[endless.length - 1] = 'b';
    FdtReaderTest.assertRefused(endless, "structure block", property + 8);
  }

  @Test
  @Timeout(10)
  void thousandsOfReservedMemoryNodesAreReadInLinearTime() throws MemoryMapException {
    FdtBlob tree = new FdtBlob().begin("");
    for (int i = 0; i < 20_000; i++) {
      tree.begin("reserved-memory")
          .cells("#address-cells", 2)
          .cells("#size-cells", 1)
          .cells("ranges", 0, 0, 0, i, 0x1000)
          .begin("r")
          .cells("reg", 0, 0x10, 0x20)
          .end()
          .end();
    }
    MemoryMap map = FdtBlob.read(tree.close());
    assertEquals(20_000, map.reservedCount());
    assertEquals(19_999 + 0x10, map.reserved(19_999).range().base());
  }

  @Test
  @Tag("slow")
  @Timeout(10)
  void misplacedMemoryNodesAreCountedNotListed() throws MemoryMapException {
    FdtBlob tree = FdtBlob.root(1, 1);
    for (int depth = 0; depth < 60; depth++) {
      tree.begin("x".repeat(200));
    }
    for (int i = 0; i < 200_000; i++) {
      tree.begin("m").text("device_type", "memory").end();
    }
    for (int depth = 0; depth < 60; depth++) {
      tree.end();
    }
    MemoryMap map = FdtBlob.read(tree.close());
    assertEquals(0, map.memoryCount());
    assertEquals(1, map.warningCount());
    assertEquals(
        ("/" + "x".repeat(200)).repeat(60)
            + "/m: memory is looked for below the root only; left out, and so are 199999 other"
            + " nodes",
        map.warning(0));
  }

  private static void mutate(byte[] blob, SplitMix64 random) {
    int at = random.below(blob.length);
    switch (random.below(4)) {
      case 0 -> blob[at] ^= (byte) (1 << random.below(8));
      case 1 -> blob[at] = (byte) random.below(256);
      case 2 -> {
        long[] values = borderValues(blob.length);
        long value = values[random.below(values.length)];
        int cell = Math.min(at & ~3, blob.length - 4);
        for (int i = 0; i < 4; i++) {
          blob[cell + i] = (byte) (value >>> (24 - 8 * i));
        }
      }
      default -> {
        int from = random.below(blob.length);
        int byteCount = random.below(Math.min(32, blob.length - Math.max(at, from)) + 1);
        System.arraycopy(blob, from, blob, at, byteCount);
      }
    }
  }

  private static long[] borderValues(int length) {
    return new long[] {
      0,
      1,
      2,
      3,
      4,
      9,
      15,
      16,
      17,
      18,
      28,
      36,
      39,
      40,
      41,
      56,
      length - 4,
      length - 1,
      length,
      length + 1,
      0x7FFFFFFF,
      0x80000000L,
      0xFFFFFFF0L,
      0xFFFFFFFCL,
      0xFFFFFFFFL
    };
  }
}
