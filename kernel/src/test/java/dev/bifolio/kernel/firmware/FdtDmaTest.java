package dev.bifolio.kernel.firmware;

import static dev.bifolio.kernel.firmware.MemoryMap.NO_DMA_LIMIT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class FdtDmaTest {
  private static final long MIB = 1L << 20;
  private static final long GIB = 1L << 30;

  private static long limit(FdtBlob blob) throws MemoryMapException {
    return FdtBlob.read(blob.close()).dmaLimit();
  }

  private static FdtBlob bus(FdtBlob blob, String name, long addressCells, long sizeCells) {
    return blob.begin(name).cells("#address-cells", addressCells).cells("#size-cells", sizeCells);
  }

  @Test
  void aTreeWithoutWindowsHasNoLimit() throws MemoryMapException {
    assertEquals(NO_DMA_LIMIT, limit(FdtBlob.root(2, 2)));
    assertEquals(
        NO_DMA_LIMIT, limit(bus(FdtBlob.root(2, 2), "soc", 1, 1).cells("dma-ranges").end()));
  }

  @Test
  void theHighestEndOfABusAndTheLowestOfAllBusesCount() throws MemoryMapException {
    FdtBlob blob = bus(FdtBlob.root(2, 2), "soc", 1, 1);
    blob.cells("dma-ranges", 0, 1, 0, 0x4000_0000, 0x8000_0000L, 0, 0, 0x1000).end();
    bus(blob, "wide", 2, 2).cells("dma-ranges", 0, 0, 0, 0, 0x10, 0).end();
    assertEquals(5 * GIB, limit(blob));
  }

  @Test
  void whatIsDisabledDoesNotCountNorWhatIsBelow() throws MemoryMapException {
    FdtBlob blob = FdtBlob.root(2, 2).begin("a").text("status", "disabled");
    bus(blob, "soc", 1, 1).cells("dma-ranges", 0, 0, 0, 0x1000).end().end();
    bus(blob, "b", 1, 1).text("status", "okay").cells("dma-ranges", 0, 0, 0, 0x2000).end();
    assertEquals(0x2000, limit(blob));
  }

  @Test
  void addressesAreTranslatedUpToTheRoot() throws MemoryMapException {
    FdtBlob blob = bus(FdtBlob.root(2, 2), "soc", 1, 1);
    // Bus 0x1000_0000 … 0x1fff_ffff is 0x5000_0000 … above, and the child sees its lower half.
    blob.cells("dma-ranges", 0x1000_0000, 0, 0x5000_0000, 0x1000_0000);
    bus(blob, "empty", 1, 1).cells("dma-ranges");
    bus(blob, "child", 3, 2).cells("dma-ranges", 0x0200_0000, 0, 0, 0x1000_0000, 0, 0x0800_0000);
    blob.end().end().end();
    assertEquals(0x5800_0000L, limit(blob));
  }

  @Test
  void aWindowThatTheBusAboveLacksIsLeftOut() throws MemoryMapException {
    FdtBlob blob = bus(FdtBlob.root(1, 1), "soc", 1, 1);
    blob.cells("dma-ranges", 0x1000, 0x8000, 0x1000);
    bus(blob, "child", 1, 1).cells("dma-ranges", 0, 0x2000, 0x10, 0, 0x1ff0, 0x10).end();
    assertEquals(0x9000, limit(blob.end()));
    FdtBlob none = bus(FdtBlob.root(1, 1), "soc", 1, 1);
    none.cells("dma-ranges", 0x1000, 0x8000, 0x1000);
    bus(none, "child", 1, 1).cells("dma-ranges", 0, 0xfff, 0x10).end();
    assertEquals(0x9000, limit(none.end()));
  }

  @Test
  void windowsOfEverythingAreNoLimit() throws MemoryMapException {
    FdtBlob blob = bus(FdtBlob.root(2, 2), "soc", 2, 2);
    blob.cells("dma-ranges", 0, 0, 0, 0, 0x8000_0000L, 0).end();
    assertEquals(NO_DMA_LIMIT, limit(blob));
    FdtBlob wrapping = bus(FdtBlob.root(2, 2), "soc", 2, 2);
    wrapping.cells("dma-ranges", 0, 0, 0x7fff_ffffL, 0, 0x7fff_ffffL, 0).end();
    assertEquals(NO_DMA_LIMIT, limit(wrapping));
  }

  @Test
  void cellsThatCannotBeReadAreNoWindows() throws MemoryMapException {
    FdtBlob blob = bus(FdtBlob.root(2, 2), "soc", 5, 1);
    blob.cells("dma-ranges", 0, 0, 0, 0, 0, 0, 0, 0x1000).end();
    bus(blob, "soc2", 1, 0).cells("dma-ranges", 0, 0, 0).end();
    bus(blob, "soc3", 1, 1).cells("dma-ranges", 0, 0, 0).end();
    assertEquals(NO_DMA_LIMIT, limit(blob));
  }

  @Test
  void theFirstSixteenEntriesAndTheFirstThousandBusesCount() throws MemoryMapException {
    long[] cells = new long[17 * 3];
    for (int i = 0; i < 17; i++) {
      cells[3 * i + 2] = 0x1000L * (i + 1);
    }
    FdtBlob blob = bus(FdtBlob.root(1, 1), "soc", 1, 1).cells("dma-ranges", cells).end();
    assertEquals(0x10_000, limit(blob));
    FdtBlob many = FdtBlob.root(1, 1);
    for (int i = 0; i < 1025; i++) {
      bus(many, "b" + i, 1, 1).cells("dma-ranges", 0, 0, 0x10_0000 - i).end();
    }
    MemoryMap map = FdtBlob.read(many.close());
    assertEquals(0x10_0000 - 1023, map.dmaLimit());
    assertEquals(1, map.warningCount());
    assertTrue(map.warning(0).contains("1024 buses of 1025"), map.warning(0));
  }

  @Test
  void realTreesHaveTheLimitsOfTheirBuses() throws Exception {
    TreeMap<String, Long> limits = new TreeMap<>();
    int trees = 0;
    try (Stream<Path> files = Files.list(FdtTrees.shared("dtb"))) {
      for (Path file : files.toList()) {
        if (file.toString().endsWith(".jsonl")) {
          continue;
        }
        trees++;
        long limit = FdtBlob.read(FdtTrees.bytes(file)).dmaLimit();
        if (limit != NO_DMA_LIMIT) {
          limits.put(file.getFileName().toString().replaceAll(".*__|\\.dtb.*", ""), limit);
        }
      }
    }
    assertTrue(trees >= 38, trees + " trees");
    // From dma-ranges as fdtget prints them: two buses of a Raspberry Pi 4 see 1 GiB, one 3 GiB.
    assertEquals(GIB, limits.get("bcm2711-rpi-4-b"));
    assertEquals(4 * GIB, limits.get("imx8mp-evk"));
    assertEquals(64 * GIB, limits.get("sdm845-oneplus-fajita"));
    assertEquals(1008 * MIB, limits.get("a64-raspi3b-filled"));
    assertEquals(4 * GIB, limits.get("mpfs-icicle-kit"));
    assertEquals(5, limits.size(), limits.toString());
  }
}
