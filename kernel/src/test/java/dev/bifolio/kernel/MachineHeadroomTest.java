package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.BootOptions.AllocatorKind;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.reclaim.HotMemory;
import dev.bifolio.kernel.reclaim.HotOutcome;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneType;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Where the headroom is, which zone and node it belongs to, and what it costs.
class MachineHeadroomTest {
  private static final long MIB = Maps.MIB;
  private static final long GIB = Maps.GIB;
  private static final BootOptions OPTIONS = BootOptions.DEFAULTS.withCpuCount(1);

  private static Machine boot(MemoryMap map, BootOptions options) throws BootException {
    return Machine.boot(map, options, BootLog.SILENT);
  }

  private static String ranges(Machine machine) {
    HotMemory hot = machine.hotMemory();
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < hot.rangeCount(); i++) {
      text.append(Long.toHexString(hot.startPfn(i))).append('-');
      text.append(Long.toHexString(hot.endPfn(i))).append(' ');
    }
    return text.toString().strip();
  }

  private static String zones(Machine machine) {
    StringBuilder text = new StringBuilder();
    for (int z = 0; z < machine.zones().count(); z++) {
      Zone zone = machine.zones().zone(z);
      text.append(zone).append(' ').append(zone.offlineFrames()).append('\n');
    }
    return text.toString();
  }

  @Test
  void withoutRoomForAnAreaThereIsNothingAndItCostsNothing() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, 128 * MIB).build();
    for (AllocatorKind kind : AllocatorKind.values()) {
      BootOptions options = OPTIONS.withAllocator(kind);
      try (Machine plain = boot(map, options);
          Machine small = boot(map, options.withHeadroom(2 * MIB - 1))) {
        assertEquals(0, plain.hotMemory().rangeCount());
        assertEquals(0, small.hotMemory().rangeCount());
        assertEquals(plain.report().frames(), small.report().frames());
        assertEquals(plain.report().memMapByteSize(), small.report().memMapByteSize());
        assertEquals(1, small.zones().zone(0).bankCount());
      }
    }
  }

  @Test
  void withoutHeadroomRamGoesAndComesAllTheSame() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, 128 * MIB).build();
    try (Machine machine = boot(map, OPTIONS)) {
      HotMemory hot = machine.hotMemory();
      final long managed = machine.managedFrameCount();
      final long free = machine.freeFrameCount();
      long start = 0x40400;
      Memory.putLong(machine.physToVirt(start << 12), 42);
      assertEquals(HotOutcome.DONE, hot.offline(start, 1024));
      assertEquals("40400-40800", ranges(machine));
      assertEquals(managed - 1024, machine.managedFrameCount());
      assertEquals(free - 1024, machine.freeFrameCount());
      assertTrue(machine.tryAllocateRange(start, 1, AllocationFlags.NONE) < 0);
      machine.assertValid();
      assertEquals(HotOutcome.DONE, hot.online(start, 1024));
      assertEquals("", ranges(machine));
      assertEquals(free, machine.freeFrameCount());
      assertEquals(start, machine.tryAllocateRange(start, 1, AllocationFlags.NONE));
      assertEquals(0, Memory.getLong(machine.physToVirt(start << 12))); // the host had it back
      machine.assertValid();
    }
  }

  @Test
  void itIsTheWholeAreasBehindAllMemory() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, 128 * MIB + 4096).build();
    try (Machine machine = boot(map, OPTIONS.withHeadroom(5 * MIB))) {
      assertEquals("48200-48400", ranges(machine));
      long last = (0x48400L << 12) - 1;
      assertNotNull(machine.frameInfo(0x483FF));
      assertTrue(machine.physToVirt(last) - machine.physToVirt(GIB) == last - GIB);
    }
    try (Machine machine = boot(map, OPTIONS.withHeadroom(8 * MIB))) {
      assertEquals("48200-48800", ranges(machine));
      long device = 64 * GIB;
      assertEquals(0, machine.zones().zone(0).nid());
      assertNull(machine.zones().ofFrame(device >>> 12));
    }
  }

  @Test
  void itsZonesFollowItsAddresses() throws Exception {
    MemoryMap map = Maps.e820(Architecture.X86_64).ram(MIB, 3 * GIB - MIB).build();
    try (Machine machine = boot(map, OPTIONS.withHeadroom(2 * GIB))) {
      assertEquals("c0000-140000", ranges(machine));
      assertEquals(
          "Node 0, zone DMA 0\nNode 0, zone DMA32 262144\nNode 0, zone Normal 262144\n",
          zones(machine));
      HotMemory hot = machine.hotMemory();
      assertEquals(HotOutcome.OUT_OF_RANGE, hot.online(0xFFE00, 1024)); // over the border
      assertEquals(HotOutcome.DONE, hot.online(0x100000, 1 << 18));
      assertEquals("c0000-100000", ranges(machine));
      assertTrue(machine.tryAllocate(0, 0) >= 0x100000);
      machine.assertValid();
    }
  }

  @Test
  void aMovableHeadroomIsOneZoneWhateverItsAddresses() throws Exception {
    MemoryMap map = Maps.e820(Architecture.X86_64).ram(MIB, 3 * GIB - MIB).build();
    BootOptions options = OPTIONS.withHeadroom(2 * GIB).withMovableHeadroom(true);
    assertTrue(options.headroomMovable());
    try (Machine machine = boot(map, options)) {
      assertEquals(
          "Node 0, zone DMA 0\nNode 0, zone DMA32 0\nNode 0, zone Movable 524288\n",
          zones(machine));
      assertEquals(0, machine.zones().zone(2).presentFrames());
      assertEquals(0, machine.zones().zone(2).managedFrames());
      machine.assertValid();
    }
  }

  @Test
  void itBelongsToTheHighestNodeOrToTheOneThatIsNamed() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, 128 * MIB, 0).ram(4 * GIB, 128 * MIB, 3).build();
    BootOptions options = OPTIONS.withHeadroom(64 * MIB);
    assertEquals(BootOptions.HIGHEST_NODE, options.headroomNode());
    long pfn = (4 * GIB + 128 * MIB) >>> 12;
    for (int node : new int[] {BootOptions.HIGHEST_NODE, 0, 5}) {
      try (Machine machine = boot(map, options.withHeadroomNode(node))) {
        Zone zone = machine.zones().ofFrame(pfn);
        assertNotNull(zone);
        assertEquals(node < 0 ? 3 : node, zone.nid());
        assertEquals(ZoneType.NORMAL, zone.type());
        assertEquals(2, machine.report().nodes().length);
        HotMemory hot = machine.hotMemory();
        assertEquals(HotOutcome.DONE, hot.online(pfn, 1024));
        assertEquals(1024, machine.freeFrameCount(5) + (node == 5 ? 0 : 1024));
        machine.assertValid();
      }
    }
    assertThrows(IllegalArgumentException.class, () -> options.withHeadroomNode(-2));
  }

  @Test
  void a32BitPcHasNoneAbove4Gib() throws Exception {
    MemoryMap low = Maps.e820(Architecture.I386).ram(MIB, 4095 * MIB - MIB).build();
    try (Machine machine = boot(low, OPTIONS.withHeadroom(8 * MIB))) {
      assertEquals(0, machine.hotMemory().rangeCount());
    }
    MemoryMap lower = Maps.e820(Architecture.I386).ram(MIB, 4090 * MIB - MIB).build();
    try (Machine machine = boot(lower, OPTIONS.withHeadroom(64 * MIB))) {
      assertEquals("ffa00-100000", ranges(machine));
    }
  }

  @Test
  void theLogSaysHowMuchIsOffline() throws Exception {
    List<String> lines = new ArrayList<>();
    MemoryMap map = Maps.fdt().ram(GIB, 128 * MIB).build();
    Machine.boot(map, OPTIONS.withHeadroom(64 * MIB), lines::add).close();
    assertTrue(
        lines.stream().anyMatch(l -> l.contains("headroom: 16384 frames offline, node 0 DMA")),
        lines.toString());
    lines.clear();
    Machine.boot(map, OPTIONS, lines::add).close();
    assertTrue(lines.stream().noneMatch(l -> l.contains("headroom")));
  }
}
