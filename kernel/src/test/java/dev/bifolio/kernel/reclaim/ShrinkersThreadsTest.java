package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Many threads ask at a time: nobody is asked by two, nothing is counted twice, nobody waits long.
class ShrinkersThreadsTest {
  private final ZeroedWindows memory = new ZeroedWindows();
  private final Shrinkers shrinkers = new Shrinkers(memory.reserve(Shrinkers.byteSize()));

  @AfterEach
  void close() {
    memory.close();
  }

  /// Holds an atomic number, notices two threads in it, and use after it has gone.
  private static final class Shared implements Shrinker {
    final AtomicLong held = new AtomicLong();
    final AtomicInteger inside = new AtomicInteger();
    final AtomicBoolean crowded = new AtomicBoolean();
    volatile boolean gone;
    volatile boolean usedAfterwards;

    Shared(long held) {
      this.held.set(held);
    }

    @Override
    public String name() {
      return "shared";
    }

    @Override
    public int cost() {
      return 1;
    }

    @Override
    public long countFrames(int nid) {
      usedAfterwards |= gone;
      return held.get();
    }

    @Override
    public long shrink(int nid, long wantedFrames) {
      usedAfterwards |= gone;
      if (inside.incrementAndGet() != 1) {
        crowded.set(true);
      }
      long before = held.getAndUpdate(h -> h - Math.min(h, wantedFrames));
      if (before % 16 == 3) {
        Thread.onSpinWait();
      }
      inside.decrementAndGet();
      usedAfterwards |= gone;
      return Math.min(before, wantedFrames);
    }
  }

  @Test
  @Tag("slow")
  void nothingIsLostOrCountedTwiceInAStorm() throws InterruptedException {
    long perShrinker = 200_000;
    Shared[] shared = new Shared[5];
    for (int i = 0; i < shared.length; i++) {
      shared[i] = new Shared(perShrinker);
      shrinkers.register(shared[i]);
    }
    AtomicLong freed = new AtomicLong();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 6; t++) {
      SplitMix64 random = new SplitMix64(t);
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; i < 20_000; i++) {
                  freed.addAndGet(shrinkers.shrink(-1, 1 + random.below(8)));
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    long left = 0;
    long reported = 0;
    for (int i = 0; i < shared.length; i++) {
      left += shared[i].held.get();
      assertFalse(shared[i].crowded.get(), "two threads were in it");
      ShrinkerReport report = shrinkers.report(i);
      assertNotNull(report);
      reported += report.freedFrames();
      assertEquals(0, report.failures(), report.lastProblem());
    }
    assertTrue(freed.get() > 100_000, "the storm freed only " + freed.get());
    assertEquals(shared.length * perShrinker - left, freed.get());
    assertEquals(freed.get(), reported);
    for (Shared one : shared) {
      assertTrue(shrinkers.unregister(one));
    }
  }

  @Test
  @Tag("slow")
  void whoHasGoneIsNotTouchedAgain() throws InterruptedException {
    shrinkers.register(new Shared(Long.MAX_VALUE));
    AtomicBoolean stop = new AtomicBoolean();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 3; t++) {
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                while (!stop.get()) {
                  shrinkers.shrink(-1, 3);
                }
              }));
    }
    int refused = 0;
    List<Shared> gone = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      Shared passing = new Shared(1 << 20);
      assertTrue(shrinkers.register(passing) > 0);
      if (shrinkers.unregister(passing)) {
        passing.gone = true;
        gone.add(passing);
      } else {
        refused++;
      }
    }
    stop.set(true);
    for (Thread thread : threads) {
      thread.join();
    }
    assertTrue(gone.size() > refused, refused + " of 3000 were never left");
    for (Shared one : gone) {
      assertFalse(one.usedAfterwards);
    }
    for (int slot = 1; slot < 64; slot++) {
      assertNull(shrinkers.report(slot));
    }
  }

  /// A shrinker that stays inside until it is told to come out.
  private static final class Blocking extends FakeShrinker {
    final CountDownLatch entered = new CountDownLatch(1);
    final CountDownLatch go = new CountDownLatch(1);

    Blocking() {
      super("blocking", 100, 1);
      answer =
          wanted -> {
            entered.countDown();
            try {
              go.await();
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
            return give(wanted);
          };
    }
  }

  @Test
  void whoFindsAShrinkerBusyTakesTheOthersAndDoesNotWaitForEver() throws InterruptedException {
    Blocking blocking = new Blocking();
    shrinkers.register(blocking);
    AtomicLong freed = new AtomicLong();
    Thread inside = Thread.ofPlatform().start(() -> freed.set(shrinkers.shrink(-1, 10)));
    blocking.entered.await();
    assertEquals(0, shrinkers.shrink(-1, 10), "nobody else is there");
    FakeShrinker other = new FakeShrinker("other", 1000, 1);
    shrinkers.register(other);
    assertEquals(10, shrinkers.shrink(-1, 10));
    assertEquals(10, shrinkers.shrink(-1, 10));
    assertEquals(20, other.given);
    assertFalse(shrinkers.unregister(blocking), "a thread is in it");
    assertEquals(10, shrinkers.shrink(-1, 10));
    blocking.go.countDown();
    inside.join();
    assertEquals(10, freed.get());
    assertNull(shrinkers.report(0));
    assertEquals(1, blocking.asked.size());
    assertEquals(0, shrinkers.register(blocking), "its place was not given back");
  }

  @Test
  void whatABusyShrinkerWasNotAskedIsNotKeptForIt() throws InterruptedException {
    Blocking blocking = new Blocking();
    blocking.held = 1 << 20;
    FakeShrinker other = new FakeShrinker("other", 1 << 20, 1);
    shrinkers.register(blocking);
    Thread inside = Thread.ofPlatform().start(() -> shrinkers.shrink(-1, 10));
    blocking.entered.await();
    shrinkers.register(other);
    for (int i = 0; i < 50; i++) {
      other.held = 1 << 20;
      assertEquals(100, shrinkers.shrink(-1, 100));
    }
    blocking.go.countDown();
    inside.join();
    blocking.held = 1 << 20;
    other.held = 1 << 20;
    blocking.asked.clear();
    assertEquals(100, shrinkers.shrink(-1, 100));
    long asked = blocking.asked.getFirst();
    assertTrue(asked >= 49 && asked <= 61, "asked " + asked);
  }

  @Test
  void moreThreadsThanRowsGoAwayWithNothing() throws InterruptedException {
    Blocking[] blocking = new Blocking[ShrinkCalls.ROWS];
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < blocking.length; i++) {
      blocking[i] = new Blocking();
      shrinkers.register(blocking[i]);
      threads.add(Thread.ofPlatform().start(() -> shrinkers.shrink(-1, 1)));
      blocking[i].entered.await();
      blocking[i].held = 0;
    }
    shrinkers.register(new FakeShrinker("free", 1000, 1));
    assertEquals(0, shrinkers.shrink(-1, 1));
    for (Blocking one : blocking) {
      one.go.countDown();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(1, shrinkers.shrink(-1, 1));
  }
}
