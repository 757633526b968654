package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.Behaviour;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Every slot has its own words, and the magazines never take more than a 64th of memory.
class SlotsTest extends HybridParts {
  private static final int[] CPUS = {1, 2, 3, 8, 64};
  private static final long[] FRAMES = {1, 511, 1 << 10, 1 << 15, 1 << 18, 1 << 22, 1L << 32};

  private Slots slots(long address, long frameCount, int cpuCount) {
    Slots slots = new Slots(cpuCount);
    slots.attach(address, frameCount);
    return slots;
  }

  /// The addresses of everything in a slot, 8 bytes each but for the entries.
  private static void addAll(Set<Long> words, Set<Long> entries, Slots slots, int slot) {
    long claim = slots.claim(slot);
    assertEquals(0, claim % 64);
    long[] fixed = {
      claim,
      Slots.area(claim),
      Slots.rounds(claim),
      Slots.planLow(claim),
      Slots.planHigh(claim),
      Slots.changes(claim),
      Slots.refills(claim),
      Slots.wentHome(claim),
      Slots.transit(claim),
      Slots.recall(claim),
      Slots.owner(claim),
      Slots.retired(claim),
      Slots.undone(claim)
    };
    for (long word : fixed) {
      assertTrue(words.add(word), "word at " + (word - claim));
    }
    for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
      assertTrue(order == 0 || entries.add(Slots.last(claim, order)));
      assertTrue(words.add(Slots.header(claim, order)));
      boolean owned = slot >= slots.firstOwned();
      int capacity = owned ? (order == 0 ? Slots.OWNED_CAPACITY : 0) : slots.capacity(order);
      for (int i = 0; i < capacity; i++) {
        assertTrue(entries.add(slots.entry(claim, order, i)));
      }
    }
    for (int order = 0; order <= Pages.MAX_ORDER; order++) {
      assertTrue(words.add(Slots.taken(claim, order)));
    }
  }

  @Test
  void noTwoWordsOfAllSlotsShareAByteAndAllLieInside() {
    for (int cpuCount : new int[] {1, 2, 5}) {
      for (long frameCount : new long[] {1, 1 << 15, 1 << 22}) {
        long address = 1L << 40;
        Slots slots = slots(address, frameCount, cpuCount);
        Set<Long> words = new HashSet<>();
        Set<Long> entries = new HashSet<>();
        for (int slot = 0; slot < slots.count(); slot++) {
          addAll(words, entries, slots, slot);
        }
        long end = address + Slots.metadataBytes(frameCount, cpuCount);
        for (long word : words) {
          assertTrue(word >= address && word + 8 <= end);
          assertFalse(entries.contains(word) || entries.contains(word + 4));
        }
        for (long entry : entries) {
          assertTrue(entry >= address && entry + 4 <= end);
        }
      }
    }
  }

  @Test
  @Behaviour("89")
  void allMagazinesTogetherHoldAtMostA64thOfMemory() {
    for (int cpuCount : CPUS) {
      for (long frameCount : FRAMES) {
        Slots slots = slots(64, frameCount, cpuCount);
        long frames = 0;
        for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
          assertTrue(slots.capacity(order) >= 0);
          frames += (long) slots.capacity(order) << order;
        }
        long all = frames * cpuCount * AllocationFlags.KIND_COUNT;
        assertTrue(all <= frameCount / 64, cpuCount + " CPUs and " + frameCount + " frames");
      }
    }
  }

  @Test
  void metadataTakeAtMostTwoAndAHalfBitsAFrameFrom8GibAnd512MibPerCpuOn() {
    for (int cpuCount = 1; cpuCount <= 256; cpuCount++) {
      long frameCount = Math.max(1 << 21, (long) cpuCount << 17);
      long bytes = HybridAllocator.metadataBytes(0, frameCount, cpuCount);
      assertTrue(bytes * 16 <= frameCount * 5, cpuCount + " CPUs: " + bytes + " bytes");
    }
  }

  @Test
  void aSmallBankOfManyCpusHasSmallMagazinesRatherThanNone() {
    Slots slots = slots(64, 1 << 20, 8);
    assertTrue(slots.capacity(0) >= 16 && slots.capacity(1) > 0 && slots.capacity(3) > 0);
    assertEquals(64 + Slots.metadataBytes(1 << 20, 8), slots.claim(slots.count()));
  }

  @Test
  void moreMemoryNeverMeansSmallerMagazinesAndFullOnesComeToAHalt() {
    for (int cpuCount : CPUS) {
      int[] before = new int[Slots.CACHED_ORDERS];
      for (long frameCount : FRAMES) {
        Slots slots = slots(64, frameCount, cpuCount);
        for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
          assertTrue(slots.capacity(order) >= before[order]);
          before[order] = slots.capacity(order);
        }
      }
      Slots more = slots(64, 1L << 36, cpuCount);
      for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
        assertEquals(before[order], more.capacity(order));
        assertTrue(more.capacity(order) > 0, "every order has a magazine");
      }
    }
    assertEquals(512, slots(64, 1L << 36, 1).capacity(0));
  }

  @Test
  void aSlotBelongsToACpuAndAKind() {
    Slots slots = slots(64, 1 << 20, 3);
    assertEquals(3, slots.cpuCount());
    assertEquals(18, slots.firstOwned());
    assertEquals(18 + Slots.ownedCount(3), slots.count());
    Set<Integer> seen = new HashSet<>();
    for (int cpu = 0; cpu < 3; cpu++) {
      for (int kind = 0; kind < AllocationFlags.KIND_COUNT; kind++) {
        int slot = slots.of(cpu, kind);
        assertTrue(slot >= 0 && slot < slots.firstOwned() && seen.add(slot));
        assertEquals(kind, slots.kindOf(slot));
        assertEquals(slot, slots.of(cpu + 3, kind));
        assertEquals(slot, slots.of(cpu + 3 * 1000, kind));
      }
    }
  }

  @Test
  void aLockIsHadByOneAtATime() {
    long bytes = Slots.metadataBytes(1 << 20, 2);
    Slots slots = slots(zeros(bytes), 1 << 20, 2);
    long claim = slots.claim(3);
    assertFalse(Slots.isLocked(claim));
    assertTrue(Slots.tryLock(claim));
    assertTrue(Slots.isLocked(claim));
    assertFalse(Slots.tryLock(claim));
    assertTrue(Slots.tryLock(slots.claim(4)), "another slot's");
    Slots.unlock(claim);
    assertTrue(Slots.tryLock(claim));
    Slots.unlock(claim);
    Slots.unlock(slots.claim(4));
    assertTrue(areZeros(slots.claim(0), bytes + GUARD_BYTES));
  }
}
