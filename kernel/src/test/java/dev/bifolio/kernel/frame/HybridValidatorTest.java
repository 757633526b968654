package dev.bifolio.kernel.frame;

import static dev.bifolio.kernel.frame.HybridExample.put;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.testkit.SplitMix64;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// `validate()` of the hybrid allocator finds nothing in what honest work leaves behind, and stays
/// quick. What it finds in corrupted metadata is in the subclasses of [PlantedCorruptions].
class HybridValidatorTest extends PlantedCorruptions {

  @Test
  void aSoundAllocatorIsSaidToBeSound() {
    ValidationReport report = example().allocator.validate();
    assertEquals(196_480, report.checkedFrames());
    assertEquals("196480 frames checked, no problem", report.toString());
  }

  @Test
  void anAllocatorWithoutFramesIsSound() {
    ValidationReport report = spanOf(20, 77, 5_000_000).validate();
    assertEquals("0 frames checked, no problem", report.toString());
  }

  @Test
  void theQuickWalkTakesFullAreasAtTheirWord() {
    HybridExample example = example();
    ValidationReport quick = example.allocator.validateBlocks();
    assertEquals("195968 frames checked, no problem", quick.toString());
    example.xorFrame(example.split + 77, TAIL_OR_FREE);
    assertTrue(example.allocator.validateBlocks().isValid());
    assertFalse(example.allocator.validate().isValid());
    example.xorFrame(example.split, HEAD_OR_TAIL);
    assertTrue(
        example
            .allocator
            .validateBlocks()
            .problems()
            .contains(example.areaText(example.split) + "begins with a tail without a head"));
    forget(example.allocator);
  }

  @Test
  void terabytesOfFreeMemoryAreAFewWords() {
    HybridAllocator allocator = (HybridAllocator) memoryOf(20, 0, 1L << 34);
    for (int i = 0; i < 100; i++) {
      allocateFrames(allocator, 1 + i * 1301L);
    }
    ValidationReport quick = allocator.validateBlocks();
    assertTrue(quick.isValid(), quick.toString());
    assertEquals(1L << 34, quick.checkedFrames());
    assertTrue(allocator.validate().isValid());
  }

  @Test
  void manyProblemsAreCountedAndTheFirstTold() {
    HybridExample example = example();
    for (long pfn = example.split + 32; pfn < example.split + 64; pfn++) {
      example.xorFrame(pfn, TAIL_OR_FREE);
    }
    ValidationReport report = example.allocator.validate();
    assertEquals(32, report.problemCount());
    assertEquals(21, report.problems().lines().count());
    assertTrue(report.problems().endsWith("further problems are only counted\n"));
    forget(example.allocator);
  }

  @Test
  void belowAUnitThatIsNotLentNothingIsRead() {
    HybridExample example = example();
    long neverUsed = example.giant + 0x4000 - 512;
    put(example.frameWord(neverUsed), 0x1234_5678_9ABC_DEF0L);
    put(example.areaWord(neverUsed), AreaWord.ABSENT);
    assertTrue(example.allocator.validate().isValid());
    forget(example.allocator);
  }

  @Test
  void framesBesideTheSpanMustBeAbsent() {
    for (long outside : new long[] {0x104, 0x30B, 0x31F, 0x3FF}) {
      HybridAllocator allocator = (HybridAllocator) memoryOf(20, 0x105, 0x30B - 0x105);
      allocator.assertValid();
      long address = allocator.core.areas.frameWord(outside);
      put(address, Memory.getLong(address) ^ 1L << (32 + (outside & 31))); // absent, and free now
      ValidationReport report = allocator.validate();
      String expected = "frame " + HybridExample.hex(outside) + ": is outside the span, but not";
      assertTrue(report.problems().contains(expected), expected + "\n" + report);
      forget(allocator);
    }
  }

  @Test
  void aBlockMayEndWhereTheMemoryEnds() {
    for (int order : new int[] {9, 14}) {
      for (long spanBlocks : new long[] {2, 4, 64}) {
        FrameAllocator allocator = spanOf(20, 0, spanBlocks << order);
        allocator.addFrames(0, 2L << order);
        allocate(allocator, order);
        allocate(allocator, order);
        assertEquals(0, allocator.freeFrameCount());
        allocator.assertValid();
      }
    }
  }

  // ---- Random work ----

  @Test
  @Tag("slow")
  void whatRandomWorkLeavesBehindIsSound() {
    SplitMix64 random = new SplitMix64(31);
    long served = 0;
    for (int round = 0; round < 40; round++) {
      long base = random.oneIn(2) ? random.below(40_000) : random.below(1L << 40);
      try (HybridWork work = new HybridWork(random, base, 1000L + random.below(200_000))) {
        work.handOver(6, 60_000);
        assertSound(work.allocator);
        for (int part = 0; part < 20; part++) {
          work.steps(100);
          assertSound(work.allocator);
        }
        served += work.allocator.statistics().allocations();
        work.allocator.reset();
        assertSound(work.allocator);
      }
    }
    assertTrue(served > 40 * 500, served + " requests served");
  }

  @Test
  @Tag("slow")
  void everySingleStepIsSound() {
    SplitMix64 random = new SplitMix64(32);
    for (int round = 0; round < 25; round++) {
      try (HybridWork work = new HybridWork(random, random.below(5000), 1 + random.below(6000))) {
        for (int piece = 0; piece < 8; piece++) {
          work.handOver(1, 2000);
          assertSound(work.allocator);
        }
        for (int step = 0; step < 300; step++) {
          work.steps(1);
          assertSound(work.allocator);
        }
      }
    }
  }

  private static void assertSound(HybridAllocator allocator) {
    ValidationReport report = allocator.validate();
    assertTrue(report.isValid(), report.toString());
    ValidationReport quick = allocator.validateBlocks();
    assertTrue(quick.isValid(), quick.toString());
    assertEquals(allocator.managedFrameCount(), report.checkedFrames());
    assertTrue(quick.checkedFrames() <= report.checkedFrames());
  }
}
