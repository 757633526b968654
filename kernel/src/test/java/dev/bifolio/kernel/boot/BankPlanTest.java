package dev.bifolio.kernel.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Window;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BankPlanTest {
  private static final long MIB = 1L << 20;
  private static final int DEVICE = 9;
  private static final int KEPT_FREE = 8;

  private Window window;
  private Memblock memblock;

  @BeforeEach
  void begin() throws Exception {
    window = Window.reserve(MIB);
    memblock = new Memblock(window.address(), 512, 0);
  }

  @AfterEach
  void end() {
    window.close();
  }

  /// Borders that are the same in all nodes but node 5, where all from `keptFreeFrom` on is of one
  /// type that is not for metadata.
  private static final class Cuts implements BankCuts {
    private final long[] borders;
    private long keptFreeFrom = Long.MAX_VALUE;
    private long[][] devices = {};

    Cuts(long... borders) {
      this.borders = borders;
    }

    Cuts keptFreeFrom(long pfn) {
      keptFreeFrom = pfn;
      return this;
    }

    Cuts devices(long[]... startEndNode) {
      devices = startEndNode;
      return this;
    }

    @Override
    public int typeAt(int node, long pfn) {
      int type = 0;
      while (type < borders.length && pfn >= borders[type]) {
        type++;
      }
      return node == 5 && pfn >= keptFreeFrom ? KEPT_FREE : type;
    }

    @Override
    public long borderAfter(int node, long pfn) {
      long next = Long.MAX_VALUE;
      for (long border : borders) {
        next = border > pfn ? Math.min(next, border) : next;
      }
      if (node == 5) {
        next = pfn >= keptFreeFrom ? Long.MAX_VALUE : Math.min(next, keptFreeFrom);
      }
      return next;
    }

    @Override
    public boolean isForMetadata(int type) {
      return type != KEPT_FREE;
    }

    @Override
    public int deviceCount() {
      return devices.length;
    }

    @Override
    public long deviceStartPfn(int device) {
      return devices[device][0];
    }

    @Override
    public long deviceEndPfn(int device) {
      return devices[device][1];
    }

    @Override
    public int deviceNode(int device) {
      return (int) devices[device][2];
    }

    @Override
    public int deviceType() {
      return DEVICE;
    }
  }

  private void ram(long startPfn, long endPfn, int node) {
    assertTrue(memblock.add(startPfn << 12, (endPfn - startPfn) << 12, node, 0));
  }

  private static List<String> banks(BankPlan plan) {
    List<String> banks = new ArrayList<>();
    for (int b = 0; b < plan.count(); b++) {
      banks.add(
          plan.startPfn(b)
              + "-"
              + plan.endPfn(b)
              + " present "
              + plan.presentFrames(b)
              + " node "
              + plan.nodeId(plan.nodeIndex(b))
              + " type "
              + plan.zoneType(b));
    }
    return banks;
  }

  @Test
  void ramIsCutAtEveryBorderItCrosses() {
    ram(1, 159, 0);
    ram(256, 10_000, 0);
    assertEquals(
        List.of(
            "1-4096 present 3998 node 0 type 0",
            "4096-6000 present 1904 node 0 type 1",
            "6000-10000 present 4000 node 0 type 2"),
        banks(new BankPlan(memblock.memory(), new Cuts(4096, 6000))));
  }

  @Test
  void aBorderAtTheEndsOfRamCutsNothing() {
    ram(4096, 6000, 3);
    assertEquals(
        List.of("4096-6000 present 1904 node 3 type 1"),
        banks(new BankPlan(memblock.memory(), new Cuts(4096, 6000))));
    assertEquals(
        List.of("4096-4097 present 1 node 3 type 0", "4097-6000 present 1903 node 3 type 1"),
        banks(new BankPlan(memblock.memory(), new Cuts(4097, 6001))));
  }

  @Test
  void aHoleOverABorderSeparatesAndALargeHoleDoesWithoutOne() {
    ram(0, 100, 0);
    ram(200, 300, 0);
    ram(300 + 32767, 40_000, 0);
    ram(40_000 + 32768, 80_000, 0);
    assertEquals(
        List.of(
            "0-100 present 100 node 0 type 0",
            "200-40000 present 7033 node 0 type 1",
            "72768-80000 present 7232 node 0 type 1"),
        banks(new BankPlan(memblock.memory(), new Cuts(150))));
  }

  @Test
  void nodesHaveBordersOfTheirOwn() {
    ram(0, 1000, 5);
    ram(1000, 2000, 6);
    ram(2000, 3000, 5);
    assertEquals(
        List.of(
            "0-512 present 512 node 5 type 0",
            "512-1000 present 488 node 5 type 8",
            "1000-1500 present 500 node 6 type 0",
            "1500-2000 present 500 node 6 type 1",
            "2000-3000 present 1000 node 5 type 8"),
        banks(new BankPlan(memblock.memory(), new Cuts(1500).keptFreeFrom(512))));
  }

  @Test
  void deviceMemoryIsInBanksOfItsOwnWhereverItLies() {
    ram(1000, 2000, 0);
    ram(2100, 3000, 0);
    Cuts cuts =
        new Cuts()
            .devices(
                new long[] {10, 20, 4},
                new long[] {20, 30, 4},
                new long[] {2000, 2100, 0},
                new long[] {900_000, 900_001, 0});
    BankPlan plan = new BankPlan(memblock.memory(), cuts);
    assertEquals(
        List.of(
            "10-30 present 20 node 4 type 9",
            "1000-2000 present 1000 node 0 type 0",
            "2000-2100 present 100 node 0 type 9",
            "2100-3000 present 900 node 0 type 0",
            "900000-900001 present 1 node 0 type 9"),
        banks(plan));
    assertEquals(2, plan.nodeCount());
    assertEquals(4, plan.nodeId(1));
    assertTrue(plan.isDevice(0));
    assertFalse(plan.isDevice(1));
    assertEquals(2, plan.bankOf(2050));
    assertEquals(-1, plan.bankOf(30));
  }

  @Test
  void metadataComeFromBelowWhatIsToBeEmptied() {
    ram(0, 4000, 5);
    BankPlan plan = new BankPlan(memblock.memory(), new Cuts().keptFreeFrom(2048));
    plan.setHeaderByteSize(64);
    plan.setSectionByteSize(0, 4000);
    plan.setSectionByteSize(1, 65);
    assertEquals(-1, plan.place(memblock));
    assertEquals(2046L << 12, plan.nodeRange(0).base());
    assertEquals(2L << 12, plan.nodeRange(0).byteSize());
    assertEquals(plan.headerAddress() + 64, plan.sectionAddress(0));
    assertEquals(plan.sectionAddress(0) + 4032, plan.sectionAddress(1));
  }

  @Test
  void metadataComeFromAnywhereIfTheNodeHasNoOther() {
    ram(0, 1000, 5);
    ram(1000, 1100, 6);
    BankPlan plan =
        new BankPlan(
            memblock.memory(), new Cuts().keptFreeFrom(0).devices(new long[] {9000, 9100, 7L}));
    plan.setHeaderByteSize(33);
    plan.setSectionByteSize(0, 4096);
    plan.setSectionByteSize(1, 100);
    plan.setSectionByteSize(2, 10);
    assertEquals(-1, plan.place(memblock));
    // The highest RAM there is; the device has none of its own.
    assertEquals(1098L << 12, plan.nodeRange(0).base());
    assertEquals(1097L << 12, plan.nodeRange(1).base());
    assertEquals(1096L << 12, plan.nodeRange(2).base());
    assertEquals(1096L << 12, plan.sectionAddress(2));
    assertEquals(plan.headerAddress() + 64, plan.sectionAddress(0));
  }

  @Test
  void whereThereIsNoRoomTheNodeIsNamed() {
    ram(0, 100, 5);
    BankPlan plan = new BankPlan(memblock.memory(), new Cuts());
    plan.setSectionByteSize(0, 101 << 12);
    assertEquals(0, plan.place(memblock));
  }

  @Test
  void everyFrameOfRamLiesInOneBankOfItsNodeAndType() {
    SplitMix64 random = new SplitMix64(11);
    for (int round = 0; round < 200; round++) {
      memblock = new Memblock(window.address(), 512, 0);
      long[] borders = {random.below(40_000), 40_000 + random.below(40_000)};
      Cuts cuts = new Cuts(borders).keptFreeFrom(random.below(120_000));
      long at = random.below(100);
      List<long[]> regions = new ArrayList<>();
      while (at < 100_000) {
        long end = at + 1 + random.below(20_000);
        regions.add(new long[] {at, end, 4 + random.below(3)});
        ram(at, end, (int) regions.getLast()[2]);
        at = end + random.below(3) * random.below(40_000L);
      }
      BankPlan plan = new BankPlan(memblock.memory(), cuts);
      long present = 0;
      for (int b = 0; b < plan.count(); b++) {
        present += plan.presentFrames(b);
        assertTrue(b == 0 || plan.endPfn(b - 1) <= plan.startPfn(b));
      }
      long all = 0;
      for (long[] region : regions) {
        all += region[1] - region[0];
        for (long pfn = region[0]; pfn < region[1]; pfn += 1 + random.below(500)) {
          int bank = plan.bankOf(pfn);
          assertTrue(bank >= 0, "frame " + pfn + " in no bank");
          assertEquals(region[2], plan.nodeId(plan.nodeIndex(bank)));
          assertEquals(cuts.typeAt((int) region[2], pfn), plan.zoneType(bank));
        }
      }
      assertEquals(all, present);
    }
  }
}
