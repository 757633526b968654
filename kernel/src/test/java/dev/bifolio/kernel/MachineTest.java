package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@ParameterizedClass
@EnumSource(BootOptions.AllocatorKind.class)
class MachineTest {
  private static final long MIB = Maps.MIB;
  private static final long GIB = Maps.GIB;

  private final BootOptions options;

  MachineTest(BootOptions.AllocatorKind kind) {
    options = BootOptions.DEFAULTS.withHeadroom(MIB).withAllocator(kind);
  }

  /// Two banks: one at 1 GiB, one at 4 GiB.
  private Machine machine() throws BootException {
    return machine(options);
  }

  private static Machine machine(BootOptions options) throws BootException {
    MemoryMap map = Maps.fdt().ram(GIB, 128 * MIB).ram(4 * GIB, 128 * MIB).build();
    return Machine.boot(map, options, BootLog.SILENT);
  }

  private static long freeAfterDraining(Machine machine) {
    assertEquals(machine.cachedFrameCount(), machine.drainCaches());
    return machine.freeFrameCount();
  }

  private static FrameError errorOf(Executable request) {
    return assertThrows(FrameRequestException.class, request).error();
  }

  @Test
  void requestsGoToTheHighestBankThatCanServeThem() throws Exception {
    try (Machine machine = machine()) {
      List<Long> blocks = new ArrayList<>();
      long pfn = machine.allocate(9, 0);
      assertTrue(pfn >= (4 * GIB) >>> 12);
      boolean low = false;
      while (pfn != FrameAllocator.NO_FRAME) {
        assertFalse(low && pfn >= (4 * GIB) >>> 12, "high memory was left over");
        low = pfn < (4 * GIB) >>> 12;
        blocks.add(pfn);
        pfn = machine.allocate(9, 0);
      }
      assertTrue(low);
      FrameStatistics statistics = machine.statistics();
      assertEquals(blocks.size(), statistics.allocations());
      assertEquals(blocks.size() + 1, statistics.requests());
      assertEquals(1, statistics.failures());
      for (long each : blocks) {
        machine.free(each, 9);
      }
      assertEquals(machine.report().frames().free(), freeAfterDraining(machine));
      assertEquals(blocks.size(), machine.statistics().frees());
      machine.assertValid();
      machine.resetCounters();
      assertEquals(0, machine.statistics().requests());
    }
  }

  @Test
  void mistakesChangeNothingButTheCounters() throws Exception {
    try (Machine machine = machine()) {
      final long free = machine.freeFrameCount();
      final long pfn = machine.allocate(3, 0);
      assertEquals(FrameError.INVALID_ORDER, errorOf(() -> machine.allocate(-1, 0)));
      assertEquals(FrameError.INVALID_ORDER, errorOf(() -> machine.allocate(21, 0)));
      assertEquals(FrameError.ZERO_ALLOCATION, errorOf(() -> machine.allocateFrames(0, 0)));
      assertEquals(FrameError.TOO_LARGE, errorOf(() -> machine.allocateFrames((1 << 20) + 1, 0)));
      assertEquals(FrameError.SIZE_MISMATCH, errorOf(() -> machine.free(pfn, 2)));
      assertEquals(FrameError.SIZE_MISMATCH, errorOf(() -> machine.free(pfn + 1, 0)));
      assertEquals(FrameError.INVALID_ORDER, errorOf(() -> machine.free(pfn, 21)));
      assertEquals(FrameError.OUT_OF_RANGE, errorOf(() -> machine.free(0, 0)));
      assertEquals(FrameError.OUT_OF_RANGE, errorOf(() -> machine.freeFrames(-5, 1)));
      assertEquals(FrameError.OUT_OF_RANGE, errorOf(() -> machine.splitBlock(0, 0)));
      assertEquals(FrameError.INVALID_ORDER, errorOf(() -> machine.splitBlock(pfn, 21)));
      assertEquals(FrameError.INVALID_ORDER, errorOf(() -> machine.freeBlockCount(21)));
      assertEquals(FrameError.INVALID_ORDER, FrameError.of(machine.tryAllocate(21, 0)));
      assertEquals(FrameError.TOO_LARGE, FrameError.of(machine.tryAllocateFrames(1L << 40, 0)));
      assertEquals(FrameError.OUT_OF_RANGE, FrameError.of(machine.tryFree(1L << 40, 0)));
      assertEquals(FrameError.INVALID_ORDER, FrameError.of(machine.tryFree(pfn, -1)));
      assertEquals(FrameError.ZERO_ALLOCATION, FrameError.of(machine.tryFreeFrames(pfn, 0)));
      assertThrows(IllegalArgumentException.class, () -> machine.allocate(0, 1 << 30));
      assertEquals(free - 8, machine.freeFrameCount());
      assertEquals(6, machine.statistics().failures());
      assertEquals(8, machine.statistics().refusedFrees());
      machine.free(pfn, 3);
      assertEquals(FrameError.NOT_ALLOCATED, errorOf(() -> machine.free(pfn, 3)));
      assertEquals(free, freeAfterDraining(machine));
      machine.assertValid();
    }
  }

  @Test
  void aBlockThatWasSplitIsFreedFrameByFrame() throws Exception {
    try (Machine machine = machine()) {
      final long free = machine.freeFrameCount();
      long pfn = machine.allocate(4, 0);
      machine.splitBlock(pfn, 4);
      for (int i = 0; i < 16; i++) {
        machine.free(pfn + i, 0);
      }
      long run = machine.allocateFrames(600, 0);
      assertEquals(free - 600, machine.freeFrameCount());
      machine.splitFrames(run, 600);
      for (int i = 0; i < 600; i++) {
        assertEquals(0, machine.tryFree(run + i, 0));
      }
      assertEquals(free, freeAfterDraining(machine));
      machine.assertValid();
    }
  }

  @Test
  void zeroedFramesAreZeroAndOthersKeepTheirContent() throws Exception {
    try (Machine machine = machine(options.withCpuCount(1))) {
      long pfn = machine.allocate(1, 0);
      long address = machine.physToVirt(pfn << 12);
      Memory.fill(address, 8192, (byte) 0x5A);
      machine.free(pfn, 1);
      assertEquals(pfn, machine.allocate(1, 0));
      assertEquals(0x5A5A5A5A5A5A5A5AL, Memory.getLong(address));
      machine.free(pfn, 1);
      assertEquals(pfn, machine.allocate(1, AllocationFlags.ZERO));
      for (int i = 0; i < 8192; i += 8) {
        assertEquals(0, Memory.getLong(address + i));
      }
      long run = machine.allocateFrames(3, AllocationFlags.ZERO);
      assertEquals(0, Memory.getLong(machine.physToVirt((run << 12) + 3 * 4096 - 8)));
    }
  }

  @Test
  void theWindowSpansRamAndHeadroomAndNothingElse() throws Exception {
    try (Machine machine = machine()) {
      long low = machine.physToVirt(GIB);
      assertEquals(low + 3 * GIB, machine.physToVirt(4 * GIB));
      long last = machine.physToVirt(4 * GIB + 129 * MIB - 8);
      Memory.putLong(last, 7);
      assertEquals(7, Memory.getLong(last));
      assertThrows(IllegalArgumentException.class, () -> machine.physToVirt(GIB - 1));
      assertThrows(IllegalArgumentException.class, () -> machine.physToVirt(4 * GIB + 129 * MIB));
    }
  }

  @Test
  void frameInfoIsZeroAtFirstAndSurvivesAllocation() throws Exception {
    try (Machine machine = machine(options.withCpuCount(1))) {
      long pfn = machine.allocate(0, 0);
      FrameInfo info = machine.frameInfo(pfn);
      assertNotNull(info);
      assertEquals(0, info.get(pfn));
      info.put(pfn, FrameInfo.word(1, 2, 3, 4));
      machine.free(pfn, 0);
      assertEquals(4, FrameInfo.ownerOf(info.get(pfn)));
      assertNull(machine.frameInfo(0));
      for (long each = info.startPfn(); each < info.endPfn(); each++) {
        info.put(each, -1L);
      }
      machine.assertValid();
      assertEquals(pfn, machine.allocate(0, 0));
    }
  }

  @Test
  void aClosedMachineRefusesEverythingButItsReport() throws Exception {
    Machine machine = machine();
    machine.close();
    machine.close();
    List<Executable> calls =
        List.of(
            () -> machine.allocate(0, 0),
            () -> machine.tryAllocate(0, 0),
            () -> machine.free(1, 0),
            () -> machine.tryFree(1, 0),
            () -> machine.allocateFrames(1, 0),
            () -> machine.freeFrames(1, 1),
            () -> machine.splitBlock(1, 0),
            () -> machine.allocateFramesWithin(1, 0, 1, Long.MAX_VALUE, 0),
            () -> machine.allocateRange(GIB >>> 12, 1, 0),
            () -> machine.freeRange(GIB >>> 12, 1),
            () -> machine.tryFreeRange(GIB >>> 12, 1),
            () -> machine.allocateBulk(new long[1], 0, 1, 0),
            () -> machine.freeBulk(new long[1], 0, 1),
            () -> machine.splitFrames(1, 1),
            machine::cachedFrameCount,
            machine::drainCaches,
            machine::freeFrameCount,
            machine::managedFrameCount,
            () -> machine.splitBlock(1, 99),
            () -> machine.freeBlockCount(0),
            () -> machine.freeBlockCount(99),
            () -> machine.freeFrameCount(77),
            () -> machine.freeBlockCount(77, 0),
            machine::statistics,
            machine::resetCounters,
            machine::validate,
            machine::releaseBootInfo,
            () -> machine.physToVirt(GIB),
            () -> machine.frameInfo(GIB >>> 12));
    for (Executable call : calls) {
      assertThrows(IllegalStateException.class, call);
    }
    assertTrue(machine.report().frames().free() > 0);
  }

  @Test
  void threadsNeverShareAFrame() throws Exception {
    try (Machine machine = machine()) {
      final long free = machine.freeFrameCount();
      AtomicReference<Throwable> failure = new AtomicReference<>();
      List<Thread> threads = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        long tag = t + 1L;
        threads.add(
            Thread.ofPlatform()
                .start(() -> {
                  try {
                    churn(machine, tag);
                  } catch (Throwable e) {
                    failure.set(e);
                  }
                }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertNull(failure.get());
      assertEquals(free, freeAfterDraining(machine));
      assertEquals(machine.statistics().allocations(), machine.statistics().frees());
      machine.assertValid();
    }
  }

  private static void churn(Machine machine, long tag) {
    SplitMix64 random = new SplitMix64(tag);
    List<long[]> mine = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      if (mine.size() < 200 && random.oneIn(2)) {
        int order = random.below(4);
        long pfn = machine.allocate(order, 0);
        if (pfn >= 0) {
          Memory.putLong(machine.physToVirt(pfn << 12), tag * i);
          mine.add(new long[] {pfn, order, tag * i});
        }
      } else if (!mine.isEmpty()) {
        long[] block = mine.remove(random.below(mine.size()));
        assertEquals(block[2], Memory.getLong(machine.physToVirt(block[0] << 12)));
        machine.free(block[0], (int) block[1]);
      }
    }
    for (long[] block : mine) {
      machine.free(block[0], (int) block[1]);
    }
  }
}
