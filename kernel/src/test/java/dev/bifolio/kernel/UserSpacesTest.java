package dev.bifolio.kernel;

import static dev.bifolio.kernel.UserRig.BASE;
import static dev.bifolio.kernel.UserRig.PAGE;
import static dev.bifolio.kernel.UserRig.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.UserRig.Processor;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.reclaim.Shrinker;
import dev.bifolio.kernel.reclaim.Shrinkers;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.KernelLayout;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.virtual.AccessKind;
import dev.bifolio.kernel.virtual.AlterOutcome;
import dev.bifolio.kernel.virtual.AreaFlags;
import dev.bifolio.kernel.virtual.Asids;
import dev.bifolio.kernel.virtual.BackedPages;
import dev.bifolio.kernel.virtual.Backings;
import dev.bifolio.kernel.virtual.BreakOutcome;
import dev.bifolio.kernel.virtual.FaultOutcome;
import dev.bifolio.kernel.virtual.ForkOutcome;
import dev.bifolio.kernel.virtual.HugePolicy;
import dev.bifolio.kernel.virtual.PageStore;
import dev.bifolio.kernel.virtual.SyncOutcome;
import dev.bifolio.kernel.virtual.UserLayout;
import dev.bifolio.kernel.virtual.UserSpace;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/// User spaces of a machine that was booted: opened, run, closed.
@ParameterizedClass
@EnumSource(
    value = Architecture.class,
    names = {"X86_64", "I386", "AARCH64", "RISCV64"})
class UserSpacesTest {
  private final Architecture architecture;
  private final int bits;

  UserSpacesTest(Architecture architecture) {
    this.architecture = architecture;
    bits = UserRig.bits(architecture, 2);
  }

  private UserRig rig(int mostSpaces) throws BootException {
    return new UserRig(architecture, UserRig.settings(mostSpaces, 2, bits));
  }

  // ---- A program from begin to end ----

  @Test
  void aProgramRunsForksAndEnds() throws Exception {
    try (UserRig rig = rig(3)) {
      UserSpace parent = rig.openWith(40);
      Processor one = rig.processor(0).run(parent);
      for (long page = 0; page < 40; page++) {
        assertEquals(0, one.load(BASE + page * PAGE));
        one.store(BASE + page * PAGE + 8, page);
      }
      UserSpace child = rig.open();
      assertEquals(ForkOutcome.FORKED, parent.forkInto(child));
      Processor two = rig.processor(1).run(child);
      for (long page = 0; page < 40; page += 2) {
        one.store(BASE + page * PAGE, 100 + page);
        two.store(BASE + page * PAGE, 200 + page);
      }
      for (long page = 0; page < 40; page++) {
        boolean isStored = page % 2 == 0;
        assertEquals(isStored ? 100 + page : 0, one.load(BASE + page * PAGE));
        assertEquals(isStored ? 200 + page : 0, two.load(BASE + page * PAGE));
        assertEquals(page, one.load(BASE + page * PAGE + 8));
        assertEquals(page, two.load(BASE + page * PAGE + 8));
        boolean isShared =
            parent.tables().translate(BASE + page * PAGE)
                == child.tables().translate(BASE + page * PAGE);
        assertEquals(!isStored, isShared);
      }
      one.leave();
      rig.spaces.close(parent);
      assertEquals(201 + 1, two.load(BASE + 2 * PAGE));
      two.leave();
      rig.spaces.close(child);
      rig.assertAsAtStart();
    }
  }

  @Test
  void anAreaThatNobodyMayTouchComesBackWithItsBytes() throws Exception {
    try (UserRig rig = rig(1)) {
      UserSpace space = rig.openWith(3);
      Processor one = rig.processor(0).run(space);
      one.store(BASE + PAGE, 5);
      assertEquals(AlterOutcome.ALTERED, space.protect(BASE, BASE + 3 * PAGE, 0));
      assertTrue(one.mmu.access(BASE + PAGE, Mmu.LOAD) < 0);
      assertTrue(one.mmu.access(BASE + PAGE, Mmu.STORE) < 0);
      assertTrue(one.mmu.access(BASE + PAGE, Mmu.FETCH) < 0);
      for (AccessKind kind : AccessKind.values()) {
        assertEquals(FaultOutcome.PROTECTION, space.fault(BASE + PAGE, kind));
      }
      assertEquals(AlterOutcome.ALTERED, space.protect(BASE, BASE + 3 * PAGE, RW));
      assertEquals(5, one.load(BASE + PAGE));
      one.store(BASE + PAGE, 6);
      assertEquals(6, one.load(BASE + PAGE));
      one.leave();
      rig.spaces.close(space);
      rig.assertAsAtStart();
    }
  }

  /// Bytes that are not zero, and what was written back.
  private static final class Store implements PageStore {
    final List<Long> written = new ArrayList<>();

    @Override
    public boolean readPage(long byteOffset, long address) {
      Memory.putLong(address, 7000 + byteOffset);
      return true;
    }

    @Override
    public boolean writePage(long byteOffset, long address) {
      written.add(Memory.getLong(address));
      return true;
    }
  }

  @Test
  void aFileIsSharedByAllSpacesOfTheMachine() throws Exception {
    try (UserRig rig = rig(2)) {
      long own = rig.machine.allocate(0, AllocationFlags.ZERO);
      Store store = new Store();
      BackedPages pages =
          new BackedPages(rig.machine.physToVirt(own << 12), rig.spaces.memory(), store);
      assertSame(rig.backings, rig.spaces.backings());
      int file = rig.spaces.backings().add(pages);
      UserSpace[] spaces = {rig.open(), rig.open()};
      for (int i = 0; i < 2; i++) {
        spaces[i].map(BASE, BASE + 2 * PAGE, RW | AreaFlags.SHARED, file, 0);
        assertEquals(7000 + PAGE, rig.processor(i).run(spaces[i]).load(BASE + PAGE));
      }
      rig.processor(0).run(spaces[0]).store(BASE, 1);
      assertEquals(1, rig.processor(1).run(spaces[1]).load(BASE));
      assertEquals(SyncOutcome.SYNCED, spaces[0].sync(BASE, BASE + 2 * PAGE));
      assertEquals(List.of(1L), store.written);
      for (int i = 0; i < 2; i++) {
        rig.processor(i).leave();
        rig.spaces.close(spaces[i]);
      }
      pages.dropAll();
      rig.backings.remove(file);
      rig.machine.free(own, 0);
      rig.assertAsAtStart();
    }
  }

  // ---- The kernel's half ----

  @Test
  void whatTheKernelMapsLaterIsInAllSpacesAndOnlyForTheKernel() throws Exception {
    try (UserRig rig = rig(2)) {
      UserSpace one = rig.open();
      UserSpace two = rig.open();
      KernelLayout layout = rig.machine.kernelTables().layout();
      long pfn = rig.machine.allocate(0, 0);
      long direct = rig.machine.directMapAddress(pfn << 12);
      long[] places = {layout.stackBase(0), layout.vmallocBase(), layout.vmallocEnd() - PAGE};
      for (long at : places) {
        MapOutcome outcome = rig.machine.kernelSpace().map(at, pfn << 12, PAGE, KernelLayout.DATA);
        assertEquals(MapOutcome.MAPPED, outcome);
        for (UserSpace space : new UserSpace[] {one, two}) {
          assertEquals(pfn << 12, space.tables().translate(at));
          Processor processor = rig.processor(0).run(space);
          assertTrue(processor.mmu.storeLong(at, 1) < 0);
          assertEquals(FaultOutcome.SEGFAULT, space.fault(at, AccessKind.STORE));
          processor.mmu.setUser(false);
          assertEquals(0, processor.mmu.storeLong(at, at));
          assertEquals(at, processor.mmu.loadLong(direct));
        }
        rig.machine.kernelSpace().unmap(at, PAGE, new FlushBatch(0, null));
      }
      rig.machine.free(pfn, 0);
      rig.processor(0).leave();
      rig.spaces.close(one);
      rig.spaces.close(two);
    }
  }

  @Test
  void theLayoutIsTheUsersHalf() throws Exception {
    try (UserRig rig = rig(1)) {
      UserLayout layout = new UserLayout(rig.format);
      long end =
          switch (architecture) {
            case X86_64 -> 1L << 47;
            case I386 -> 0xC000_0000L;
            case AARCH64 -> 1L << 48;
            default -> 1L << 38;
          };
      assertEquals(end, rig.format.userEnd());
      assertEquals(new UserLayout(0x1_0000, end - PAGE, end / 8, end / 4, 8 * Maps.MIB), layout);
      UserSpace space = rig.open();
      assertEquals(end / 8, space.programBreak());
      assertEquals(BreakOutcome.MOVED, space.setBreak(end / 8 + 5));
      long at = space.mapAnywhere(PAGE, 0, 0, RW, 0, 0);
      assertEquals(end - 2 * PAGE, at);
      Processor one = rig.processor(0).run(space);
      one.store(at, 1);
      one.store(end / 8, 2);
      assertEquals(1, one.load(at));
      assertTrue(rig.format.isKernelHalf(-PAGE) || architecture == Architecture.I386);
      one.leave();
      rig.spaces.close(space);
      // The next one begins anew.
      space = rig.open();
      assertEquals(end / 8, space.programBreak());
      assertEquals(0, space.areas().count());
      rig.spaces.close(space);
      rig.assertAsAtStart();
    }
  }

  // ---- How many ----

  @Test
  void noMoreAreOpenThanMayBeAndAPlaceThatIsFreeIsTakenAgain() throws Exception {
    try (UserRig rig = rig(3)) {
      UserSpace[] spaces = {rig.openWith(1), rig.openWith(1), rig.openWith(1)};
      assertEquals(3, rig.spaces.count());
      long free = rig.free();
      assertNull(rig.spaces.open());
      assertEquals(free, rig.free());
      assertEquals(3, rig.spaces.count());
      for (int i = 0; i < 3; i++) {
        rig.processor(0).run(spaces[i]).store(BASE, i + 1);
      }
      rig.spaces.close(spaces[1]);
      assertEquals(2, rig.spaces.count());
      UserSpace again = rig.openWith(1);
      assertNotEquals(spaces[0], again);
      assertNotEquals(spaces[2], again);
      assertNull(rig.spaces.open());
      assertEquals(0, rig.processor(0).run(again).load(BASE));
      assertEquals(1, rig.processor(0).run(spaces[0]).load(BASE));
      assertEquals(3, rig.processor(0).run(spaces[2]).load(BASE));
      rig.processor(0).leave();
      rig.spaces.close(spaces[0]);
      rig.spaces.close(again);
      rig.spaces.close(spaces[2]);
      rig.assertAsAtStart();
    }
  }

  @Test
  void withoutMemoryNoneIsOpenedAndNothingIsLost() throws Exception {
    try (UserRig rig = rig(40)) {
      List<UserSpace> open = new ArrayList<>();
      List<Long> taken = rig.takeAll();
      // Each of these takes a frame of the pool, for its root.
      for (int i = 0; i < 16; i++) {
        assertEquals(i, rig.machine.kernelTables().frames().poolInUse());
        open.add(rig.open());
      }
      long free = rig.free();
      for (int k = 0; k < 20; k++) {
        // As many roots as there are frames.
        assertNull(rig.spaces.open());
        assertEquals(open.size(), rig.spaces.count());
        assertEquals(free, rig.free());
        rig.give(taken, 1);
        open.add(rig.open());
      }
      open.forEach(rig.spaces::close);
      rig.give(taken, taken.size());
      rig.assertAsAtStart();
    }
  }

  // ---- Mistakes ----

  @Test
  void whatIsNotOpenIsRefused() throws Exception {
    try (UserRig rig = rig(2);
        UserRig other = rig(1)) {
      UserSpace space = rig.open();
      UserSpace foreign = other.open();
      assertThrows(IllegalArgumentException.class, () -> rig.spaces.close(foreign));
      assertThrows(IllegalArgumentException.class, () -> rig.spaces.enter(0, foreign));
      for (int cpu : new int[] {-1, 2}) {
        assertThrows(IllegalArgumentException.class, () -> rig.spaces.enter(cpu, space));
        assertThrows(IllegalArgumentException.class, () -> rig.spaces.leave(cpu));
      }
      rig.spaces.close(space);
      assertThrows(IllegalStateException.class, () -> rig.spaces.close(space));
      assertThrows(IllegalStateException.class, () -> rig.spaces.enter(0, space));
      rig.assertAsAtStart();
    }
  }

  @Test
  void aSpaceThatAProcessorRunsIsNotClosed() throws Exception {
    try (UserRig rig = rig(2)) {
      UserSpace space = rig.openWith(1);
      UserSpace other = rig.openWith(1);
      Processor one = rig.processor(0).run(space);
      Processor two = rig.processor(1).run(space);
      two.store(BASE, 3);
      one.leave();
      assertThrows(IllegalStateException.class, () -> rig.spaces.close(space));
      assertEquals(3, two.load(BASE));
      assertThrows(IllegalStateException.class, () -> rig.spaces.close(space));
      two.run(other);
      rig.spaces.close(space);
      two.leave();
      rig.spaces.close(other);
      rig.assertAsAtStart();
    }
  }

  // ---- Starting ----

  @Test
  void aStartWithoutMemoryLeavesNothingTaken() throws Exception {
    UserSettings settings = UserRig.settings(64, 2, bits);
    try (Machine machine = UserRig.boot(architecture)) {
      List<Long> taken = new ArrayList<>();
      for (long pfn = machine.tryAllocate(0, 0); pfn >= 0; pfn = machine.tryAllocate(0, 0)) {
        taken.add(pfn);
      }
      UserSpaces started = null;
      int failures = 0;
      while (started == null) {
        machine.drainCaches();
        long before = machine.freeFrameCount();
        started = machine.startUserSpaces(settings, new Backings(1));
        assertSame(started, machine.userSpaces());
        if (started == null) {
          machine.drainCaches();
          assertEquals(before, machine.freeFrameCount());
          failures++;
          machine.free(taken.removeFirst(), 0); // the first ones lie in a row
        }
      }
      assertTrue(failures > 5, () -> "only so many frames were needed: " + taken.size());
      // A machine that has started is as good as any other, once it has a frame.
      machine.free(taken.removeFirst(), 0);
      UserSpace space = started.open();
      assertNotNull(space);
      started.close(space);
    }
  }

  @Test
  void userSpacesAreStartedOnceAndWithNumbersThatThereAre() throws Exception {
    int most =
        architecture == Architecture.X86_64 ? 12 : architecture == Architecture.I386 ? 0 : 16;
    try (Machine machine = UserRig.boot(architecture)) {
      machine.drainCaches();
      long free = machine.freeFrameCount();
      assertNull(machine.userSpaces());
      if (most < 16) {
        UserSettings settings = UserRig.settings(1, 1, most + 2);
        assertThrows(
            IllegalArgumentException.class,
            () -> machine.startUserSpaces(settings, new Backings(1)));
      }
      machine.drainCaches();
      assertEquals(free, machine.freeFrameCount());
      UserSettings settings = UserRig.settings(1, 1, most);
      UserSpaces started = machine.startUserSpaces(settings, new Backings(1));
      assertNotNull(started);
      assertSame(settings, started.settings());
      assertThrows(
          IllegalStateException.class, () -> machine.startUserSpaces(settings, new Backings(1)));
      assertSame(started, machine.userSpaces());
    }
    Machine closed = UserRig.boot(architecture);
    closed.close();
    UserSettings settings = UserRig.settings(1, 1, 0);
    assertThrows(
        IllegalStateException.class, () -> closed.startUserSpaces(settings, new Backings(1)));
    assertThrows(IllegalStateException.class, closed::userSpaces);
  }

  private record Nobody(int number) implements Shrinker {
    @Override
    public String name() {
      return "nobody";
    }

    @Override
    public long countFrames(int nid) {
      return 0;
    }

    @Override
    public long shrink(int nid, long wantedFrames) {
      return 0;
    }

    @Override
    public int cost() {
      return 1;
    }
  }

  @Test
  void withoutAPlaceForTheirShrinkerTheyAreNotStarted() throws Exception {
    try (Machine machine = UserRig.boot(architecture)) {
      Shrinkers shrinkers = machine.reclaim().shrinkers();
      Nobody last = new Nobody(0);
      for (int i = 0; shrinkers.register(last) >= 0; i++) {
        last = new Nobody(i);
      }
      UserSettings settings = UserRig.settings(1, 1, 0);
      assertNull(machine.startUserSpaces(settings, new Backings(1)));
      machine.drainCaches();
      long free = machine.freeFrameCount(); // the kernel's entries are pinned
      assertNull(machine.startUserSpaces(settings, new Backings(1)));
      machine.drainCaches();
      assertEquals(free, machine.freeFrameCount());
      assertNull(machine.userSpaces());
    }
  }

  @Test
  void settingsThatMeanNothingAreRefused() {
    HugePolicy policy = HugePolicy.NEVER;
    assertThrows(IllegalArgumentException.class, () -> new UserSettings(0, 1, 0, policy, 0));
    assertThrows(IllegalArgumentException.class, () -> new UserSettings(65_537, 1, 0, policy, 0));
    assertThrows(IllegalArgumentException.class, () -> new UserSettings(1, 1, 0, policy, -1));
    assertThrows(IllegalArgumentException.class, () -> new UserSettings(1, 0, 0, policy, 0));
    assertThrows(IllegalArgumentException.class, () -> new UserSettings(1, 3, 2, policy, 0));
    assertEquals(65_536, new UserSettings(65_536, 2, 2, policy, 0).mostSpaces());
  }

  // ---- Numbers ----

  @Test
  void aSpaceThatTakesThePlaceOfAnotherHasANumberOfItsOwn() throws Exception {
    try (UserRig rig =
        new UserRig(architecture, UserRig.settings(1, 1, UserRig.bits(architecture, 4)))) {
      Processor one = rig.processor(0);
      List<Integer> numbers = new ArrayList<>();
      for (int i = 1; i <= 8; i++) {
        one.run(rig.openWith(1));
        assertEquals(0, one.load(BASE), "the bytes of a space that is closed");
        one.store(BASE, i);
        numbers.add(one.asid);
        UserSpace space = one.space;
        one.leave();
        rig.spaces.close(space);
      }
      boolean hasNumbers = architecture != Architecture.I386;
      assertEquals(hasNumbers ? 8 : 1, numbers.stream().distinct().count());
      assertEquals(0, rig.spaces.asids().rollovers());
      rig.assertAsAtStart();
    }
  }

  @Test
  void whereThereAreNoNumbersEverySwitchFlushes() throws Exception {
    try (UserRig rig = new UserRig(architecture, UserRig.settings(2, 1, 0))) {
      UserSpace a = rig.openWith(1);
      UserSpace b = rig.openWith(1);
      assertEquals(Asids.FLUSH, rig.spaces.enter(0, a));
      assertEquals(Asids.FLUSH, rig.spaces.enter(0, b));
      assertEquals(Asids.FLUSH, rig.spaces.leave(0));
      rig.spaces.close(a);
      rig.spaces.close(b);
      rig.assertAsAtStart();
    }
  }
}
