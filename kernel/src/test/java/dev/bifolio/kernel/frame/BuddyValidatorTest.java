package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.AddressRange;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// The power of `validate()`: each planted corruption, written straight into the metadata, is
/// found, and is told with the frame it is at.
class BuddyValidatorTest extends FrameAllocatorFixture {
  private static final long START = 0x100;

  BuddyValidatorTest() {
    super(new AllocatorUnderTest.Buddy());
  }

  /// Managed 0x100 … 0x140 and 0x800 … 0xA00, of a span to 0x1100:
  ///
  /// ```
  ///   0x100 HEAD 1   0x101 FREE 1   0x102 FREE 2   0x104 FREE 4   0x108 FREE 8
  ///   0x110 HEAD 11  0x11b FREE 1   0x11c FREE 4   0x120 FREE 32  0x140 hole
  ///   0x800 FREE 4   0x804 HEAD 1   0x805 HEAD 1   0x806 FREE 2
  ///   0x808 FREE 8 … 0x900 FREE 256
  /// ```
  private BuddyAllocator example() {
    BuddyAllocator allocator = (BuddyAllocator) spanOf(10, START, 0x1000);
    forget(allocator);
    allocator.addFrames(START, START + 64);
    long single = allocate(allocator, 0);
    long run = allocateFrames(allocator, 11);
    allocator.addFrames(0x800, 0xA00);
    long first = allocate(allocator, 9);
    allocator.splitBlock(first, 9);
    for (long pfn = 0x800; pfn < 0xA00; pfn++) {
      if (pfn != 0x804 && pfn != 0x805) {
        allocator.free(pfn, 0);
      }
    }
    assertEquals(START, single);
    assertEquals(START + 16, run);
    assertTrue(allocator.validate().isValid(), allocator.validate().toString());
    return allocator;
  }

  private record Planted(String name, String expected, Consumer<BuddyAllocator> corruption) {}

  private static List<Planted> corruptions() {
    List<Planted> planted = new ArrayList<>();
    add(planted, "tail with a state", "frame 0x105: state or link inside", a -> put(a, 0x105, 6));
    add(planted, "tail with a link", "frame 0x121: state or link", a -> put2(a, 0x121, 9));
    add(planted, "head inside an allocated run", "frame 0x112", a -> put(a, 0x112, 1 << 2 | 2));
    add(planted, "state that is none", "frame 0x100: state 3", a -> put(a, 0x100, 1 << 2 | 3));
    add(planted, "links without a state", "frame 0x100: state 0", a -> put(a, 0x100, 1 << 2));
    add(planted, "head in a hole", "frame 0x800: patch counts", a -> put(a, 0xB00, 1 << 2 | 2));
    add(planted, "lost head", "managed frames: the counters say", a -> put(a, 0x100, 0));
    add(planted, "length zero", "frame 0x100: length of 0", a -> put(a, 0x100, 2));
    add(planted, "length too large", "frame 0x110: length of 2000", a -> put(a, 0x110, 8002));
    add(planted, "longer run", "frame 0x11b: state or link inside", a -> put(a, 0x110, 50));
    add(planted, "shorter run", "patch counts", a -> put(a, 0x110, 10 << 2 | 2));
    add(
        planted,
        "misaligned run",
        "frame 0x101: block of 2 frames is not aligned",
        a -> {
          put(a, 0x101, 2 << 2 | 2);
        });
    add(
        planted,
        "run with a link",
        "frame 0x110: allocated run has links",
        a -> {
          put2(a, 0x110, 1);
        });
    add(
        planted,
        "run with a next link",
        "frame 0x110: allocated run has links",
        a -> {
          put(a, 0x110, 5L << 24 | 11 << 2 | 2);
        });
    add(
        planted,
        "free block of no power of two",
        "frame 0x108: free block of 7",
        a -> {
          put(a, 0x108, get(a, 0x108) - (1 << 2));
        });
    add(
        planted,
        "free block of another order",
        "frame 0x108: is in list 3",
        a -> {
          put(a, 0x108, get(a, 0x108) - (4 << 2));
        });
    add(
        planted,
        "buddies both free",
        "frame 0x100: is free and its buddy 0x101 too",
        a -> {
          a.areas.addFirst(0x100, 0);
        });
    add(
        planted,
        "allocated but listed",
        "frame 0x104: is in list 2",
        a -> {
          put(a, 0x104, 4 << 2 | 2);
        });
    add(
        planted,
        "free but in no list",
        "list 0 counts 2 blocks, descriptors 3",
        a -> {
          put(a, 0x805, 1 << 2 | 1);
        });
    add(
        planted,
        "next link astray",
        "frame 0x108: links to 0x500",
        a -> {
          a.frames.setNextLink(0x108, a.frames.linkTo(0x500));
        });
    add(
        planted,
        "wild next link",
        "frame 0x108: links to",
        a -> {
          a.frames.setNextLink(0x108, (1L << 40) - 1);
        });
    add(
        planted,
        "prev link astray",
        "which does not link back",
        a -> {
          a.frames.setPrevLink(0x108, 3);
        });
    add(planted, "list cut off", "list 3 holds 0 blocks", a -> header(a, 3, 0, 0));
    add(planted, "list of another frame", "frame 0x3ff: is in list 3", a -> header(a, 3, 0, 0x300));
    add(planted, "list count", "list 3 counts 7 blocks", a -> header(a, 3, 8, 7));
    add(
        planted,
        "section count",
        "section counts 7 frames",
        a -> {
          Memory.putLong(a.sections.sectionAddress(START), 7);
        });
    add(
        planted,
        "section said to be empty",
        "managed frames",
        a -> {
          Memory.putLong(a.sections.sectionAddress(START), 0);
        });
    add(
        planted,
        "patch count",
        "frame 0x800: patch counts 3 frames",
        a -> {
          Memory.putInt(a.sections.patchAddress(0x800), 3);
        });
    return planted;
  }

  private static void add(
      List<Planted> planted, String name, String expected, Consumer<BuddyAllocator> corruption) {
    planted.add(new Planted(name, expected, corruption));
  }

  private static long get(BuddyAllocator allocator, long pfn) {
    return Memory.getLong(allocator.frames.address(pfn));
  }

  private static void put(BuddyAllocator allocator, long pfn, long word) {
    Memory.putLong(allocator.frames.address(pfn), word);
  }

  private static void put2(BuddyAllocator allocator, long pfn, long word) {
    Memory.putLong(allocator.frames.address(pfn) + 8, word);
  }

  private static void header(BuddyAllocator allocator, int order, int offset, long word) {
    Memory.putLong(allocator.areas.area(order) + offset, word);
  }

  @TestFactory
  List<DynamicTest> eachPlantedCorruptionIsFound() {
    List<DynamicTest> tests = new ArrayList<>();
    for (Planted planted : corruptions()) {
      tests.add(
          DynamicTest.dynamicTest(
              planted.name,
              () -> {
                BuddyAllocator allocator = example();
                planted.corruption.accept(allocator);
                ValidationReport report = allocator.validate();
                assertFalse(report.isValid());
                assertTrue(report.problems().contains(planted.expected), report.toString());
              }));
    }
    return tests;
  }

  @Test
  void aSoundAllocatorIsSaidToBeSound() {
    ValidationReport report = example().validate();
    assertEquals(0x1000, report.checkedFrames());
    assertEquals("4096 frames checked, no problem", report.toString());
  }

  @Test
  void theQuickWalkReadsLittleOfALargeMemoryAndAgrees() {
    BuddyAllocator allocator = (BuddyAllocator) memoryOf(20, 3, 1L << 20);
    forget(allocator);
    for (int i = 0; i < 100; i++) {
      allocateFrames(allocator, 1 + i * 13L);
    }
    ValidationReport quick = allocator.validateBlocks();
    assertTrue(quick.isValid(), quick.toString());
    assertTrue(quick.checkedFrames() < 1L << 19, quick.toString());
    put(allocator, 1 << 19, 0);
    assertFalse(allocator.validateBlocks().isValid());
  }

  @Test
  void theQuickWalkFindsWhatIsNotInsideALargeBlock() {
    for (Planted planted : corruptions()) {
      BuddyAllocator allocator = example();
      planted.corruption.accept(allocator);
      assertFalse(allocator.validateBlocks().isValid(), planted.name);
    }
  }

  @Test
  void manyProblemsAreCountedAndTheFirstTold() {
    BuddyAllocator allocator = example();
    for (long pfn = 0x121; pfn < 0x140; pfn++) {
      put(allocator, pfn, 1 << 2 | 2);
    }
    ValidationReport report = allocator.validate();
    assertEquals(31, report.problemCount());
    assertEquals(21, report.problems().lines().count());
    assertTrue(report.toString().startsWith("4096 frames checked, 31 problems:\nframe 0x121: "));
    assertFalse(report.problems().contains(AddressRange.hex(0x13F)));
  }
}
