package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.testkit.Behaviour;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/// A guard frees what it guards, once, at the end of its scope. Written once; a subclass says which
/// allocator.
abstract class FrameAllocatorGuards extends FrameAllocatorFixture {
  FrameAllocatorGuards(AllocatorUnderTest subject) {
    super(subject);
  }

  @Test
  @Behaviour("92")
  void aGuardOfFourFreesFourAtTheEndOfItsScope() {
    FrameAllocator allocator = memoryOf(64);
    try (FrameGuard guard = FrameGuard.allocate(allocator, 4, AllocationFlags.MOVABLE)) {
      assertNotNull(guard);
      assertEquals(4, guard.frameCount());
      assertEquals(0, guard.startPfn() % 4);
      assertEquals(4, allocator.statistics().usedFrames());
    }
    assertEquals(0, allocator.statistics().usedFrames());
    assertEquals(1, allocator.allocationCount(2, 1));
    assertEquals(1, allocator.freeCount(2));
  }

  @Test
  @Behaviour("92")
  void aGuardFreesAlsoWhenItsScopeIsLeftByAnException() {
    FrameAllocator allocator = memoryOf(64);
    assertThrows(
        IllegalStateException.class,
        () -> {
          try (FrameGuard guard = FrameGuard.allocate(allocator, 37, AllocationFlags.NONE)) {
            throw new IllegalStateException(Objects.toString(guard));
          }
        });
    assertEquals(0, allocator.statistics().usedFrames());
    allocator.assertValid();
  }

  @Test
  @Behaviour("92")
  void aLeakedRunIsNotFreed() {
    FrameAllocator allocator = memoryOf(20, 0x1000, 64);
    long pfn;
    try (FrameGuard guard =
        Objects.requireNonNull(FrameGuard.allocate(allocator, 3, AllocationFlags.NONE))) {
      pfn = guard.leak();
      assertEquals(guard.startPfn(), pfn);
      assertThrows(IllegalStateException.class, guard::leak);
    }
    assertEquals(3, allocator.statistics().usedFrames());
    allocator.freeFrames(pfn, 3);
    assertEquals(0, allocator.statistics().usedFrames());
  }

  @Test
  @Behaviour("92")
  void aGuardFreesOnce() {
    FrameAllocator allocator = memoryOf(4);
    FrameGuard guard =
        Objects.requireNonNull(FrameGuard.allocate(allocator, 4, AllocationFlags.NONE));
    guard.close();
    long again = allocateFrames(allocator, 4);
    assertEquals(guard.startPfn(), again);
    guard.close();
    assertEquals(4, allocator.statistics().usedFrames());
    assertThrows(IllegalStateException.class, guard::leak);
  }

  @Test
  @Behaviour("92")
  void framesFreedBehindAGuardsBackAreAMistakeItSees() {
    FrameAllocator allocator = memoryOf(4);
    FrameGuard guard =
        Objects.requireNonNull(FrameGuard.allocate(allocator, 2, AllocationFlags.NONE));
    allocator.freeFrames(guard.startPfn(), 2);
    FrameRequestException thrown = assertThrows(FrameRequestException.class, guard::close);
    assertEquals(FrameError.NOT_ALLOCATED, thrown.error());
  }

  @Test
  @Behaviour("92")
  void anExhaustedMemoryGivesNoGuard() {
    FrameAllocator allocator = memoryOf(4);
    try (FrameGuard guard = FrameGuard.allocate(allocator, 5, AllocationFlags.NONE)) {
      assertNull(guard);
    }
    assertThrows(
        FrameRequestException.class, () -> FrameGuard.allocate(allocator, 0, AllocationFlags.NONE));
    assertEquals(4, allocator.freeFrameCount());
  }
}
