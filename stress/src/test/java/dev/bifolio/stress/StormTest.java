package dev.bifolio.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.Behaviour;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/// Storms, 10^7 operations in all; `dev/storm` runs more.
@Behaviour("103")
class StormTest {
  private static final long OPERATIONS = 1_500_000;

  @Test
  void twoThreadsNeverOwnTheSameFrame() throws InterruptedException {
    storm(new Weather(2, false, 60_000, 60, false));
  }

  @Test
  void fourThreadsShareWhatIsTooLittle() throws InterruptedException {
    storm(new Weather(4, false, 60_000, 150, false));
  }

  @Test
  void eightThreadsFillTheMemoryAlmost() throws InterruptedException {
    storm(new Weather(8, false, 60_000, 95, false));
  }

  @Test
  void sixteenThreadsNeverOwnTheSameFrame() throws InterruptedException {
    storm(new Weather(16, false, 60_000, 60, false));
  }

  @Test
  void sixteenVirtualThreadsShareWhatIsTooLittle() throws InterruptedException {
    storm(new Weather(16, true, 60_000, 120, false));
  }

  @Test
  void magazinesOfAllOrdersServeFourThreads() throws InterruptedException {
    storm(new Weather(4, false, 4_000_000, 3, false));
  }

  @Test
  void fourThreadsMeetInAFewAreas() throws InterruptedException {
    storm(new Weather(4, true, 12_000, 40, false));
  }

  /// The storm fails if one request is not served.
  @Test
  void threeThreadsAreServedUpToTheLastFrame() throws InterruptedException {
    storm(new Weather(3, false, 30_000, 100, true));
  }

  private static void storm(Weather weather) throws InterruptedException {
    try (Arena arena = Arena.ofShared()) {
      Storm storm = new Storm(arena, weather, weather.threadCount());
      storm.run(OPERATIONS);
      assertTrue(storm.allocator().statistics().allocations() > OPERATIONS / 8);
    }
  }

  @Test
  void exhaustionReachesAllAndNobodyWaitsForEver() throws InterruptedException {
    try (Arena arena = Arena.ofShared()) {
      long bytes = HybridAllocator.metadataBytes(0, 20_000, 4);
      HybridAllocator allocator =
          new HybridAllocator(10, 4, arena.allocate(bytes, 64).address(), 0, 20_000);
      allocator.addFrames(0, 20_000);
      OwnerTable owners = new OwnerTable(0, 20_000);
      AtomicLong got = new AtomicLong();
      List<Throwable> failures = new ArrayList<>();
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        int id = i;
        Thread.Builder builder = i % 2 == 0 ? Thread.ofPlatform() : Thread.ofVirtual();
        threads.add(
            builder
                .uncaughtExceptionHandler((_, e) -> add(failures, e))
                .start(() -> got.addAndGet(takeAll(allocator, owners, id))));
      }
      for (Thread thread : threads) {
        thread.join(60_000);
        assertTrue(!thread.isAlive(), "still asking after 60 s");
      }
      assertEquals(List.of(), failures);
      assertEquals(20_000, got.get());
      assertEquals(0, allocator.freeFrameCount() + allocator.cachedFrameCount());
      for (long pfn = 0; pfn < 20_000; pfn++) {
        allocator.free(pfn, 0);
      }
      allocator.drainCaches();
      assertEquals(Pages.orderToFrames(10) * 19, 1024 * allocator.freeBlockCount(10));
      allocator.assertValid();
    }
  }

  private static void add(List<Throwable> failures, Throwable failure) {
    synchronized (failures) {
      failures.add(failure);
    }
  }

  private static long takeAll(HybridAllocator allocator, OwnerTable owners, int id) {
    long count = 0;
    long pfn = allocator.tryAllocateOn(id, 0, id);
    for (; pfn != HybridAllocator.NO_FRAME; pfn = allocator.tryAllocateOn(id, 0, id)) {
      owners.take(id + 1, pfn, 1);
      count++;
    }
    return count;
  }

  @Test
  void theTableFindsASecondOwnerAndAFalseOne() {
    OwnerTable owners = new OwnerTable(100, 8);
    owners.take(1, 100, 4);
    assertThrows(AssertionError.class, () -> owners.take(2, 103, 1));
    assertThrows(AssertionError.class, () -> owners.leave(2, 100, 1));
    owners.leave(1, 100, 4);
    owners.take(2, 103, 1);
    assertEquals(1, owners.owned());
  }

  @Test
  void itIsKnownWhetherAFrameMustHaveBeenFree() {
    UsageBound bound = new UsageBound(2, 10);
    long before = bound.beginsToTake(0, 9);
    bound.foundNothing(0, 9, false, before); // of nine frames in a row nothing is known
    bound.beginsToTake(0, 9);
    long nine = bound.beginsToTake(1, 1);
    assertThrows(AssertionError.class, () -> bound.foundNothing(1, 1, true, nine));
    bound.beginsToTake(0, 1);
    bound.foundNothing(1, 1, true, nine);
    long ten = bound.beginsToTake(1, 1);
    bound.freed(0, 1);
    bound.foundNothing(1, 1, true, ten); // freed during the request: perhaps too late for it
  }
}
