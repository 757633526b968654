package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.SplitMix64;
import dev.bifolio.testkit.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Several owners at work at once, on threads of their own: what one allocates another frees,
/// through his cache or the allocator, while others ask for more than is left.
class FrameCacheThreadsTest extends OwnedCaches {
  private static final int THREADS = 3;
  private static final int STEPS = 40_000;

  @Test
  @Tag("slow")
  @Behaviour({"51", "52"})
  void noFrameIsLostOrHasTwoOwnersWhateverOwnersDo() throws InterruptedException {
    for (int seed = 0; seed < 3; seed++) {
      run(areas(5), seed);
    }
  }

  private static void run(HybridAllocator allocator, int seed) throws InterruptedException {
    Table table = new Table(allocator);
    List<Worker> workers = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      workers.add(new Worker(allocator, table, new SplitMix64(seed * 100L + i)));
    }
    Threads.runAll(workers);
    assertEquals(table.live.get(), inUse(allocator));
    assertSound(allocator);
    long counted = 0;
    for (int kind = 0; kind < AllocationFlags.KIND_COUNT; kind++) {
      counted += allocator.allocationCount(0, kind);
    }
    assertEquals(table.taken.get(), counted);
    table.freeAll();
    assertWhole(allocator);
  }

  /// Who has each frame, and places where frames are left for others.
  private static final class Table {
    private final HybridAllocator allocator;
    private final AtomicIntegerArray owned;
    private final AtomicReferenceArray<Long> places = new AtomicReferenceArray<>(1500);
    private final AtomicLong live = new AtomicLong();
    private final AtomicLong taken = new AtomicLong();

    Table(HybridAllocator allocator) {
      this.allocator = allocator;
      owned = new AtomicIntegerArray((int) allocator.managedFrameCount());
    }

    void own(long pfn) {
      assertEquals(0, owned.getAndSet((int) (pfn - allocator.startPfn()), 1), "two owners");
      live.incrementAndGet();
      taken.incrementAndGet();
    }

    void disown(long pfn) {
      assertEquals(1, owned.getAndSet((int) (pfn - allocator.startPfn()), 0));
      live.decrementAndGet();
    }

    void freeAll() {
      for (int i = 0; i < places.length(); i++) {
        Long pfn = places.getAndSet(i, null);
        if (pfn != null) {
          disown(pfn);
          allocator.free(pfn, 0);
        }
      }
      assertEquals(0, live.get());
    }
  }

  private static final class Worker implements Runnable {
    private final HybridAllocator allocator;
    private final Table table;
    private final SplitMix64 random;
    private FrameCache cache;

    Worker(HybridAllocator allocator, Table table, SplitMix64 random) {
      this.allocator = allocator;
      this.table = table;
      this.random = random;
      cache = allocator.openCache(NONE);
    }

    @Override
    public void run() {
      for (int step = 0; step < STEPS; step++) {
        switch (random.below(400)) {
          case 0 -> {
            cache.close();
            cache = allocator.openCache(random.oneIn(2) ? NONE : AllocationFlags.MOVABLE);
          }
          case 1 -> cache.drain();
          case 2 -> huge();
          case 3 -> allocator.drainCaches();
          case 4 -> bulk();
          default -> single();
        }
      }
      cache.close();
    }

    /// Takes a frame and leaves it somewhere; frees the one that lay there.
    private void single() {
      long pfn = random.oneIn(3) ? allocator.allocate(0, NONE) : cache.allocate();
      if (pfn != NO_FRAME) {
        table.own(pfn);
      }
      Long other =
          table.places.getAndSet(
              random.below(table.places.length()), pfn == NO_FRAME ? null : (Long) pfn);
      if (other != null) {
        table.disown(other);
        long result = random.oneIn(3) ? allocator.tryFree(other, 0) : cache.tryFree(other);
        assertEquals(0, result, "a legal free was refused");
      }
    }

    private void bulk() {
      long[] pfns = new long[random.below(100)];
      int got = allocator.allocateBulk(pfns, 0, pfns.length, NONE);
      for (int i = 0; i < got; i++) {
        table.own(pfns[i]);
      }
      for (int i = 0; i < got; i++) {
        table.disown(pfns[i]);
      }
      allocator.freeBulk(pfns, 0, got);
    }

    private void huge() {
      long pfn = allocator.allocate(Pages.HUGE_ORDER, NONE);
      if (pfn != NO_FRAME) {
        table.own(pfn);
        table.own(pfn + 511);
        table.disown(pfn);
        table.disown(pfn + 511);
        table.taken.addAndGet(-2);
        allocator.free(pfn, Pages.HUGE_ORDER);
      }
    }
  }
}
