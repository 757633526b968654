package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.BootOptions.AllocatorKind;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.reclaim.HotMemory;
import dev.bifolio.kernel.reclaim.HotOutcome;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/// Memory comes and goes: what is offline is nobody's, and what fails changes nothing.
@ParameterizedClass
@EnumSource(AllocatorKind.class)
class MachineHotMemoryTest {
  private static final long AREA = HotMachine.AREA;
  private static final long RAM_MIB = 128;
  private static final long HEADROOM_MIB = 64;
  private static final long START = HotMachine.BASE_PFN + RAM_MIB * 256;
  private static final long FRAMES = HEADROOM_MIB * 256;
  private static final long END = START + FRAMES;

  private final AllocatorKind kind;

  MachineHotMemoryTest(AllocatorKind kind) {
    this.kind = kind;
  }

  private HotMachine boot() throws BootException {
    return HotMachine.boot(kind, RAM_MIB, HEADROOM_MIB, false);
  }

  /// What a boot uses of what it hands over.
  private static long usedByBoot(HotMachine hot) {
    return hot.machine.report().frames().heap() + hot.machine.report().frames().tables();
  }

  private static Zone zoneOf(HotMachine hot, long pfn) {
    Zone zone = hot.machine.zones().ofFrame(pfn);
    if (zone == null) {
      throw new AssertionError("no zone has " + pfn);
    }
    return zone;
  }

  @Test
  void aBootLeavesTheHeadroomOfflineAndItsEquationsHold() throws Exception {
    try (HotMachine hot = boot()) {
      BootReport.Frames frames = hot.machine.report().frames();
      assertEquals(RAM_MIB * 256, frames.present());
      assertEquals(frames.present() - frames.reserved() - frames.memMap(), frames.managed());
      assertEquals(frames.managed() - usedByBoot(hot) - frames.cached(), frames.free());
      Zone zone = zoneOf(hot, START);
      assertEquals(FRAMES, zone.offlineFrames());
      assertEquals(RAM_MIB * 256, zone.presentFrames());
      assertEquals(frames.managed(), zone.managedFrames());
      assertEquals(frames.managed(), hot.machine.managedFrameCount());
      FrameStatistics statistics = hot.machine.statistics();
      assertEquals(usedByBoot(hot), statistics.usedFrames());
      assertEquals(usedByBoot(hot), statistics.peakUsedFrames());
      assertEquals(frames.managed(), zone.statistics().totalFrames());
      assertEquals(FRAMES, hot.hot().offlineFrames());
      assertEquals(1, hot.hot().rangeCount());
      assertEquals(START, hot.hot().startPfn(0));
      assertEquals(END, hot.hot().endPfn(0));
      assertEquals(-1, hot.hot().blockedPfn());
      assertEquals(1, hot.machine.report().nodes().length);
      assertEquals(START, hot.machine.report().nodes()[0].endPfn());
      assertEquals(RAM_MIB * 256, hot.machine.report().nodes()[0].present());
      hot.machine.assertValid();
    }
  }

  @Test
  void whatIsOfflineIsNeverHandedOut() throws Exception {
    try (HotMachine hot = boot()) {
      assertEquals(HotOutcome.DONE, hot.hot().online(START + 3 * AREA, 2 * AREA));
      long got = 0;
      int flags = AllocationFlags.EMERGENCY;
      for (long pfn = hot.machine.tryAllocate(0, flags); pfn >= 0; got++) {
        assertTrue(pfn < START || (pfn >= START + 3 * AREA && pfn < START + 5 * AREA));
        pfn = hot.machine.tryAllocate(0, flags);
      }
      assertEquals(hot.machine.managedFrameCount() - usedByBoot(hot), got);
    }
  }

  @Test
  void whatComesOnlineIsFreeAndReadsAsZero() throws Exception {
    try (HotMachine hot = boot()) {
      String before = hot.digest();
      long free = hot.machine.freeFrameCount();
      Zone zone = zoneOf(hot, START);
      final long min = zone.minFrames();
      assertEquals(HotOutcome.DONE, hot.hot().online(START, FRAMES));
      assertEquals(free + FRAMES, hot.machine.freeFrameCount());
      assertEquals(free + FRAMES, zone.availableFrames());
      assertEquals((RAM_MIB + HEADROOM_MIB) * 256, zone.presentFrames());
      assertEquals(0, zone.offlineFrames());
      assertEquals(0, hot.hot().rangeCount());
      assertTrue(zone.minFrames() > min);
      hot.assertZero(START, END);
      for (long pfn = START; pfn < END; pfn++) {
        Memory.putLong(hot.addressOf(pfn), -1);
      }
      hot.assertAllThereBut(usedByBoot(hot));
      assertEquals(HotOutcome.DONE, hot.hot().offline(START, FRAMES));
      assertEquals(before, hot.digest());
      hot.assertZero(START, END);
      hot.assertAllThereBut(usedByBoot(hot));
    }
  }

  @Test
  void areasComeAndGoInAnyOrder() throws Exception {
    try (HotMachine hot = boot()) {
      String before = hot.digest();
      SplitMix64 random = new SplitMix64(3);
      boolean[] online = new boolean[(int) (FRAMES / AREA)];
      for (int step = 0; step < 120; step++) {
        int first = random.below(online.length);
        int count = 1 + random.below(Math.min(4, online.length - first));
        change(hot, online, first, count);
      }
      for (int a = 0; a < online.length; a++) {
        if (online[a]) {
          change(hot, online, a, 1);
        }
      }
      assertEquals(before, hot.digest());
      hot.assertAllThereBut(usedByBoot(hot));
    }
  }

  private static void change(HotMachine hot, boolean[] online, int first, int count) {
    int there = 0;
    for (int a = first; a < first + count; a++) {
      there += online[a] ? 1 : 0;
    }
    long managed = hot.machine.managedFrameCount();
    long start = START + first * AREA;
    HotOutcome on = there == 0 ? HotOutcome.DONE : HotOutcome.NOT_OFFLINE;
    HotOutcome off = there == count ? HotOutcome.DONE : HotOutcome.ALREADY_OFFLINE;
    boolean wasOnline = there == count;
    assertEquals(wasOnline ? off : on, act(hot, wasOnline, start, count * AREA));
    long change = there == 0 ? count * AREA : wasOnline ? -count * AREA : 0;
    assertEquals(managed + change, hot.machine.managedFrameCount());
    if (there != 0 && !wasOnline) {
      assertEquals(HotOutcome.ALREADY_OFFLINE, hot.hot().offline(start, count * AREA));
    }
    for (int a = first; a < first + count && (there == 0 || wasOnline); a++) {
      online[a] = there == 0;
    }
    assertEquals(usedByBoot(hot), hot.machine.statistics().usedFrames());
  }

  private static HotOutcome act(HotMachine hot, boolean offline, long start, long count) {
    return offline ? hot.hot().offline(start, count) : hot.hot().online(start, count);
  }

  @Test
  void whatIsNotWholeAreasOfOneBankIsRefused() throws Exception {
    try (HotMachine hot = boot()) {
      String before = hot.digest();
      long[][] wrong = {
        {START + 1, AREA},
        {START, 1},
        {START, 0},
        {START, -AREA},
        {-AREA, AREA},
        {START, Long.MAX_VALUE & -AREA},
        {START - AREA, 2 * AREA},
        {END, AREA},
        {END - AREA, 2 * AREA},
        {0, AREA},
        {Long.MAX_VALUE & -AREA, AREA},
      };
      for (long[] range : wrong) {
        assertEquals(HotOutcome.OUT_OF_RANGE, hot.hot().online(range[0], range[1]));
        assertEquals(HotOutcome.OUT_OF_RANGE, hot.hot().offline(range[0], range[1]));
      }
      assertEquals(HotOutcome.NOT_OFFLINE, hot.hot().online(START - AREA, AREA));
      assertEquals(HotOutcome.ALREADY_OFFLINE, hot.hot().offline(START, AREA));
      assertEquals(before, hot.digest());
      // The metadata lie at the top of the RAM: frames that were never handed over.
      assertEquals(HotOutcome.OUT_OF_RANGE, hot.hot().offline(START - AREA, AREA));
      assertEquals(before, hot.digest());
    }
  }

  @Test
  void ramOfTheBootGoesOfflineToo() throws Exception {
    try (HotMachine hot = boot()) {
      String before = hot.digest();
      long start = Pages.alignUp(hot.machine.report().heap().end() >>> 12, AREA);
      Memory.putLong(hot.addressOf(start), 5);
      assertEquals(HotOutcome.DONE, hot.hot().offline(start, 4 * AREA));
      assertEquals(RAM_MIB * 256 - 4 * AREA, zoneOf(hot, start).presentFrames());
      assertEquals(usedByBoot(hot), hot.machine.statistics().usedFrames());
      assertEquals(2, hot.hot().rangeCount());
      assertNotEquals(before, hot.digest());
      hot.assertZero(start, start + 4 * AREA);
      assertEquals(HotOutcome.DONE, hot.hot().online(start, AREA));
      assertEquals(HotOutcome.DONE, hot.hot().online(start + 3 * AREA, AREA));
      assertEquals(HotOutcome.DONE, hot.hot().online(start + AREA, 2 * AREA));
      assertEquals(before, hot.digest());
    }
  }

  @Test
  void aFrameThatIsSomebodysBlocksAndIsNamed() throws Exception {
    try (HotMachine hot = boot()) {
      hot.hot().online(START, FRAMES);
      long pfn = hot.machine.tryAllocateRange(START + 5 * AREA + 77, 1, 0);
      assertEquals(START + 5 * AREA + 77, pfn);
      String before = hot.digest();
      assertEquals(HotOutcome.BLOCKED, hot.hot().offline(START + 4 * AREA, 2 * AREA));
      assertEquals(pfn, hot.hot().blockedPfn());
      assertEquals(before, hot.digest());
      assertEquals(HotOutcome.DONE, hot.hot().offline(START, 5 * AREA));
      hot.machine.free(pfn, 0);
      assertEquals(HotOutcome.DONE, hot.hot().offline(START + 5 * AREA, AREA));
      hot.assertAllThereBut(usedByBoot(hot));
    }
  }

  @Test
  void aZoneKeepsItsMin() throws Exception {
    try (HotMachine hot = boot()) {
      hot.hot().online(START, FRAMES);
      Zone zone = zoneOf(hot, START);
      final long top = START + FRAMES / 2;
      assertEquals(top, hot.machine.tryAllocateRange(top, FRAMES / 2, 0));
      List<long[]> taken = new ArrayList<>();
      long goal = zone.minFrames() + FRAMES / 2 - 100;
      for (long frames = 1 << 12; frames > 0; frames >>= 1) {
        long pfn = 0;
        while (pfn >= 0 && zone.availableFrames() - frames >= goal) {
          pfn = hot.machine.tryAllocateFramesWithin(frames, 0, 1, START - 1, 0);
          taken.add(new long[] {pfn, frames});
        }
      }
      taken.removeIf(run -> run[0] < 0);
      assertEquals(goal, zone.availableFrames());
      String before = hot.digest();
      assertEquals(HotOutcome.BELOW_MIN, hot.hot().offline(START, FRAMES));
      assertEquals(before, hot.digest());
      // To the frame: what would leave min is taken, one more area is not.
      long spare = (zone.availableFrames() - zone.minFrames()) / AREA;
      assertEquals(HotOutcome.BELOW_MIN, hot.hot().offline(START, (spare + 1) * AREA));
      assertEquals(HotOutcome.DONE, hot.hot().offline(START, spare * AREA));
      for (long[] run : taken) {
        hot.machine.freeFrames(run[0], run[1]);
      }
      assertEquals(0, hot.machine.tryFreeRange(top, FRAMES / 2));
      hot.assertAllThereBut(usedByBoot(hot));
    }
  }

  @Test
  void tooManyPiecesAreRefusedAndChangeNothing() throws Exception {
    try (HotMachine hot = HotMachine.boot(kind, 256, 1024, false)) {
      HotMemory memory = hot.hot();
      long start = HotMachine.BASE_PFN + 256 * 256;
      long at = start + AREA;
      HotOutcome outcome = memory.online(at, AREA);
      while (outcome == HotOutcome.DONE && memory.rangeCount() < 200) {
        at += 2 * AREA;
        outcome = memory.online(at, AREA);
      }
      assertEquals(HotOutcome.TOO_MANY_RANGES, outcome);
      assertEquals(123, memory.rangeCount());
      String before = hot.digest();
      assertEquals(HotOutcome.TOO_MANY_RANGES, memory.online(at, AREA));
      assertEquals(
          HotOutcome.TOO_MANY_RANGES, memory.offline(HotMachine.BASE_PFN + 4 * AREA, AREA));
      assertEquals(before, hot.digest());
      assertEquals(HotOutcome.DONE, memory.online(start, AREA));
      assertEquals(HotOutcome.DONE, memory.offline(HotMachine.BASE_PFN + 4 * AREA, AREA));
      hot.assertAllThereBut(usedByBoot(hot));
    }
  }
}
