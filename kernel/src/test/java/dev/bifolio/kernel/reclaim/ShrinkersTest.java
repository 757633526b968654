package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.ZeroedWindows;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Shrinkers come and go, and share the work by count over cost.
class ShrinkersTest {
  private final ZeroedWindows memory = new ZeroedWindows();
  private final Shrinkers shrinkers = new Shrinkers(memory.reserve(Shrinkers.byteSize()));

  @AfterEach
  void close() {
    memory.close();
  }

  private FakeShrinker add(String name, long held, int cost) {
    FakeShrinker shrinker = new FakeShrinker(name, held, cost);
    assertTrue(shrinkers.register(shrinker) >= 0);
    return shrinker;
  }

  private ShrinkerReport report(int number) {
    ShrinkerReport report = shrinkers.report(number);
    assertNotNull(report);
    return report;
  }

  @Test
  void anAddressThatIsNoMultipleOf64IsRefused() {
    assertThrows(IllegalArgumentException.class, () -> new Shrinkers(8));
    assertThrows(IllegalArgumentException.class, () -> new Shrinkers(0));
    assertThrows(IllegalArgumentException.class, () -> new Shrinkers(-64));
  }

  @Test
  void theExampleOfTheOverviewIsTrue() {
    FakeShrinker pages = add("page cache", 600, 2);
    FakeShrinker slabs = add("slabs", 400, 4);
    FakeShrinker files = add("files", 200, 1);
    slabs.answer = _ -> 0;
    assertEquals(12, shrinkers.shrink(-1, 12));
    assertEquals(List.of(6L, 2L), pages.asked);
    assertEquals(List.of(2L), slabs.asked);
    assertEquals(List.of(4L), files.asked);
  }

  @Test
  void sharesOfAnyRequestAreWithinATenthOfTheIdeal() {
    for (long wanted : new long[] {1, 2, 3, 7, 10, 64, 1000, 4097}) {
      Shrinkers fresh = new Shrinkers(memory.reserve(Shrinkers.byteSize()));
      FakeShrinker[] three = {
        new FakeShrinker("a", 0, 1), new FakeShrinker("b", 0, 10), new FakeShrinker("c", 0, 3)
      };
      long[] counts = {10_000, 500_000, 60_000};
      for (FakeShrinker shrinker : three) {
        fresh.register(shrinker);
      }
      int calls = 2000;
      for (int i = 0; i < calls; i++) {
        for (int s = 0; s < 3; s++) {
          three[s].held = counts[s];
        }
        assertEquals(wanted, fresh.shrink(-1, wanted));
      }
      // 10000 : 50000 : 20000
      long total = calls * wanted;
      assertShare(total / 8, three[0].given);
      assertShare(total * 5 / 8, three[1].given);
      assertShare(total / 4, three[2].given);
    }
  }

  private static void assertShare(long ideal, long given) {
    assertTrue(Math.abs(given - ideal) * 10 <= ideal, given + " instead of " + ideal);
  }

  @Test
  void aCreditThatComesToNoFrameIsCarriedOver() {
    FakeShrinker most = add("most", 900_000, 1);
    FakeShrinker least = add("least", 100_000, 1);
    for (int i = 0; i < 100; i++) {
      assertEquals(1, shrinkers.shrink(-1, 1));
    }
    assertEquals(90, most.given);
    assertEquals(10, least.given);
  }

  @Test
  void whoGivesMoreThanItWasAskedIsAskedLessAfterwards() {
    FakeShrinker batches = add("in batches", 1 << 20, 1);
    FakeShrinker single = add("one by one", 1 << 20, 1);
    batches.answer = _ -> batches.give(16);
    long freed = 0;
    for (int i = 0; i < 1000; i++) {
      freed += shrinkers.shrink(-1, 1);
    }
    assertEquals(freed, batches.given + single.given);
    assertShare(freed / 2, batches.given);
    assertShare(freed / 2, single.given);
  }

  @Test
  void hugeCountsAndRequestsDoNotOverflow() {
    FakeShrinker a = add("a", Long.MAX_VALUE, 1);
    FakeShrinker b = add("b", 1L << 40, 1);
    assertEquals(1L << 34, shrinkers.shrink(-1, Long.MAX_VALUE));
    assertEquals(1L << 33, a.given);
    assertEquals(1L << 33, b.given);
  }

  @Test
  void whatOneCannotGiveIsAskedOfTheOthers() {
    FakeShrinker liar = add("has less than it says", 1000, 1);
    FakeShrinker honest = add("honest", 1000, 1);
    liar.answer = _ -> 3;
    assertEquals(100, shrinkers.shrink(-1, 100));
    assertEquals(List.of(50L), liar.asked);
    assertEquals(List.of(50L, 47L), honest.asked);
  }

  @Test
  void allThatThereIsIsGivenWhenMoreIsWanted() {
    FakeShrinker a = add("a", 10, 1);
    FakeShrinker b = add("b", 30, 100);
    assertEquals(40, shrinkers.shrink(-1, 1000));
    assertEquals(0, a.held + b.held);
    assertEquals(0, shrinkers.shrink(-1, 1000));
  }

  @Test
  void nobodyIsAskedForNothingOrWhenThereIsNothing() {
    FakeShrinker empty = add("empty", 0, 1);
    FakeShrinker full = add("full", 5, 1);
    assertEquals(0, shrinkers.shrink(-1, 0));
    assertEquals(0, shrinkers.shrink(-1, -4));
    assertTrue(full.asked.isEmpty());
    assertEquals(2, shrinkers.shrink(-1, 2));
    assertTrue(empty.asked.isEmpty());
  }

  @Test
  void theNodeIsHandedOn() {
    List<Integer> nodes = new ArrayList<>();
    Shrinker noting =
        new FakeShrinker("nodes", 9, 1) {
          @Override
          public long countFrames(int nid) {
            nodes.add(nid);
            return super.countFrames(nid);
          }

          @Override
          public long shrink(int nid, long wantedFrames) {
            nodes.add(nid + 100);
            return super.shrink(nid, wantedFrames);
          }
        };
    shrinkers.register(noting);
    assertEquals(1, shrinkers.shrink(3, 1));
    assertEquals(List.of(3, 103), nodes);
    assertEquals(8, shrinkers.countFrames(2));
    assertEquals(2, nodes.get(2));
  }

  @Test
  void thereIsRoomForSixtyFourAndAPlaceIsUsedAgain() {
    FakeShrinker[] all = new FakeShrinker[64];
    for (int i = 0; i < 64; i++) {
      all[i] = new FakeShrinker("s" + i, 1, 1);
      assertEquals(i, shrinkers.register(all[i]));
    }
    assertEquals(-1, shrinkers.register(new FakeShrinker("late", 1, 1)));
    assertEquals(64, shrinkers.countFrames(-1));
    assertTrue(shrinkers.unregister(all[17]));
    assertNull(shrinkers.report(17));
    assertEquals(63, shrinkers.shrink(-1, 100));
    assertEquals(1, all[17].held);
    assertEquals(17, shrinkers.register(new FakeShrinker("late", 7, 9)));
    assertEquals(new ShrinkerReport("late", 9, 0, 0, 0, 0, 0, 0, ""), report(17));
    assertEquals(7, shrinkers.shrink(-1, 100));
  }

  @Test
  void whatIsRegisteredTwiceOrHasNoLegalCostIsRefused() {
    FakeShrinker a = add("a", 5, 1);
    assertThrows(IllegalArgumentException.class, () -> shrinkers.register(a));
    for (int cost : new int[] {0, -1, 101}) {
      FakeShrinker wrong = new FakeShrinker("wrong", 5, cost);
      assertThrows(IllegalArgumentException.class, () -> shrinkers.register(wrong));
      assertThrows(IllegalArgumentException.class, () -> shrinkers.unregister(wrong));
    }
    assertEquals(5, shrinkers.countFrames(-1));
    add("dearest", 6, 100);
    assertTrue(shrinkers.unregister(a));
    assertThrows(IllegalArgumentException.class, () -> shrinkers.unregister(a));
    assertEquals(6, shrinkers.countFrames(-1));
    assertEquals(0, shrinkers.register(a));
  }

  @Test
  void aReportSaysWhatBecameOfTheRequests() {
    FakeShrinker a = add("a", 5, 7);
    assertEquals(5, shrinkers.shrink(-1, 8));
    assertEquals(new ShrinkerReport("a", 7, 1, 8, 5, 0, 0, 0, ""), report(0));
    a.held = 4;
    assertEquals(1, shrinkers.shrink(-1, 1));
    assertEquals(new ShrinkerReport("a", 7, 2, 9, 6, 0, 0, 0, ""), report(0));
    assertNull(shrinkers.report(1));
    assertThrows(IllegalArgumentException.class, () -> shrinkers.report(-1));
    assertThrows(IllegalArgumentException.class, () -> shrinkers.report(64));
  }

  @Test
  void aShrinkerMayTakeItselfOutAndAddOthers() {
    FakeShrinker once = add("once", 10, 1);
    FakeShrinker next = new FakeShrinker("next", 10, 1);
    once.answer =
        wanted -> {
          assertFalse(shrinkers.unregister(once));
          assertEquals(1, shrinkers.register(next));
          return once.give(wanted);
        };
    assertEquals(2, shrinkers.shrink(-1, 2));
    assertNull(shrinkers.report(0));
    assertEquals(2, shrinkers.shrink(-1, 2));
    assertEquals(List.of(2L), once.asked);
    assertEquals(List.of(2L), next.asked);
    assertEquals(0, shrinkers.register(once));
  }

  @Test
  void aCallOutOfAShrinkerOrItsCountFreesNothing() {
    FakeShrinker inner = add("inner", 100, 1);
    List<Long> nested = new ArrayList<>();
    Shrinker outer =
        new FakeShrinker("outer", 100, 1) {
          @Override
          public long countFrames(int nid) {
            nested.add(shrinkers.shrink(-1, 50));
            return super.countFrames(nid);
          }

          @Override
          public long shrink(int nid, long wantedFrames) {
            nested.add(shrinkers.shrink(-1, 50));
            return super.shrink(nid, wantedFrames);
          }
        };
    shrinkers.register(outer);
    assertEquals(10, shrinkers.shrink(-1, 10));
    assertEquals(List.of(0L, 0L), nested);
    assertEquals(2, shrinkers.nestedCallCount());
    assertEquals(List.of(5L), inner.asked);
  }
}
