package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Property;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The same small model for every subject: who is measured must be right.
class SubjectTest {
  private static final int FRAMES = 4096;

  /// All but the native ones, which NativePeersTest has, and zones, which keep some frames back.
  static Stream<Subject.Kind> framesOfOneMemory() {
    return Subject.Kind.allocators().stream().filter(kind -> !kind.isNative());
  }

  /// A request for an order, or a free of one of the blocks held.
  private record Step(boolean allocate, int order, int pick) {}

  private record Block(long pfn, int order) {}

  @ParameterizedTest
  @MethodSource("framesOfOneMemory")
  void noFrameIsOwnedTwiceAndNothingIsLost(Subject.Kind kind) {
    Property.check(
        1,
        60,
        random -> draw(random, largestOrder(kind)),
        steps -> check(() -> kind.create(FRAMES), steps));
  }

  @ParameterizedTest
  @MethodSource("shared")
  void whatThreadsShareIsAsGoodForOne(Subject.Kind kind) {
    Property.check(
        1,
        20,
        random -> draw(random, largestOrder(kind)),
        steps -> check(() -> kind.createShared(FRAMES), steps));
  }

  static Stream<Subject.Kind> shared() {
    return framesOfOneMemory().filter(kind -> kind.lack(Need.SPEED, 12) == null);
  }

  private static int largestOrder(Subject.Kind kind) {
    try (Subject subject = kind.create(FRAMES)) {
      return Math.min(10, subject.maxOrder());
    }
  }

  private static List<Step> draw(SplitMix64 random, int mostOrder) {
    List<Step> steps = new ArrayList<>();
    int largest = random.below(mostOrder + 1);
    int allocatePercent = (int) random.between(40, 75);
    for (int i = 0; i < 4000; i++) {
      steps.add(
          new Step(
              random.below(100) < allocatePercent,
              random.below(largest + 1),
              random.below(1 << 30)));
    }
    return steps;
  }

  private static void check(Supplier<Subject> creation, List<Step> steps) {
    try (Subject subject = creation.get()) {
      BitSet owned = new BitSet(FRAMES);
      List<Block> blocks = new ArrayList<>();
      for (Step step : steps) {
        if (step.allocate) {
          allocate(subject, step.order, owned, blocks);
        } else if (!blocks.isEmpty()) {
          Block block = blocks.remove(step.pick % blocks.size());
          subject.free(block.pfn, block.order);
          int first = (int) (block.pfn - Subject.START_PFN);
          owned.clear(first, first + (1 << block.order));
        }
      }
      blocks.forEach(block -> subject.free(block.pfn, block.order));
      subject.drain();
      int whole = Math.min(10, subject.maxOrder());
      for (int i = 0; i < FRAMES >> whole; i++) {
        assertTrue(subject.allocate(whole) >= 0, "memory is not whole again after all was freed");
      }
      assertEquals(Subject.NO_FRAME, subject.allocate(0));
    }
  }

  private static void allocate(Subject subject, int order, BitSet owned, List<Block> blocks) {
    long pfn = subject.allocate(order);
    if (pfn == Subject.NO_FRAME) {
      assertFalse(hasRoom(owned, order), "refused order " + order + " although a block is free");
      return;
    }
    int first = (int) (pfn - Subject.START_PFN);
    assertTrue(first >= 0 && first + (1 << order) <= FRAMES, "a foreign frame " + pfn);
    assertEquals(0, first & ((1 << order) - 1), "misaligned for order " + order);
    int taken = owned.nextSetBit(first);
    assertTrue(taken < 0 || taken >= first + (1 << order), "frame " + taken + " given out twice");
    owned.set(first, first + (1 << order));
    blocks.add(new Block(pfn, order));
  }

  private static boolean hasRoom(BitSet owned, int order) {
    for (int first = 0; first < FRAMES; first += 1 << order) {
      int taken = owned.nextSetBit(first);
      if (taken < 0 || taken >= first + (1 << order)) {
        return true;
      }
    }
    return false;
  }

  @ParameterizedTest
  @MethodSource("framesOfOneMemory")
  void freshMemoryIsUsedFromItsLowestAddress(Subject.Kind kind) {
    try (Subject subject = kind.create(FRAMES)) {
      for (int i = 0; i < FRAMES; i++) {
        assertEquals(Subject.START_PFN + i, subject.allocate(0));
      }
      assertEquals(Subject.NO_FRAME, subject.allocate(0));
    }
  }

  @ParameterizedTest
  @MethodSource("framesOfOneMemory")
  void aSecondFreeIsRefused(Subject.Kind kind) {
    try (Subject subject = kind.create(FRAMES)) {
      long pfn = subject.allocate(2);
      subject.free(pfn, 2);
      assertThrows(RuntimeException.class, () -> subject.free(pfn, 2));
    }
  }

  @ParameterizedTest
  @MethodSource("framesOfOneMemory")
  void aRequestThatFramesHeldAsideCouldServeIsServed(Subject.Kind kind) {
    try (Subject subject = kind.create(512)) {
      long[] frames = new long[512];
      for (int i = 0; i < frames.length; i++) {
        frames[i] = subject.allocate(0);
      }
      for (long frame : frames) {
        subject.free(frame, 0);
      }
      assertEquals(Subject.START_PFN, subject.allocate(9));
    }
  }
}
