package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.reclaim.FrameHeat;
import dev.bifolio.kernel.reclaim.TierMover;
import org.junit.jupiter.api.Test;

/// Tiers of a machine that was booted.
class MachineTiersTest {
  private static final long MIB = Maps.MIB;
  private static final int FLAGS =
      AllocationFlags.MOVABLE | AllocationFlags.EXACT_NODE | AllocationFlags.MOVABLE_ZONE;

  @Test
  void aBlockGoesDownAndUpWithItsContentWhenAMachineHasTiers() throws Exception {
    MemoryMap map = Maps.fdt().ram(1024 * MIB, 64 * MIB, 0).ram(2048 * MIB, 64 * MIB, 1).build();
    try (Machine machine = Machine.boot(map, BootOptions.DEFAULTS, BootLog.SILENT)) {
      assertNull(machine.reclaim().tiers());
      TierMover tiers = machine.startTiers();
      assertNotNull(tiers);
      assertSame(tiers, machine.reclaim().tiers());
      tiers.tiers().setTier(1, 1);
      long[] place = {machine.tryAllocate(0, FLAGS)};
      assertTrue(place[0] >>> 18 < 2, "not near");
      Memory.putLong(machine.physToVirt(place[0] << 12), 4711);
      int me =
          machine
              .reclaim()
              .movable()
              .register((item, from, to) -> {
                place[0] = to;
                return true;
              });
      machine.reclaim().movable().adopt(place[0], me, 0);
      assertEquals(FrameHeat.NEW_HEAT, tiers.heat().heatOf(place[0]));
      assertEquals(1, tiers.demote(machine.zones().zone(0), 10));
      assertTrue(place[0] >= (2048 * MIB) >>> 12);
      assertEquals(4711, Memory.getLong(machine.physToVirt(place[0] << 12)));
      for (int touch = 0; touch < 20; touch++) {
        tiers.heat().touch(place[0]);
      }
      for (int step = 0; step < 3; step++) {
        machine.step(100_000);
      }
      assertTrue(place[0] < (2048 * MIB) >>> 12);
      assertEquals(4711, Memory.getLong(machine.physToVirt(place[0] << 12)));
      machine.assertValid();
    }
  }

  @Test
  void withoutMemoryForThemThereAreNoTiers() throws Exception {
    MemoryMap map = Maps.fdt().ram(1024 * MIB, 64 * MIB, 0).build();
    try (Machine machine = Machine.boot(map, BootOptions.DEFAULTS, BootLog.SILENT)) {
      while (machine.tryAllocate(0, AllocationFlags.NOWAIT) >= 0) {
        // until ordinary requests fail
      }
      assertNull(machine.startTiers());
      assertNull(machine.reclaim().tiers());
    }
  }
}
