package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Owners write, read, free and allocate while everything is being moved; nothing is lost.
@Tag("slow")
class CompactionStormTest {
  private static final int WORKERS = 3;
  private static final int ITEMS = 4000;
  private static final long FRAMES = 12_288;
  private static final int ROUNDS = 200_000;
  private static final int MOST_ROUNDS = 20_000_000;

  private final AtomicReference<Throwable> problem = new AtomicReference<>();
  private final AtomicBoolean over = new AtomicBoolean();

  private final AtomicInteger emptied = new AtomicInteger();

  private boolean enough(MovableItems items) {
    return emptied.get() > 20 && items.migration.movedBlocks() > 5000;
  }

  private interface Work {
    void run() throws Exception;
  }

  private Thread start(Work work) {
    return Thread.ofPlatform()
        .start(() -> {
          try {
            work.run();
          } catch (Throwable e) {
            problem.compareAndSet(null, e);
            over.set(true);
          }
        });
  }

  /// A worker's items are his alone; what he wrote into them last, he knows.
  private static final class Worker {
    private final MovableItems items;
    private final SplitMix64 random;
    private final int first;
    private final long[] values = new long[ITEMS];
    private final boolean[] there = new boolean[ITEMS];
    private long failures;

    Worker(MovableItems items, int number) {
      this.items = items;
      random = new SplitMix64(number);
      first = number * ITEMS;
    }

    void round() {
      int index = random.below(ITEMS);
      if (!there[index]) {
        if (random.oneIn(30)) {
          create(index);
        }
      } else if (random.oneIn(30)) {
        destroy(index);
      } else {
        access(index, random.next());
      }
    }

    private void create(int index) {
      long pfn = items.frames.allocate(0, AllocationFlags.MOVABLE);
      if (pfn == FrameAllocator.NO_FRAME) {
        failures++;
        return;
      }
      int item = first + index;
      values[index] = random.next();
      Memory.putLong(items.addressOf(pfn), values[index]);
      Memory.putLong(items.addressOf(pfn) + 4088, ~values[index]);
      items.places.set(item, pfn);
      there[index] = true;
      items.movable.adopt(pfn, items.me, item);
    }

    private long pinned(int item) {
      long pfn = items.places.get(item);
      while (!items.movable.pin(pfn, items.me, item)) {
        pfn = items.places.get(item);
      }
      return pfn;
    }

    private void access(int index, long value) {
      int item = first + index;
      long pfn = pinned(item);
      assertEquals(values[index], Memory.getLong(items.addressOf(pfn)));
      assertEquals(~values[index], Memory.getLong(items.addressOf(pfn) + 4088));
      Memory.putLong(items.addressOf(pfn), value);
      Memory.putLong(items.addressOf(pfn) + 4088, ~value);
      assertEquals(pfn, items.places.get(item), "it moved under a pin");
      values[index] = value;
      items.movable.unpin(pfn, items.me, item);
    }

    private void destroy(int index) {
      access(index, random.next());
      int item = first + index;
      long pfn = items.places.get(item);
      while (!items.movable.disown(pfn, items.me, item)) {
        pfn = items.places.get(item);
      }
      assertEquals(pfn, items.places.get(item));
      assertEquals(values[index], Memory.getLong(items.addressOf(pfn)));
      items.places.set(item, MovableItems.NOWHERE);
      there[index] = false;
      items.frames.free(pfn, 0);
    }

    long live() {
      long live = 0;
      for (int index = 0; index < ITEMS; index++) {
        live += there[index] ? 1 : 0;
        if (there[index]) {
          access(index, 0);
        }
      }
      return live;
    }
  }

  @Test
  void nothingIsLostWhileEverythingMoves() throws InterruptedException {
    try (MovableItems items = new MovableItems(true, 0x1000, FRAMES, true)) {
      items.compaction.setProactiveness(100);
      List<Worker> workers = new ArrayList<>();
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < WORKERS; i++) {
        Worker worker = new Worker(items, i);
        workers.add(worker);
        threads.add(
            start(() -> {
              for (int round = 0;
                  !over.get() && (round < ROUNDS || (round < MOST_ROUNDS && !enough(items)));
                  round++) {
                worker.round();
              }
            }));
      }
      Thread background =
          start(() -> {
            SplitMix64 random = new SplitMix64(77);
            while (!over.get()) {
              if (random.oneIn(3)) {
                items.compaction.compact(9 + random.below(3), 500);
              } else {
                items.compaction.step(500);
              }
            }
          });
      Thread ranges =
          start(() -> {
            SplitMix64 random = new SplitMix64(78);
            while (!over.get()) {
              long start = 0x1000 + random.below(24) * 512L;
              long frameCount = 512L + random.below(1024);
              EvacuationOutcome outcome =
                  items.compaction.emptyRange(
                      start, frameCount, items.source, AllocationFlags.MOVABLE);
              if (outcome == EvacuationOutcome.EMPTIED) {
                emptied.incrementAndGet();
                Memory.fill(items.addressOf(start), frameCount * 4096, (byte) 0x5A);
                items.frames.freeRange(start, frameCount);
              }
            }
          });
      for (Thread thread : threads) {
        thread.join();
      }
      over.set(true);
      background.join();
      ranges.join();
      if (problem.get() != null) {
        throw new AssertionError(problem.get());
      }
      while (items.compaction.step(100_000)) {
        // What is open is closed.
      }
      long live = 0;
      for (Worker worker : workers) {
        live += worker.live();
        assertEquals(0, worker.failures, "there was memory all the time");
      }
      assertEquals(live, items.framesInUse());
      long marked = 0;
      for (long pfn = items.plane.startPfn(); pfn < items.plane.endPfn(); pfn++) {
        marked += items.plane.get(pfn) != 0 ? 1 : 0;
      }
      assertEquals(live, marked);
      items.frames.assertValid();
      assertEquals(0, items.migration.failedMoves());
      assertTrue(items.migration.movedBlocks() > 1000, "moved " + items.migration.movedBlocks());
      assertTrue(emptied.get() > 10, "emptied " + emptied.get());
    }
  }
}
