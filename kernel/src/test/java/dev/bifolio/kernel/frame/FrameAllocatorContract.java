package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.PageFrame;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.Behaviour;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/// What every allocator of frames does, row by row: allocation, free, and memory handed over.
/// Written once; a subclass says which allocator.
abstract class FrameAllocatorContract extends FrameAllocatorFixture {
  FrameAllocatorContract(AllocatorUnderTest subject) {
    super(subject);
  }

  @Test
  @Behaviour("30")
  void aNewMemoryIsFreeAndKnowsItsFrames() {
    long base = 0x10000000L >> 12;
    FrameAllocator allocator = memoryOf(20, base, 1024);
    assertEquals(1024, allocator.managedFrameCount());
    assertEquals(1024, allocator.freeFrameCount());
    assertEquals(0, allocator.statistics().usedFrames());
    assertEquals(base, allocator.startPfn());
    assertEquals(base + 1024, allocator.endPfn());
    assertTrue(allocator.isManaged(base));
    assertTrue(allocator.isManaged(base + 1));
    assertTrue(allocator.isManaged(base + 1023));
    assertFalse(allocator.isManaged(base - 1));
    assertFalse(allocator.isManaged(base + 1024));
    assertFalse(allocator.isManaged(-1));
  }

  @Test
  @Behaviour("31")
  void aSingleFrameIsTakenAndGivenBack() {
    FrameAllocator allocator = memoryOf(20, 0x10000, 1024);
    long pfn = allocate(allocator, 0);
    assertTrue(allocator.isManaged(pfn));
    assertEquals(1, allocator.statistics().usedFrames());
    allocator.free(pfn, 0);
    assertEquals(0, allocator.statistics().usedFrames());
    allocator.assertValid();
  }

  @Test
  @Behaviour({"32", "62"})
  void blocksAreAlignedToTheirOwnLength() {
    FrameAllocator allocator = memoryOf(20, 0x10000, 1024);
    long four = allocate(allocator, 2);
    assertEquals(0, four % 4);
    assertEquals(4, allocator.statistics().usedFrames());
    long eight = allocate(allocator, 3);
    assertEquals(0, eight % 8);
    assertEquals(12, allocator.statistics().usedFrames());
    allocator.free(four, 2);
    allocator.free(eight, 3);
    assertEquals(0, allocator.statistics().usedFrames());
  }

  @Test
  @Behaviour("62")
  void aHugeAndAGiantBlockAreAlignedWhateverTheBase() {
    FrameAllocator allocator = memoryOf(20, 0x1FFF3, 3L << 18);
    long giant = allocate(allocator, Pages.GIANT_ORDER);
    assertNotEquals(NO_FRAME, giant);
    assertEquals(0, giant % (1L << 18));
    long huge = allocate(allocator, Pages.HUGE_ORDER);
    assertEquals(0, huge % 512);
    allocator.assertValid();
  }

  @Test
  @Behaviour("33")
  void theWholeMemoryCanBeOneBlock() {
    FrameAllocator allocator = memoryOf(512);
    long pfn = allocateFrames(allocator, 512);
    assertEquals(512, allocator.statistics().usedFrames());
    assertEquals(0, allocator.freeFrameCount());
    allocator.freeFrames(pfn, 512);
    assertEquals(512, notInUse(allocator));
  }

  @Test
  @Behaviour({"34", "75"})
  void impossibleRequestsAreRefusedAndCountedInBothStyles() {
    FrameAllocator allocator = memoryOf(9, 0, 2048);
    assertRequestRefused(allocator, FrameError.TOO_LARGE, 513);
    assertRequestRefused(allocator, FrameError.TOO_LARGE, 1024);
    assertRequestRefused(allocator, FrameError.TOO_LARGE, Long.MAX_VALUE);
    assertRequestRefused(allocator, FrameError.ZERO_ALLOCATION, 0);
    assertRequestRefused(allocator, FrameError.ZERO_ALLOCATION, -1);
    for (int order : new int[] {-1, 10, 64, Integer.MIN_VALUE}) {
      assertRefused(
          allocator,
          FrameError.INVALID_ORDER,
          () -> allocate(allocator, order),
          () -> allocator.tryAllocate(order, AllocationFlags.NONE));
    }
    FrameStatistics statistics = allocator.statistics();
    assertEquals(18, statistics.requests());
    assertEquals(18, statistics.failures());
    assertEquals(0, statistics.allocations());
  }

  private static void assertRequestRefused(
      FrameAllocator allocator, FrameError error, long frameCount) {
    assertRefused(
        allocator,
        error,
        () -> allocateFrames(allocator, frameCount),
        () -> allocator.tryAllocateFrames(frameCount, AllocationFlags.NONE));
  }

  @Test
  @Behaviour("35")
  void anExhaustedMemoryServesAgainAfterAFree() {
    FrameAllocator allocator = memoryOf(8);
    long first = allocateFrames(allocator, 4);
    assertNotEquals(NO_FRAME, allocateFrames(allocator, 4));
    assertEquals(0, allocator.freeFrameCount());
    assertEquals(NO_FRAME, allocate(allocator, 0));
    assertEquals(NO_FRAME, allocator.tryAllocate(0, AllocationFlags.NONE));
    assertEquals(NO_FRAME, allocateFrames(allocator, 1));
    allocator.freeFrames(first, 4);
    assertNotEquals(NO_FRAME, allocate(allocator, 0));
  }

  @Test
  @Behaviour("36")
  void oneFrameOfEightIsSplitOffAndJoinedAgain() {
    FrameAllocator allocator = memoryOf(8);
    long pfn = allocate(allocator, 0);
    assertEquals(7, notInUse(allocator));
    long splits = allocator.statistics().splits();
    long before = allocator.statistics().coalesces();
    allocator.free(pfn, 0);
    long joins = allocator.statistics().coalesces() - before;
    assertEquals(8, notInUse(allocator));
    assertEquals(1, freeBlocks(allocator, 3));
    if (subject.exactSplits()) {
      assertEquals(3, splits);
      assertEquals(3, joins);
    }
  }

  @Test
  @Behaviour("37")
  void twoHalvesFreedInOrderJoin() {
    FrameAllocator allocator = memoryOf(8);
    long first = allocate(allocator, 2);
    long second = allocate(allocator, 2);
    allocator.free(first, 2);
    allocator.free(second, 2);
    assertEquals(8, notInUse(allocator));
    assertEquals(1, freeBlocks(allocator, 3));
    if (subject.exactSplits()) {
      assertTrue(allocator.statistics().coalesces() > 0);
    }
  }

  @Test
  @Behaviour("38")
  void everySecondFrameFreedAndThenTheOthersRestoresTheBlocks() {
    FrameAllocator allocator = memoryOf(1024);
    List<Long> initial = freeBlocks(allocator);
    long[] pfns = new long[64];
    for (int i = 0; i < 64; i++) {
      pfns[i] = allocate(allocator, 0);
    }
    for (int i = 0; i < 64; i += 2) {
      allocator.free(pfns[i], 0);
    }
    assertEquals(32, allocator.statistics().usedFrames());
    for (int i = 1; i < 64; i += 2) {
      allocator.free(pfns[i], 0);
    }
    assertEquals(0, allocator.statistics().usedFrames());
    assertEquals(initial, freeBlocks(allocator));
  }

  @Test
  @Behaviour("39")
  void freeBlocksAreCountedPerOrder() {
    FrameAllocator allocator = memoryOf(512);
    for (int order = 0; order <= 20; order++) {
      assertEquals(order == 9 ? 1 : 0, allocator.freeBlockCount(order));
    }
    assertEquals(9, allocator.largestFreeOrder());
    allocate(allocator, 9);
    assertEquals(Pages.NO_ORDER, allocator.largestFreeOrder());
    assertThrows(FrameRequestException.class, () -> allocator.freeBlockCount(21));
    assertThrows(FrameRequestException.class, () -> allocator.freeBlockCount(-1));
  }

  @Test
  @Behaviour("40")
  void badFreesAreNamed() {
    FrameAllocator allocator = memoryOf(20, 0x10000, 1024);
    long pfn = allocate(allocator, 0);
    assertFreeFramesRefused(allocator, FrameError.ZERO_ALLOCATION, pfn, 0);
    assertFreeFramesRefused(allocator, FrameError.ZERO_ALLOCATION, pfn, -8);
    assertFreeFramesRefused(allocator, FrameError.OUT_OF_RANGE, 0, 1);
    assertFreeRefused(allocator, FrameError.INVALID_ORDER, pfn, -1);
    assertFreeRefused(allocator, FrameError.INVALID_ORDER, pfn, 21);
    FrameRequestException unaligned =
        assertThrows(FrameRequestException.class, () -> allocator.freeFramesAt(1, 1));
    assertEquals(FrameError.UNALIGNED, unaligned.error());
    assertEquals(1, allocator.statistics().usedFrames());
    allocator.freeFramesAt(Pages.pfnToAddress(pfn), 1);
    assertEquals(0, allocator.statistics().usedFrames());
  }

  @Test
  @Behaviour("41")
  void aBlockCanBeAFrameValue() {
    FrameAllocator allocator = memoryOf(16);
    PageFrame frame = Objects.requireNonNull(allocator.allocatePageFrame(2, AllocationFlags.NONE));
    assertEquals(4, frame.frameCount());
    assertTrue(Pages.isOrderAligned(frame.startAddress(), 2));
    allocator.freePageFrame(frame);
    assertEquals(0, allocator.statistics().usedFrames());
    assertEquals(null, allocator.allocatePageFrame(5, AllocationFlags.NONE));
  }

  @Test
  @Behaviour({"42", "72"})
  void resetTakesEverythingBack() {
    FrameAllocator allocator = memoryOf(20, 3, 1000);
    List<Long> initial = freeBlocks(allocator);
    allocateFrames(allocator, 100);
    allocateFrames(allocator, 50);
    allocator.splitBlock(allocate(allocator, 3), 3);
    allocator.resetCounters();
    FrameStatistics kept = allocator.statistics();
    assertEquals(0, kept.requests() + kept.allocations() + kept.frees() + kept.splits());
    assertEquals(842, kept.freeFrames() + kept.cachedFrames());
    assertEquals(158, kept.peakUsedFrames());
    allocator.reset();
    assertEquals(memoryOf(20, 3, 1000).statistics(), allocator.statistics());
    assertEquals(0, allocator.statistics().requests());
    assertEquals(0, allocator.statistics().coalesces());
    assertEquals(1000, allocator.statistics().freeFrames());
    assertEquals(initial, freeBlocks(allocator));
    allocator.assertValid();
  }

  @Test
  @Behaviour("43")
  void nothingIsServedBeforeInitialisation() {
    FrameAllocator allocator = uninitialised(20);
    assertEquals(FrameError.NOT_INITIALIZED.code(), allocator.tryAllocate(0, AllocationFlags.NONE));
    assertEquals(FrameError.NOT_INITIALIZED.code(), allocator.tryAllocateFrames(1, 0));
    assertEquals(FrameError.NOT_INITIALIZED.code(), allocator.tryFree(0, 0));
    assertEquals(FrameError.NOT_INITIALIZED.code(), allocator.tryFree(0, -1));
    assertEquals(FrameError.NOT_INITIALIZED.code(), allocator.tryFreeFrames(0, 1));
    assertNotInitialised(() -> allocate(allocator, 0));
    assertNotInitialised(() -> allocateFrames(allocator, 1));
    assertNotInitialised(() -> allocator.free(0, 0));
    assertNotInitialised(() -> allocator.freeFrames(0, 1));
    assertNotInitialised(() -> allocator.splitBlock(0, 0));
    assertNotInitialised(() -> allocator.splitBlock(0, 99));
    assertNotInitialised(() -> allocator.addFrames(0, 1));
    assertFalse(allocator.isManaged(0));
    assertEquals(0, allocator.freeBlockCount(0));
    allocator.reset();
    allocator.assertValid();
    long metadata = metadataFor(0, 64);
    FrameRequestException unaligned =
        assertThrows(
            FrameRequestException.class, () -> initialize(allocator, metadata, 0x1001, 64));
    assertEquals(FrameError.UNALIGNED, unaligned.error());
    assertTrue(unaligned.getMessage().contains("page alignment"), unaligned.getMessage());
    initialize(allocator, metadata, 0, 64);
    assertEquals(64, allocator.addFrames(0, 64));
    assertNotEquals(NO_FRAME, allocate(allocator, 0));
    assertThrows(IllegalStateException.class, () -> initialize(allocator, metadata, 0, 64));
  }

  private static void assertNotInitialised(Executable request) {
    FrameRequestException thrown = assertThrows(FrameRequestException.class, request);
    assertEquals(FrameError.NOT_INITIALIZED, thrown.error());
  }

  @Test
  void impossibleSpansAreRefused() {
    FrameAllocator allocator = uninitialised(20);
    long metadata = metadataFor(0, 64);
    for (long[] span :
        new long[][] {
          {0, 0}, {0, -1}, {0, (1L << 34) + 1}, {-4096, 1}, {Long.MAX_VALUE - 4095, 1}
        }) {
      assertThrows(
          FrameRequestException.class, () -> initialize(allocator, metadata, span[0], span[1]));
    }
    assertThrows(IllegalArgumentException.class, () -> initialize(allocator, metadata + 8, 0, 64));
    assertThrows(IllegalArgumentException.class, () -> initialize(allocator, 0, 0, 64));
    assertThrows(FrameRequestException.class, () -> metadataBytes(5, 5));
    assertThrows(FrameRequestException.class, () -> uninitialised(21));
    assertThrows(FrameRequestException.class, () -> uninitialised(-1));
  }

  @Test
  @Behaviour("46")
  void aFragmentedMemoryRefusesTheLargestBlockAndStaysAsItIs() {
    FrameAllocator allocator = memoryOf(4, 0, 16);
    long[] pfns = new long[16];
    for (int i = 0; i < 16; i++) {
      pfns[i] = allocate(allocator, 0);
    }
    for (int i = 0; i < 16; i += 2) {
      allocator.free(pfns[i], 0);
    }
    List<Long> before = freeBlocks(allocator);
    assertEquals(NO_FRAME, allocate(allocator, 4));
    assertEquals(NO_FRAME, allocate(allocator, 1));
    assertEquals(before, freeBlocks(allocator));
    assertEquals(8, notInUse(allocator));
    allocator.assertValid();
  }

  @Test
  @Behaviour("58")
  void aDoubleFreeIsSeenAtEveryPlace() {
    FrameAllocator allocator = memoryOf(64);
    long single = allocate(allocator, 0);
    long neighbour = allocate(allocator, 0);
    long block = allocate(allocator, 3);
    allocator.free(single, 0);
    assertFreeRefused(allocator, FrameError.NOT_ALLOCATED, single, 0);
    allocator.free(block, 3);
    assertFreeRefused(allocator, FrameError.NOT_ALLOCATED, block, 3);
    assertFreeRefused(allocator, FrameError.NOT_ALLOCATED, block + 4, 2);
    allocator.free(neighbour, 0);
    assertEquals(1, freeBlocks(allocator, 6));
    assertFreeRefused(allocator, FrameError.NOT_ALLOCATED, single, 0);
    assertFreeRefused(allocator, FrameError.NOT_ALLOCATED, 0, 6);
    assertFreeRefused(allocator, FrameError.NOT_ALLOCATED, 37, 0);
    assertFreeFramesRefused(allocator, FrameError.NOT_ALLOCATED, 1, 63);
    assertEquals(14, allocator.statistics().refusedFrees());
  }

  @Test
  @Behaviour("59")
  void anotherLengthOrATailIsASizeMismatch() {
    FrameAllocator allocator = memoryOf(20, 0, 4096);
    long block = allocate(allocator, 3);
    assertFreeRefused(allocator, FrameError.SIZE_MISMATCH, block, 2);
    assertFreeRefused(allocator, FrameError.SIZE_MISMATCH, block, 4);
    assertFreeFramesRefused(allocator, FrameError.SIZE_MISMATCH, block, 7);
    assertFreeFramesRefused(allocator, FrameError.SIZE_MISMATCH, block, 9);
    assertFreeFramesRefused(allocator, FrameError.SIZE_MISMATCH, block + 1, 7);
    assertFreeRefused(allocator, FrameError.SIZE_MISMATCH, block + 4, 2);
    assertFreeRefused(allocator, FrameError.SIZE_MISMATCH, block + 7, 0);
    // A length whose bits would be lost if it were shifted carelessly.
    assertFreeFramesRefused(allocator, FrameError.ZERO_ALLOCATION, block, Long.MIN_VALUE + 8);
    assertFreeFramesRefused(allocator, FrameError.OUT_OF_RANGE, block, (1L << 62) + 8);
    long run = allocateFrames(allocator, 600);
    assertFreeRefused(allocator, FrameError.SIZE_MISMATCH, run, 10);
    assertFreeRefused(allocator, FrameError.SIZE_MISMATCH, run, 9);
    assertFreeFramesRefused(allocator, FrameError.SIZE_MISMATCH, run, 599);
    assertFreeFramesRefused(allocator, FrameError.SIZE_MISMATCH, run, 601);
    assertFreeFramesRefused(allocator, FrameError.SIZE_MISMATCH, run + 512, 88);
    FrameRequestException thrown =
        assertThrows(FrameRequestException.class, () -> allocator.freeFrames(run + 512, 88));
    assertTrue(thrown.getMessage().contains(AddressRange.hex(run + 512)), thrown.getMessage());
    assertTrue(thrown.getMessage().contains("expected the first of 88"), thrown.getMessage());
    assertTrue(thrown.getMessage().contains("found the inside of an allocated run of 600 frames"));
    assertTrue(thrown.getMessage().endsWith("at " + AddressRange.hex(run)));
  }

  @Test
  @Behaviour("59")
  void aBlockOfAnyOrderIsFreedWithThatOrderOnly() {
    FrameAllocator allocator = memoryOf(20, 0, 8192);
    for (int order = 0; order <= 11; order++) {
      long block = allocate(allocator, order);
      for (int other = 0; other <= 12; other++) {
        if (other != order) {
          assertEquals(FrameError.SIZE_MISMATCH.code(), allocator.tryFree(block, other));
          assertEquals(
              FrameError.SIZE_MISMATCH.code(), allocator.tryFreeFrames(block, 1L << other));
        }
      }
      assertEquals(1L << order, allocator.statistics().usedFrames());
      allocator.free(block, order);
    }
  }

  @Test
  @Behaviour("60")
  void aFreeThatBeginsInsideAndEndsOutsideIsOutOfRange() {
    FrameAllocator allocator = spanOf(20, 0, 64);
    allocator.addFrames(0, 16);
    allocator.addFrames(32, 48);
    allocator.splitBlock(allocate(allocator, 4), 4);
    allocator.splitBlock(allocate(allocator, 4), 4);
    assertFreeFramesRefused(allocator, FrameError.OUT_OF_RANGE, 15, 2);
    assertFreeFramesRefused(allocator, FrameError.OUT_OF_RANGE, 0, 32);
    assertFreeFramesRefused(allocator, FrameError.OUT_OF_RANGE, 47, 2);
    assertFreeFramesRefused(allocator, FrameError.OUT_OF_RANGE, 47, 18);
    assertFreeFramesRefused(allocator, FrameError.OUT_OF_RANGE, 47, Long.MAX_VALUE);
    assertFreeRefused(allocator, FrameError.OUT_OF_RANGE, 32, 20);
  }

  @Test
  @Behaviour("61")
  void framesNeverHandedOverCannotBeFreed() {
    FrameAllocator allocator = spanOf(20, 0x100, 1024);
    allocator.addFrames(0x140, 0x180);
    allocator.addFrames(0x183, 0x200);
    allocator.splitFrames(allocateFrames(allocator, 64), 64);
    for (long pfn :
        new long[] {
          0,
          0xFF,
          0x100,
          0x13F,
          0x180,
          0x182,
          0x200,
          0x4FF,
          0x500,
          1_000_000_000_000L,
          -1,
          Long.MIN_VALUE,
          Long.MAX_VALUE
        }) {
      assertFreeRefused(allocator, FrameError.OUT_OF_RANGE, pfn, 0);
      assertFreeFramesRefused(allocator, FrameError.OUT_OF_RANGE, pfn, 1);
      assertFalse(allocator.isManaged(pfn));
    }
  }
}
