package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.unit.FrameSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A zone of several banks, which begin and end within areas.
class CompactionBanksTest {
  private static final long LOW = 0x10000;
  private static final long HIGH = 0x20000;

  private static BankedItems twoBanks() {
    return new BankedItems(LOW, LOW + 4 * 512, HIGH, HIGH + 4 * 512);
  }

  private static void fillBank(BankedItems items, long start, int... lives) {
    for (int area = 0; area < lives.length; area++) {
      items.fill(start + area * 512L, start + (area + 1) * 512L, lives[area]);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 20, 100_000})
  void theEmptiestAreaOfAllBanksIsGained(long budget) {
    try (BankedItems items = twoBanks()) {
      fillBank(items, LOW, 400, 300, 200, 300);
      fillBank(items, HIGH, 300, 300, 50, 300);
      assertEquals(CompactionOutcome.SUCCESS, items.compact(9, budget));
      assertEquals(50, items.compaction.counters().framesMoved());
      assertEquals(1, items.banks[1].freeBlockCount(9));
      assertEquals(450, items.itemsIn(LOW, LOW + 512), "the fullest area is in the other bank");
      items.assertAllThere(2150);
    }
  }

  @Test
  void aFreeBlockOfTheLastBankIsFound() {
    try (BankedItems items = twoBanks()) {
      fillBank(items, LOW, 400, 300, 200, 300);
      fillBank(items, HIGH, 300, 300, 300, 0);
      assertEquals(CompactionOutcome.SUCCESS, items.compact(9, 1000));
      assertEquals(0, items.compaction.counters().framesMoved());
      assertEquals(8, items.compaction.counters().areasScanned());
    }
  }

  @Test
  void aLongBlockThatIsThereCostsNothingEither() {
    try (BankedItems items = twoBanks()) {
      fillBank(items, LOW, 400, 300, 200, 300);
      assertEquals(CompactionOutcome.SUCCESS, items.compact(11, 1000));
      assertEquals(0, items.compaction.counters().framesMoved());
      assertEquals(1, items.compaction.counters().passes());
      assertEquals(0, items.compaction.counters().unitsGained());
    }
  }

  @Test
  void inTheBackgroundAllBanksArePutTogether() {
    try (BankedItems items = twoBanks()) {
      fillBank(items, LOW, 128, 128, 128, 128);
      fillBank(items, HIGH, 128, 128, 128, 128);
      items.compaction.setProactiveness(100);
      while (items.compaction.step(100)) {
        // To the end.
      }
      long free = 8 * 384;
      assertEquals(100, items.compaction.counters().score());
      assertEquals((free * 95 / 100 + 511) / 512, items.compaction.counters().areasGained());
      assertEquals(
          items.compaction.counters().areasGained(),
          items.banks[0].freeBlockCount(9)
              + 2 * items.banks[0].freeBlockCount(10)
              + 4 * items.banks[0].freeBlockCount(11)
              + items.banks[1].freeBlockCount(9)
              + 2 * items.banks[1].freeBlockCount(10)
              + 4 * items.banks[1].freeBlockCount(11));
      items.assertAllThere(1024);
    }
  }

  /// Pieces of areas at both ends of a bank: nothing can be gained there, but they can be filled.
  @Test
  void piecesOfAreasAreTargetsAndNoSources() {
    long start = LOW + 512 - 192;
    long end = LOW + 4 * 512 + 192;
    try (BankedItems items = new BankedItems(start, end)) {
      items.fill(start, LOW + 512, 60);
      fillBank(items, LOW + 512, 200, 100, 200);
      items.fill(LOW + 4 * 512, end, 60);
      assertEquals(CompactionOutcome.SUCCESS, items.compact(9, 7));
      CompactionCounters did = items.compaction.counters();
      assertEquals(100, did.framesMoved());
      assertEquals(1, did.unitsGained());
      assertEquals(0, did.unitsFailed());
      assertEquals(0, items.itemsIn(LOW + 1024, LOW + 1536));
      items.assertAllThere(620);
    }
  }

  @Test
  void piecesAreFilledWhereNothingElseHasRoom() {
    long start = LOW + 512 - 192;
    long end = LOW + 3 * 512 + 192;
    try (BankedItems items = new BankedItems(start, end)) {
      fillBank(items, LOW + 512, 200, 512);
      items.fill(LOW + 3 * 512, end, 10);
      assertEquals(CompactionOutcome.SUCCESS, items.compact(9, 1000));
      assertEquals(200, items.compaction.counters().framesMoved());
      assertEquals(192, items.itemsIn(LOW + 3 * 512, end), "from the end of memory down");
      assertEquals(18, items.itemsIn(start, LOW + 512));
      items.assertAllThere(722);
    }
  }

  /// A block of order 9 that lies in a piece of a unit of order 10 is an area that is free.
  @Test
  void aBlockInAPieceOfAUnitIsFound() {
    try (BankedItems items = new BankedItems(LOW + 512, LOW + 3 * 512 + 64)) {
      fillBank(items, LOW + 512, 300, 300);
      assertEquals(CompactionOutcome.SUCCESS, items.compact(6, 1000));
      assertEquals(0, items.compaction.counters().framesMoved());
      assertEquals(CompactionOutcome.NO_GAIN, items.compact(10, 1000));
    }
  }

  @Test
  void aRunGoesWhereTheAllocatorOfAnyBankHasRoom() {
    try (BankedItems items = twoBanks()) {
      int run = items.add(LOW + 512 + 64, 64);
      items.add(LOW, 300);
      items.add(LOW + 1024, 300);
      items.add(LOW + 1536, 300);
      fillBank(items, HIGH, 500, 500, 500, 500);
      assertEquals(CompactionOutcome.SUCCESS, items.compact(9, 1000));
      assertEquals(64, items.compaction.counters().framesMoved());
      long place = items.places.get(run);
      assertTrue(place >= LOW && place < LOW + 2048, "the last bank has none");
      assertTrue(place < LOW + 512 || place >= LOW + 1024, "not where it was");
      assertEquals(1, items.banks[0].freeBlockCount(9));
    }
  }

  @Test
  void anOrderThatNoUnitHasIsNoGain() {
    try (BankedItems items = twoBanks()) {
      fillBank(items, LOW, 9, 9, 9, 9);
      assertEquals(CompactionOutcome.NO_GAIN, items.compact(12, 1000));
      assertEquals(0, items.compaction.counters().framesMoved());
    }
  }

  // ---- Ranges ----

  @Test
  void aRangeIsEmptiedIntoAnotherBank() {
    try (BankedItems items = twoBanks()) {
      fillBank(items, LOW, 100);
      FrameSource high = source(items.banks[1]);
      assertEquals(
          EvacuationOutcome.EMPTIED,
          items.compaction.emptyRange(LOW, 512, high, AllocationFlags.MOVABLE));
      assertEquals(100, items.itemsIn(HIGH, HIGH + 2048));
      items.assertAllThere(612);
    }
  }

  private static FrameSource source(FrameAllocator bank) {
    return new FrameSource() {
      @Override
      public long allocate(int order, int flags) {
        return bank.tryAllocate(order, flags);
      }

      @Override
      public void free(long pfn, int order) {
        bank.free(pfn, order);
      }
    };
  }

  @Test
  void aRangeWithFramesThatWereNeverHandedOverIsRefused() {
    long hole = LOW + 512 + 32;
    try (BankedItems items = new BankedItems(new long[] {LOW, LOW + 2048}, hole, hole + 32)) {
      FrameSource source = source(items.banks[0]);
      int flags = AllocationFlags.MOVABLE;
      items.fill(LOW, LOW + 512, 10);
      for (long[] range :
          new long[][] {{hole - 1, 2}, {hole + 31, 2}, {hole, 32}, {LOW, 2048}, {LOW + 512, 512}}) {
        assertEquals(
            EvacuationOutcome.OUT_OF_RANGE,
            items.compaction.emptyRange(range[0], range[1], source, flags));
      }
      items.assertAllThere(10);
      assertEquals(
          EvacuationOutcome.EMPTIED, items.compaction.emptyRange(LOW, 512 + 32, source, flags));
      assertEquals(
          EvacuationOutcome.EMPTIED, items.compaction.emptyRange(hole + 32, 64, source, flags));
      items.assertAllThere(10 + 512 + 32 + 64);
    }
  }

  @Test
  void aRangeAcrossTwoBanksIsRefused() {
    try (BankedItems items = new BankedItems(LOW, LOW + 512, LOW + 512, LOW + 1024)) {
      FrameSource source = source(items.banks[0]);
      assertEquals(
          EvacuationOutcome.OUT_OF_RANGE,
          items.compaction.emptyRange(LOW + 256, 512, source, AllocationFlags.MOVABLE));
      items.assertAllThere(0);
    }
  }
}
