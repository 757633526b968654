package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.Property;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Random requests on random memory maps against [FrameModel], an array that says who owns each
/// frame. Written once; a subclass says which allocator.
@Tag("slow")
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

    record Take(int cpu, int order, int flags) implements Step {}

    record TakeRun(long frameCount, int flags) implements Step {}

    record TakeWithin(long frameCount, int flags, long alignmentFrames, long maxPfn)
        implements Step {}

    record TakeRange(long startPfn, long frameCount, int flags) implements Step {}

    record TakeMany(int count, int flags) implements Step {}

    record Free(int cpu, int pick) implements Step {}

    record FreeRange(int pick) implements Step {}

    record FreeMany(int pick, int count) implements Step {}

    record Drain() implements Step {}

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

  /// The short form of `dev/properties`.
  @Test
  @Behaviour({"51", "52"})
  void manyRequestsOnManyMapsAgreeWithTheLedger() throws WindowException {
    for (int seed = 0; seed < 40; seed++) {
      LongProperties.run(subject, seed, 4000);
    }
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
    int cpu = random.below(4);
    int flags = random.oneIn(3) ? random.below(16) & ~AllocationFlags.ZERO : AllocationFlags.NONE;
    return switch (random.below(24)) {
      case 0 -> {
        long from = start + random.below(frames);
        yield new Step.Add(from, random.between(from, start + frames));
      }
      case 1, 2, 3, 4 -> new Step.Take(cpu, random.below(Math.min(maxOrder, 4) + 1), flags);
      case 5 -> new Step.Take(cpu, random.below(maxOrder + 1), flags);
      case 6, 7 -> new Step.TakeRun(drawCount(random, frames, maxOrder), flags);
      case 8, 9, 10, 11, 12, 13 -> new Step.Free(cpu, pick);
      case 14 -> new Step.FreeTwice(pick);
      case 15, 16 ->
          new Step.FreeWrongly(
              start - 8 + random.below(frames + 16),
              1 + random.below(random.oneIn(2) ? 8 : frames));
      case 17, 18 -> new Step.FreeOtherCount(pick, random.below(3), 1 + random.below(40));
      case 19 -> new Step.Split(pick);
      default -> drawPlaced(random, start, frames, maxOrder, flags);
    };
  }

  private static Step drawPlaced(
      SplitMix64 random, long start, long frames, int maxOrder, int flags) {
    int pick = random.below(1 << 20);
    return switch (random.below(8)) {
      case 0, 1 ->
          new Step.TakeWithin(
              drawCount(random, frames, maxOrder),
              flags,
              1L << random.below(maxOrder + 1),
              random.oneIn(4) ? Long.MAX_VALUE : start - 2 + random.below(frames + 4));
      case 2, 3 ->
          new Step.TakeRange(
              start + random.below(frames), drawCount(random, frames, maxOrder), flags);
      case 4 -> new Step.FreeRange(pick);
      case 5 -> new Step.TakeMany(random.below(40), flags);
      case 6 -> new Step.FreeMany(pick, random.below(40));
      default -> new Step.Drain();
    };
  }

  private static long drawCount(SplitMix64 random, long frames, int maxOrder) {
    return 1 + random.below(Math.min(1L << maxOrder, random.oneIn(2) ? 20 : frames));
  }

  private void run(List<Step> steps) {
    if (steps.isEmpty() || !(steps.getFirst() instanceof Step.Span span)) {
      return;
    }
    FrameAllocator allocator = spanOf(span.maxOrder, span.startPfn, span.frameCount);
    FrameModel model = new FrameModel(span.maxOrder, span.startPfn, span.frameCount);
    for (int i = 1; i < steps.size(); i++) {
      apply(allocator, model, steps.get(i));
      assertEquals(model.freeFrames(), notInUse(allocator));
      assertEquals(model.managedFrames(), allocator.managedFrameCount());
      if (i % 8 == 0 || steps.size() < 40) {
        assertConserved(allocator);
        allocator.assertValid();
      }
      if (i % 64 == 0) {
        assertEquals(model.freeBlocks(), freeBlocks(allocator));
        assertEquals(model.freeRuns(), allocator.freeRunCount());
      }
    }
    long peak = allocator.statistics().peakUsedFrames();
    assertTrue(subject.exactPeak() ? peak == model.peak() : peak <= model.peak());
    while (model.liveCount() > 0) {
      apply(allocator, model, new Step.Free(0, 7));
    }
    model.compareCounts(allocator);
    assertEquals(model.freeBlocks(), freeBlocks(allocator));
    assertEquals(model.freeRuns(), allocator.freeRunCount());
    assertEquals(allocator.managedFrameCount(), allocator.freeFrameCount());
    allocator.assertValid();
    closeWindows();
  }

  private void apply(FrameAllocator allocator, FrameModel model, Step step) {
    switch (step) {
      case Step.Span _ -> {}
      case Step.Add(long start, long end) ->
          assertEquals(model.add(start, end), allocator.addFrames(start, end));
      case Step.Take(int cpu, int order, int flags) ->
          model.taken(subject.tryAllocateOn(allocator, cpu, order, flags), 1L << order, flags);
      case Step.TakeRun(long count, int flags) ->
          model.taken(allocator.allocateFrames(count, flags), count, flags);
      case Step.TakeWithin(long count, int flags, long alignment, long maxPfn) ->
          model.takenWithin(
              allocator.allocateFramesWithin(count, flags, alignment, maxPfn, 0),
              count,
              flags,
              alignment,
              maxPfn);
      case Step.TakeRange(long start, long count, int flags) ->
          assertEquals(
              model.expectedRange(start, count, flags),
              allocator.tryAllocateRange(start, count, flags));
      case Step.TakeMany(int count, int flags) -> takeMany(allocator, model, count, flags);
      case Step.FreeRange(int pick) -> {
        if (model.rangeCount() > 0) {
          FrameModel.Run range = model.range(pick);
          long expected = model.expectedFreeRange(range);
          assertEquals(expected, allocator.tryFreeRange(range.pfn(), range.frameCount()));
        }
      }
      case Step.FreeMany(int pick, int count) -> {
        long[] pfns = model.singles(pick, count).stream().mapToLong(FrameModel.Run::pfn).toArray();
        allocator.freeBulk(pfns, 0, pfns.length);
        for (long pfn : pfns) {
          assertEquals(0, model.expectedFree(pfn, 1));
        }
      }
      case Step.Drain() -> {
        long cached = allocator.cachedFrameCount();
        assertEquals(cached, allocator.drainCaches());
        assertEquals(0, allocator.cachedFrameCount());
      }
      default -> applyToLive(allocator, model, step);
    }
  }

  private static void takeMany(FrameAllocator allocator, FrameModel model, int count, int flags) {
    long[] pfns = new long[count + 2];
    Arrays.fill(pfns, -7);
    int got = allocator.allocateBulk(pfns, 1, count, flags);
    for (int i = 1; i <= got; i++) {
      model.taken(pfns[i], 1, flags);
    }
    if (got < count) {
      model.taken(NO_FRAME, 1, flags);
    }
    assertEquals(-7, pfns[0]);
    assertTrue(Arrays.stream(pfns, got + 1, pfns.length).allMatch(pfn -> pfn == -7));
  }

  /// Steps that speak of a live allocation, or of frames that may be none.
  private void applyToLive(FrameAllocator allocator, FrameModel model, Step step) {
    if (step instanceof Step.FreeWrongly(long pfn, long count)) {
      assertMistake(allocator, model, pfn, count);
    }
    if (model.liveCount() == 0) {
      return;
    }
    switch (step) {
      case Step.Free(int cpu, int pick) -> {
        FrameModel.Run run = model.giveBack(pick);
        long count = run.frameCount();
        long result =
            Long.bitCount(count) == 1
                ? subject.tryFreeOn(allocator, cpu, run.pfn(), Long.numberOfTrailingZeros(count))
                : allocator.tryFreeFrames(run.pfn(), count);
        assertEquals(0, result);
      }
      case Step.FreeTwice(int pick) -> {
        FrameModel.Run run = model.giveBack(pick);
        allocator.freeFrames(run.pfn(), run.frameCount());
        assertMistake(allocator, model, run.pfn(), run.frameCount());
      }
      case Step.FreeOtherCount(int pick, long skew, long count) ->
          assertMistake(allocator, model, model.live(pick).pfn() + skew, count);
      case Step.Split(int pick) -> {
        FrameModel.Run run = model.split(pick);
        allocator.splitFrames(run.pfn(), run.frameCount());
      }
      default -> {}
    }
  }

  /// Frees something that the model may know to be wrong; if it is right after all, it is freed.
  private static void assertMistake(
      FrameAllocator allocator, FrameModel model, long pfn, long frameCount) {
    assertEquals(model.expectedFree(pfn, frameCount), allocator.tryFreeFrames(pfn, frameCount));
  }
}
