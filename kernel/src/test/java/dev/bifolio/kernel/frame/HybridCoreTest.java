package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// The way of a request through the parts: each CPU and kind by its own slot, and no frame is left
/// lying in another's cache.
class HybridCoreTest extends HybridParts {
  private static final int[] FLAGS = {
    AllocationFlags.NONE,
    AllocationFlags.MOVABLE,
    AllocationFlags.RECLAIMABLE,
    AllocationFlags.LONG,
    AllocationFlags.LONG | AllocationFlags.MOVABLE,
    AllocationFlags.LONG | AllocationFlags.RECLAIMABLE
  };

  @Test
  void eachCpuAndKindTakesSingleFramesFromAnAreaOfItsOwn() {
    HybridCore core = memory(3, 0, 64 << 9);
    Set<Long> areas = new HashSet<>();
    for (int cpu = 0; cpu < 3; cpu++) {
      for (int flags : FLAGS) {
        long area = core.allocate(cpu, 0, flags) >>> 9;
        assertTrue(areas.add(area), "another slot's area");
        assertEquals(area, core.allocate(cpu, 0, flags) >>> 9);
        assertEquals(area, core.allocate(cpu + 3, 0, flags) >>> 9, "CPUs beyond share");
      }
    }
  }

  @Test
  @Behaviour("89")
  void theOnlyFrameServesEveryCpuAndKindWhereverItIsCached() {
    HybridCore core = memory(3, 0, 1);
    for (int cpu = 0; cpu < 3; cpu++) {
      for (int flags : FLAGS) {
        assertEquals(0, core.allocate(cpu, 0, flags));
        assertEquals(HybridCore.NONE, core.allocate(cpu, 0, flags));
        assertTrue(core.free(cpu, 0, 0));
      }
    }
  }

  @Test
  @Behaviour("98")
  void largeRequestsCallBackWhatASingleFrameLeftClaimed() {
    for (int order = 9; order <= 20; order++) {
      HybridCore core = memory(2, 0, 1L << order);
      assertTrue(core.free(1, core.allocate(1, 0, AllocationFlags.NONE), 0));
      assertEquals(0, core.allocate(0, order, AllocationFlags.MOVABLE));
      assertTrue(core.free(0, 0, order));
      assertTrue(core.free(1, core.allocate(1, 0, AllocationFlags.NONE), 0));
      assertEquals(0, core.allocateRun(0, (1L << order) - 1, AllocationFlags.MOVABLE));
      assertTrue(core.freeRun(0, (1L << order) - 1));
    }
  }

  @Test
  void framesOutsideTheSpanAreNobodys() {
    HybridCore core = memory(1, 4 << 9, 8 << 9);
    for (int order = 0; order <= 10; order++) {
      for (long pfn : new long[] {0, (4 << 9) - (1L << order), 8 << 9, 1L << 40}) {
        assertFalse(core.free(0, pfn, order));
        assertFalse(core.freeRun(pfn, 1L << order));
        assertFalse(core.isRun(pfn, 1L << order));
      }
    }
  }

  @Test
  @Behaviour("66")
  void runsOfAnyLengthAreSplitWhereverTheSpanBegins() {
    HybridCore core = memory(1, 4 << 9, 12 << 9);
    for (int frameCount : new int[] {2, 3, 8, 32, 33, 300, 512, 700}) {
      long pfn = core.allocateRun(0, frameCount, AllocationFlags.NONE);
      assertFalse(core.split(pfn, frameCount - 1));
      assertFalse(core.split(pfn, frameCount + 1));
      assertTrue(core.split(pfn, frameCount));
      for (long frame = pfn; frame < pfn + frameCount; frame++) {
        assertTrue(core.free(0, frame, 0));
      }
    }
    callBackAll(core);
    assertEquals(8 << 9, census(core, 4 << 9, 12 << 9).freeFrames());
  }
}
