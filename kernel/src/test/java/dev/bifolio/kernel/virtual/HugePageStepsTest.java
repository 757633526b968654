package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static dev.bifolio.kernel.virtual.UserWorld.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.virtual.UserWorld.Program;
import org.junit.jupiter.api.Test;

/// How far the work on large pages goes in one step, and where the next one goes on.
class HugePageStepsTest {
  private static boolean isLarge(Program program, long at) {
    long word = program.tables.lookup(at);
    return word != AddressSpace.NOT_MAPPED && MappedPage.level(word) == 2;
  }

  /// Small pages from an address on.
  private static void touchSmall(UserWorld world, Program program, long at, long pages) {
    world.frames.serveHuge(0);
    program.space.populate(at, at + pages * PAGE);
    world.frames.serveHuge(Long.MAX_VALUE);
  }

  /// Pieces of which the first is wholly mapped, but for the eleventh page, the second not at all,
  /// and the last two wholly.
  private static Program pieces(UserWorld world) {
    Program program = world.program();
    program.map(BASE, BASE + 4 * world.huge, RW);
    touchSmall(world, program, BASE, 10);
    touchSmall(world, program, BASE + 11 * PAGE, 501);
    touchSmall(world, program, BASE + 2 * world.huge, 1024);
    return program;
  }

  @Test
  void aStepLooksAtAsManyPagesAsItMayAndFinishesWhatItHasBegun() {
    // Budget of the first step, and how many pieces it makes large: the look at the first piece
    // ends
    // at its hole, the second counts as one page, and the others as all that they have.
    for (long[] expected :
        new long[][] {{1, 0}, {11, 0}, {12, 0}, {13, 1}, {524, 1}, {525, 2}, {1036, 2}}) {
      HugePagesTest.in(
          HugePolicy.ALWAYS,
          0,
          world -> {
            Program program = pieces(world);
            assertTrue(program.space.step(expected[0]));
            assertEquals(expected[1], program.tables.pageCount(2), expected[0] + " pages");
            // The next goes on behind it, and tells when a round is over.
            assertFalse(program.space.step(Long.MAX_VALUE));
            assertEquals(2, program.tables.pageCount(2));
            program.close();
          });
    }
  }

  @Test
  void aStepThatHasLookedAtAllSaysSoAndTheNextBeginsAnew() {
    HugePagesTest.in(
        HugePolicy.ALWAYS,
        0,
        world -> {
          Program program = pieces(world);
          assertFalse(program.space.step(1037));
          assertEquals(2, program.tables.pageCount(2));
          program.load(BASE + 10 * PAGE);
          assertTrue(program.space.step(1));
          assertTrue(isLarge(program, BASE));
          program.close();
        });
  }

  @Test
  void aStepAfterTheRoundGoesOnWhereItStopped() {
    HugePagesTest.in(
        HugePolicy.ALWAYS,
        0,
        world -> {
          Program program = pieces(world);
          assertTrue(program.space.step(1));
          program.load(BASE + 10 * PAGE);
          // The first piece is whole now, but its turn comes in the next round.
          assertFalse(program.space.step(Long.MAX_VALUE));
          assertFalse(isLarge(program, BASE));
          assertFalse(program.space.step(Long.MAX_VALUE));
          assertTrue(isLarge(program, BASE));
          program.close();
        });
  }

  @Test
  void aPieceOfWhichTheAreaHasNotAllStaysSmall() {
    HugePagesTest.in(
        HugePolicy.ALWAYS,
        511,
        world -> {
          Program program = world.program();
          program.map(BASE + PAGE, BASE + 2 * world.huge - PAGE, RW);
          program.store(BASE + 5 * PAGE, 5);
          program.store(BASE + world.huge + 5 * PAGE, 6);
          assertFalse(program.space.step(Long.MAX_VALUE));
          assertEquals(2, program.tables.pageCount(1));
          // One page more, and the second piece is whole; its holes are filled.
          program.map(BASE + 2 * world.huge - PAGE, BASE + 2 * world.huge, RW);
          assertFalse(program.space.step(Long.MAX_VALUE));
          assertTrue(isLarge(program, BASE + world.huge));
          assertEquals(1, program.tables.pageCount(1));
          assertEquals(6, program.load(BASE + world.huge + 5 * PAGE));
          assertEquals(0, program.load(BASE + 2 * world.huge - PAGE));
          program.close();
        });
  }

  @Test
  void pressureGoesOnWhereItStoppedAndThenRound() {
    HugePagesTest.in(
        HugePolicy.ALWAYS,
        0,
        world -> {
          Program program = world.program();
          program.map(BASE, BASE + 3 * world.huge, RW);
          for (long at = BASE; at < BASE + world.huge; at += PAGE) {
            program.store(at, 1);
          }
          program.load(BASE + world.huge);
          program.load(BASE + 2 * world.huge);
          assertEquals(3, program.tables.pageCount(2));
          // All of the second are zeros, which is as much as is wanted.
          assertEquals(512, program.space.shrink(512));
          assertFalse(isLarge(program, BASE + world.huge));
          assertTrue(isLarge(program, BASE + 2 * world.huge));
          // The first is zeros now too, but it is the third's turn.
          program.space.unmap(BASE, BASE + world.huge);
          program.map(BASE, BASE + world.huge, RW);
          program.load(BASE);
          assertEquals(512, program.space.shrink(1));
          assertTrue(isLarge(program, BASE));
          assertFalse(isLarge(program, BASE + 2 * world.huge));
          assertEquals(512, program.space.shrink(1));
          assertEquals(0, program.tables.pageCount(2));
          assertEquals(0, program.space.shrink(1));
          program.close();
        });
  }

  @Test
  void pressureThatIsNoneFreesNothing() {
    HugePagesTest.in(
        HugePolicy.ALWAYS,
        0,
        world -> {
          Program program = world.program();
          program.map(BASE, BASE + world.huge, RW);
          program.load(BASE);
          assertEquals(0, program.space.shrink(0));
          assertTrue(isLarge(program, BASE));
          program.close();
        });
  }

  @Test
  void whatPressureSplitsAllowsWhatItDidBefore() {
    HugePagesTest.in(
        HugePolicy.ALWAYS,
        0,
        world -> {
          Program program = world.program();
          program.map(BASE, BASE + world.huge, RW);
          program.store(BASE + 7 * PAGE, 7);
          int flags = MappedPage.flags(program.tables.lookup(BASE));
          assertEquals(511, program.space.shrink(1));
          assertEquals(1, program.tables.pageCount(1));
          assertEquals(flags, MappedPage.flags(program.tables.lookup(BASE + 7 * PAGE)));
          FaultOutcome before = program.last;
          program.store(BASE + 7 * PAGE, 8);
          assertEquals(before, program.last); // no fault
          program.close();
        });
  }
}
