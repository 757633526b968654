package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.SplitMix64;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A move happens as a whole or not at all.
class MigrationTest {
  private static final long START = 0x400;

  /// A copier that spoils or refuses copies when it is told to.
  private static final class FaultyCopier implements FrameCopier {
    private FrameCopier real = new MappedCopier(0);
    private boolean spoils;
    private boolean fails;

    @Override
    public void copy(long fromPfn, long toPfn, long frameCount) {
      if (fails) {
        throw new IllegalStateException("this frame cannot be read");
      }
      real.copy(fromPfn, toPfn, frameCount);
    }

    @Override
    public boolean isSame(long aPfn, long bPfn, long frameCount) {
      return !spoils && real.isSame(aPfn, bPfn, frameCount);
    }
  }

  private static MovableItems items() {
    return new MovableItems(true, START, 4096, true);
  }

  private static long target(MovableItems items, long frameCount) {
    return items.frames.allocateFrames(frameCount, AllocationFlags.MOVABLE);
  }

  private static void assertCounts(Migration migration, long... counts) {
    assertEquals(counts[0], migration.movedBlocks());
    assertEquals(counts[1], migration.movedFrames());
    assertEquals(counts[2], migration.refusals());
    assertEquals(counts[3], migration.problems());
    assertEquals(counts[4], migration.mismatches());
    assertEquals(counts[2] + counts[3] + counts[4], migration.failedMoves());
  }

  private static void giveBack(MovableItems items, long pfn, long frameCount) {
    assertTrue(items.movable.isCaptured(pfn));
    items.movable.forget(pfn);
    items.frames.freeFrames(pfn, frameCount);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 8, 100, 256})
  void aMovedBlockHasItsContentAndItsAccount(long frameCount) {
    try (MovableItems items = items()) {
      int item = items.add(frameCount);
      long from = items.places.get(item);
      items.plane.put(from, items.plane.get(from) | FrameInfo.word(0, 1234, 0, 0));
      long to = target(items, frameCount);
      assertEquals(MigrationOutcome.MOVED, items.migration.move(from, to, frameCount));
      assertEquals(to, items.places.get(item));
      assertEquals(1234, FrameInfo.accountOf(items.plane.get(to)));
      giveBack(items, from, frameCount);
      items.assertAllThere();
      assertCounts(items.migration, 1, frameCount, 0, 0, 0);
      assertNull(items.migration.lastProblem());
    }
  }

  @Test
  void whatIsNotMovableStays() {
    try (MovableItems items = items()) {
      long from = target(items, 1);
      long to = target(items, 1);
      assertEquals(MigrationOutcome.NOT_MOVABLE, items.migration.move(from, to, 1));
      items.frames.free(from, 0);
      int item = items.add(1);
      from = items.places.get(item);
      assertTrue(items.movable.pin(from, items.me, item));
      assertEquals(MigrationOutcome.PINNED, items.migration.move(from, to, 1));
      items.movable.unpin(from, items.me, item);
      assertTrue(items.movable.begin(from));
      assertEquals(MigrationOutcome.BUSY, items.migration.move(from, to, 1));
      items.movable.abort(from, -1);
      assertEquals(0, items.plane.get(to));
      items.frames.free(to, 0);
      items.assertAllThere();
      assertCounts(items.migration, 0, 0, 0, 0, 0);
    }
  }

  @Test
  void aTargetWithoutAWordIsRefusedBeforeAnythingChanges() {
    try (MovableItems items = items()) {
      int item = items.add(1);
      long from = items.places.get(item);
      assertThrows(IllegalArgumentException.class, () -> items.migration.move(from, START - 1, 1));
      items.assertAllThere();
    }
  }

  @Test
  void aRefusalLeavesEverythingAsItWas() {
    try (MovableItems items = items()) {
      int item = items.add(4);
      long from = items.places.get(item);
      long to = target(items, 4);
      items.answer = asked -> asked != item;
      assertEquals(MigrationOutcome.REFUSED, items.migration.move(from, to, 4));
      giveBack(items, to, 4);
      items.assertAllThere();
      assertEquals(from, items.places.get(item));
      assertCounts(items.migration, 0, 0, 1, 0, 0);
    }
  }

  @Test
  void anOwnerThatThrowsIsReported() {
    try (MovableItems items = items()) {
      int item = items.add(1);
      long from = items.places.get(item);
      for (Throwable problem : new Throwable[] {new RuntimeException(), new AssertionError()}) {
        long to = target(items, 1);
        items.answer = asked -> MigrationTest.<RuntimeException>fail(problem);
        assertEquals(MigrationOutcome.FAILED, items.migration.move(from, to, 1));
        assertSame(problem, items.migration.lastProblem());
        giveBack(items, to, 1);
        items.assertAllThere();
      }
      assertCounts(items.migration, 0, 0, 0, 2, 0);
    }
  }

  @SuppressWarnings("unchecked") // a checked exception is passed on as what it is not
  private static <T extends Throwable> boolean fail(Throwable problem) throws T {
    throw (T) problem;
  }

  @Test
  void aCopyThatIsNotAlikeIsNeverNamed() {
    FaultyCopier copier = new FaultyCopier();
    try (MovableItems items = new MovableItems(true, START, 4096, true, copier)) {
      copier.real = new MappedCopier(items.addressOf(0));
      int item = items.add(2);
      long from = items.places.get(item);
      long to = target(items, 2);
      copier.spoils = true;
      items.answer = asked -> MigrationTest.<RuntimeException>fail(new AssertionError("asked"));
      assertEquals(MigrationOutcome.MISMATCH, items.migration.move(from, to, 2));
      copier.fails = true;
      giveBack(items, to, 2);
      to = target(items, 2);
      assertEquals(MigrationOutcome.FAILED, items.migration.move(from, to, 2));
      giveBack(items, to, 2);
      items.assertAllThere();
      assertCounts(items.migration, 0, 0, 0, 1, 1);
    }
  }

  @Test
  void withoutVerificationACopyIsTaken() {
    FaultyCopier copier = new FaultyCopier();
    try (MovableItems items = new MovableItems(true, START, 4096, true, copier)) {
      copier.real = new MappedCopier(items.addressOf(0));
      copier.spoils = true;
      Migration careless =
          new Migration(items.movable, copier, false, items.reserve(Migration.byteSize()));
      assertSame(items.movable, careless.movable());
      int item = items.add(2);
      long from = items.places.get(item);
      assertEquals(MigrationOutcome.MOVED, careless.move(from, target(items, 2), 2));
      giveBack(items, from, 2);
      items.assertAllThere();
    }
  }

  @Test
  void everyWordOfEveryFrameIsCompared() {
    try (MovableItems items = items()) {
      long a = target(items, 4);
      long b = target(items, 4);
      MappedCopier copier = new MappedCopier(items.addressOf(0));
      for (long at : new long[] {0, 8, 4096, 3 * 4096, 4 * 4096 - 8}) {
        assertTrue(copier.isSame(a, b, 4));
        Memory.putLong(items.addressOf(a) + at, 1);
        assertEquals(false, copier.isSame(a, b, 4), "at " + at);
        copier.copy(a, b, 4);
        assertEquals(1, Memory.getLong(items.addressOf(b) + at));
      }
      Memory.putLong(items.addressOf(Math.max(a, b)) + 4 * Pages.PAGE_SIZE, 5);
      assertTrue(copier.isSame(a, b, 4), "behind the end");
    }
  }

  /// Moves, refusals, exceptions, spoiled copies, pins and missing targets in any order.
  @Test
  @Tag("slow")
  void aHundredThousandMigrationsLoseNothing() {
    FaultyCopier copier = new FaultyCopier();
    SplitMix64 random = new SplitMix64(4);
    try (MovableItems items = new MovableItems(true, START, 4096, true, copier)) {
      copier.real = new MappedCopier(items.addressOf(0));
      for (int i = 0; i < 400; i++) {
        items.add(1 + random.below(8));
      }
      int movedCount = 0;
      int noTarget = 0;
      long[] hogs = new long[4096];
      int hogCount = 0;
      for (int i = 0; i < 100_000; i++) {
        int item = random.below(items.itemCount());
        long frameCount = items.counts[item];
        long from = items.places.get(item);
        if (i % 20_000 == 19_000) {
          while ((hogs[hogCount] = items.frames.allocate(0, AllocationFlags.MOVABLE)) >= 0) {
            hogCount++;
          }
        } else if (i % 20_000 == 19_100) {
          items.frames.freeBulk(hogs, 0, hogCount);
          hogCount = 0;
        }
        long to = target(items, frameCount);
        if (to < 0) {
          noTarget++;
          continue;
        }
        boolean pinned = random.oneIn(17) && items.movable.pin(from, items.me, item);
        copier.spoils = i % 11 == 0;
        copier.fails = i % 13 == 0;
        boolean refuses = i % 7 == 0;
        boolean fails = i % 5 == 0;
        items.answer =
            asked -> fails ? MigrationTest.<RuntimeException>fail(new AssertionError()) : !refuses;
        MigrationOutcome outcome = items.migration.move(from, to, frameCount);
        MigrationOutcome expected =
            pinned
                ? MigrationOutcome.PINNED
                : copier.fails
                    ? MigrationOutcome.FAILED
                    : copier.spoils
                        ? MigrationOutcome.MISMATCH
                        : fails
                            ? MigrationOutcome.FAILED
                            : refuses ? MigrationOutcome.REFUSED : MigrationOutcome.MOVED;
        assertEquals(expected, outcome);
        boolean moved = outcome == MigrationOutcome.MOVED;
        movedCount += moved ? 1 : 0;
        assertEquals(moved ? to : from, items.places.get(item));
        if (pinned) {
          items.movable.unpin(from, items.me, item);
          items.frames.freeFrames(to, frameCount);
        } else {
          giveBack(items, moved ? from : to, frameCount);
        }
        if (i % 10_000 == 0) {
          items.assertAllThere();
        }
      }
      items.assertAllThere();
      assertTrue(noTarget > 100, "targets never ran out");
      assertTrue(movedCount > 40_000);
      assertEquals(movedCount, items.migration.movedBlocks());
    }
  }
}
