package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.testkit.SplitMix64;
import dev.bifolio.testkit.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// A page cache whose frames really move, by the agreement on movable frames.
class PageCacheMovesTest extends PageCacheFixture {
  private static final int FRAMES = 40;

  private final MovableFrames movable =
      new MovableFrames(
          new FrameInfo[] {
            new FrameInfo(
                memory.reserve(FrameInfo.byteSize(FIRST_FRAME, FIRST_FRAME + FRAMES)),
                FIRST_FRAME,
                FIRST_FRAME + FRAMES)
          });
  private final MovableBinding binding = new MovableBinding(movable);

  private Migration open() {
    binding.register(open(24, FRAMES, -1, binding));
    return new Migration(
        movable, new MappedCopier(physToVirt), true, memory.reserve(Migration.byteSize()));
  }

  private boolean move(Migration migration, long from) {
    long to = frames.allocate(0, 0);
    if (to < 0) {
      return false;
    }
    movable.capture(to);
    boolean isMoved = migration.move(from, to, 1) == MigrationOutcome.MOVED;
    movable.forget(isMoved ? from : to);
    frames.free(isMoved ? from : to, 0);
    return isMoved;
  }

  @Test
  void aPageMovesWithItsContentUnlessItIsPinned() {
    Migration migration = open();
    assertThrows(IllegalStateException.class, () -> binding.register(cache));
    change(1, 3, 8);
    long pfn = cache.get(1, 3);
    assertEquals(1, MovableFrames.pinsOf(movable.wordOf(pfn)));
    assertEquals(false, move(migration, pfn));
    cache.release(1, 3, false);
    assertTrue(move(migration, pfn));
    assertTrue(cache.get(1, 3) != pfn);
    cache.release(1, 3, false);
    assertEquals(8, touch(1, 3));
    assertEquals("r1.3", done());
    assertEquals(0, cache.drop(1));
    assertTrue(frames.out.isEmpty());
    for (long frame = FIRST_FRAME; frame < FIRST_FRAME + FRAMES; frame++) {
      assertEquals(0, movable.wordOf(frame));
    }
  }

  @Test
  @Tag("slow")
  void noChangeIsLostWhilePagesMoveAndGo() throws InterruptedException {
    Migration migration = open();
    int pages = 48;
    AtomicLongArray versions = new AtomicLongArray(pages);
    AtomicInteger users = new AtomicInteger(3);
    List<Runnable> parts = new ArrayList<>();
    for (int t = 0; t < 3; t++) {
      int number = t;
      parts.add(() -> {
        try {
          use(number, versions);
        } finally {
          users.decrementAndGet();
        }
      });
    }
    parts.add(() -> {
      SplitMix64 random = new SplitMix64(99);
      while (users.get() > 0) {
        move(migration, FIRST_FRAME + random.below(FRAMES));
      }
    });
    Threads.runAll(parts);
    assertTrue(migration.movedFrames() > 100, "moved " + migration.movedFrames());
    assertEquals(0, migration.mismatches());
    assertEquals(0, cache.sync());
    for (int page = 0; page < pages; page++) {
      long written = backing.versions.getOrDefault(HeapBacking.key(1, page), 0L);
      assertEquals(versions.get(page), written);
    }
    assertEquals(0, cache.drop(1));
    assertTrue(frames.out.isEmpty());
  }

  private void use(int number, AtomicLongArray versions) {
    SplitMix64 random = new SplitMix64(number);
    for (int i = 0; i < 20_000; i++) {
      int page = random.below(versions.length());
      if (random.oneIn(50)) {
        cache.shrink(-1, 2);
      }
      long pfn = cache.get(1, page);
      if (pfn < 0) {
        continue;
      }
      boolean mine = page % 3 == number;
      if (mine) {
        long version = versions.get(page);
        assertEquals(version, versionAt(cache.bytesOf(pfn), 1, page));
        put(cache.bytesOf(pfn), 1, page, version + 1);
        versions.set(page, version + 1);
      }
      cache.release(1, page, mine);
    }
  }
}
