package dev.bifolio.kernel;

import static dev.bifolio.kernel.UserRig.BASE;
import static dev.bifolio.kernel.UserRig.PAGE;
import static dev.bifolio.kernel.UserRig.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.UserRig.Processor;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.reclaim.ShrinkerReport;
import dev.bifolio.kernel.virtual.AccessKind;
import dev.bifolio.kernel.virtual.AlterOutcome;
import dev.bifolio.kernel.virtual.AreaFlags;
import dev.bifolio.kernel.virtual.BackedPages;
import dev.bifolio.kernel.virtual.FaultOutcome;
import dev.bifolio.kernel.virtual.HugePolicy;
import dev.bifolio.kernel.virtual.PageStore;
import dev.bifolio.kernel.virtual.UserSpace;
import dev.bifolio.kernel.zone.Zone;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/// What a machine does with its user spaces on the side: large pages of small ones in steps, and
/// small ones of large ones when memory is short.
@ParameterizedClass
@EnumSource(
    value = Architecture.class,
    names = {"X86_64", "I386", "AARCH64", "RISCV64"})
class UserBackgroundTest {
  private static final UserSettings ADVISED = new UserSettings(4, 2, 0, HugePolicy.ADVISED, 0);

  private final Architecture architecture;

  UserBackgroundTest(Architecture architecture) {
    this.architecture = architecture;
  }

  /// A space with small pages that could be large ones, the word of each its address.
  private static UserSpace openSmall(UserRig rig, int pieces) {
    long end = BASE + pieces * rig.huge;
    UserSpace space = rig.openWith(pieces * rig.huge / PAGE);
    Processor one = rig.processor(0).run(space);
    for (long at = BASE; at < end; at += PAGE) {
      one.store(at, at);
    }
    one.leave();
    assertEquals(AlterOutcome.ALTERED, space.advise(BASE, end, AreaFlags.HUGE));
    return space;
  }

  /// A space whose large pages are zeros but for one word each.
  private static UserSpace openSparse(UserRig rig, int pieces) {
    UserSpace space = rig.openWith(pieces * rig.huge / PAGE);
    Processor one = rig.processor(0).run(space);
    for (long at = BASE; at < BASE + pieces * rig.huge; at += rig.huge) {
      one.store(at + 8, at);
    }
    one.leave();
    assertEquals(pieces, space.tables().pageCount(2));
    return space;
  }

  private static ShrinkerReport report(UserRig rig) {
    ShrinkerReport report = rig.machine.reclaim().shrinkers().report(0);
    assertNotNull(report);
    assertEquals("large pages", report.name());
    assertEquals(4, report.cost());
    return report;
  }

  // ---- Steps ----

  @Test
  void stepsGoFromSpaceToSpaceAndEnd() throws Exception {
    try (UserRig rig = new UserRig(architecture, ADVISED)) {
      UserSpace[] spaces = {openSmall(rig, 2), openSmall(rig, 1), openSmall(rig, 2)};
      for (int i = 0; i < 3; i++) {
        assertTrue(rig.spaces.step(1));
        for (int k = 0; k < 3; k++) {
          assertEquals(k <= i ? 1 : 0, spaces[k].tables().pageCount(2), "a turn each");
        }
      }
      int steps = 3;
      while (rig.spaces.step(1)) {
        steps++;
        assertTrue(steps < 20, "steps do not end");
      }
      assertEquals(2, spaces[0].tables().pageCount(2));
      assertEquals(1, spaces[1].tables().pageCount(2));
      assertEquals(2, spaces[2].tables().pageCount(2));
      // The next round finds nothing, and ends as well.
      for (steps = 0; rig.spaces.step(10_000); steps++) {
        assertTrue(steps < 3);
      }
      for (UserSpace space : spaces) {
        Processor one = rig.processor(1).run(space);
        for (long at = BASE; at < BASE + rig.huge; at += PAGE) {
          assertEquals(at, one.load(at));
        }
        one.leave();
        rig.spaces.close(space);
      }
      assertFalse(rig.spaces.step(1));
      rig.assertAsAtStart();
    }
  }

  @Test
  void aSpaceThatIsOpenedInARoundHasItsTurnInIt() throws Exception {
    try (UserRig rig = new UserRig(architecture, ADVISED)) {
      UserSpace first = openSmall(rig, 1);
      UserSpace second = openSmall(rig, 1);
      rig.spaces.step(10_000);
      assertEquals(1, first.tables().pageCount(2));
      rig.spaces.close(first);
      UserSpace again = openSmall(rig, 1);
      for (int steps = 0; rig.spaces.step(10_000); steps++) {
        assertTrue(steps < 5);
      }
      assertEquals(1, again.tables().pageCount(2));
      assertEquals(1, second.tables().pageCount(2));
      rig.spaces.close(second);
      rig.spaces.close(again);
      rig.assertAsAtStart();
    }
  }

  @Test
  void aStepOfTheMachineIsOneOfItsSpaces() throws Exception {
    try (UserRig rig = new UserRig(architecture, ADVISED)) {
      UserSpace[] spaces = {openSmall(rig, 1), openSmall(rig, 1)};
      int steps = 0;
      while (rig.machine.step(10_000)) {
        steps++;
        assertTrue(steps < 20, "steps do not end");
      }
      assertTrue(steps >= 1);
      for (UserSpace space : spaces) {
        assertEquals(1, space.tables().pageCount(2));
        assertEquals(0, space.tables().pageCount(1));
        rig.spaces.close(space);
      }
      rig.assertAsAtStart();
    }
  }

  @Test
  void workGivesWayToWhoUsesASpace() throws Exception {
    try (UserRig rig = new UserRig(architecture, ADVISED)) {
      UserSpace used = openSmall(rig, 1);
      int[] asked = {0};
      PageStore store =
          new PageStore() {
            @Override
            public boolean readPage(long byteOffset, long address) {
              // In the middle of a fault, where an allocation may reclaim.
              assertTrue(rig.spaces.step(10_000), "there is more to do");
              assertEquals(-1, rig.spaces.shrink(10));
              assertEquals(0, used.tables().pageCount(2));
              asked[0]++;
              return true;
            }

            @Override
            public boolean writePage(long byteOffset, long address) {
              return true;
            }
          };
      long own = rig.machine.allocate(0, AllocationFlags.ZERO);
      BackedPages pages =
          new BackedPages(rig.machine.physToVirt(own << 12), rig.spaces.memory(), store);
      int file = rig.backings.add(pages);
      long at = BASE + 4 * rig.huge;
      used.map(at, at + PAGE, RW, file, 0);
      assertEquals(FaultOutcome.MAPPED, used.fault(at, AccessKind.LOAD));
      assertEquals(1, asked[0]);
      while (rig.spaces.step(10_000)) {
        // until it has had its turn
      }
      assertEquals(1, used.tables().pageCount(2));
      rig.spaces.close(used);
      pages.dropAll();
      rig.machine.free(own, 0);
      rig.assertAsAtStart();
    }
  }

  // ---- Under pressure ----

  @Test
  void aMachineShortOfMemoryGetsFramesOutOfLargePages() throws Exception {
    try (UserRig rig = new UserRig(architecture, UserRig.hugeSettings(3))) {
      UserSpace[] spaces = {openSparse(rig, 2), openSparse(rig, 1), openSparse(rig, 2)};
      List<Long> taken = rig.takeAll();
      int more = 0;
      for (long pfn = rig.machine.tryAllocate(0, 0);
          pfn >= 0;
          pfn = rig.machine.tryAllocate(0, 0)) {
        taken.add(pfn);
        more++;
      }
      // All but a frame for each page; the tables of the split ones are a pool's, or few.
      long hugeFrames = rig.huge / PAGE;
      assertTrue(more >= 5 * (hugeFrames - 1) - 5, "only " + more);
      ShrinkerReport report = report(rig);
      assertEquals(0, report.failures(), report.lastProblem());
      assertTrue(report.freedFrames() > 0);
      assertEquals(0, rig.spaces.hugeFrames());
      for (UserSpace space : spaces) {
        assertEquals(0, space.tables().pageCount(2));
        Processor one = rig.processor(0).run(space);
        assertEquals(BASE, one.load(BASE + 8));
        one.leave();
        rig.spaces.close(space);
      }
      rig.give(taken, taken.size());
      rig.assertAsAtStart();
    }
  }

  @Test
  void stepsOfTheMachineGoTowardsHighAndLeaveSmallPagesSmallMeanwhile() throws Exception {
    UserSettings settings = new UserSettings(2, 1, 0, HugePolicy.ADVISED, 0);
    try (UserRig rig = new UserRig(architecture, settings)) {
      UserSpace small = openSmall(rig, 1); // the first that would have its turn
      UserSpace sparse = rig.open();
      long end = BASE + 2 * rig.huge;
      sparse.map(BASE, end, RW | AreaFlags.HUGE, 0, 0);
      for (long at = BASE; at < end; at += rig.huge) {
        assertEquals(FaultOutcome.MAPPED, sparse.fault(at, AccessKind.STORE));
      }
      long block = rig.machine.allocate(10, 0);
      Zone zone = rig.machine.zones().zone(rig.machine.zones().count() - 1);
      zone.setWatermarks(100, 3000, 6000);
      List<Long> taken = rig.takeAll();
      // There is a block for a large page, and yet the zone is far below high.
      rig.machine.free(block, 10);
      assertTrue(rig.machine.reclaim().isWoken(zone));
      assertTrue(rig.machine.step(1));
      assertTrue(rig.machine.reclaim().isWoken(zone));
      assertEquals(1, sparse.tables().pageCount(2));
      assertEquals(0, small.tables().pageCount(2));
      for (int steps = 0; rig.machine.step(10_000); steps++) {
        assertTrue(steps < 20, "steps do not end");
      }
      // There is nothing more to be had.
      assertEquals(0, sparse.tables().pageCount(2));
      assertEquals(1, small.tables().pageCount(2));
      rig.spaces.close(sparse);
      rig.spaces.close(small);
      rig.give(taken, taken.size());
      rig.assertAsAtStart();
    }
  }

  @Test
  void onePageMayGiveMoreThanWasWantedAndIsBelieved() throws Exception {
    try (UserRig rig = new UserRig(architecture, UserRig.hugeSettings(2))) {
      UserSpace sparse = openSparse(rig, 1);
      long hugeFrames = rig.huge / PAGE;
      HugePageShrinker shrinker = new HugePageShrinker(rig.spaces);
      assertEquals(hugeFrames, shrinker.countFrames(-1));
      assertEquals(hugeFrames - 1, rig.machine.reclaim().shrinkers().shrink(-1, 1));
      assertEquals(hugeFrames - 1, report(rig).freedFrames());
      assertEquals(0, report(rig).failures(), report(rig).lastProblem());
      assertEquals(0, shrinker.countFrames(0));
      assertEquals(0, shrinker.shrink(0, 1));
      rig.spaces.close(sparse);
      // Two pages, of which one gives half: more than what one has is not told.
      sparse = openSparse(rig, 2);
      Processor one = rig.processor(0).run(sparse);
      for (long at = BASE; at < BASE + rig.huge / 2; at += PAGE) {
        one.store(at, 1);
      }
      one.leave();
      long freed = shrinker.shrink(-1, hugeFrames);
      assertEquals(0, sparse.tables().pageCount(2));
      assertEquals(hugeFrames, freed);
      assertEquals(hugeFrames / 2 + 1, sparse.tables().pageCount(1));
      rig.spaces.close(sparse);
      rig.assertAsAtStart();
    }
  }

  @Test
  void eachSpaceIsAskedInTurn() throws Exception {
    try (UserRig rig = new UserRig(architecture, UserRig.hugeSettings(3))) {
      UserSpace[] spaces = {openSparse(rig, 2), openSparse(rig, 2), openSparse(rig, 2)};
      for (int i = 0; i < 3; i++) {
        assertEquals(rig.huge / PAGE - 1, rig.spaces.shrink(1));
        for (int k = 0; k < 3; k++) {
          assertEquals(k <= i ? 1 : 2, spaces[k].tables().pageCount(2));
        }
      }
      assertEquals(3 * (rig.huge / PAGE - 1), rig.spaces.shrink(Long.MAX_VALUE));
      for (UserSpace space : spaces) {
        rig.spaces.close(space);
      }
      assertEquals(0, rig.spaces.shrink(1));
      rig.assertAsAtStart();
    }
  }
}
