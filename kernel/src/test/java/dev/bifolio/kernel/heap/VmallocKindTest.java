package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import org.junit.jupiter.api.Test;

class VmallocKindTest {
  @Test
  void aKindKeepsFlagsAndIsABacking() {
    int[] some = {
      0,
      AllocationFlags.ZERO,
      AllocationFlags.LONG | AllocationFlags.NOWAIT,
      AllocationFlags.DMA | AllocationFlags.DMA32,
      AllocationFlags.HIGHMEM_OK | AllocationFlags.EMERGENCY | AllocationFlags.EXACT_NODE,
      AllocationFlags.charge(1),
      AllocationFlags.charge(4095) | AllocationFlags.ZERO | AllocationFlags.EXACT_NODE
    };
    for (int flags : some) {
      int eager = VmallocKind.of(flags);
      int lazy = VmallocKind.of(flags | Vmalloc.LAZY);
      assertTrue(eager > 0 && lazy > 0);
      assertFalse(VmallocKind.isLazy(eager));
      assertTrue(VmallocKind.isLazy(lazy));
      assertEquals(flags, VmallocKind.flags(eager));
      assertEquals(flags, VmallocKind.flags(lazy));
    }
    assertEquals(1 << 30, VmallocKind.of(0));
    assertEquals(
        1 << 30 | 4095 << 13 | 1 << 12 | 1,
        VmallocKind.of(AllocationFlags.charge(4095) | Vmalloc.LAZY | AllocationFlags.ZERO));
  }

  @Test
  void whatCannotBeMappedOrMeansNothingIsRefused() {
    for (int flags :
        new int[] {
          AllocationFlags.MOVABLE,
          AllocationFlags.RECLAIMABLE,
          AllocationFlags.MOVABLE_ZONE,
          AllocationFlags.DEVICE,
          1 << 13,
          1 << 19
        }) {
      assertThrows(IllegalArgumentException.class, () -> VmallocKind.of(flags));
    }
  }
}
