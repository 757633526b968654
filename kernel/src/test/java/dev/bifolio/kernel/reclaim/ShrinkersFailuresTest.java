package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.ZeroedWindows;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// A shrinker that fails is reported and asked less, and its failure is not the caller's.
class ShrinkersFailuresTest {
  private final ZeroedWindows memory = new ZeroedWindows();
  private final Shrinkers shrinkers = new Shrinkers(memory.reserve(Shrinkers.byteSize()));
  private final FakeShrinker bad = new FakeShrinker("bad", 1 << 20, 1);
  private final FakeShrinker good = new FakeShrinker("good", 1 << 20, 1);

  @AfterEach
  void close() {
    memory.close();
  }

  private void registerBoth() {
    assertEquals(0, shrinkers.register(bad));
    assertEquals(1, shrinkers.register(good));
  }

  private ShrinkerReport report() {
    ShrinkerReport report = shrinkers.report(0);
    assertNotNull(report);
    return report;
  }

  @Test
  void whatAShrinkerThrowsGoesNoFurther() {
    registerBoth();
    for (Throwable thrown :
        new Throwable[] {
          new IllegalStateException("broken"), new AssertionError("no"), new StackOverflowError()
        }) {
      int before = bad.asked.size();
      bad.answer =
          _ -> {
            if (thrown instanceof Error error) {
              throw error;
            }
            throw (RuntimeException) thrown;
          };
      while (bad.asked.size() == before) {
        assertEquals(1000, shrinkers.shrink(-1, 1000));
      }
      assertEquals("shrink threw " + thrown, report().lastProblem());
    }
    assertEquals(3, report().failures());
    assertEquals(3, report().calls());
    assertEquals(0, report().freedFrames());
    assertEquals(0, report().emptyHandedCalls());
  }

  @Test
  void troubleOfTheMachineGoesOnToTheCallerAndLeavesNothingBehind() {
    registerBoth();
    OutOfMemoryError trouble = new OutOfMemoryError("test");
    bad.answer =
        _ -> {
          throw trouble;
        };
    good.held = 0;
    assertSame(trouble, assertThrows(OutOfMemoryError.class, () -> shrinkers.shrink(-1, 10)));
    assertEquals(1, report().failures());
    good.held = 1 << 20;
    bad.answer = bad::give;
    assertEquals(10, shrinkers.shrink(-1, 10));
    assertEquals(10, shrinkers.shrink(-1, 10));
    assertTrue(bad.given > 0, "it is still taken for busy");
    assertTrue(shrinkers.unregister(bad), "a visitor was not counted out");
  }

  @Test
  void numbersThatCannotBeTrueAreBelievedNothing() {
    registerBoth();
    bad.answer = _ -> (1 << 20) + 1;
    assertEquals(10, shrinkers.shrink(-1, 10));
    assertEquals(10, good.given);
    assertEquals("asked for 5 frames it answered 1048577", report().lastProblem());
    assertEquals(1, report().failures());
    bad.answer = _ -> -2;
    while (report().failures() < 2) {
      shrinkers.shrink(-1, 10);
    }
    assertTrue(report().lastProblem().endsWith("it answered -2"), report().lastProblem());
    assertEquals(0, report().freedFrames());
  }

  @Test
  void whatItHadIsBelievedEvenIfLessWasAsked() {
    registerBoth();
    bad.answer = _ -> 1 << 20;
    assertEquals(1 << 20, shrinkers.shrink(-1, 10));
    assertEquals(0, report().failures());
    assertEquals(1 << 20, report().freedFrames());
  }

  @Test
  void aShrinkerThatFreesNothingIsAskedEverMoreSeldomButNeverNot() {
    registerBoth();
    bad.answer = _ -> 0;
    StringBuilder turns = new StringBuilder();
    int last = -1;
    for (int call = 0; call < 400; call++) {
      int before = bad.asked.size();
      bad.held = 1 << 20;
      good.held = 1 << 20;
      assertEquals(4, shrinkers.shrink(-1, 4));
      if (bad.asked.size() > before) {
        turns.append(call - last - 1).append(' ');
        last = call;
      }
    }
    assertEquals("0 1 2 4 8 16 32 64 64 64 64 64 ", turns.toString());
    assertEquals(bad.asked.size(), report().emptyHandedCalls());
    assertEquals(0, report().failures());
    assertEquals("asked for 2 frames it freed none", report().lastProblem());
  }

  @Test
  void whoFreesSomethingIsTrustedAgain() {
    registerBoth();
    bad.answer = _ -> 0;
    while (bad.asked.size() < 4) {
      shrinkers.shrink(-1, 4);
    }
    bad.answer = bad::give;
    while (bad.asked.size() < 5) {
      shrinkers.shrink(-1, 4);
    }
    shrinkers.shrink(-1, 4);
    assertEquals(6, bad.asked.size());
    bad.answer = _ -> 0;
    shrinkers.shrink(-1, 4);
    assertEquals(7, bad.asked.size());
    shrinkers.shrink(-1, 4);
    assertEquals(7, bad.asked.size());
    shrinkers.shrink(-1, 4);
    assertEquals(8, bad.asked.size());
  }

  @Test
  void whoWasPassedOverIsAskedWhenAllOthersGaveNothing() {
    registerBoth();
    bad.answer = _ -> 0;
    while (bad.asked.size() < 6) {
      shrinkers.shrink(-1, 4);
    }
    bad.answer = bad::give;
    good.held = 0;
    assertEquals(4, shrinkers.shrink(-1, 4));
    good.held = 1 << 20;
    assertEquals(4, shrinkers.shrink(-1, 4));
  }

  @Test
  void whoIsAloneAndFreesNothingIsAskedOnceACall() {
    assertEquals(0, shrinkers.register(bad));
    bad.answer = _ -> 0;
    for (int call = 1; call <= 20; call++) {
      assertEquals(0, shrinkers.shrink(-1, 4));
      assertEquals(call, bad.asked.size());
    }
  }

  @Test
  void whoCannotNowIsLeftAloneForThisCallOnly() {
    registerBoth();
    bad.answer = _ -> -1;
    for (int call = 1; call <= 3; call++) {
      assertEquals(10, shrinkers.shrink(-1, 10));
      assertEquals(call, bad.asked.size());
    }
    assertEquals(3, report().laterCalls());
    assertEquals(0, report().failures() + report().emptyHandedCalls());
    assertEquals("", report().lastProblem());
    assertEquals(30, good.given);
  }

  @Test
  void aCountThatThrowsOrIsNegativeIsAFailureToo() {
    FakeShrinker throwing =
        new FakeShrinker("count", 0, 1) {
          @Override
          public long countFrames(int nid) {
            if (held < 0) {
              return held;
            }
            throw new IllegalStateException("no count");
          }
        };
    assertEquals(0, shrinkers.register(throwing));
    assertEquals(1, shrinkers.register(good));
    assertEquals(7, shrinkers.shrink(-1, 7));
    assertEquals("count threw java.lang.IllegalStateException: no count", report().lastProblem());
    assertEquals(good.held, shrinkers.countFrames(-1));
    assertEquals(2, report().failures());
    throwing.held = -3;
    assertEquals(good.held, shrinkers.countFrames(-1));
    assertEquals("counted -3 frames", report().lastProblem());
    assertEquals(3, report().failures());
    assertTrue(throwing.asked.isEmpty());
    assertTrue(shrinkers.unregister(throwing));
  }

  @Test
  void aThrowableThatCannotSayWhatItIsIsStillCaught() {
    registerBoth();
    bad.answer =
        _ -> {
          throw new IllegalStateException("x") {
            private static final long serialVersionUID = 1L;

            @Override
            public String getMessage() {
              throw new IllegalStateException("again");
            }
          };
        };
    assertEquals(10, shrinkers.shrink(-1, 10));
    assertEquals("shrink threw something that cannot say what it is", report().lastProblem());
  }

  @Test
  void aRoundIsNotRepeatedWithoutEnd() {
    registerBoth();
    // Each gives what it is asked, but says it gave a frame of many: it would go on for ever.
    for (FakeShrinker shrinker : new FakeShrinker[] {bad, good}) {
      shrinker.held = 1L << 40;
      shrinker.answer = _ -> 1;
    }
    assertEquals(2, shrinkers.shrink(-1, 1000));
    assertEquals(1, bad.asked.size());
    assertEquals(1, good.asked.size());
  }
}
