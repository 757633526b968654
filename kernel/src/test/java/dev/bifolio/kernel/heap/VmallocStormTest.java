package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.virtual.FaultOutcome;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.SplitMix64;
import dev.bifolio.testkit.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Many threads, each of which stores into what it has through a processor of its own; what one has
/// allocated another frees.
class VmallocStormTest {
  private static final long PAGE = 4096;
  private static final int TURNS = 20_000;
  private static final int SLOTS = 24;

  /// Slots hold an address, which tells what all words of it must be.
  private static final class Storm {
    final ZonedMemory memory;
    final Vmalloc vmalloc;
    final AtomicLongArray slots = new AtomicLongArray(SLOTS);

    Storm(ZonedMemory memory) {
      this.memory = memory;
      vmalloc = memory.vmalloc;
    }

    void run(int cpu) {
      Mmu mmu = memory.processor(cpu);
      SplitMix64 random = new SplitMix64(cpu);
      for (int turn = 0; turn < TURNS; turn++) {
        long made = random.oneIn(3) ? 0 : make(mmu, random);
        long taken = slots.getAndSet(random.below(SLOTS), made);
        if (taken != 0) {
          check(mmu, taken);
          assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(taken));
        }
      }
    }

    private long make(Mmu mmu, SplitMix64 random) {
      int pages = random.oneIn(30) ? 1 + random.below(700) : 1 + random.below(12);
      boolean isLazy = random.oneIn(2);
      long address = vmalloc.allocate(pages * PAGE, isLazy ? Vmalloc.LAZY : AllocationFlags.ZERO);
      if (address == Vmalloc.NO_MEMORY) {
        return 0;
      }
      for (long at = address; at < address + pages * PAGE; at += PAGE) {
        if (!isLazy) {
          assertEquals(0, mmu.loadLong(at));
        }
        if (mmu.storeLong(at, at ^ address) != 0) {
          assertTrue(isLazy);
          FaultOutcome outcome = vmalloc.fault(at);
          if (outcome == FaultOutcome.NO_MEMORY) {
            assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(address));
            return 0;
          }
          assertEquals(FaultOutcome.MAPPED, outcome);
          assertEquals(0, mmu.storeLong(at, at ^ address));
        }
      }
      return address;
    }

    private void check(Mmu mmu, long address) {
      long byteSize = vmalloc.sizeOf(address);
      assertTrue(byteSize > 0);
      for (long at = address; at < address + byteSize; at += PAGE) {
        assertEquals(at ^ address, mmu.loadLong(at));
        assertEquals(0, mmu.fault());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  @Tag("slow")
  @Behaviour("141")
  void threadsKeepWhatTheyStoredAndLoseNoFrame(int threads) throws InterruptedException {
    try (ZonedMemory memory = new ZonedMemory(4096, 512)) {
      long before = memory.free();
      Storm storm = new Storm(memory);
      List<Runnable> work = new ArrayList<>();
      for (int cpu = 0; cpu < threads; cpu++) {
        int own = cpu;
        work.add(() -> storm.run(own));
      }
      Threads.runAll(work);
      Mmu mmu = memory.processor(0);
      for (int slot = 0; slot < SLOTS; slot++) {
        long left = storm.slots.get(slot);
        if (left != 0) {
          storm.check(mmu, left);
          assertEquals(VmallocOutcome.FREED, memory.vmalloc.tryFree(left));
        }
      }
      assertEquals(0, memory.vmalloc.areaCount());
      assertEquals(0, memory.vmalloc.mappedPages());
      assertEquals(0, memory.vmalloc.mistakes());
      assertEquals(before, memory.free());
    }
  }
}
