package dev.bifolio.kernel.virtual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.PageFrames;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Frames of user spaces: their bytes, and who has them.
class UserMemoryTest {
  private static final long PAGE = 4096;

  private final UserWorld world = new UserWorld(64);
  private final UserMemory memory = world.memory;

  @AfterEach
  void close() {
    assertEquals(0, world.frames.inUse());
    world.close();
  }

  @Test
  void theLastSharerFreesAFrame() {
    long pfn = memory.allocate();
    assertTrue(memory.sharers().add(pfn));
    assertTrue(memory.sharers().add(pfn));
    assertFalse(memory.release(pfn));
    assertFalse(memory.release(pfn));
    assertEquals(1, world.frames.inUse());
    assertTrue(memory.release(pfn));
    assertEquals(0, world.frames.inUse());
  }

  @Test
  void withoutFramesThereIsNone() {
    world.frames.serve(0);
    assertEquals(UserMemory.NO_FRAME, memory.allocate());
    PageFrames lowest =
        new PageFrames() {
          @Override
          public long allocate(int order, int flags) {
            return flags == 7 && order == 0 ? 0 : -5;
          }

          @Override
          public void free(long pfn, int order) {}

          @Override
          public void split(long pfn, int order) {}
        };
    // Frame 0 is one; the flags are those for single frames.
    assertEquals(0, new UserMemory(lowest, 7, 8, memory.sharers(), 0).allocate());
    assertEquals(-1, new UserMemory(lowest, 8, 7, memory.sharers(), 0).allocate());
  }

  @Test
  void allOfABlockIsZeroedAndNothingBesideIt() {
    long block = world.frames.allocate(3, 0);
    for (int order = 0; order <= 3; order++) {
      long start = memory.addressOf(block);
      Memory.fill(start, 8 * PAGE, (byte) -1);
      memory.zero(block, order);
      for (int frame = 0; frame < 8; frame++) {
        assertEquals(frame < 1 << order, memory.isZero(block + frame));
      }
    }
    world.frames.free(block, 3);
  }

  @Test
  void aFrameIsZeroOnlyIfAllOfItIs() {
    long pfn = memory.allocate();
    memory.zero(pfn, 0);
    for (long offset : new long[] {0, 8, 2048, PAGE - 8}) {
      assertTrue(memory.isZero(pfn));
      Memory.putLong(memory.addressOf(pfn) + offset, 1L << 63);
      assertFalse(memory.isZero(pfn));
      Memory.putLong(memory.addressOf(pfn) + offset, 0);
    }
    memory.release(pfn);
  }

  @Test
  void aCopyIsAllOfAFrameAndNoMore() {
    long block = world.frames.allocate(2, 0);
    Memory.fill(memory.addressOf(block), 4 * PAGE, (byte) 0);
    Memory.fill(memory.addressOf(block), PAGE, (byte) 3);
    memory.copy(block, block + 2);
    assertTrue(memory.isZero(block + 1));
    assertTrue(memory.isZero(block + 3));
    for (long offset = 0; offset < PAGE; offset += 8) {
      assertEquals(0x0303_0303_0303_0303L, Memory.getLong(memory.addressOf(block + 2) + offset));
    }
    world.frames.free(block, 2);
  }
}
