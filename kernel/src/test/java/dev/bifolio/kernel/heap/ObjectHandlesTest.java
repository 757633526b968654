package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Handles go stale, and nothing goes through a stale one.
class ObjectHandlesTest {
  private static final int CAPACITY = 3;

  private final HeapWorld world = new HeapWorld(20, 0, 64);
  private final SlabCache cache = world.cache(48);
  private final long memory = world.windows.reserve(ObjectHandles.byteSize(CAPACITY));
  private final ObjectHandles handles = new ObjectHandles(memory, CAPACITY, cache);
  private final long buffer = world.windows.reserve(4096);

  @AfterEach
  void giveBack() {
    world.close();
  }

  private HandleOutcome write(long handle, long offset, long byteSize) {
    return handles.write(handle, offset, buffer, byteSize);
  }

  private HandleOutcome read(long handle, long offset, long byteSize) {
    return handles.read(handle, offset, buffer, byteSize);
  }

  @Test
  @Behaviour("136")
  void staleHandlesAreRefusedSizesCheckedAndObjectsReadAsZero() {
    assertThrows(IllegalArgumentException.class, () -> new SlabSpec("x", 0, 8));
    assertThrows(IllegalArgumentException.class, () -> new ObjectHandles(memory, 0, cache));
    long first = handles.allocate();
    long second = handles.allocate();
    long third = handles.allocate();
    assertEquals(ObjectHandles.FULL, handles.allocate());
    Memory.fill(buffer, 48, (byte) 7);
    assertEquals(HandleOutcome.DONE, write(second, 0, 48));
    assertEquals(HandleOutcome.OUT_OF_BOUNDS, write(second, 0, 49));
    assertEquals(HandleOutcome.DONE, handles.free(second));
    assertEquals(HandleOutcome.STALE, read(second, 0, 1));
    assertEquals(HandleOutcome.STALE, write(second, 0, 1));
    assertEquals(HandleOutcome.STALE, handles.free(second));
    long again = handles.allocate();
    assertNotEquals(second, again);
    assertEquals((int) second, (int) again);
    assertEquals(HandleOutcome.STALE, write(second, 0, 1));
    assertEquals(HandleOutcome.DONE, read(again, 0, 48));
    for (int i = 0; i < 48; i += 8) {
      assertEquals(0, Memory.getLong(buffer + i));
    }
    assertEquals(3, handles.inUse());
    assertEquals(HandleOutcome.DONE, handles.free(first));
    assertEquals(HandleOutcome.DONE, handles.free(third));
    assertEquals(HandleOutcome.DONE, handles.free(again));
    assertEquals(0, handles.inUse());
    world.assertGone(cache);
  }

  @Test
  void bytesAreCopiedToTheirPlaceAndBack() {
    long handle = handles.allocate();
    long other = handles.allocate();
    Memory.putLong(buffer, 0x1122_3344_5566_7788L);
    assertEquals(HandleOutcome.DONE, write(handle, 40, 8));
    assertEquals(HandleOutcome.DONE, read(other, 40, 8));
    assertEquals(0, Memory.getLong(buffer));
    assertEquals(HandleOutcome.DONE, read(handle, 40, 8));
    assertEquals(0x1122_3344_5566_7788L, Memory.getLong(buffer));
    assertEquals(HandleOutcome.DONE, read(handle, 48, 0));
  }

  @Test
  void whatDoesNotLieInTheObjectIsRefused() {
    long handle = handles.allocate();
    long[][] wrong = {{-1, 1}, {48, 1}, {41, 8}, {0, -1}, {Long.MAX_VALUE, 8}, {0, Long.MAX_VALUE}};
    for (long[] range : wrong) {
      assertEquals(HandleOutcome.OUT_OF_BOUNDS, read(handle, range[0], range[1]));
    }
    assertEquals(48, handles.byteSize());
  }

  @Test
  void handlesThatNeverWereAreStale() {
    assertEquals(HandleOutcome.STALE, handles.free(0));
    long handle = handles.allocate();
    for (long wrong : new long[] {handle + 1, handle + (1L << 32), -1, ObjectHandles.FULL, 5}) {
      assertEquals(HandleOutcome.STALE, handles.free(wrong));
      assertEquals(HandleOutcome.STALE, read(wrong, 0, 1));
    }
    assertEquals(HandleOutcome.DONE, handles.free(handle));
  }

  @Test
  void withoutMemoryNoHandleIsLost() {
    world.frames.failEvery(1);
    for (int i = 0; i < 10; i++) {
      assertEquals(ObjectHandles.NO_MEMORY, handles.allocate());
    }
    assertEquals(0, handles.inUse());
    world.frames.failEvery(0);
    for (int i = 0; i < CAPACITY; i++) {
      assertTrue(handles.allocate() >= 0);
    }
    assertEquals(ObjectHandles.FULL, handles.allocate());
  }

  @Test
  void anEntryWhoseGenerationsAreUsedUpIsNotUsedAgain() {
    long handle = handles.allocate();
    long last = Integer.MAX_VALUE - 1L;
    Memory.putLong(memory + 64, last << 32 | 1);
    assertEquals(HandleOutcome.STALE, handles.free(handle));
    assertEquals(HandleOutcome.DONE, handles.free(last << 32));
    assertEquals(1, (int) handles.allocate());
    assertEquals(2, (int) handles.allocate());
    assertEquals(ObjectHandles.FULL, handles.allocate());
  }
}
