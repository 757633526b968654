package dev.bifolio.kernel;

import static dev.bifolio.kernel.UserRig.BASE;
import static dev.bifolio.kernel.UserRig.PAGE;
import static dev.bifolio.kernel.UserRig.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.virtual.AccessKind;
import dev.bifolio.kernel.virtual.AreaFlags;
import dev.bifolio.kernel.virtual.FaultOutcome;
import dev.bifolio.kernel.virtual.ForkOutcome;
import dev.bifolio.kernel.virtual.HugePolicy;
import dev.bifolio.kernel.virtual.UserSpace;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// User spaces on the frames of a machine, of both allocators.
class UserMachineTest {
  private static UserRig rig(BootOptions.AllocatorKind kind) throws BootException {
    UserSettings settings = new UserSettings(2, 1, 0, HugePolicy.ADVISED, 0);
    return new UserRig(UserRig.boot(Architecture.X86_64, kind), settings);
  }

  private static long bytesOf(UserRig rig, UserSpace space, long at) {
    return rig.machine.physToVirt(space.tables().translate(at));
  }

  @ParameterizedTest
  @EnumSource(BootOptions.AllocatorKind.class)
  void framesComeFromTheMachineAndGoBack(BootOptions.AllocatorKind kind) throws Exception {
    try (UserRig rig = rig(kind)) {
      UserSpace one = rig.openWith(512);
      UserSpace other = rig.open();
      long end = BASE + 2 * rig.huge;
      one.map(BASE + rig.huge, end, RW | AreaFlags.HUGE, 0, 0);
      for (long at = BASE; at < end; at += PAGE) {
        assertTrue(one.fault(at, AccessKind.STORE).isResolved());
        Memory.putLong(bytesOf(rig, one, at), at);
      }
      assertEquals(512, one.tables().pageCount(1));
      assertEquals(1, one.tables().pageCount(2));
      assertEquals(ForkOutcome.FORKED, one.forkInto(other));
      assertEquals(1024, other.tables().pageCount(1));
      assertEquals(FaultOutcome.COPIED, other.fault(BASE, AccessKind.STORE));
      assertNotEquals(bytesOf(rig, one, BASE), bytesOf(rig, other, BASE));
      for (long at = BASE; at < end; at += PAGE) {
        assertEquals(at, Memory.getLong(bytesOf(rig, other, at)));
      }
      rig.spaces.close(one);
      rig.spaces.close(other);
      rig.assertAsAtStart();
    }
  }

  @ParameterizedTest
  @EnumSource(BootOptions.AllocatorKind.class)
  void whenTheMachineHasNoMoreAFaultSaysSo(BootOptions.AllocatorKind kind) throws Exception {
    try (UserRig rig = rig(kind)) {
      long pages = 2 * UserRig.BYTES / PAGE;
      UserSpace one = rig.openWith(pages);
      assertEquals(FaultOutcome.NO_MEMORY, one.populate(BASE, BASE + pages * PAGE));
      assertTrue(one.tables().pageCount(1) > 20_000);
      rig.spaces.close(one);
      rig.assertAsAtStart();
    }
  }

  @ParameterizedTest
  @EnumSource(BootOptions.AllocatorKind.class)
  void sharersOfAMachineAreThoseOfItsBanks(BootOptions.AllocatorKind kind) throws Exception {
    try (UserRig rig = rig(kind)) {
      InfoSharers sharers = new InfoSharers(rig.machine);
      long pfn = rig.machine.allocate(0, 0);
      assertTrue(sharers.add(pfn));
      assertEquals(2, sharers.count(pfn));
      assertTrue(!sharers.drop(pfn) && sharers.drop(pfn));
      rig.machine.free(pfn, 0);
      assertThrows(IndexOutOfBoundsException.class, () -> sharers.count(1));
      rig.assertAsAtStart();
    }
  }
}
