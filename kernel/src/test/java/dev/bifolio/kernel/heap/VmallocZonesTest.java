package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.zone.AccountTree;
import org.junit.jupiter.api.Test;

class VmallocZonesTest {
  private static final long PAGE = 4096;

  @Test
  void theWordOfEachFrameNamesItsPageWhileItIsOut() {
    try (ZonedMemory memory = new ZonedMemory(1024, 64)) {
      long before = memory.free();
      Vmalloc vmalloc = memory.vmalloc;
      long first = vmalloc.allocate(PAGE, 0);
      // More than the high zone has, and than one batch.
      long address = vmalloc.allocate(600 * PAGE, 0);
      long high = 0;
      long[] pfns = new long[600];
      for (int page = 0; page < 600; page++) {
        pfns[page] = memory.space.translate(address + page * PAGE) >>> 12;
        high += pfns[page] >= memory.highFirst ? 1 : 0;
        long word = FrameInfo.word(FrameInfo.KIND_VMALLOC, 0, 0, page + 2);
        assertEquals(word, memory.word(pfns[page]));
      }
      assertTrue(high > 0, "no high memory is used");
      assertTrue(high < 600);
      assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(address));
      for (long pfn : pfns) {
        assertEquals(0, memory.word(pfn));
      }
      assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(first));
      assertEquals(before, memory.free());
    }
  }

  @Test
  void framesAreChargedAndRefunded() {
    try (ZonedMemory memory = new ZonedMemory(1024, 64)) {
      AccountTree accounts = memory.accounts;
      int account = accounts.open(AccountTree.ROOT, 40, 0);
      int flags = AllocationFlags.charge(account);
      long before = memory.free();
      long address = memory.vmalloc.allocate(20 * PAGE, flags);
      long lazy = memory.vmalloc.allocate(90 * PAGE, flags | Vmalloc.LAZY);
      assertEquals(20, accounts.usage(account));
      assertTrue(memory.vmalloc.fault(lazy + 50 * PAGE).isResolved());
      assertEquals(21, accounts.usage(account));
      long pfn = memory.space.translate(lazy + 50 * PAGE) >>> 12;
      assertEquals(FrameInfo.word(FrameInfo.KIND_VMALLOC, account, 0, 21 + 50), memory.word(pfn));
      assertEquals(Vmalloc.NO_MEMORY, memory.vmalloc.allocate(20 * PAGE, flags));
      assertEquals(21, accounts.usage(account));
      assertEquals(VmallocOutcome.FREED, memory.vmalloc.tryFree(address));
      assertEquals(VmallocOutcome.FREED, memory.vmalloc.tryFree(lazy));
      assertEquals(0, accounts.usage(account));
      assertEquals(0, memory.word(pfn));
      assertEquals(before, memory.free());
    }
  }

  @Test
  void onlyFramesOfTheZonesAreItsOwn() {
    try (ZonedMemory memory = new ZonedMemory(1024, 64)) {
      VmallocZones zones = new VmallocZones(memory.frames, 0);
      assertEquals(1024 + 64 - 16, zones.mostFrames());
      long[] pfns = new long[4];
      assertEquals(3, zones.take(pfns, 3, 0, 9));
      assertEquals(0, pfns[3]);
      for (int i = 0; i < 3; i++) {
        assertTrue(pfns[i] < memory.highFirst, "high memory was not wanted");
        assertEquals(9 + i, FrameInfo.ownerOf(memory.word(pfns[i])));
      }
      zones.give(pfns, 3);
      for (long pfn : new long[] {ZonedMemory.FIRST - 1, memory.end}) {
        assertThrows(IllegalStateException.class, () -> zones.give(new long[] {pfn}, 1));
      }
    }
  }
}
