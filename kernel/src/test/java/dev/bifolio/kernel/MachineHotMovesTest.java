package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.BootOptions.AllocatorKind;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.reclaim.HotOutcome;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneType;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Memory in use goes offline when what lies in it can be moved, and not otherwise.
class MachineHotMovesTest {
  private static final long AREA = HotMachine.AREA;
  private static final long RAM_MIB = 128;
  private static final long FRAMES = 16 * AREA;
  private static final long START = HotMachine.BASE_PFN + RAM_MIB * 256;

  private HotMachine hot;
  private long heap;

  @BeforeEach
  void boot() throws BootException {
    hot = HotMachine.boot(AllocatorKind.HYBRID, RAM_MIB, FRAMES / 256, true);
    heap = hot.machine.report().frames().heap() + hot.machine.report().frames().tables();
    assertEquals(HotOutcome.DONE, hot.hot().online(START, FRAMES));
  }

  @AfterEach
  void close() {
    hot.close();
  }

  private Zone movableZone() {
    Zone zone = hot.machine.zones().at(0, ZoneType.MOVABLE);
    if (zone == null) {
      throw new AssertionError("no MOVABLE zone");
    }
    return zone;
  }

  private boolean isHot(int item) {
    return hot.places.get(item) >= START;
  }

  /// Fills half of the MOVABLE zone, all over it.
  private void halfFull() {
    SplitMix64 random = new SplitMix64(5);
    int item = hot.add();
    while (item >= 0 && isHot(item)) {
      item = hot.add();
    }
    for (int i = 0; i < hot.itemCount(); i++) {
      if (random.oneIn(2)) {
        hot.remove(i);
      }
    }
    hot.machine.drainCaches();
  }

  @Test
  void aMovableZoneIsEmptiedWholly() {
    halfFull();
    assertTrue(movableZone().managedFrames() - movableZone().availableFrames() > FRAMES / 4);
    assertEquals(HotOutcome.DONE, hot.hot().offline(START, FRAMES));
    assertEquals(0, movableZone().managedFrames());
    assertEquals(0, movableZone().presentFrames());
    for (int item = 0; item < hot.itemCount(); item++) {
      assertFalse(isHot(item), "item " + item);
    }
    hot.assertZero(START, START + FRAMES);
    hot.assertAllThereBut(heap);
    assertEquals(HotOutcome.DONE, hot.hot().online(START, FRAMES));
    hot.assertAllThereBut(heap);
    assertTrue(isHot(hot.add()));
  }

  @Test
  void aPinnedFrameBlocksAndIsNamed() {
    halfFull();
    int item = hot.itemIn(START + 3 * AREA, START + 5 * AREA);
    long pfn = hot.places.get(item);
    assertTrue(hot.movable.pin(pfn, hot.me, item));
    long managed = hot.machine.managedFrameCount();
    String before = hot.digest();
    assertEquals(HotOutcome.BLOCKED, hot.hot().offline(START, FRAMES));
    assertEquals(pfn, hot.hot().blockedPfn());
    assertEquals(before, hot.digest()); // nothing was moved: the first look found it
    assertEquals(managed, hot.machine.managedFrameCount());
    hot.assertAllThereBut(heap);
    hot.movable.unpin(pfn, hot.me, item);
    assertEquals(HotOutcome.DONE, hot.hot().offline(START, FRAMES));
    hot.assertAllThereBut(heap);
  }

  @Test
  void anOwnerWhoRefusesBlocksAndNothingIsLost() {
    halfFull();
    int item = hot.itemIn(START + 3 * AREA, START + 5 * AREA);
    hot.accepts = asked -> asked != item;
    final long available = movableZone().availableFrames();
    final long used = hot.machine.statistics().usedFrames();
    assertEquals(HotOutcome.BLOCKED, hot.hot().offline(START, FRAMES));
    assertEquals(hot.places.get(item), hot.hot().blockedPfn());
    assertEquals(0, movableZone().offlineFrames());
    assertEquals(0, hot.hot().rangeCount());
    assertEquals(used, hot.machine.statistics().usedFrames());
    assertTrue(movableZone().availableFrames() >= available);
    hot.assertAllThereBut(heap);
  }

  @Test
  void whereNothingFitsElsewhereAllStays() {
    long others = heap;
    while (hot.machine.tryAllocate(0, AllocationFlags.NOWAIT) >= 0) {
      others++;
    }
    halfFull();
    String before = hot.digest();
    assertEquals(HotOutcome.NO_TARGET, hot.hot().offline(START, FRAMES));
    assertEquals(before, hot.digest());
    hot.assertAllThereBut(others);
    assertEquals(HotOutcome.DONE, hot.hot().offline(START, 2 * AREA)); // within the zone
    assertNotEquals(before, hot.digest());
    hot.assertAllThereBut(others);
  }

  @Test
  void whoIsInTheMiddleOfItIsNotWaitedFor() {
    halfFull();
    List<HotOutcome> answers = new ArrayList<>();
    hot.accepts =
        item -> {
          answers.add(hot.hot().online(START, AREA));
          answers.add(hot.hot().offline(START, AREA));
          hot.accepts = any -> true;
          return true;
        };
    assertEquals(HotOutcome.DONE, hot.hot().offline(START, FRAMES));
    assertEquals(List.of(HotOutcome.BUSY, HotOutcome.BUSY), answers);
    assertEquals(HotOutcome.DONE, hot.hot().online(START, FRAMES));
  }

  /// Memory comes and goes while others allocate, write, read and free in it.
  @Test
  void nothingIsLostWhileOthersWork() throws InterruptedException {
    AtomicBoolean stop = new AtomicBoolean();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 2; t++) {
      long seed = t + 1L;
      Thread thread = new Thread(() -> new HotLoad(hot.machine, seed).run(stop, failure));
      threads.add(thread);
      thread.start();
    }
    halfFullWhileOthersWork();
    SplitMix64 random = new SplitMix64(9);
    int done = 0;
    for (int step = 0; step < 150; step++) {
      long first = START + random.below(16) * AREA;
      long count = Math.min(1 + random.below(4), (START + FRAMES - first) / AREA) * AREA;
      done += hot.hot().offline(first, count) == HotOutcome.DONE ? 1 : 0;
      if (random.oneIn(2)) {
        done += hot.hot().online(first, count) == HotOutcome.DONE ? 1 : 0;
      }
    }
    stop.set(true);
    for (Thread thread : threads) {
      thread.join();
    }
    if (failure.get() != null) {
      throw new AssertionError(failure.get());
    }
    assertTrue(done > 10, "only " + done + " changes");
    for (int area = 0; area < 16; area++) {
      hot.hot().online(START + area * AREA, AREA);
    }
    assertEquals(0, hot.hot().offlineFrames());
    hot.assertAllThereBut(heap);
  }

  private void halfFullWhileOthersWork() {
    for (int i = 0; i < FRAMES / 4; i++) {
      hot.add();
    }
  }
}
