package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.ZeroedWindows;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A small count a frame.
class FrameHeatTest {
  private final ZeroedWindows words = new ZeroedWindows();
  private FrameHeat heat;

  @BeforeEach
  void countTwoBanks() {
    FrameInfo[] planes = {
      new FrameInfo(0, 100, 165), new FrameInfo(0, 165, 170), new FrameInfo(0, 300, 428)
    };
    assertEquals(128 + 64 + 128, FrameHeat.byteSize(planes));
    heat = new FrameHeat(planes, words.reserve(FrameHeat.byteSize(planes)));
  }

  @AfterEach
  void close() {
    words.close();
  }

  @Test
  void aTouchCountsUpToTheLargestHeat() {
    for (int i = 1; i < 100; i++) {
      heat.touch(164);
      assertEquals(Math.min(i, 63), heat.heatOf(164));
    }
    assertEquals(0, heat.heatOf(163));
    assertEquals(0, heat.heatOf(165));
  }

  @Test
  void everyFrameHasItsOwnCount() {
    long[] pfns = {100, 164, 165, 169, 300, 427};
    for (int i = 0; i < pfns.length; i++) {
      for (int touch = 0; touch <= i; touch++) {
        heat.touch(pfns[i]);
      }
    }
    for (int i = 0; i < pfns.length; i++) {
      assertEquals(i + 1, heat.heatOf(pfns[i]));
    }
    assertEquals(0, heat.heatOf(101));
    assertEquals(0, heat.heatOf(426));
  }

  @Test
  void coolingHalves() {
    heat.begin(300);
    assertEquals(FrameHeat.NEW_HEAT, heat.heatOf(300));
    for (int i = 0; i < 5; i++) {
      heat.touch(300);
    }
    heat.cool(300);
    assertEquals(3, heat.heatOf(300));
    heat.cool(300);
    heat.cool(300);
    heat.cool(300);
    assertEquals(0, heat.heatOf(300));
  }

  @Test
  void aBlockKeepsItsHeatWhenItMovesAndANewOneHasNoneOfTheLast() {
    for (int i = 0; i < 9; i++) {
      heat.touch(120);
    }
    heat.carry(120, 310);
    assertEquals(9, heat.heatOf(310));
    heat.begin(310);
    assertEquals(2, heat.heatOf(310));
  }

  @Test
  void framesOfNoBankHaveNoHeat() {
    for (long pfn : new long[] {0, 99, 170, 299, 428, -1, Long.MAX_VALUE}) {
      assertThrows(IllegalArgumentException.class, () -> heat.touch(pfn), "frame " + pfn);
      assertThrows(IllegalArgumentException.class, () -> heat.heatOf(pfn), "frame " + pfn);
    }
  }
}
