package dev.bifolio.kernel.firmware;

import static dev.bifolio.kernel.firmware.FdtBlob.read;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.testkit.Behaviour;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class FdtReaderTest {
  @Test
  @Behaviour("104")
  void anEmptyAShortAndAForeignFileAreRefusedAtTheHeader() {
    byte[] good = FdtBlob.root(2, 2).close();
    assertRefused(new byte[0], "header", 0);
    assertRefused(Arrays.copyOf(good, 3), "header", 0);
    assertRefused(new byte[4], "header", 0);
    assertRefused(Arrays.copyOf(good, 4), "header", 20);
    assertRefused(FdtBlob.withU32(good, 0, 0xd00dfeecL), "header", 0);
    assertFalse(FdtReader.hasMagic(ByteView.of(new byte[0])));
    assertFalse(FdtReader.hasMagic(ByteView.of(new byte[4])));
    assertTrue(FdtReader.hasMagic(ByteView.of(good)));
  }

  @Test
  @Behaviour("104")
  void initrdBoundsOf32And64BitsAreRead() throws MemoryMapException {
    MemoryMap small =
        read(chosen().cells("linux,initrd-start", 5).cells("linux,initrd-end", 9).end().close());
    assertEquals(new AddressRange(5, 4), small.initrd());
    MemoryMap large =
        read(
            chosen()
                .cells("linux,initrd-start", 1, 0x80000000L)
                .cells("linux,initrd-end", 0x80000001L, 0x10)
                .end()
                .close());
    assertEquals(AddressRange.ofBounds(0x1_8000_0000L, 0x8000_0001_0000_0010L), large.initrd());
    assertEquals(0, large.warningCount());
  }

  @Test
  @Behaviour({"104", "105"})
  void halfAnInitrdIsNoneAndLeavesAWarning() throws MemoryMapException {
    assertNoInitrd(chosen().cells("linux,initrd-start", 5), "no linux,initrd-end");
    assertNoInitrd(chosen().cells("linux,initrd-end", 5), "no linux,initrd-start");
    assertNoInitrd(
        chosen().cells("linux,initrd-start", 9).cells("linux,initrd-end", 9), "not behind");
    assertNoInitrd(
        chosen().cells("linux,initrd-start", 9).cells("linux,initrd-end", 5), "not behind");
    assertNoInitrd(
        chosen().cells("linux,initrd-start", 5).bytes("linux,initrd-end", new byte[3]),
        "not a number");
  }

  @Test
  @Behaviour("105")
  void aNodeIsFoundByWhatItIsCompatibleWith() throws MemoryMapException {
    byte[] blob =
        FdtBlob.root(2, 2)
            .begin("soc")
            .begin("other@1")
            .text("compatible", "test-device")
            .end()
            .begin("device@1234")
            .text("compatible", "vendor,thing\0test-dev")
            .cells("reg", 0x1234, 0x1000)
            .end()
            .end()
            .close();
    FdtTree tree = FdtTree.open(ByteView.of(blob));
    int node = tree.compatibleNode("test-dev");
    assertEquals("/soc/device@1234", tree.path(node));
    FdtValue reg = tree.property(node, "reg");
    assertNotNull(reg);
    assertEquals(0x1234, reg.cell(0));
    assertEquals(0x1000, reg.cell(1));
    assertEquals(FdtTree.NO_NODE, tree.compatibleNode("test"));
  }

  @Test
  @Behaviour("105")
  void memoryAndReservationsOfASmallMachine() throws MemoryMapException {
    MemoryMap map =
        read(
            FdtBlob.root(2, 2)
                .reserve(0x47000000, 0x1000)
                .memory(0x40000000, 0x10000000)
                .begin("reserved-memory")
                .cells("#address-cells", 2)
                .cells("#size-cells", 2)
                .flag("ranges")
                .begin("reserved@48000000")
                .cells("reg", 0, 0x48000000, 0, 0x100000)
                .end()
                .end()
                .close());
    assertEquals(List.of("[0x40000000, 0x50000000)"), FdtTrees.memory(map));
    assertEquals(
        List.of(
            "[0x47000000, 0x47001000) memreserve ''",
            "[0x48000000, 0x48100000) reserved-memory 'reserved@48000000'"),
        FdtTrees.reserved(map));
    assertEquals(0, map.warningCount());
  }

  @Test
  @Behaviour("113")
  void moreThan32RegionsOfEachKindAreKept() throws MemoryMapException {
    FdtBlob blob = FdtBlob.root(2, 2);
    for (int i = 0; i < 100; i++) {
      blob.memory(0x4_0000_0000L - i * 0x200000L, 0x100000).reserve(i * 0x10000L, 0x1000);
    }
    MemoryMap map = read(blob.close());
    assertEquals(100, map.memoryCount());
    assertEquals(100, map.reservedCount());
    assertEquals(100L * 0x100000, map.totalMemoryBytes());
  }

  @Test
  void cellCountsAbsentAtTheRootAreTwoAndOne() throws MemoryMapException {
    MemoryMap map =
        read(
            new FdtBlob()
                .begin("")
                .begin("memory")
                .text("device_type", "memory")
                .cells("reg", 1, 0, 0x1000)
                .end()
                .close());
    assertEquals(List.of("[0x100000000, 0x100001000)"), FdtTrees.memory(map));
  }

  @Test
  void aPropertyBehindAChildCounts() throws MemoryMapException {
    MemoryMap map =
        read(
            new FdtBlob()
                .begin("")
                .nop()
                .begin("memory")
                .begin("child")
                .cells("reg", 7, 7)
                .end()
                .nop()
                .text("device_type", "memory")
                .cells("reg", 0x5000, 0x1000)
                .end()
                .cells("#address-cells", 1)
                .nop()
                .cells("#size-cells", 1)
                .close());
    assertEquals(List.of("[0x5000, 0x6000)"), FdtTrees.memory(map));
  }

  @Test
  void threeCellsAreReadWhereTheNumberFits() throws MemoryMapException {
    MemoryMap map =
        read(
            FdtBlob.root(3, 2)
                .begin("memory")
                .text("device_type", "memory")
                .cells("reg", 0, 1, 0x80000000L, 0, 0x1000, 1, 0, 0, 0, 0x1000)
                .end()
                .close());
    assertEquals(List.of("[0x180000000, 0x180001000)"), FdtTrees.memory(map));
    assertEquals(
        List.of("/memory: 1 entries of reg do not fit 64 bits; left out"), FdtTrees.warnings(map));
  }

  @Test
  void cellCountsThatCannotBeReadLeaveTheMemoryOutWithAWarning() throws MemoryMapException {
    for (long[] cells :
        new long[][] {{2, 0}, {0, 1}, {0xFFFFFFFFL, 2}, {2, 5}, {1L << 31, 1L << 31}}) {
      MemoryMap map =
          read(FdtBlob.root((int) cells[0], (int) cells[1]).memory(0x1000, 0x1000).close());
      assertEquals(0, map.memoryCount());
      assertEquals(
          List.of(
              "/memory@1000: memory cannot be read with #address-cells "
                  + cells[0]
                  + " and #size-cells "
                  + cells[1]
                  + "; left out"),
          FdtTrees.warnings(map));
    }
  }

  @Test
  void aRestOfRegLeavesAWarningAndTheWholeEntries() throws MemoryMapException {
    MemoryMap map =
        read(
            FdtBlob.root(1, 1)
                .begin("memory")
                .text("device_type", "memory")
                .bytes("reg", new byte[] {0, 0, 0x10, 0, 0, 0, 0x10, 0, 0, 0, 0x30, 0, 1})
                .end()
                .close());
    assertEquals(List.of("[0x1000, 0x2000)"), FdtTrees.memory(map));
    assertEquals(1, map.warningCount());
    assertTrue(map.warning(0).contains("13 bytes"), map.warning(0));
  }

  @Test
  @Behaviour("23")
  void aRangeThatPassesTheTopIsCutThere() throws MemoryMapException {
    MemoryMap map = read(FdtBlob.root(2, 2).reserve(-4096, 8192).memory(-0x2000, 0x3000).close());
    assertEquals(List.of("[0xffffffffffffe000, 2^64)"), FdtTrees.memory(map));
    assertEquals(List.of("[0xfffffffffffff000, 2^64) memreserve ''"), FdtTrees.reserved(map));
    assertEquals(2, map.warningCount());
  }

  @Test
  void nodesOfTheSameMemoryKeepTheOneStatedFirst() throws MemoryMapException {
    FdtBlob blob = FdtBlob.root(1, 1);
    for (int node = 0; node < 3; node++) {
      blob.begin("memory@" + node)
          .text("device_type", "memory")
          .cells("reg", 0x1000, 0x1000)
          .cells("numa-node-id", node)
          .end();
    }
    MemoryMap map = read(blob.close());
    assertEquals(List.of("[0x1000, 0x2000) node 0"), FdtTrees.memory(map));
    assertEquals(2, map.warningCount());
  }

  @Test
  void nodeIdsBeyondTheLimitAreNoIds() throws MemoryMapException {
    for (long id : new long[] {1024, 0x7FFFFFFF, 0xFFFFFFFEL}) {
      MemoryMap map = read(memoryOfNode(id).close());
      assertEquals(List.of("[0x1000, 0x2000)"), FdtTrees.memory(map));
      assertEquals(1, map.warningCount());
    }
    assertEquals(0, read(memoryOfNode(0xFFFFFFFFL).close()).warningCount());
    assertEquals(
        List.of("[0x1000, 0x2000) node 1023"), FdtTrees.memory(read(memoryOfNode(1023).close())));
  }

  @Test
  void distancesThatMakeNoSenseAreLeftOut() throws MemoryMapException {
    MemoryMap map =
        read(
            memoryOfNode(3)
                .begin("distance-map")
                .text("compatible", "numa-distance-map-v1")
                .cells(
                    "distance-matrix",
                    0,
                    0,
                    11,
                    0,
                    1,
                    10,
                    0,
                    1,
                    256,
                    0,
                    1024,
                    20,
                    1,
                    0,
                    40,
                    0,
                    2,
                    255,
                    7)
                .end()
                .close());
    assertEquals(
        List.of(
            List.of(10, 40, 255, 20),
            List.of(40, 10, 20, 20),
            List.of(255, 20, 10, 20),
            List.of(20, 20, 20, 10)),
        FdtTrees.distances(map));
    assertEquals(2, map.warningCount(), () -> FdtTrees.warnings(map).toString());
  }

  @Test
  void reservedMemoryWithoutRangesIsTakenAsItStands() throws MemoryMapException {
    MemoryMap map =
        read(
            FdtBlob.root(2, 2)
                .begin("reserved-memory")
                .cells("#address-cells", 1)
                .cells("#size-cells", 1)
                .begin("a")
                .cells("reg", 0x1000, 0x1000)
                .end()
                .begin("b")
                .cells("size", 0x3000)
                .cells("alignment", 0x3000)
                .end()
                .begin("c")
                .end()
                .end()
                .close());
    assertEquals(List.of("[0x1000, 0x2000) reserved-memory 'a'"), FdtTrees.reserved(map));
    assertEquals(List.of("b 0x3000 align 0x4000 in []"), FdtTrees.dynamic(map));
    assertEquals(3, map.warningCount(), () -> FdtTrees.warnings(map).toString());
  }

  @Test
  void nothingIsReadBehindTheTotalSize() throws MemoryMapException {
    byte[] blob = FdtBlob.root(2, 2).memory(0x1000, 0x1000).close();
    byte[] longer = Arrays.copyOf(blob, blob.length + 100);
    Arrays.fill(longer, blob.length, longer.length, (byte) 0xFF);
    assertEquals(FdtTrees.text(read(blob)), FdtTrees.text(read(longer)));
    assertRefused(Arrays.copyOf(blob, blob.length - 1), "header", 4);
  }

  @Test
  void aReservationBlockWithoutItsEndIsRefusedAtTheEndOfTheTree() {
    byte[] blob = FdtBlob.root(2, 2).memory(0x1000, 0x1000).close();
    // The block moves into padding of one and a half entries; behind the tree lies what ends it.
    int end = blob.length + 24;
    byte[] longer = Arrays.copyOf(blob, end + 100);
    Arrays.fill(longer, blob.length, end, (byte) 1);
    byte[] moved = FdtBlob.withU32(FdtBlob.withU32(longer, 16, blob.length), 4, end);
    assertRefused(moved, "reservation block", blob.length + 16);
  }

  @Test
  void anEmptyReservationEndsTheBlockWhateverItsAddress() throws MemoryMapException {
    byte[] blob = FdtBlob.root(2, 2).reserve(0, 0x1000).reserve(0x5000, 0x1000).close();
    MemoryMap map = read(FdtBlob.withU32(blob, 40 + 16 + 12, 0));
    assertEquals(List.of("[0x0, 0x1000) memreserve ''"), FdtTrees.reserved(map));
    assertEquals(
        List.of("reservation block: ends with an empty entry at 0x5000"), FdtTrees.warnings(map));
  }

  @Test
  void aTreeInPiecesIsReadLikeAFile() throws MemoryMapException {
    byte[] blob = FdtTrees.fixture("reservations");
    ByteView pieces =
        ByteView.ofPieces(
            ByteView.at(301, Arrays.copyOfRange(blob, 301, blob.length)),
            ByteView.at(0, Arrays.copyOf(blob, 55)),
            ByteView.at(55, Arrays.copyOfRange(blob, 55, 301)));
    assertEquals(FdtTrees.text(read(blob)), FdtTrees.text(FdtReader.read(pieces)));
  }

  static void assertRefused(byte[] blob, String record, long offset) {
    MemoryMapException e = assertThrows(MemoryMapException.class, () -> read(blob));
    assertEquals(record, e.record(), e.getMessage());
    assertEquals(offset, e.offset(), e.getMessage());
  }

  private static FdtBlob chosen() {
    return FdtBlob.root(2, 2).begin("chosen");
  }

  private static FdtBlob memoryOfNode(long id) {
    return FdtBlob.root(1, 1)
        .begin("memory")
        .text("device_type", "memory")
        .cells("reg", 0x1000, 0x1000)
        .cells("numa-node-id", id)
        .end();
  }

  private static void assertNoInitrd(FdtBlob openChosen, String warning) throws MemoryMapException {
    MemoryMap map = read(openChosen.end().close());
    assertNull(map.initrd());
    assertEquals(1, map.warningCount());
    assertTrue(map.warning(0).contains(warning), map.warning(0));
  }
}
