package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.zone.ZoneType;
import org.junit.jupiter.api.Test;

/// Boots of machines whose banks are cut at the borders of zones.
class MachineZoneCutsTest {
  private static final long MIB = Maps.MIB;
  private static final long GIB = Maps.GIB;

  private static DeviceMemory device(long base, long byteSize) {
    return new DeviceMemory(new AddressRange(base, byteSize), 3, DeviceMemory.Kind.GPU, "gpu0");
  }

  @Test
  void noRequestGetsAFrameOfADevice() throws Exception {
    MemoryMap map = Maps.e820(Architecture.X86_64).ram(0, 2 * GIB).build();
    BootOptions options =
        BootOptions.DEFAULTS
            .withMinFreeKib(0)
            .withMovable(512 * MIB)
            .withDeviceMemory(device(4 * GIB, 64 * MIB))
            .withDeviceMemory(device(GIB * 3, 2 * MIB));
    try (Machine machine = Machine.boot(map, options, BootLog.SILENT)) {
      BootReport.Frames frames = machine.report().frames();
      assertEquals(((2 * GIB) >> 12) - 97, frames.present());
      // The first MiB and the local APIC's page, which is no RAM here, are reserved, and so is the
      // pool of tables.
      assertEquals(159 + TableFrames.POOL_FRAMES, frames.reserved());
      assertEquals(0, machine.report().warningCount());
      long got = takeAll(machine, AllocationFlags.NONE);
      BootReport.ZoneRow movable = machine.report().zones()[3];
      assertEquals(ZoneType.MOVABLE, movable.type());
      assertEquals((512 * MIB) >> 12, movable.present());
      assertEquals(frames.free() - movable.free(), got);
      got += takeAll(machine, AllocationFlags.MOVABLE | AllocationFlags.MOVABLE_ZONE);
      assertEquals(frames.free() + frames.cached(), got);
      machine.assertValid();
    }
  }

  @Test
  void whatWasSaidOfADeviceIsKnownOfItsFrames() throws Exception {
    MemoryMap map = Maps.e820(Architecture.X86_64).ram(0, 2 * GIB).build();
    DeviceMemory kept =
        new DeviceMemory(
            new AddressRange(3 * GIB, 2 * MIB), 0, DeviceMemory.Kind.PERSISTENT, "pmem0");
    BootOptions options =
        BootOptions.DEFAULTS.withDeviceMemory(device(4 * GIB, MIB)).withDeviceMemory(kept);
    try (Machine machine = Machine.boot(map, options, BootLog.SILENT)) {
      BootReport report = machine.report();
      assertArrayEquals(new DeviceMemory[] {kept, device(4 * GIB, MIB)}, report.devices());
      report.devices()[0] = device(0, MIB);
      assertEquals(kept, report.devices()[0]); // it was a copy
      int[] found = new int[2];
      for (long pfn = machine.allocate(0, AllocationFlags.DEVICE);
          pfn >= 0;
          pfn = machine.allocate(0, AllocationFlags.DEVICE)) {
        found[kept.equals(report.deviceAt(pfn)) ? 0 : 1]++;
        assertNotNull(report.deviceAt(pfn));
      }
      assertArrayEquals(new int[] {512, 256}, found);
      assertNull(report.deviceAt(machine.allocate(0, AllocationFlags.NONE)));
      assertNull(report.deviceAt(((3 * GIB) >> 12) - 1));
      assertNull(report.deviceAt(((3 * GIB) >> 12) + 512));
    }
  }

  private static long takeAll(Machine machine, int flags) {
    long got = 0;
    for (int order = 10; order >= 0; order--) {
      for (long pfn = machine.allocate(order, flags);
          pfn >= 0;
          pfn = machine.allocate(order, flags)) {
        assertTrue(pfn >= 256 && pfn < (2 * GIB) >> 12, "frame " + pfn);
        got += 1L << order;
      }
    }
    return got;
  }

  @Test
  void aWishThatCannotBeFulfilledLeavesAWarning() throws Exception {
    MemoryMap map = Maps.e820(Architecture.X86_64).ram(0, GIB).build();
    BootOptions options = BootOptions.DEFAULTS.withMovable(GIB);
    try (Machine machine = Machine.boot(map, options, BootLog.SILENT)) {
      assertEquals(1, machine.report().warningCount());
      assertTrue(machine.report().warning(0).contains("MOVABLE"), machine.report().warning(0));
    }
  }

  @Test
  void deviceMemoryOutOfReachIsRefused() {
    MemoryMap old = Maps.e820(Architecture.I386).ram(0, GIB).build();
    BootOptions beyond = BootOptions.DEFAULTS.withDeviceMemory(device(4 * GIB, MIB));
    BootException e =
        assertThrows(BootException.class, () -> Machine.boot(old, beyond, BootLog.SILENT));
    assertTrue(e.getMessage().contains("gpu0") && e.getMessage().contains("i386"), e.getMessage());
    BootOptions within = BootOptions.DEFAULTS.withDeviceMemory(device(4 * GIB - MIB, MIB));
    try (Machine machine = Machine.boot(old, within, BootLog.SILENT)) {
      assertEquals((GIB >> 12) - 97, machine.report().frames().present());
    } catch (BootException unexpected) {
      throw new AssertionError(unexpected);
    }
    MemoryMap map = Maps.fdt().ram(0, GIB).build();
    BootOptions far = BootOptions.DEFAULTS.withDeviceMemory(device(1L << 46, MIB));
    e = assertThrows(BootException.class, () -> Machine.boot(map, far, BootLog.SILENT));
    assertTrue(e.getMessage().contains("out of reach"), e.getMessage());
  }
}
