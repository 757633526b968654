package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.platform.Memory;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Who is asked in a round, and who is not.
class ShrinkersRoundsTest {
  private final ZeroedWindows memory = new ZeroedWindows();
  private final long around = Shrinkers.byteSize();
  private final long address = memory.reserve(3 * around) + around;
  private final Shrinkers shrinkers = new Shrinkers(address);
  private final FakeShrinker first = new FakeShrinker("first", 100_000, 1);
  private final FakeShrinker second = new FakeShrinker("second", 100_000, 1);

  ShrinkersRoundsTest() {
    assertEquals(0, shrinkers.register(first));
    assertEquals(1, shrinkers.register(second));
  }

  @AfterEach
  void close() {
    memory.close();
  }

  private ShrinkerReport report(int number) {
    ShrinkerReport report = shrinkers.report(number);
    assertNotNull(report);
    return report;
  }

  @Test
  void whoHasNothingIsNeitherAskedNorToBlame() {
    second.held = 0;
    first.answer = _ -> first.give(4);
    shrinkers.shrink(-1, 10);
    assertEquals(List.of(10L), first.asked);
    assertEquals(List.of(), second.asked);
    assertEquals(0, report(1).failures());
    assertEquals(0, report(1).emptyHandedCalls());
    assertEquals("", report(1).lastProblem());
  }

  /// The first one has given 50 frames for one, so it is asked for one in each round; the second
  /// one, who gave nothing, is not asked again.
  @Test
  void eachIsAskedOnceInARoundAndRoundsAreBounded() {
    first.answer = _ -> first.give(50);
    assertEquals(50, shrinkers.shrink(-1, 1));
    first.answer = first::give;
    first.held = 100_000;
    second.answer = _ -> 0;
    assertEquals(8, shrinkers.shrink(-1, 9));
    assertEquals(List.of(5L), second.asked);
    assertEquals(1 + 8, first.asked.size());
    assertEquals(1, first.asked.getLast());
  }

  @Test
  void aCreditOfOneWhoHasNothingNowIsNotAsked() {
    first.held = 40_000;
    second.answer = _ -> second.give(50);
    assertEquals(50, shrinkers.shrink(-1, 1));
    assertEquals(List.of(), first.asked); // and 2/7 of a frame are due to it
    first.held = 0;
    second.answer = second::give;
    assertEquals(1, shrinkers.shrink(-1, 1));
    assertEquals(List.of(), first.asked);
    assertEquals(List.of(1L, 1L), second.asked);
  }

  @Test
  void whoIsTakenOutByAnotherIsNotAskedAnyMore() {
    first.held = 200_000;
    first.answer =
        wanted -> {
          assertTrue(shrinkers.unregister(second));
          first.answer = first::give;
          return first.give(wanted);
        };
    assertEquals(9, shrinkers.shrink(-1, 9));
    assertEquals(List.of(6L, 3L), first.asked);
    assertEquals(List.of(), second.asked);
  }

  @Test
  void whoThrewIsPassedOverNextTime() {
    first.answer =
        _ -> {
          throw new IllegalStateException("broken");
        };
    assertEquals(10, shrinkers.shrink(-1, 10));
    assertEquals(1, report(0).calls());
    assertEquals(10, shrinkers.shrink(-1, 10));
    assertEquals(1, report(0).calls());
    assertEquals(10, shrinkers.shrink(-1, 10));
    assertEquals(2, report(0).calls());
  }

  @Test
  void troubleOfTheMachineInACountGoesOnToTheCaller() {
    OutOfMemoryError trouble = new OutOfMemoryError("test");
    FakeShrinker third =
        new FakeShrinker("third", 1, 1) {
          @Override
          public long countFrames(int nid) {
            throw trouble;
          }
        };
    assertEquals(2, shrinkers.register(third));
    assertSame(trouble, assertThrows(OutOfMemoryError.class, () -> shrinkers.shrink(-1, 10)));
    assertEquals(1, report(2).failures());
    assertSame(trouble, assertThrows(OutOfMemoryError.class, () -> shrinkers.countFrames(-1)));
    assertTrue(shrinkers.unregister(third), "a visitor was not counted out");
    assertEquals(10, shrinkers.shrink(-1, 10));
  }

  @Test
  void troubleOfTheMachineInAThrowablesWordsGoesOnToTheCaller() {
    OutOfMemoryError trouble = new OutOfMemoryError("test");
    second.held = 0;
    first.answer =
        _ -> {
          throw new IllegalStateException() {
            private static final long serialVersionUID = 1;

            @Override
            public String getMessage() {
              throw trouble;
            }
          };
        };
    assertSame(trouble, assertThrows(OutOfMemoryError.class, () -> shrinkers.shrink(-1, 10)));
    first.answer = first::give;
    assertEquals(10, shrinkers.shrink(-1, 10));
  }

  @Test
  void aNestedCallForNothingIsNoCall() {
    first.answer =
        wanted -> {
          assertEquals(0, shrinkers.shrink(-1, 0));
          assertEquals(0, shrinkers.nestedCallCount());
          assertEquals(0, shrinkers.shrink(-1, 1));
          assertEquals(1, shrinkers.nestedCallCount());
          return first.give(wanted);
        };
    assertEquals(1, shrinkers.shrink(-1, 1));
    assertEquals(1, first.asked.size());
  }

  @Test
  void itStaysWithinItsMemory() {
    assertEquals(10, shrinkers.shrink(-1, 10));
    assertEquals(200_000 - 10, shrinkers.countFrames(-1));
    for (long at = 0; at < around; at += Long.BYTES) {
      assertEquals(0, Memory.getLong(address - around + at));
      assertEquals(0, Memory.getLong(address + around + at));
    }
  }
}
