package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.Test;

/// What every allocator of frames does with ranges handed over, with runs, and with what is split.
/// Written once; a subclass says which allocator.
abstract class FrameAllocatorRanges extends FrameAllocatorFixture {
  FrameAllocatorRanges(AllocatorUnderTest subject) {
    super(subject);
  }

  @Test
  @Behaviour({"43", "64"})
  void rangesOfAddressesAreRoundedInwards() {
    FrameAllocator allocator = spanOf(20, 0, 64);
    assertEquals(4, allocator.addRange(new AddressRange(0, 4 * 4096 + 2048)));
    assertFalse(allocator.isManaged(4));
    assertEquals(2, allocator.addRange(AddressRange.ofBounds(0x8001, 0xBFFF)));
    assertFalse(allocator.isManaged(8));
    assertTrue(allocator.isManaged(9));
    assertFalse(allocator.isManaged(11));
    assertEquals(0, allocator.addRange(AddressRange.ofBounds(0x14001, 0x15FFF)));
    assertEquals(0, allocator.addRange(new AddressRange(-5, 5)));
    assertEquals(6, allocator.managedFrameCount());
    allocator.assertValid();
  }

  @Test
  void rangesBeyondTheSpanAreRefusedWhole() {
    FrameAllocator allocator = spanOf(20, 16, 16);
    for (long[] range : new long[][] {{15, 20}, {30, 33}, {-1, 20}, {0, Long.MAX_VALUE}}) {
      FrameRequestException thrown =
          assertThrows(FrameRequestException.class, () -> allocator.addFrames(range[0], range[1]));
      assertEquals(FrameError.OUT_OF_RANGE, thrown.error());
    }
    assertEquals(0, allocator.addFrames(20, 20));
    assertEquals(0, allocator.addFrames(20, 18));
    assertEquals(0, allocator.managedFrameCount());
  }

  @Test
  @Behaviour("65")
  void overlappingRangesAddEachFrameOnce() {
    FrameAllocator allocator = spanOf(20, 0, 4096);
    assertEquals(100, allocator.addFrames(100, 200));
    assertEquals(0, allocator.addFrames(100, 200));
    assertEquals(0, allocator.addFrames(120, 130));
    assertEquals(100, allocator.addFrames(50, 250));
    assertEquals(50, allocator.addFrames(250, 300));
    assertEquals(2000, allocator.addFrames(2000, 4000));
    assertEquals(4096 - 2250, allocator.addFrames(0, 4096));
    assertEquals(4096, allocator.freeFrameCount());
    assertEquals(1, allocator.freeBlockCount(12));
    allocator.assertValid();
  }

  @Test
  @Behaviour("65")
  void aLargeRangeAddsOnlyWhatWasNotThereYet() {
    FrameAllocator allocator = spanOf(20, 0, 1L << 20);
    assertEquals(512, allocator.addFrames(1024, 1536));
    assertEquals(100, allocator.addFrames(3 << 14, (3 << 14) + 100));
    assertEquals((1L << 19) - 612, allocator.addFrames(0, 1L << 19));
    assertEquals(0, allocator.addFrames(0, 1L << 19));
    assertEquals(0, allocator.addFrames(0x5000, 0x7000));
    assertEquals(0, allocator.addFrames(0x5007, 0x5009));
    assertEquals(1L << 19, allocator.addFrames(0, 1L << 20));
    assertEquals(1L << 20, allocator.freeFrameCount());
    assertEquals(1, allocator.freeBlockCount(20));
  }

  @Test
  @Behaviour("65")
  void anAllocatedFrameThatIsAddedAgainStaysAllocated() {
    FrameAllocator allocator = spanOf(20, 0, 4096);
    allocator.addFrames(0, 2048);
    long run = allocateFrames(allocator, 600);
    long single = allocate(allocator, 0);
    assertEquals(2048, allocator.addFrames(0, 4096));
    assertEquals(4096 - 601, notInUse(allocator));
    allocator.assertValid();
    allocator.freeFrames(run, 600);
    allocator.free(single, 0);
    assertEquals(1, freeBlocks(allocator, 12));
  }

  @Test
  @Behaviour("66")
  void aSplitBlockIsFreedFrameByFrame() {
    FrameAllocator allocator = memoryOf(16);
    long block = allocate(allocator, 3);
    assertFreeRefused(allocator, FrameError.SIZE_MISMATCH, block, 0);
    assertThrows(FrameRequestException.class, () -> allocator.splitBlock(block, 2));
    assertThrows(FrameRequestException.class, () -> allocator.splitBlock(block + 1, 0));
    assertThrows(FrameRequestException.class, () -> allocator.splitBlock(block, 21));
    allocator.splitBlock(block, 3);
    allocator.assertValid();
    assertEquals(8, allocator.statistics().usedFrames());
    assertFreeRefused(allocator, FrameError.SIZE_MISMATCH, block, 3);
    for (long pfn : new long[] {5, 0, 3, 7, 1, 6, 2, 4}) {
      allocator.free(block + pfn, 0);
      allocator.assertValid();
    }
    assertEquals(1, freeBlocks(allocator, 4));
    assertThrows(FrameRequestException.class, () -> allocator.splitBlock(block, 3));
  }

  @Test
  @Behaviour("66")
  void aRunOf600KeepsExactlyThoseAndIsFreedAs600() {
    FrameAllocator allocator = memoryOf(1024);
    long run = allocateFrames(allocator, 600);
    assertEquals(424, notInUse(allocator));
    assertEquals(424, framesInFreeBlocks(allocator));
    assertTrue(allocator.largestFreeOrder() >= 8);
    allocator.assertValid();
    assertNotEquals(NO_FRAME, allocateFrames(allocator, 256));
    allocator.reset();
    long again = allocateFrames(allocator, 600);
    allocator.freeFrames(again, 600);
    assertEquals(run, again);
    assertEquals(1, freeBlocks(allocator, 10));
    allocator.assertValid();
  }

  @Test
  @Behaviour("66")
  void aRunCanBeSplitIntoFrames() {
    FrameAllocator allocator = memoryOf(1024);
    long run = allocateFrames(allocator, 37);
    assertThrows(FrameRequestException.class, () -> allocator.splitFrames(run, 36));
    allocator.splitFrames(run, 37);
    for (int i = 36; i >= 0; i--) {
      allocator.free(run + i, 0);
    }
    assertEquals(1, freeBlocks(allocator, 10));
    assertEquals(0, allocator.statistics().usedFrames());
  }

  @Test
  void aCountThatNoRunCanHaveIsRefusedEverywhere() {
    FrameAllocator allocator = memoryOf(1 << 20);
    long run = allocateFrames(allocator, 1 << 19);
    for (long count :
        new long[] {(1L << 51) + (1 << 19), 1L << 62, -1, 0, (1 << 19) + 1, 1 << 20}) {
      assertChangesNothing(
          allocator,
          () -> {
            assertThrows(
                FrameRequestException.class, () -> allocator.splitFrames(run, count), "" + count);
            assertTrue(allocator.tryFreeFrames(run, count) < 0, "" + count);
            assertTrue(allocator.tryFreeRange(run, count) < 0, "" + count);
          });
    }
    allocator.freeFrames(run, 1 << 19);
  }

  @Test
  void aRunOfAPowerOfTwoIsABlock() {
    FrameAllocator allocator = memoryOf(64);
    allocator.free(allocateFrames(allocator, 16), 4);
    allocator.freeFrames(allocate(allocator, 4), 16);
    assertEquals(1, freeBlocks(allocator, 6));
  }

  @Test
  void theLargestOrderIsAsLegalAsAnyOther() {
    for (int maxOrder : new int[] {0, 4, 9, 10}) {
      long frameCount = 1L << maxOrder;
      FrameAllocator allocator = memoryOf(maxOrder, 0, 2 * frameCount);
      long first = subject.tryAllocateOn(allocator, 0, maxOrder, AllocationFlags.NONE);
      long second = allocateFrames(allocator, frameCount);
      assertEquals(2 * frameCount, allocator.statistics().usedFrames());
      assertEquals(0, subject.tryFreeOn(allocator, 0, first, maxOrder));
      allocator.freeFrames(second, frameCount);
      long block = allocate(allocator, maxOrder);
      allocator.splitBlock(block, maxOrder);
      for (long pfn = block; pfn < block + frameCount; pfn++) {
        allocator.free(pfn, 0);
      }
      assertEquals(2, freeBlocks(allocator, maxOrder));
    }
  }

  @Test
  void aRangeIsNamedByItsFirstFrame() {
    FrameAllocator allocator = memoryOf(20, 0x1000, 1024);
    assertEquals(0x1005, allocator.tryAllocateRange(0x1005, 20, AllocationFlags.NONE));
    assertEquals(0x1200, allocator.tryAllocateRange(0x1200, 512, AllocationFlags.NONE));
  }
}
