package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.SplitMix64;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What only the classic buddy allocator promises: places, and states of frames.
class BuddyAllocatorTest extends FrameAllocatorFixture {
  BuddyAllocatorTest() {
    super(new AllocatorUnderTest.Buddy());
  }

  @Test
  @Behaviour("24")
  void aNewAllocatorHasNothing() {
    FrameAllocator allocator = spanOf(20, 0, 64);
    assertEquals(NO_FRAME, allocate(allocator, 0));
    assertEquals(0, allocator.freeFrameCount());
  }

  @Test
  void theLongerConstructorMakesAnInitialisedAllocator() {
    long metadata = metadataFor(64, 128);
    FrameAllocator allocator = new BuddyAllocator(5, metadata, 64 * 4096, 64);
    assertEquals(64, allocator.addFrames(64, 128));
    assertEquals(2, allocator.freeBlockCount(5));
    allocator.assertValid();
  }

  @Test
  void aRangeSplitsItsBlocksAsOftenAsTheyJoinAgain() {
    // Frames, first frame, count, splits: a block that is cut into n pieces is split n - 1 times.
    long[][] ranges = {{16, 5, 3, 4}, {16, 0, 16, 0}, {16, 1, 1, 4}, {24, 7, 10, 7}};
    for (long[] range : ranges) {
      FrameAllocator allocator = memoryOf(range[0]);
      long joined = allocator.statistics().coalesces();
      assertTrue(allocator.allocateRange(range[1], range[2], AllocationFlags.NONE));
      assertEquals(range[3], allocator.statistics().splits());
      assertEquals(range[0] - range[2], allocator.freeFrameCount());
      allocator.freeRange(range[1], range[2]);
      assertEquals(joined + range[3], allocator.statistics().coalesces());
    }
  }

  @Test
  @Behaviour("25")
  void oneFrameIsGivenOutOnce() {
    FrameAllocator allocator = memoryOf(1);
    assertEquals(0, allocate(allocator, 0));
    assertEquals(NO_FRAME, allocate(allocator, 0));
  }

  @Test
  @Behaviour("26")
  void fourFramesAreOneBlockOfOrderTwo() {
    FrameAllocator allocator = memoryOf(4);
    assertEquals(0, allocate(allocator, 2));
    assertEquals(NO_FRAME, allocate(allocator, 0));
  }

  @Test
  @Behaviour({"27", "28"})
  void splittingKeepsTheLowerHalfAndFreeingRestoresTheBlock() {
    FrameAllocator allocator = memoryOf(4);
    assertEquals(0, allocate(allocator, 0));
    assertEquals(1, allocate(allocator, 0));
    assertEquals(2, allocate(allocator, 1));
    assertEquals(NO_FRAME, allocate(allocator, 0));
    allocator.free(0, 0);
    allocator.free(1, 0);
    allocator.free(2, 1);
    assertEquals(0, allocate(allocator, 2));
  }

  @Test
  @Behaviour("29")
  void aTailBehindTheLargestBlockIsUsed() {
    FrameAllocator allocator = memoryOf(5);
    assertEquals(0, allocate(allocator, 2));
    assertEquals(4, allocate(allocator, 0));
  }

  @Test
  @Behaviour("47")
  void headsHaveStatesAndOrdersAndSiblingsAreFree() {
    BuddyAllocator allocator = (BuddyAllocator) memoryOf(8);
    assertEquals(0, allocate(allocator, 0));
    FrameDescriptors frames = allocator.frames;
    assertTrue(frames.isAllocatedRun(0, 1));
    assertTrue(frames.isFreeBlock(1, 0));
    assertTrue(frames.isFreeBlock(2, 1));
    assertEquals(FrameDescriptors.TAIL, frames.state(3));
    assertTrue(frames.isFreeBlock(4, 2));
    for (long tail = 5; tail < 8; tail++) {
      assertTrue(frames.isBlank(tail));
    }
  }

  @Test
  @Behaviour("48")
  void twoHalvesAreTheLowerAndTheUpperOne() {
    FrameAllocator allocator = memoryOf(1024);
    assertEquals(0, allocateFrames(allocator, 512));
    assertEquals(512, allocateFrames(allocator, 512));
    allocator.freeFrames(0, 512);
    allocator.freeFrames(512, 512);
    assertEquals(0, allocateFrames(allocator, 1024));
  }

  @Test
  @Behaviour("49")
  void theSameBlockComesBack() {
    FrameAllocator allocator = memoryOf(20, 0x400, 4096);
    long first = allocate(allocator, 10);
    allocator.free(first, 10);
    assertEquals(first, allocate(allocator, 10));
  }

  @Test
  @Behaviour("50")
  void adjacentHalvesBecomeOneBlockAtTheFirst() {
    FrameAllocator allocator = memoryOf(10, 2048, 1024);
    long first = allocate(allocator, 9);
    long second = allocate(allocator, 9);
    allocator.free(second, 9);
    allocator.free(first, 9);
    assertEquals(1, allocator.freeBlockCount(10));
    assertEquals(first, allocate(allocator, 10));
  }

  @Test
  void freshMemoryIsUsedFromItsLowestAddress() {
    FrameAllocator allocator = memoryOf(4, 0, 64);
    for (int i = 0; i < 64; i++) {
      assertEquals(i, allocate(allocator, 0));
    }
  }

  @Test
  void theTailOfARunIsFreedAsTheAlignedBlocksThatItIs() {
    FrameAllocator allocator = memoryOf(1024);
    assertEquals(0, allocateFrames(allocator, 600));
    FrameDescriptors frames = ((BuddyAllocator) allocator).frames;
    assertTrue(frames.isFreeBlock(600, 3));
    assertTrue(frames.isFreeBlock(608, 5));
    assertTrue(frames.isFreeBlock(640, 7));
    assertTrue(frames.isFreeBlock(768, 8));
    assertEquals(7, allocator.statistics().splits());
    allocator.freeFrames(0, 600);
    assertEquals(7, allocator.statistics().coalesces());
  }

  @Test
  @Behaviour("20")
  void aBuddyThatIsNotFreeOrOfAnotherOrderIsNotJoined() {
    FrameAllocator allocator = memoryOf(4);
    allocate(allocator, 0);
    long second = allocate(allocator, 0);
    allocator.free(second, 0);
    assertEquals(List.of(1L, 1L, 0L), freeBlocks(allocator).subList(0, 3));
    allocator.free(allocate(allocator, 1), 1);
    assertEquals(List.of(1L, 1L, 0L), freeBlocks(allocator).subList(0, 3));
  }

  @Test
  void metadataCostSixteenBytesAFrameAndLittleMore() {
    long bytes = BuddyAllocator.metadataBytes(0x80000, 0x80000 + (1L << 21));
    assertEquals(0, bytes % 64);
    assertTrue(bytes > (16L << 21) && bytes < (16L << 21) * 1001 / 1000, bytes + " bytes");
    assertEquals(384 + 64 + 64 + 64, BuddyAllocator.metadataBytes(7, 8));
    // A span that touches two sections and two patches with two frames.
    assertEquals(384 + 64 + 64 + 64, BuddyAllocator.metadataBytes((1 << 20) - 1, (1 << 20) + 1));
  }

  @Test
  void aBrokenFreeListStopsTheAllocationAndIsNamed() {
    BuddyAllocator allocator = (BuddyAllocator) memoryOf(20, 0, 6);
    FrameDescriptors frames = allocator.frames;
    frames.setNextLink(4, 40);
    forget(allocator);
    FrameRequestException thrown =
        assertThrows(FrameRequestException.class, () -> allocate(allocator, 1));
    assertEquals(FrameError.CORRUPTION, thrown.error());
    assertFalse(allocator.validate().isValid());
    assertThrows(AssertionError.class, allocator::assertValid);
    assertNotEquals(NO_FRAME, allocate(allocator, 2));
  }

  @Test
  void eachSplitIsUndoneByOneJoin() {
    FrameAllocator allocator = memoryOf(20, 0, 1 << 16);
    SplitMix64 random = new SplitMix64(36);
    for (int round = 0; round < 200; round++) {
      long count = 1L + random.below(3000);
      long run = allocateFrames(allocator, count);
      int order = random.below(9);
      long block = allocate(allocator, order);
      if (random.oneIn(2)) {
        allocator.splitFrames(run, count);
        for (long pfn = run; pfn < run + count; pfn++) {
          allocator.free(pfn, 0);
        }
      } else {
        allocator.freeFrames(run, count);
      }
      allocator.free(block, order);
      assertEquals(allocator.statistics().splits(), allocator.statistics().coalesces());
    }
    assertTrue(allocator.statistics().splits() > 200);
  }
}
