package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.BootOptions.AllocatorKind;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/// What a machine's banks do together.
@ParameterizedClass
@EnumSource(AllocatorKind.class)
class MachineRequestsTest {
  private static final long MIB = Maps.MIB;
  private static final long GIB = Maps.GIB;

  /// The first frames of the three banks.
  private static final long LOW = GIB >>> 12;

  private static final long MIDDLE = (4 * GIB) >>> 12;
  private static final long HIGH = (8 * GIB) >>> 12;

  private final BootOptions options;

  MachineRequestsTest(AllocatorKind kind) {
    options = BootOptions.DEFAULTS.withAllocator(kind).withCpuCount(2).withMinFreeKib(0);
  }

  /// Three banks of one node, which is one zone.
  private Machine machine() throws BootException {
    return machine(0);
  }

  private Machine machine(int nodeOfHighest) throws BootException {
    MemoryMap map =
        Maps.fdt()
            .ram(GIB, 64 * MIB, 0)
            .ram(4 * GIB, 64 * MIB, 0)
            .ram(8 * GIB, 64 * MIB, nodeOfHighest)
            .build();
    return Machine.boot(map, options, BootLog.SILENT);
  }

  private static FrameError errorOf(Executable request) {
    return assertThrows(FrameRequestException.class, request).error();
  }

  private static List<Long> takeAll(Machine machine, int order) {
    List<Long> taken = new ArrayList<>();
    for (long pfn = machine.allocate(order, 0); pfn >= 0; pfn = machine.allocate(order, 0)) {
      taken.add(pfn);
    }
    return taken;
  }

  private static void freeAll(Machine machine, List<Long> blocks, int order) {
    for (long pfn : blocks) {
      machine.free(pfn, order);
    }
  }

  private static void assertCounts(
      Machine machine, long allocations, long failures, long frees, long refusedFrees) {
    FrameStatistics all = machine.statistics();
    assertEquals(allocations, all.allocations(), "allocations");
    assertEquals(failures, all.failures(), "failures");
    assertEquals(allocations + failures, all.requests(), "requests");
    assertEquals(frees, all.frees(), "frees");
    assertEquals(refusedFrees, all.refusedFrees(), "refused frees");
    assertEquals(machine.freeFrameCount(), all.freeFrames());
    assertEquals(machine.cachedFrameCount(), all.cachedFrames());
    assertEquals(
        machine.managedFrameCount(), all.freeFrames() + all.cachedFrames() + all.usedFrames());
  }

  private static long blocksAtBoot(Machine machine, int order) {
    long count = 0;
    for (BootReport.NodeRow node : machine.report().nodes()) {
      for (int o = order; o <= machine.maxOrder(); o++) {
        count += node.freeBlocks()[o] << (o - order);
      }
    }
    return count;
  }

  @Test
  void aRequestThatBanksRefuseAndAnotherServesIsOneRequestAndNoFailure() throws Exception {
    try (Machine machine = machine()) {
      List<Long> huge = takeAll(machine, 9);
      assertEquals(blocksAtBoot(machine, 9), huge.size());
      assertCounts(machine, huge.size(), 1, 0, 0);
      // Only the lowest bank gets a block back: two others are asked in vain.
      long lowest = huge.getLast();
      assertTrue(lowest < MIDDLE);
      machine.free(lowest, 9);
      assertEquals(lowest, machine.allocate(9, 0));
      assertEquals(FrameAllocator.NO_FRAME, machine.allocate(9, 0));
      assertEquals(FrameAllocator.NO_FRAME, machine.allocateFrames(400, 0));
      assertCounts(machine, huge.size() + 1, 3, 1, 0);
      freeAll(machine, huge, 9);
      assertCounts(machine, huge.size() + 1, 3, huge.size() + 1, 0);
      machine.assertValid();
    }
  }

  @Test
  void whatWaitsInCachesOfAnyBankIsCalledBackBeforeARequestFails() throws Exception {
    try (Machine machine = machine()) {
      final long free = machine.freeFrameCount();
      List<Long> frames = takeAll(machine, 0);
      assertEquals(free, frames.size());
      assertEquals(0, machine.freeFrameCount() + machine.cachedFrameCount());
      freeAll(machine, frames, 0);
      assertEquals(free, machine.freeFrameCount() + machine.cachedFrameCount());
      List<Long> huge = takeAll(machine, 9);
      assertEquals(blocksAtBoot(machine, 9), huge.size());
      freeAll(machine, huge, 9);
      machine.drainCaches();
      assertEquals(free, machine.freeFrameCount());
      machine.assertValid();
    }
  }

  @Test
  void aFrameThatIsFreedInAFullBankIsFoundAgain() throws Exception {
    try (Machine machine = machine()) {
      List<Long> frames = takeAll(machine, 0);
      SplitMix64 random = new SplitMix64(5);
      for (int i = 0; i < 2_000; i++) {
        int at = random.below(frames.size());
        machine.free(frames.get(at), 0);
        assertEquals(frames.get(at), machine.allocate(0, 0));
      }
      assertEquals(FrameAllocator.NO_FRAME, machine.allocate(0, 0));
      assertCounts(machine, frames.size() + 2_000, 2, 2_000, 0);
      assertEquals(machine.managedFrameCount(), machine.statistics().peakUsedFrames());
    }
  }

  @Test
  void highBanksServeAgainOnceSomethingIsFreedThere() throws Exception {
    try (Machine machine = machine()) {
      long high = machine.allocate(9, 0);
      assertTrue(high >= HIGH);
      while (machine.allocate(9, 0) >= MIDDLE) {
        // until the low bank serves, because the others were asked in vain
      }
      machine.free(high, 9);
      assertEquals(high, machine.allocate(9, 0));
      assertTrue(machine.allocate(9, 0) < MIDDLE);
      machine.freeFrames(high, 512);
      assertEquals(high, machine.allocateFrames(512, 0));
      assertTrue(machine.allocate(9, 0) < MIDDLE);
    }
  }

  @Test
  void aCpuOfNoNodeIsServedByTheFirstNodeBeforeTheOthers() throws Exception {
    try (Machine machine = machine(1)) {
      long first = machine.freeFrameCount(0);
      List<Long> frames = takeAll(machine, 0);
      assertTrue(frames.subList(0, (int) first).stream().allMatch(pfn -> pfn < HIGH));
      assertTrue(frames.subList((int) first, frames.size()).stream().allMatch(p -> p >= HIGH));
    }
  }

  @Test
  void framesBelowALimitComeFromTheHighestBankThatHasThem() throws Exception {
    try (Machine machine = machine()) {
      final long free = machine.freeFrameCount();
      long any = machine.allocateFramesWithin(3, 0, 16, Long.MAX_VALUE, 0);
      assertTrue(any >= HIGH && any % 16 == 0);
      long middle = machine.allocateFramesWithin(10, AllocationFlags.ZERO, 1, HIGH - 1, 16);
      assertTrue(middle >= MIDDLE && middle < HIGH);
      long low = machine.allocateFramesWithin(1, 0, 1, MIDDLE - 1, 0);
      assertTrue(low >= LOW && low < MIDDLE);
      assertEquals(
          FrameAllocator.NO_FRAME, machine.allocateFramesWithin(1, 0, 1, LOW - 1, 0), "below RAM");
      assertEquals(FrameAllocator.NO_FRAME, machine.allocateFramesWithin(1, 0, 1, -1, 0));
      assertCounts(machine, 3, 2, 0, 0);
      assertEquals(
          FrameError.UNALIGNED, errorOf(() -> machine.allocateFramesWithin(1, 0, 3, LOW, 0)));
      assertEquals(
          FrameError.TOO_LARGE, errorOf(() -> machine.allocateFramesWithin(9, 0, 1, HIGH, 8)));
      assertCounts(machine, 3, 4, 0, 0);
      machine.freeFrames(any, 3);
      machine.freeFrames(middle, 10);
      machine.freeFrames(low, 1);
      machine.drainCaches();
      assertEquals(free, machine.freeFrameCount());
      machine.assertValid();
    }
  }

  @Test
  void aRangeIsTakenAsAWholeOrNotAtAll() throws Exception {
    try (Machine machine = machine()) {
      final long free = machine.freeFrameCount();
      assertTrue(machine.allocateRange(LOW + 513, 700, 0));
      assertEquals(free - 700, machine.freeFrameCount());
      assertFalse(machine.allocateRange(LOW + 1000, 1000, 0), "part of it is taken");
      assertEquals(free - 700, machine.freeFrameCount());
      long endOfLow = (GIB + 64 * MIB) >>> 12;
      assertEquals(
          FrameError.OUT_OF_RANGE, errorOf(() -> machine.allocateRange(endOfLow - 1, 2, 0)));
      assertEquals(FrameError.OUT_OF_RANGE, errorOf(() -> machine.allocateRange(1, 1, 0)));
      assertEquals(FrameError.ZERO_ALLOCATION, errorOf(() -> machine.allocateRange(LOW, 0, 0)));
      assertEquals(4, machine.statistics().failures());
      assertEquals(FrameError.OUT_OF_RANGE, errorOf(() -> machine.freeRange(1, 1)));
      assertEquals(FrameError.ZERO_ALLOCATION, errorOf(() -> machine.freeRange(LOW + 513, 0)));
      assertThrows(FrameRequestException.class, () -> machine.freeRange(LOW + 513, 701));
      assertEquals(free - 700, machine.freeFrameCount() + machine.cachedFrameCount());
      machine.freeRange(LOW + 513, 700);
      assertEquals(machine.statistics().allocations(), machine.statistics().frees());
      assertEquals(3, machine.statistics().refusedFrees());
      machine.drainCaches();
      assertEquals(free, machine.freeFrameCount());
      machine.assertValid();
    }
  }

  @Test
  void manyFramesComeAndGoInOneCall() throws Exception {
    try (Machine machine = machine()) {
      final long free = machine.freeFrameCount();
      long[] frames = new long[(int) free + 10];
      assertEquals(5, machine.allocateBulk(frames, 3, 5, AllocationFlags.MOVABLE));
      assertEquals(0, frames[2] + frames[8]);
      assertThrows(
          IndexOutOfBoundsException.class, () -> machine.allocateBulk(frames, frames.length, 1, 0));
      assertThrows(IndexOutOfBoundsException.class, () -> machine.freeBulk(frames, -1, 1));
      long[] wrong = {frames[3], frames[4], 1, frames[5]};
      FrameRequestException refused =
          assertThrows(FrameRequestException.class, () -> machine.freeBulk(wrong, 0, 4));
      assertEquals(FrameError.OUT_OF_RANGE, refused.error());
      assertTrue(refused.getMessage().contains("entry 2, frame 0x1:"), refused.getMessage());
      machine.freeBulk(frames, 5, 3);
      assertCounts(machine, 5, 0, 5, 1);
      int got = machine.allocateBulk(frames, 0, frames.length, 0);
      assertEquals(free, got, "all banks are emptied");
      assertArrayEquals(new long[10], Arrays.copyOfRange(frames, got, frames.length));
      machine.freeBulk(frames, 0, got);
      machine.drainCaches();
      assertEquals(free, machine.freeFrameCount());
    }
  }

  @Test
  void manyFramesOfOneBankComeAndGoInOneCall() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, 64 * MIB).build();
    try (Machine machine = Machine.boot(map, options, BootLog.SILENT)) {
      final int free = (int) machine.freeFrameCount();
      long[] frames = new long[free + 1];
      assertEquals(100, machine.allocateBulk(frames, 0, 100, 0));
      for (int i = 0; i < 100; i++) {
        Memory.fill(machine.physToVirt(frames[i] << 12), 4096, (byte) -1);
      }
      machine.freeBulk(frames, 0, 100);
      assertEquals(free, machine.allocateBulk(frames, 0, free + 1, AllocationFlags.ZERO));
      assertEquals(free, Arrays.stream(frames, 0, free).distinct().count());
      for (int i = 0; i < free; i++) {
        long address = machine.physToVirt(frames[i] << 12);
        assertEquals(0, Memory.getLong(address) | Memory.getLong(address + 4088));
      }
      assertCounts(machine, free + 100, 1, 100, 0);
      assertEquals(machine.managedFrameCount(), machine.statistics().peakUsedFrames());
      long again = frames[5];
      frames[5] = frames[4];
      assertEquals(
          FrameError.NOT_ALLOCATED, errorOf(() -> machine.freeBulk(frames, 0, free)), "twice");
      frames[5] = again;
      machine.freeBulk(frames, 5, free - 5);
      machine.drainCaches();
      assertEquals(free, machine.freeFrameCount());
      machine.assertValid();
    }
  }

  @Test
  void everyKindOfRequestIsServedAndCounted() throws Exception {
    try (Machine machine = machine()) {
      for (int flags = 0; flags <= AllocationFlags.FRAME_BITS; flags++) {
        long pfn = machine.allocate(flags % 11, flags);
        assertTrue(pfn > 0);
        machine.free(pfn, flags % 11);
      }
      int unknown = 1 << 12;
      assertThrows(IllegalArgumentException.class, () -> machine.tryAllocate(0, unknown));
      assertThrows(IllegalArgumentException.class, () -> machine.tryAllocateRange(LOW, 1, unknown));
      assertCounts(machine, AllocationFlags.FRAME_BITS + 1, 0, AllocationFlags.FRAME_BITS + 1, 0);
    }
  }

  @Test
  void whatIsNotFreeIsCachedOrUsedAtAnyTime() throws Exception {
    try (Machine machine = machine(1)) {
      final long atBoot = machine.freeFrameCount();
      SplitMix64 random = new SplitMix64(77);
      List<long[]> mine = new ArrayList<>();
      long owned = 0;
      for (int i = 0; i < 20_000; i++) {
        if (random.oneIn(2) || mine.isEmpty()) {
          long count = 1L + random.below(random.oneIn(3) ? 40 : 3);
          long pfn = machine.allocateFrames(count, random.below(16) & ~AllocationFlags.ZERO);
          if (pfn >= 0) {
            mine.add(new long[] {pfn, count});
            owned += count;
          }
        } else {
          long[] block = mine.remove(random.below(mine.size()));
          machine.freeFrames(block[0], block[1]);
          owned -= block[1];
        }
        if (i % 500 == 0) {
          assertEquals(atBoot, machine.freeFrameCount() + machine.cachedFrameCount() + owned);
          long nodes = machine.freeFrameCount(0) + machine.freeFrameCount(1);
          assertEquals(machine.freeFrameCount(), nodes);
          long cached = machine.cachedFrameCount();
          assertEquals(cached, random.oneIn(4) ? machine.drainCaches() : cached);
        }
      }
      for (long[] block : mine) {
        machine.freeFrames(block[0], block[1]);
      }
      machine.drainCaches();
      assertEquals(atBoot, machine.freeFrameCount());
      for (int order = 0; order <= machine.maxOrder(); order++) {
        assertEquals(
            machine.report().nodes()[0].freeBlocks()[order], machine.freeBlockCount(0, order));
        assertEquals(
            machine.report().nodes()[1].freeBlocks()[order], machine.freeBlockCount(1, order));
      }
      machine.assertValid();
    }
  }
}
