package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.BootOptions.AllocatorKind;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.reclaim.Balloon;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/// Areas go to the host and come back, and nothing is lost.
@ParameterizedClass
@EnumSource(AllocatorKind.class)
class MachineBalloonTest {
  private static final long AREA = HotMachine.AREA;

  private final AllocatorKind kind;

  MachineBalloonTest(AllocatorKind kind) {
    this.kind = kind;
  }

  private HotMachine boot() throws BootException {
    return HotMachine.boot(kind, 128, 0, false);
  }

  private static Balloon balloon(HotMachine hot, int mostAreas) {
    return Objects.requireNonNull(hot.machine.newBalloon(mostAreas));
  }

  /// Frames in use beside what a test has: the heap, and one for the list.
  private static long others(HotMachine hot) {
    return hot.machine.report().frames().heap() + hot.machine.report().frames().tables() + 1;
  }

  @Test
  void whatIsInTheBalloonIsNeitherManagedNorUsed() throws Exception {
    try (HotMachine hot = boot()) {
      Balloon balloon = balloon(hot, 40);
      assertEquals(0, hot.machine.hotMemory().rangeCount());
      assertEquals(40, balloon.mostAreas());
      assertEquals(0, balloon.areas());
      assertEquals(0, balloon.deflate(1));
      final String before = hot.digest();
      final long managed = hot.machine.managedFrameCount();
      final long free = hot.machine.freeFrameCount();
      assertEquals(0, balloon.inflate(0));
      assertEquals(7, balloon.inflate(7));
      assertEquals(7, balloon.areas());
      assertEquals(managed - 7 * AREA, hot.machine.managedFrameCount());
      assertEquals(free - 7 * AREA, hot.machine.freeFrameCount());
      assertEquals(7 * AREA, hot.machine.zones().zone(0).offlineFrames());
      assertEquals(128 * 256 - 7 * AREA, hot.machine.zones().zone(0).presentFrames());
      hot.assertAllThereBut(others(hot));
      assertEquals(3, balloon.deflate(3));
      assertEquals(4, balloon.areas());
      assertEquals(4, balloon.deflate(9));
      assertEquals(0, balloon.areas());
      assertEquals(before, hot.digest());
      hot.assertAllThereBut(others(hot));
    }
  }

  @Test
  void itHoldsNoMoreThanItIsTold() throws Exception {
    try (HotMachine hot = boot()) {
      Balloon balloon = balloon(hot, 3);
      assertEquals(3, balloon.inflate(5));
      assertEquals(0, balloon.inflate(1));
      assertEquals(1, balloon.deflate(1));
      assertEquals(1, balloon.inflate(2));
      assertEquals(3, balloon.areas());
      assertEquals(3, balloon.deflate(100));
      hot.assertAllThereBut(others(hot));
      assertThrows(IllegalArgumentException.class, () -> hot.machine.newBalloon(0));
      assertThrows(IllegalArgumentException.class, () -> Balloon.byteSize(-1));
      assertEquals(16 + 8 * 3, Balloon.byteSize(3));
    }
  }

  @Test
  void whatComesBackReadsAsZero() throws Exception {
    try (HotMachine hot = boot()) {
      Balloon balloon = balloon(hot, 100);
      List<Long> blocks = new ArrayList<>();
      for (long pfn = hot.machine.tryAllocate(9, 0); pfn >= 0; ) {
        Memory.fill(hot.addressOf(pfn), AREA << 12, (byte) 9);
        blocks.add(pfn);
        pfn = hot.machine.tryAllocate(9, 0);
      }
      for (long pfn : blocks) {
        hot.machine.free(pfn, 9);
      }
      int got = balloon.inflate(100);
      assertEquals(blocks.size(), got);
      assertEquals(got, balloon.deflate(100));
      for (long pfn : blocks) {
        hot.assertZero(pfn, pfn + AREA);
      }
      hot.assertAllThereBut(others(hot));
    }
  }

  @Test
  void itTakesNothingBelowMin() throws Exception {
    try (HotMachine hot = boot()) {
      Balloon balloon = balloon(hot, 200);
      int got = balloon.inflate(200);
      Zone zone = hot.machine.zones().zone(0);
      assertTrue(got > 20 && got < 64, "got " + got);
      assertTrue(zone.availableFrames() >= zone.minFrames());
      assertTrue(hot.machine.tryAllocate(0, AllocationFlags.EMERGENCY) >= 0);
      assertEquals(0, balloon.inflate(1));
      assertEquals(got, balloon.deflate(200));
      hot.assertAllThereBut(others(hot) + 1);
    }
  }

  @Test
  void itMakesAreasOfWhatLiesAbout() throws Exception {
    try (HotMachine hot = boot()) {
      Balloon balloon = balloon(hot, 64);
      while (hot.add() >= 0) {
        // Until it is full.
      }
      for (int item = 0; item < hot.itemCount(); item++) {
        if ((item & 3) != 0) {
          hot.remove(item);
        }
      }
      hot.machine.drainCaches();
      int got = balloon.inflate(64);
      assertTrue(kind == AllocatorKind.CLASSIC || got > 10, "got " + got);
      hot.assertAllThereBut(others(hot));
      assertEquals(got, balloon.deflate(64));
      hot.assertAllThereBut(others(hot));
    }
  }

  @Test
  void nothingIsLostUnderLoad() throws Exception {
    underLoad(300);
  }

  @Test
  @Tag("slow")
  void nothingIsLostTenThousandTimes() throws Exception {
    underLoad(10_000);
  }

  private void underLoad(int rounds) throws Exception {
    try (HotMachine hot = boot()) {
      Balloon balloon = balloon(hot, 30);
      for (int i = 0; i < 4000; i++) {
        hot.add();
      }
      AtomicBoolean stop = new AtomicBoolean();
      AtomicReference<Throwable> failure = new AtomicReference<>();
      Thread load = new Thread(() -> new HotLoad(hot.machine, 1).run(stop, failure));
      Thread other =
          new Thread(() -> {
            SplitMix64 random = new SplitMix64(2);
            while (!stop.get()) {
              balloon.inflate(random.below(3));
              balloon.deflate(random.below(3));
            }
          });
      load.start();
      other.start();
      SplitMix64 random = new SplitMix64(4);
      long got = 0;
      for (int round = 0; round < rounds; round++) {
        got += balloon.inflate(1 + random.below(4));
        hot.machine.step(64);
        hot.assertItem(random.below(hot.itemCount()));
        balloon.deflate(1 + random.below(4));
      }
      stop.set(true);
      load.join();
      other.join();
      if (failure.get() != null) {
        throw new AssertionError(failure.get());
      }
      assertTrue(got > rounds / 2, "got " + got);
      assertTrue(balloon.areas() <= 30);
      hot.assertAllThereBut(others(hot));
      balloon.deflate(30);
      assertEquals(0, hot.machine.zones().zone(0).offlineFrames());
      hot.assertAllThereBut(others(hot));
    }
  }
}
