package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.BootOptions.AllocatorKind;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.testkit.HeapAllocation;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/// Which allocator a machine has, what it costs, and that any number of threads may use it.
class MachineAllocatorTest {
  private static final long MIB = Maps.MIB;
  private static final long GIB = Maps.GIB;

  private static Machine boot(MemoryMap map, BootOptions options) throws BootException {
    return Machine.boot(map, options, BootLog.SILENT);
  }

  private static MemoryMap gibibyte() {
    return Maps.fdt().ram(GIB, GIB).build();
  }

  @Test
  void theHybridAllocatorWithCachesForEveryCpuIsTheDefault() throws Exception {
    try (Machine machine = boot(gibibyte(), BootOptions.DEFAULTS)) {
      assertEquals(AllocatorKind.HYBRID, machine.report().allocator().kind());
      assertEquals(Cpu.count(), machine.report().allocator().cpuCount());
    }
    BootOptions classic = BootOptions.DEFAULTS.withAllocator(AllocatorKind.CLASSIC);
    try (Machine machine = boot(gibibyte(), classic)) {
      assertEquals(AllocatorKind.CLASSIC, machine.report().allocator().kind());
      assertEquals(0, machine.report().allocator().cpuCount());
      machine.free(machine.allocate(0, 0), 0);
      assertEquals(0, machine.cachedFrameCount());
      assertEquals(0, machine.drainCaches());
    }
  }

  @Test
  void aCountOfCpusIsFromOneToTheMost() {
    for (int count : new int[] {-1, BootOptions.MAX_CPU_COUNT + 1, Integer.MIN_VALUE}) {
      assertThrows(IllegalArgumentException.class, () -> BootOptions.DEFAULTS.withCpuCount(count));
    }
    assertEquals(7, BootOptions.DEFAULTS.withCpuCount(7).cpuCount());
    assertEquals(0, BootOptions.DEFAULTS.withCpuCount(7).withCpuCount(0).cpuCount());
  }

  @Test
  void metadataTakeLessThanThreeBitsAFrameAndMoreCpusMore() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, 64 * GIB).build();
    long[] bytes = new long[2];
    for (int i = 0; i < 2; i++) {
      int cpuCount = i == 0 ? 1 : 64;
      List<String> log = new ArrayList<>();
      try (Machine machine =
          Machine.boot(map, BootOptions.DEFAULTS.withCpuCount(cpuCount), log::add)) {
        BootReport report = machine.report();
        bytes[i] = report.allocator().byteSize();
        long centibits = report.allocator().centibitsPerFrame(report.frames().present());
        assertTrue(centibits <= 300, () -> centibits + " hundredths of a bit a frame");
        assertEquals(8 * report.frames().present(), report.allocator().infoByteSize());
        long zones = report.allocator().zoneByteSize();
        assertTrue(zones > 0 && zones < 64 * 1024, () -> zones + " bytes for one zone");
        long all = bytes[i] + zones + report.allocator().infoByteSize();
        assertEquals((all + 4095) & -4096, report.memMapByteSize());
        String cpus = cpuCount == 1 ? "1 CPU, " : "64 CPUs, ";
        assertTrue(
            log.stream().anyMatch(l -> l.startsWith("allocator: hybrid, caches for " + cpus)),
            log::toString);
      }
    }
    assertTrue(bytes[0] < bytes[1]);
  }

  @Test
  void smallBanksHaveNoMoreCachesThanTheyCanFill() throws Exception {
    Maps maps = Maps.fdt().ram(GIB, 64 * MIB);
    for (int i = 1; i < 64; i++) {
      maps.ram(GIB + i * 512L * MIB, 8L * 4096);
    }
    long one;
    MemoryMap map = maps.build();
    try (Machine machine = boot(map, BootOptions.DEFAULTS.withCpuCount(1))) {
      one = machine.report().allocator().byteSize();
    }
    BootOptions most = BootOptions.DEFAULTS.withCpuCount(BootOptions.MAX_CPU_COUNT);
    try (Machine machine = boot(map, most)) {
      assertTrue(machine.report().allocator().byteSize() < 2 * one);
      assertTrue(machine.allocate(0, 0) > 0);
    }
  }

  @Test
  void requestsTakeNothingFromTheJavaHeap() throws Exception {
    for (MemoryMap map :
        List.of(gibibyte(), Maps.fdt().ram(GIB, GIB).ram(4 * GIB, 64 * MIB).build())) {
      try (Machine machine = boot(map, BootOptions.DEFAULTS)) {
        long[] pfns = new long[300];
        Runnable requests =
            () -> {
              for (int i = 0; i < pfns.length; i++) {
                pfns[i] = machine.allocate(i % 11, i & 14);
              }
              for (int i = 0; i < pfns.length; i++) {
                machine.free(pfns[i], i % 11);
              }
              long run = machine.allocateFrames(77, AllocationFlags.LONG);
              machine.freeFrames(run, 77);
            };
        for (int i = 0; i < 50; i++) {
          requests.run();
        }
        assertEquals(0, HeapAllocation.bytesOf(requests));
      }
    }
  }

  @Test
  void eightThreadsNeverShareAFrameAndLoseNone() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, 32 * MIB).ram(GIB + 512 * MIB, 32 * MIB).build();
    for (AllocatorKind kind : AllocatorKind.values()) {
      try (Machine machine = boot(map, BootOptions.DEFAULTS.withAllocator(kind))) {
        final long free = machine.freeFrameCount();
        Crowd crowd = new Crowd(machine, (GIB >>> 12), (int) ((544 * MIB) >>> 12));
        crowd.run(8);
        assertNull(crowd.failure.get());
        assertTrue(crowd.failures.get() > 0, "memory never ran out: the second way was not gone");
        assertEquals(free, machine.freeFrameCount() + machine.cachedFrameCount());
        assertEquals(machine.cachedFrameCount(), machine.drainCaches());
        assertEquals(free, machine.freeFrameCount());
        assertEquals(machine.statistics().allocations(), machine.statistics().frees());
        assertEquals(crowd.failures.get(), machine.statistics().failures());
        assertEquals(crowd.allocations.get(), machine.statistics().allocations());
        assertEquals(0, machine.statistics().refusedFrees());
        for (int order = 0; order <= machine.maxOrder(); order++) {
          assertEquals(
              machine.report().nodes()[0].freeBlocks()[order], machine.freeBlockCount(order));
        }
        machine.assertValid();
      }
    }
  }

  /// Threads that take and give back, and know the owner of every frame.
  private static final class Crowd {
    private final Machine machine;
    private final long firstPfn;
    private final AtomicLongArray owners;
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final AtomicInteger failures = new AtomicInteger();
    private final AtomicInteger allocations = new AtomicInteger();

    Crowd(Machine machine, long firstPfn, int frameCount) {
      this.machine = machine;
      this.firstPfn = firstPfn;
      owners = new AtomicLongArray(frameCount);
    }

    void run(int threadCount) throws InterruptedException {
      List<Thread> threads = new ArrayList<>();
      for (int t = 1; t <= threadCount; t++) {
        long tag = t;
        threads.add(Thread.ofPlatform().start(() -> guarded(tag)));
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }

    private void guarded(long tag) {
      try {
        churn(tag);
      } catch (Throwable e) {
        failure.compareAndSet(null, e);
      }
    }

    private void churn(long tag) {
      SplitMix64 random = new SplitMix64(tag);
      List<long[]> mine = new ArrayList<>();
      for (int i = 0; i < 40_000; i++) {
        // Waves of demand: now all threads together want more than there is, now less.
        boolean greedy = (i / 4_000 & 1) == 0;
        if (mine.isEmpty() || random.below(100) < (greedy ? 70 : 30)) {
          long count = 1L << random.below(6);
          count = random.oneIn(4) ? 1 + random.below(60) : count;
          long pfn = machine.allocateFrames(count, random.below(8) << 1);
          if (pfn >= 0) {
            allocations.incrementAndGet();
            own(pfn, count, 0, tag);
            Memory.putLong(machine.physToVirt(pfn << 12), tag);
            mine.add(new long[] {pfn, count});
          } else {
            failures.incrementAndGet();
          }
        } else {
          giveBack(mine.remove(random.below(mine.size())), tag);
        }
      }
      for (long[] block : mine) {
        giveBack(block, tag);
      }
    }

    private void giveBack(long[] block, long tag) {
      assertEquals(tag, Memory.getLong(machine.physToVirt(block[0] << 12)));
      own(block[0], block[1], tag, 0);
      machine.freeFrames(block[0], block[1]);
    }

    private void own(long pfn, long count, long from, long to) {
      for (int i = 0; i < count; i++) {
        int at = (int) (pfn - firstPfn) + i;
        assertTrue(owners.compareAndSet(at, from, to), () -> "owner " + owners.get(at));
      }
    }
  }
}
