package dev.bifolio.kernel;

import static dev.bifolio.kernel.UserRig.BASE;
import static dev.bifolio.kernel.UserRig.PAGE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.UserRig.Processor;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.virtual.AreaFlags;
import dev.bifolio.kernel.virtual.Asids;
import dev.bifolio.kernel.virtual.ForkOutcome;
import dev.bifolio.kernel.virtual.RemoveOutcome;
import dev.bifolio.kernel.virtual.UserSpace;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/// Two processors, more spaces than numbers for them: what a processor remembers is never another
/// space's, nor what has changed since.
@ParameterizedClass
@EnumSource(
    value = Architecture.class,
    names = {"X86_64", "AARCH64", "RISCV64"})
class UserAsidsTest {
  private static final int SPACES = 7;
  private static final int PAGES = 4;

  private final Architecture architecture;

  UserAsidsTest(Architecture architecture) {
    this.architecture = architecture;
  }

  /// How often a program found what is not its own.
  private int mistakes(boolean flushes, int bits) throws BootException {
    try (UserRig rig = new UserRig(architecture, UserRig.settings(SPACES, 2, bits))) {
      Processor[] cpus = new Processor[2];
      UserSpace[] spaces = new UserSpace[SPACES];
      long[][] model = new long[SPACES][PAGES];
      for (int cpu = 0; cpu < 2; cpu++) {
        cpus[cpu] = flushes ? rig.processor(cpu) : rig.forgetfulProcessor(cpu);
      }
      for (int i = 0; i < SPACES; i++) {
        spaces[i] = rig.openWith(PAGES);
      }
      SplitMix64 random = new SplitMix64(4711);
      int mistakes = 0;
      for (int turn = 1; turn <= 3000; turn++) {
        int i = random.below(SPACES);
        int page = random.below(PAGES);
        Processor cpu = cpus[random.below(2)].run(spaces[i]);
        switch (random.below(8)) {
          case 0 -> {
            // The other processor knows the page, too.
            assertEquals(
                RemoveOutcome.REMOVED,
                spaces[i].unmap(BASE + page * PAGE, BASE + (page + 1) * PAGE));
            UserRig.map(spaces[i], BASE + page * PAGE, PAGE);
            model[i][page] = 0;
          }
          case 1 -> spaces[i].protect(BASE, BASE + PAGES * PAGE, AreaFlags.READ);
          case 2, 3 -> {
            spaces[i].protect(BASE, BASE + PAGES * PAGE, UserRig.RW);
            cpu.store(BASE + page * PAGE, turn);
            model[i][page] = turn;
          }
          default -> mistakes += cpu.load(BASE + page * PAGE) == model[i][page] ? 0 : 1;
        }
      }
      assertTrue(rig.spaces.asids().rollovers() > 100, "the numbers have to be used up");
      if (flushes) {
        cpus[0].leave();
        cpus[1].leave();
        for (UserSpace space : spaces) {
          rig.spaces.close(space);
        }
        rig.assertAsAtStart();
      }
      return mistakes;
    }
  }

  @Test
  void noTranslationOutlivesItsGeneration() throws Exception {
    assertEquals(0, mistakes(true, 2));
  }

  /// The same walk, to see that it would find them.
  @Test
  void aProcessorThatDoesNotFlushFindsWhatIsNotItsOwn() throws Exception {
    assertTrue(mistakes(false, 2) > 10);
  }

  @Test
  void aChangeReachesTheOtherProcessorUnderWhateverNumberItKnowsTheSpace() throws Exception {
    try (UserRig rig = new UserRig(architecture, UserRig.settings(SPACES, 2, 2))) {
      UserSpace shared = rig.openWith(PAGES);
      Processor one = rig.processor(0).run(shared);
      Processor two = rig.processor(1).run(shared);
      for (int round = 0; round < 20; round++) {
        one.store(BASE, round);
        assertEquals(round, two.load(BASE));
        // Generations end while one goes on in the space, under the number that it has.
        List<UserSpace> others = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
          others.add(rig.openWith(1));
          two.run(others.getLast()).store(BASE, -1);
        }
        UserSpace child = rig.open();
        assertEquals(ForkOutcome.FORKED, shared.forkInto(child));
        two.run(child).store(BASE, 1000 + round);
        one.store(BASE, 500 + round);
        assertEquals(500 + round, one.load(BASE));
        two.run(shared);
        assertEquals(500 + round, two.load(BASE));
        shared.unmap(BASE, BASE + PAGE);
        assertTrue(two.mmu.storeLong(BASE, 1) < 0);
        assertTrue(one.mmu.storeLong(BASE, 1) < 0);
        UserRig.map(shared, BASE, PAGE);
        rig.spaces.close(child);
        others.forEach(rig.spaces::close);
      }
      assertTrue(rig.spaces.asids().rollovers() >= 20);
      one.leave();
      two.leave();
      rig.spaces.close(shared);
      rig.assertAsAtStart();
    }
  }

  @Test
  void aChangeOfManyPagesReachesTheOtherProcessorAtOnce() throws Exception {
    try (UserRig rig = new UserRig(architecture, UserRig.settings(3, 2, 2))) {
      UserSpace other = rig.openWith(1);
      rig.processor(0).run(other);
      UserSpace space = rig.openWith(60);
      space.populate(BASE, BASE + 60 * PAGE);
      Processor two = rig.processor(1).run(space);
      for (long at = BASE; at < BASE + 60 * PAGE; at += PAGE) {
        two.store(at, 1);
      }
      space.unmap(BASE, BASE + 60 * PAGE);
      for (long at = BASE; at < BASE + 60 * PAGE; at += PAGE) {
        assertTrue(two.mmu.storeLong(at, 1) < 0);
      }
      two.leave();
      rig.processor(0).leave();
      rig.spaces.close(space);
      rig.spaces.close(other);
      rig.assertAsAtStart();
    }
  }

  @Test
  void aSpaceWithoutANumberIsFlushedAsTheKernelsWhichHasNothing() throws Exception {
    try (UserRig rig = new UserRig(architecture, UserRig.settings(2, 2, 4))) {
      UserSpace space = rig.openWith(1);
      space.populate(BASE, BASE + PAGE);
      long before = rig.spaces.shootdowns().requests();
      space.unmap(BASE, BASE + PAGE);
      assertTrue(rig.spaces.shootdowns().requests() > before);
      rig.spaces.close(space);
      assertEquals(1, rig.spaces.enter(0, rig.open()) & ~Asids.FLUSH);
    }
  }
}
