package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The words of a gauge after each change, as its overview draws them.
class FreeGaugeWordsTest {
  private static final long FRAMES = 8192;
  private static final int COUNTER = 128;
  private static final int POOL = 192;
  private static final int STRIPES = 256;

  private Window window;
  private TestZones zones;
  private ZoneMemory memory;
  private long address;
  private FreeGauge gauge;

  @BeforeEach
  void open() throws Exception {
    window = Window.reserve(1 << 16);
    zones = TestZones.plan().part(0, ZoneType.NORMAL, 0x1000, FRAMES).build();
    memory = zones.zone(0, ZoneType.NORMAL).memory;
    address = window.address();
  }

  @AfterEach
  void close() {
    zones.close();
    window.close();
  }

  /// A gauge over this many available frames, which has not counted yet.
  private void gauge(int cpuCount, boolean told, long available, long mark, long margin) {
    gauge = new FreeGauge(address, cpuCount, told, memory);
    gauge.setFarMark(mark, margin);
    for (long left = FRAMES - available; left > 0; left--) {
      assertTrue(memory.take(0, 0, 0) >= 0);
    }
    assertEquals(available, memory.availableFrames());
  }

  /// A word; of the counter, its frames.
  private long word(long offset) {
    long word = Memory.getLong(address + offset);
    return offset == COUNTER ? word << 24 >> 24 : word;
  }

  private long allowance(int stripe) {
    return word(STRIPES + 64L * stripe);
  }

  @Test
  void bytesAreFourLinesAndOneForEachStripe() {
    assertEquals(320, FreeGauge.byteSize(0));
    assertEquals(320, FreeGauge.byteSize(1));
    assertEquals(384, FreeGauge.byteSize(2));
    assertEquals(512, FreeGauge.byteSize(3));
    assertEquals(512, FreeGauge.byteSize(4));
    assertEquals(768, FreeGauge.byteSize(5));
  }

  @Test
  void halfOfWhatLiesAboveTheMarkGoesIntoThePoolIfItIsAsMuchAsTheMargin() {
    gauge(1, true, 4500, 4000, 500);
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertTrue(gauge.isPlenty());
    // Of a pool of 250: one frame, and a quarter as an allowance.
    assertEquals(62, allowance(0));
    assertEquals(250 - 63, word(POOL));
    assertTrue(gauge.takeFar(0, 62));
    assertFalse(gauge.takeFar(0, 1));
    assertEquals(4500, gauge.available());
  }

  @Test
  void oneFrameLessThanTheMarginAndEveryRequestIsCompared() {
    gauge(1, true, 4499, 4000, 500);
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertFalse(gauge.isPlenty());
    assertEquals(4498, word(COUNTER));
    assertEquals(0, allowance(0));
    assertEquals(4498, gauge.available());
    assertFalse(gauge.takeAbove(0, 1, 4498));
    assertEquals(4498, word(COUNTER));
    assertTrue(gauge.takeAbove(0, 1, 4497));
    assertEquals(4497, word(COUNTER));
  }

  @Test
  void theMarginIsAtLeast64FramesAStripe() {
    gauge(3, true, 4256, 4000, 0);
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertTrue(gauge.isPlenty());
    // 128 in the pool; a 16th of it, since there are four stripes.
    assertEquals(8, allowance(0));
    assertEquals(128 - 9, word(POOL));
    assertTrue(gauge.takeAbove(2, 1, 0));
    assertEquals(7, allowance(2));
    assertEquals(119 - 8, word(POOL));
    assertFalse(gauge.takeFar(6, 1)); // another CPU's business, though its low bits are the same
    assertTrue(gauge.takeFar(2, 7));
    assertFalse(gauge.takeFar(2, 1));
  }

  @Test
  void oneFrameLessThan64AStripeIsNear() {
    gauge(3, true, 4255, 4000, 0);
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertFalse(gauge.isPlenty());
  }

  @Test
  void aLargeMarginCountsAndASmallOneDoesNot() {
    gauge(1, true, 4100, 4000, 63);
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertTrue(gauge.isPlenty());
  }

  @Test
  void whatIsInAllowancesIsNotGivenToThePoolAgain() {
    gauge(2, true, 6000, 4000, 0);
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertEquals(125, allowance(0)); // an eighth of 1000
    assertTrue(gauge.takeAbove(1, 1, 0));
    assertEquals(109, allowance(1)); // an eighth of 874
    long pool = word(POOL);
    assertTrue(gauge.takeAbove(1, pool, 0) || gauge.isPlenty());
    assertEquals(0, word(POOL));
    assertTrue(gauge.takeFar(1, allowance(1)));
    assertTrue(gauge.takeAbove(1, 1, 0)); // counts: nothing was allocated yet
    assertTrue(gauge.isPlenty());
    long granted = (6000 - 4000 - 125) / 2;
    long share = granted / 8;
    assertEquals(share, allowance(1));
    assertEquals(granted - share - 1, word(POOL));
  }

  @Test
  void anAllowanceIsFilledUpToItsShareAndNotBeyond() {
    gauge(1, true, 8000, 0, 0);
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertEquals(FreeGauge.MOST_ALLOWANCE, allowance(0)); // a quarter of 4000 would be more
    assertEquals(4000 - 513, word(POOL));
    assertTrue(gauge.takeAbove(0, 600, 0));
    assertEquals(FreeGauge.MOST_ALLOWANCE, allowance(0));
    assertEquals(4000 - 513 - 600, word(POOL));
  }

  @Test
  void aGaugeIsFarAgainFromTwiceTheMarginOn() {
    gauge(1, true, 4000, 4000, 500);
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertFalse(gauge.isPlenty());
    gauge.add(1000);
    assertEquals(4999, word(COUNTER));
    assertFalse(gauge.isPlenty());
    gauge.add(1);
    assertTrue(gauge.isPlenty());
    assertEquals(0, word(POOL));
    assertEquals(4000, gauge.available()); // a count, not what was said
    gauge.add(7);
    assertEquals(5000, word(COUNTER)); // nobody counts while there is plenty
  }

  @Test
  void aNewMarkEmptiesThePoolAndAllowances() {
    gauge(2, true, 8000, 1000, 0);
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertTrue(gauge.takeAbove(1, 1, 0));
    gauge.setFarMark(7990, 0);
    assertEquals(0, word(POOL));
    assertEquals(0, allowance(0));
    assertEquals(0, allowance(1));
    assertTrue(gauge.isPlenty());
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertFalse(gauge.isPlenty());
    gauge.setFarMark(1000, 0); // the counter lies far above now
    assertTrue(gauge.isPlenty());
  }

  @Test
  void aRequestAboveThePoolIsComparedWithItsMark() {
    gauge(1, true, 8000, 1000, 0);
    assertFalse(gauge.takeAbove(0, 7000, 1001));
    assertFalse(gauge.isPlenty());
    assertEquals(8000, word(COUNTER));
    assertTrue(gauge.takeAbove(0, 7000, 1000));
    assertEquals(1000, word(COUNTER));
  }

  @Test
  void whatIsSpentComesFromThePoolOrEndsPlenty() {
    gauge(1, true, 8000, 1000, 0);
    assertTrue(gauge.takeAbove(0, 1, 0));
    long pool = word(POOL);
    gauge.spend(pool);
    assertEquals(0, word(POOL));
    assertTrue(gauge.isPlenty());
    gauge.spend(1);
    assertFalse(gauge.isPlenty());
    assertEquals(8000, word(COUNTER)); // a count
    assertEquals(0, allowance(0));
    gauge.spend(10);
    assertEquals(7990, word(COUNTER));
  }

  @Test
  void sharedStripesAreAsExact() {
    gauge(1, false, 8000, 1000, 0);
    assertTrue(gauge.takeAbove(3, 1, 0));
    long allowance = allowance(0);
    assertTrue(allowance > 1);
    assertFalse(gauge.takeFar(1, 1)); // the quick way is for who has a stripe of his own
    long pool = word(POOL);
    assertTrue(gauge.takeAbove(1, allowance - 1, 0));
    assertEquals(1, allowance(0));
    assertTrue(gauge.takeAbove(2, 1, 0));
    assertEquals(0, allowance(0));
    assertEquals(pool, word(POOL)); // not asked until the allowance is used up
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertTrue(word(POOL) < pool);
  }

  @Test
  void aSharedStripeIsThatOfTheLowBitsOfTheCpusNumber() {
    gauge(2, false, 8000, 1000, 0);
    assertTrue(gauge.takeAbove(3, 1, 0));
    long allowance = allowance(1);
    long pool = word(POOL);
    assertTrue(allowance > 1);
    assertTrue(gauge.takeAbove(1, 1, 0));
    assertEquals(allowance - 1, allowance(1));
    assertEquals(0, allowance(0));
    assertEquals(pool, word(POOL));
  }

  @Test
  void aCpuWithoutAStripeTakesFromThePoolAndLeavesStripesAlone() {
    gauge(2, true, 8000, 1000, 0);
    assertTrue(gauge.takeAbove(0, 1, 0));
    long allowance = allowance(0);
    long pool = word(POOL);
    assertTrue(allowance > 10);
    for (int cpu : new int[] {2, 4, 1000, -1}) {
      assertFalse(gauge.takeFar(cpu, 1));
      assertTrue(gauge.takeAbove(cpu, 10, 0));
      pool -= 10;
      assertEquals(pool, word(POOL));
    }
    assertEquals(allowance, allowance(0));
    assertEquals(0, allowance(1));
    assertTrue(gauge.takeAbove(2, pool, 0)); // to its last frame
    assertEquals(0, word(POOL));
  }

  @Test
  void eachChangeOfTheCounterShowsThoughItIsTheSameAgain() {
    gauge(1, true, 8000, 8000, 0);
    assertTrue(gauge.takeAbove(0, 5, 0));
    Set<Long> seen = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      assertEquals(7995, word(COUNTER));
      assertTrue(seen.add(Memory.getLong(address + COUNTER)));
      if (i % 2 == 0) {
        assertTrue(gauge.takeAbove(0, 7995, 0)); // to 0
        assertEquals(0, word(COUNTER));
        gauge.add(7995);
      } else {
        gauge.spend(9000); // below 0
        assertEquals(-1005, word(COUNTER));
        gauge.add(9000);
      }
    }
  }

  @Test
  void aCountMendsTheCounterOnlyWhereThereIsOne() {
    gauge(1, true, 8000, 1000, 0);
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertEquals(8000, gauge.recount());
    assertEquals(0, word(COUNTER));
    gauge.setFarMark(8000, 0);
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertEquals(7999, word(COUNTER));
    assertEquals(8000, gauge.recount());
    assertEquals(8000, word(COUNTER));
  }

  @Test
  void aCountTakesBackWhatWasPutBackIntoAnAllowanceWhenNearHadBegun() {
    gauge(2, true, 8000, 8000, 0);
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertFalse(gauge.isPlenty());
    Memory.putLong(address + STRIPES, 5); // a request that had loaded it before
    Memory.putLong(address + STRIPES + 64, 6);
    assertEquals(8000, gauge.recount());
    assertEquals(0, allowance(0));
    assertEquals(0, allowance(1));
    assertFalse(gauge.takeAbove(0, 1, 8000));
  }

  @Test
  void nothingIsLeftInThePoolWhenNearBegins() {
    gauge(1, true, 8000, 1000, 0);
    assertTrue(gauge.takeAbove(0, 1, 0));
    assertTrue(word(POOL) > 0);
    assertTrue(gauge.takeAbove(0, 7000, 1000));
    assertFalse(gauge.isPlenty());
    assertEquals(0, word(POOL));
    assertEquals(0, allowance(0));
    assertEquals(1000, word(COUNTER)); // the first frame was granted, and never taken
  }

  @Test
  void theLockIsOpenAfterEverything() {
    gauge(1, true, 8000, 1000, 0);
    assertTrue(gauge.takeAbove(0, 1, 0));
    gauge.spend(8000);
    gauge.add(8000);
    gauge.setFarMark(1, 1);
    assertEquals(0, word(64));
  }
}
