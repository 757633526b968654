package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.Property;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Random requests on random memory maps against [FrameModel], an array that says who owns each
/// frame. Written once; a subclass says which allocator.
abstract class FrameAllocatorProperties extends FrameAllocatorFixture {
  private static final long[] SIZES = {1, 2, 5, 511, 512, 513, 1000, 1023, 1024, 4097};

  FrameAllocatorProperties(AllocatorUnderTest subject) {
    super(subject);
  }

  /// One step of a sequence. Where a step speaks of a live allocation, `pick` is taken modulo their
  /// number.
  sealed interface Step {
    record Span(int maxOrder, long startPfn, long frameCount) implements Step {}

    record Add(long startPfn, long endPfn) implements Step {}

    record Take(int order) implements Step {}

    record TakeRun(long frameCount) implements Step {}

    record Free(int pick) implements Step {}

    record FreeTwice(int pick) implements Step {}

    record FreeWrongly(long pfn, long frameCount) implements Step {}

    record FreeOtherCount(int pick, long skew, long frameCount) implements Step {}

    record Split(int pick) implements Step {}
  }

  @Test
  @Behaviour({"51", "52", "58", "59", "60", "61", "62", "65", "66"})
  void randomRequestsOnRandomMapsAgreeWithTheModel() {
    Property.check(51, 220, random -> draw(random, 120), this::run);
  }

  @Test
  @Behaviour({"51", "52"})
  void longSequencesAgreeWithTheModel() {
    Property.check(5100, 12, random -> draw(random, 4000), this::run);
  }

  private static List<Step> draw(SplitMix64 random, int stepCount) {
    List<Step> steps = new ArrayList<>();
    int maxOrder = random.oneIn(3) ? random.below(21) : 10;
    long start = random.oneIn(4) ? 0 : random.below(1L << 30) | 1;
    long frames = SIZES[random.below(SIZES.length)];
    steps.add(new Step.Span(maxOrder, start, frames));
    if (random.oneIn(2)) {
      steps.add(new Step.Add(start, start + frames));
    }
    for (int i = 0; i < stepCount; i++) {
      steps.add(drawStep(random, start, frames, maxOrder));
    }
    return steps;
  }

  private static Step drawStep(SplitMix64 random, long start, long frames, int maxOrder) {
    int pick = random.below(1 << 20);
    return switch (random.below(20)) {
      case 0 -> {
        long from = start + random.below(frames);
        yield new Step.Add(from, random.between(from, start + frames));
      }
      case 1, 2, 3, 4 -> new Step.Take(random.below(Math.min(maxOrder, 4) + 1));
      case 5 -> new Step.Take(random.below(maxOrder + 1));
      case 6, 7 ->
          new Step.TakeRun(
              1 + random.below(Math.min(1L << maxOrder, random.oneIn(2) ? 20 : frames)));
      case 8, 9, 10, 11, 12, 13 -> new Step.Free(pick);
      case 14 -> new Step.FreeTwice(pick);
      case 15, 16 ->
          new Step.FreeWrongly(
              start - 8 + random.below(frames + 16),
              1 + random.below(random.oneIn(2) ? 8 : frames));
      case 17, 18 -> new Step.FreeOtherCount(pick, random.below(3), 1 + random.below(40));
      default -> new Step.Split(pick);
    };
  }

  private void run(List<Step> steps) {
    if (steps.isEmpty() || !(steps.getFirst() instanceof Step.Span span)) {
      return;
    }
    FrameAllocator allocator = spanOf(span.maxOrder, span.startPfn, span.frameCount);
    FrameModel model = new FrameModel(span.maxOrder, span.startPfn, span.frameCount);
    for (int i = 1; i < steps.size(); i++) {
      apply(allocator, model, steps.get(i));
      assertEquals(model.freeFrames(), allocator.freeFrameCount());
      assertEquals(model.managedFrames(), allocator.managedFrameCount());
      assertEquals(model.freeFrames(), framesInFreeBlocks(allocator));
      if (i % 8 == 0 || steps.size() < 40) {
        allocator.assertValid();
        assertEquals(model.freeBlocks(), freeBlocks(allocator));
      }
    }
    FrameStatistics statistics = allocator.statistics();
    assertTrue(statistics.frees() <= model.framesEverTaken());
    assertEquals(model.served(), statistics.allocations());
    assertEquals(model.failed(), statistics.failures());
    assertEquals(model.peak(), statistics.peakUsedFrames());
    while (model.liveCount() > 0) {
      apply(allocator, model, new Step.Free(7));
    }
    assertEquals(model.freeBlocks(), freeBlocks(allocator));
    assertEquals(allocator.managedFrameCount(), allocator.freeFrameCount());
    allocator.assertValid();
    closeWindows();
  }

  private static void apply(FrameAllocator allocator, FrameModel model, Step step) {
    switch (step) {
      case Step.Span _ -> {}
      case Step.Add(long start, long end) ->
          assertEquals(model.add(start, end), allocator.addFrames(start, end));
      case Step.Take(int order) -> model.taken(allocate(allocator, order), 1L << order);
      case Step.TakeRun(long count) -> model.taken(allocateFrames(allocator, count), count);
      case Step.Free(int pick) -> {
        if (model.liveCount() > 0) {
          FrameModel.Run run = model.giveBack(pick);
          assertEquals(0, allocator.tryFreeFrames(run.pfn(), run.frameCount()));
        }
      }
      case Step.FreeTwice(int pick) -> {
        if (model.liveCount() > 0) {
          FrameModel.Run run = model.giveBack(pick);
          allocator.freeFrames(run.pfn(), run.frameCount());
          assertMistake(allocator, model, run.pfn(), run.frameCount());
        }
      }
      case Step.FreeWrongly(long pfn, long count) -> assertMistake(allocator, model, pfn, count);
      case Step.FreeOtherCount(int pick, long skew, long count) -> {
        if (model.liveCount() > 0) {
          assertMistake(allocator, model, model.live(pick).pfn() + skew, count);
        }
      }
      case Step.Split(int pick) -> {
        if (model.liveCount() > 0) {
          FrameModel.Run run = model.split(pick);
          allocator.splitFrames(run.pfn(), run.frameCount());
        }
      }
    }
  }

  /// Frees something that the model may know to be wrong; if it is right after all, it is freed.
  private static void assertMistake(
      FrameAllocator allocator, FrameModel model, long pfn, long frameCount) {
    assertEquals(model.expectedFree(pfn, frameCount), allocator.tryFreeFrames(pfn, frameCount));
  }
}
