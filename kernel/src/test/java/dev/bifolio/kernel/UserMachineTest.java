package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.kernel.virtual.AccessKind;
import dev.bifolio.kernel.virtual.AreaFlags;
import dev.bifolio.kernel.virtual.Backings;
import dev.bifolio.kernel.virtual.FaultOutcome;
import dev.bifolio.kernel.virtual.ForkOutcome;
import dev.bifolio.kernel.virtual.HugePolicy;
import dev.bifolio.kernel.virtual.UserLayout;
import dev.bifolio.kernel.virtual.UserMemory;
import dev.bifolio.kernel.virtual.UserSpace;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/// User spaces on the frames of a machine.
@ParameterizedClass
@EnumSource(BootOptions.AllocatorKind.class)
class UserMachineTest {
  private static final long RAM = Maps.GIB;
  private static final long BYTES = 128 * Maps.MIB;
  private static final long BASE = 1L << 30;
  private static final long HUGE = 2 * Maps.MIB;
  private static final int RW = AreaFlags.READ | AreaFlags.WRITE;

  private final BootOptions options;

  UserMachineTest(BootOptions.AllocatorKind kind) {
    options = BootOptions.DEFAULTS.withHeadroom(Maps.MIB).withAllocator(kind);
  }

  /// A machine and two spaces on it.
  private static final class World implements AutoCloseable {
    final Machine machine;
    final UserMemory memory;
    final UserSpace one;
    final UserSpace other;
    final long before;
    private final ZeroedWindows windows = new ZeroedWindows();

    World(BootOptions options) throws BootException {
      machine =
          Machine.boot(
              Maps.e820(Architecture.X86_64).ram(RAM, BYTES).build(), options, BootLog.SILENT);
      MachineFrames frames = new MachineFrames(machine);
      long physToVirt = machine.physToVirt(RAM) - RAM;
      memory =
          new UserMemory(frames, 0, AllocationFlags.NOWAIT, new InfoSharers(machine), physToVirt);
      long pool = machine.allocate(4, 0) << 12;
      TableFrames tables =
          new TableFrames(windows.reserve(TableFrames.BYTE_SIZE), pool, RAM, BYTES, physToVirt, 0);
      tables.setSource(frames);
      machine.drainCaches();
      before = machine.freeFrameCount();
      one = space(tables);
      other = space(tables);
    }

    private UserSpace space(TableFrames tables) {
      AddressSpace space =
          new AddressSpace(X86Format.LEVELS_4, tables, windows.reserve(AddressSpace.BYTE_SIZE));
      assertTrue(space.open());
      return new UserSpace(
          windows.reserve(UserSpace.BYTE_SIZE),
          new UserLayout(0x1000, 1L << 46, 0x1000, 0x1000, 0),
          memory,
          new Backings(1),
          space,
          HugePolicy.ADVISED,
          0,
          null);
    }

    long bytesOf(UserSpace space, long at) {
      return space.tables().translate(at) + memory.physToVirt();
    }

    void end() {
      one.close();
      other.close();
      machine.drainCaches();
      assertEquals(before, machine.freeFrameCount());
      machine.assertValid();
    }

    @Override
    public void close() {
      machine.close();
      windows.close();
    }
  }

  @Test
  void framesComeFromTheMachineAndGoBack() throws Exception {
    try (World world = new World(options)) {
      world.one.map(BASE, BASE + HUGE, RW, 0, 0);
      world.one.map(BASE + HUGE, BASE + 2 * HUGE, RW | AreaFlags.HUGE, 0, 0);
      for (long at = BASE; at < BASE + 2 * HUGE; at += 4096) {
        assertTrue(world.one.fault(at, AccessKind.STORE).isResolved());
        Memory.putLong(world.bytesOf(world.one, at), at);
      }
      assertEquals(512, world.one.tables().pageCount(1));
      assertEquals(1, world.one.tables().pageCount(2));
      assertEquals(ForkOutcome.FORKED, world.one.forkInto(world.other));
      assertEquals(1024, world.other.tables().pageCount(1));
      assertEquals(FaultOutcome.COPIED, world.other.fault(BASE, AccessKind.STORE));
      assertNotEquals(world.bytesOf(world.one, BASE), world.bytesOf(world.other, BASE));
      for (long at = BASE; at < BASE + 2 * HUGE; at += 4096) {
        assertEquals(at, Memory.getLong(world.bytesOf(world.other, at)));
      }
      world.end();
    }
  }

  @Test
  void whenTheMachineHasNoMoreAFaultSaysSo() throws Exception {
    try (World world = new World(options)) {
      world.one.map(BASE, BASE + 2 * BYTES, RW, 0, 0);
      assertEquals(FaultOutcome.NO_MEMORY, world.one.populate(BASE, BASE + 2 * BYTES));
      assertTrue(world.one.tables().pageCount(1) > 20_000);
      world.end();
    }
  }

  @Test
  void reclaimSplitsLargePagesThatAreMostlyZeros() throws Exception {
    try (World world = new World(options)) {
      world.one.map(BASE, BASE + 4 * HUGE, RW | AreaFlags.HUGE, 0, 0);
      for (int i = 0; i < 4; i++) {
        world.one.fault(BASE + i * HUGE, AccessKind.STORE);
        Memory.putLong(world.bytesOf(world.one, BASE + i * HUGE), 1);
      }
      assertEquals(1, Memory.getLong(world.bytesOf(world.one, BASE)));
      world.end();
    }
  }

  @Test
  void sharersOfAMachineAreThoseOfItsBanks() throws Exception {
    try (World world = new World(options)) {
      InfoSharers sharers = new InfoSharers(world.machine);
      long pfn = world.machine.allocate(0, 0);
      assertTrue(sharers.add(pfn));
      assertEquals(2, sharers.count(pfn));
      assertTrue(!sharers.drop(pfn) && sharers.drop(pfn));
      world.machine.free(pfn, 0);
      assertThrows(IndexOutOfBoundsException.class, () -> sharers.count(1));
      world.end();
    }
  }
}
