package dev.bifolio.kernel.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.testkit.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Making other processors forget.
class ShootdownTest {
  private static final long PAGE = 4096;
  private static final long VA = 0x40_0000;
  private static final PageFormat FORMAT = X86Format.LEVELS_4;
  private static final int RW = PageFlags.READ | PageFlags.WRITE;

  private final ZeroedWindows windows = new ZeroedWindows();

  @AfterEach
  void close() {
    windows.close();
  }

  private ShootdownLog log(int cpus) {
    return new ShootdownLog(windows.reserve(ShootdownLog.byteSize(cpus)), cpus);
  }

  private static long word(long page, boolean isGlobal) {
    return Translation.of(page, 1, Translation.LOAD, isGlobal);
  }

  private static Tlb filled() {
    Tlb tlb = new Tlb(FORMAT, 16, 4);
    for (int i = 0; i < 8; i++) {
      tlb.insert(i * PAGE, i & 1, word(i * PAGE, false));
    }
    tlb.insert(8 * PAGE, 0, word(0, true));
    return tlb;
  }

  // ---- The log ----

  @Test
  void whatIsAskedForIsForgottenWhenTheProcessorComesBack() {
    ShootdownLog log = log(1);
    Tlb tlb = filled();
    new Shootdown(log, 0).flushPage(2 * PAGE + 7);
    assertEquals(9, tlb.pageCount());
    assertEquals(1, log.generation());
    assertEquals(1, log.catchUp(tlb, 0));
    assertEquals(8, tlb.pageCount());
    assertEquals(0, tlb.lookup(2 * PAGE, 0));
    new Shootdown(log, 0).flushPage(3 * PAGE); // is another space's
    assertEquals(2, log.catchUp(tlb, 1));
    assertEquals(8, tlb.pageCount());
    new Shootdown(log, 1).flushAll(false);
    assertEquals(3, log.catchUp(tlb, 2));
    assertEquals(4, tlb.pageCount());
    assertEquals(0, tlb.lookup(PAGE, 1));
    assertEquals(word(0, false), tlb.lookup(0, 0));
    new Shootdown(log, 1).flushAll(true);
    assertEquals(4, log.catchUp(tlb, 3));
    assertEquals(0, tlb.pageCount());
    assertEquals(4, log.requests());
    assertEquals(0, log.waits());
  }

  @Test
  void allThatIsMissingIsMadeUpForInOneGo() {
    ShootdownLog log = log(1);
    Tlb tlb = filled();
    for (int i = 0; i < ShootdownLog.LOG_LENGTH - 1; i++) {
      log.flushPage(0, (i % 4) * 2L * PAGE);
    }
    assertEquals(ShootdownLog.LOG_LENGTH - 1, log.catchUp(tlb, 0));
    assertEquals(5, tlb.pageCount(), "the other space's and the global one");
    assertEquals(ShootdownLog.LOG_LENGTH - 1, tlb.flushes());
  }

  @Test
  void whoIsTooFarBehindForgetsAll() {
    ShootdownLog log = log(1);
    Tlb tlb = filled();
    for (int i = 0; i < ShootdownLog.LOG_LENGTH; i++) {
      log.flushPage(5, 0);
    }
    assertEquals(ShootdownLog.LOG_LENGTH, log.catchUp(tlb, 0));
    assertEquals(0, tlb.pageCount());
    assertEquals(1, tlb.flushes());
    Tlb later = filled();
    assertEquals(ShootdownLog.LOG_LENGTH, log.catchUp(later, 1));
    assertEquals(9, later.pageCount());
    assertEquals(ShootdownLog.LOG_LENGTH - 1, later.flushes());
  }

  @Test
  void numbersThatThereAreNotAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new ShootdownLog(0, 0));
    ShootdownLog log = log(2);
    assertEquals(2, log.cpuCount());
    assertThrows(IllegalArgumentException.class, () -> new Shootdown(log, -1));
    assertThrows(IllegalArgumentException.class, () -> new Shootdown(log, 1 << 16));
    new Shootdown(log, (1 << 16) - 1).flushPage(-1);
    try (RawTables raw = new RawTables(FORMAT)) {
      assertThrows(IllegalArgumentException.class, () -> new Mmu(FORMAT, raw.bus, null, log, 2));
      assertThrows(IllegalArgumentException.class, () -> new Mmu(FORMAT, raw.bus, null, log, -1));
    }
  }

  @Test
  void aFlushWaitsForTheAccessThatIsUnderWayAndForNoOther() throws InterruptedException {
    ShootdownLog log = log(2);
    log.enter(1);
    CountDownLatch begun = new CountDownLatch(1);
    AtomicBoolean done = new AtomicBoolean();
    Thread flusher =
        Thread.ofPlatform()
            .start(() -> {
              begun.countDown();
              log.flushPage(0, 0);
              done.set(true);
            });
    assertTrue(begun.await(10, TimeUnit.SECONDS));
    while (log.waits() == 0) {
      Thread.onSpinWait();
    }
    assertFalse(done.get());
    log.leave(1);
    log.enter(1); // the next access has seen the request, so nobody waits for it
    flusher.join(10_000);
    assertTrue(done.get());
    assertEquals(1, log.waits());
    log.leave(1);
    log.flushPage(0, 0);
    assertEquals(1, log.waits());
  }

  // ---- Processors ----

  @Test
  void anotherProcessorSeesAChangeAfterTheFlushAndNotBefore() {
    ShootdownLog log = log(2);
    try (RawTables raw = new RawTables(FORMAT)) {
      Mmu one = new Mmu(FORMAT, raw.bus, new Tlb(FORMAT, 4, 2), log, 0);
      Tlb tlb = new Tlb(FORMAT, 4, 2);
      Mmu other = new Mmu(FORMAT, raw.bus, tlb, log, 1);
      one.setRoots(RawTables.frame(0), 0, 3);
      other.setRoots(RawTables.frame(0), 0, 3);
      raw.put(VA, 1, FORMAT.leaf(1, RawTables.frame(20), RW));
      assertEquals(0, one.storeLong(VA, 7));
      assertEquals(7, other.loadLong(VA));
      raw.put(VA, 1, FORMAT.leaf(1, RawTables.frame(21), RW));
      assertEquals(7, other.loadLong(VA), "an old entry, and nobody has flushed");
      assertEquals(RawTables.frame(20), other.access(VA, Mmu.LOAD));
      new Shootdown(log, 4).flushPage(VA);
      assertEquals(7, other.loadLong(VA), "that was another space");
      new Shootdown(log, 3).flushPage(VA);
      assertEquals(RawTables.frame(21), other.access(VA, Mmu.LOAD));
      assertEquals(0, one.loadLong(VA));
      assertEquals(0, log.waits());
      assertEquals(2, tlb.flushes());
    }
  }

  /// A page goes to and fro between two frames, and back and forth between being there and not.
  /// Once a flush has returned, the old frame is somebody else's, who writes something else into
  /// it.
  private static final class ToAndFro {
    static final int TURNS = 2_000;
    static final int READERS = 2;
    final ShootdownLog log;
    final RawTables raw = new RawTables(FORMAT);
    final Shootdown shootdown;
    final AtomicBoolean ended = new AtomicBoolean();
    final AtomicLong reading = new AtomicLong();
    final AtomicLong loads = new AtomicLong();
    final AtomicLong wrong = new AtomicLong();

    ToAndFro(ShootdownLog log) {
      this.log = log;
      shootdown = new Shootdown(log, 1);
    }

    void write() {
      while (reading.get() < READERS) {
        Thread.onSpinWait(); // or all would be over before anybody reads
      }
      for (int turn = 0; turn < TURNS; turn++) {
        long mine = RawTables.frame(20 + (turn & 1));
        raw.setWord(mine, 42);
        raw.put(VA, 1, FORMAT.leaf(1, mine, RW | PageFlags.ACCESSED | PageFlags.DIRTY));
        if (turn % 4 == 0) {
          shootdown.flushPage(VA);
        } else {
          shootdown.flushAll(turn % 8 == 1);
        }
        raw.setWord(RawTables.frame(21 - (turn & 1)), -1);
      }
      ended.set(true);
    }

    void read(int cpu) {
      Mmu mmu = new Mmu(FORMAT, raw.bus, new Tlb(FORMAT, 4, 2), log, cpu);
      mmu.setRoots(RawTables.frame(0), 0, 1);
      long count = 0;
      while (!ended.get()) {
        long value = mmu.loadLong(VA);
        if (mmu.fault() != 0 || value != 42) {
          wrong.incrementAndGet();
        }
        if (count++ == 0) {
          reading.incrementAndGet();
        }
      }
      loads.addAndGet(count);
    }
  }

  @Test
  @Tag("slow")
  void onceAFlushHasReturnedNobodyReadsTheOldFrame() throws InterruptedException {
    ToAndFro game = new ToAndFro(log(ToAndFro.READERS));
    game.raw.setWord(RawTables.frame(20), 42);
    game.raw.put(VA, 1, FORMAT.leaf(1, RawTables.frame(20), RW | PageFlags.ACCESSED));
    List<Runnable> all = new ArrayList<>();
    all.add(game::write);
    for (int cpu = 0; cpu < ToAndFro.READERS; cpu++) {
      int own = cpu;
      all.add(() -> game.read(own));
    }
    Threads.runAll(all);
    assertEquals(0, game.wrong.get(), () -> "of " + game.loads.get() + " loads");
    assertTrue(game.loads.get() > 0);
    assertEquals(ToAndFro.TURNS, game.log.requests());
    game.raw.close();
  }
}
