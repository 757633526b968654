package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static dev.bifolio.kernel.virtual.UserWorld.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.kernel.virtual.UserWorld.Program;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Large pages: taken at the first touch, made of small ones, and split.
class HugePagesTest {
  static List<PageFormat> formats() {
    return List.of(
        X86Format.LEVELS_4, I386Format.INSTANCE, Aarch64Format.INSTANCE, RiscvFormat.SV39);
  }

  /// Runs a test in a world of its own, of which nothing may be left.
  private static void in(
      PageFormat format, HugePolicy policy, int holes, Consumer<UserWorld> test) {
    try (UserWorld world = new UserWorld(format, 6144, policy, holes)) {
      test.accept(world);
      assertEquals(0, world.inUse());
      for (long pfn = world.frames.firstPfn(); pfn < world.frames.endPfn(); pfn++) {
        assertEquals(0, world.info.get(pfn));
      }
    }
  }

  static void in(HugePolicy policy, int holes, Consumer<UserWorld> test) {
    in(X86Format.LEVELS_4, policy, holes, test);
  }

  @ParameterizedTest
  @MethodSource("formats")
  void theFirstTouchOfAWholePieceTakesOneBlock(PageFormat format) {
    in(
        format,
        HugePolicy.ALWAYS,
        0,
        world -> {
          long huge = world.huge;
          Program program = world.program();
          program.map(BASE, BASE + 3 * huge - PAGE, RW);
          program.store(BASE + huge + 5 * PAGE, 9);
          assertEquals(1, program.tables.pageCount(2));
          assertEquals(0, program.tables.pageCount(1));
          long word = program.tables.lookup(BASE + 2 * huge - 1);
          assertEquals(2, MappedPage.level(word));
          assertEquals(0, MappedPage.physicalAddress(word) & (huge - 1));
          for (long at = BASE + huge; at < BASE + 2 * huge; at += PAGE) {
            assertEquals(at == BASE + huge + 5 * PAGE ? 9 : 0, program.load(at));
          }
          // The last piece is not whole.
          program.load(BASE + 2 * huge);
          assertEquals(1, program.tables.pageCount(2));
          assertEquals(1, program.tables.pageCount(1));
          program.close();
        });
  }

  @Test
  void thePolicyAndTheAdviceDecide() {
    in(
        HugePolicy.ADVISED,
        0,
        world -> {
          Program program = world.program();
          long huge = world.huge;
          program.map(BASE, BASE + 3 * huge, RW);
          program.load(BASE);
          assertEquals(0, program.tables.pageCount(2));
          assertEquals(
              AlterOutcome.ALTERED,
              program.space.advise(BASE + huge, BASE + 2 * huge, AreaFlags.HUGE));
          program.load(BASE + huge);
          assertEquals(1, program.tables.pageCount(2));
          program.load(BASE + 2 * huge);
          assertEquals(1, program.tables.pageCount(2));
          program.close();
        });
    in(
        HugePolicy.ALWAYS,
        0,
        world -> {
          Program program = world.program();
          program.map(BASE, BASE + world.huge, RW | AreaFlags.NO_HUGE);
          program.map(BASE + world.huge, BASE + 2 * world.huge, RW | AreaFlags.GROWS_DOWN);
          program.load(BASE);
          program.load(BASE + world.huge);
          assertEquals(0, program.tables.pageCount(2));
          program.close();
        });
    for (HugePolicy policy : HugePolicy.values()) {
      assertEquals(policy == HugePolicy.ALWAYS, policy.allows(RW));
      assertEquals(policy != HugePolicy.NEVER, policy.allows(AreaFlags.HUGE));
      assertFalse(policy.allows(AreaFlags.NO_HUGE));
    }
  }

  @Test
  void withoutABlockOrWithATableThereItIsASmallPage() {
    in(
        HugePolicy.ALWAYS,
        0,
        world -> {
          Program program = world.program();
          long huge = world.huge;
          program.map(BASE, BASE + 2 * huge, RW);
          world.frames.serveHuge(0);
          program.store(BASE, 1);
          assertEquals(1, program.tables.pageCount(1));
          world.frames.serveHuge(Long.MAX_VALUE);
          program.store(BASE + PAGE, 1);
          assertEquals(2, program.tables.pageCount(1));
          assertEquals(0, program.tables.pageCount(2));
          // A block but no tables: the block goes back, and nothing else is to be had either.
          program.space.unmap(BASE, BASE + 2 * huge);
          program.map(BASE, BASE + 2 * huge, RW);
          long before = world.frames.inUse();
          for (int k = 1; k < 3; k++) {
            world.frames.serve(k);
            assertEquals(FaultOutcome.NO_MEMORY, program.fail(BASE, AccessKind.LOAD));
            assertEquals(before, world.frames.inUse());
          }
          world.frames.serve(3);
          program.load(BASE);
          assertEquals(1, program.tables.pageCount(2));
          program.close();
        });
  }

  @ParameterizedTest
  @MethodSource("formats")
  void unmappingAPartSplitsAndFreesFrameByFrame(PageFormat format) {
    in(
        format,
        HugePolicy.ALWAYS,
        0,
        world -> {
          Program program = world.program();
          long huge = world.huge;
          program.map(BASE, BASE + 2 * huge, RW);
          for (int page = 0; page < 512; page++) {
            program.store(BASE + page * PAGE, page);
          }
          program.store(BASE + huge, 1000);
          long before = world.frames.inUse();
          world.frames.serve(0);
          assertEquals(
              RemoveOutcome.NO_MEMORY, program.space.unmap(BASE + 3 * PAGE, BASE + 5 * PAGE));
          assertEquals(2, program.tables.pageCount(2));
          world.frames.serve(Long.MAX_VALUE);
          assertEquals(
              RemoveOutcome.REMOVED, program.space.unmap(BASE + 3 * PAGE, BASE + 5 * PAGE));
          assertEquals(before - 2 + 1, world.frames.inUse());
          assertEquals(1, program.tables.pageCount(2));
          for (int page = 0; page < 512; page++) {
            if (page != 3 && page != 4) {
              assertEquals(page, program.load(BASE + page * PAGE));
            }
          }
          assertEquals(FaultOutcome.SEGFAULT, program.fail(BASE + 4 * PAGE, AccessKind.LOAD));
          // The whole of the other one goes as it came.
          program.space.unmap(BASE + huge, BASE + 2 * huge);
          assertEquals(before - 2 + 1 - (huge >>> 12), world.frames.inUse());
          program.close();
        });
  }

  @Test
  void protectingAPartSplitsAndProtectingTheWholeDoesNot() {
    in(
        HugePolicy.ALWAYS,
        0,
        world -> {
          Program program = world.program();
          long huge = world.huge;
          program.map(BASE, BASE + 2 * huge, RW);
          program.store(BASE, 1);
          program.store(BASE + huge, 2);
          program.space.protect(BASE, BASE + huge, AreaFlags.READ);
          assertEquals(2, program.tables.pageCount(2));
          assertEquals(FaultOutcome.PROTECTION, program.fail(BASE, AccessKind.STORE));
          program.space.protect(BASE, BASE + huge, RW);
          program.store(BASE, 3);
          assertEquals(FaultOutcome.MADE_WRITABLE, program.last);
          assertEquals(2, program.tables.pageCount(2));
          world.frames.serve(0);
          assertEquals(
              AlterOutcome.NO_MEMORY,
              program.space.protect(BASE + huge + PAGE, BASE + huge + 2 * PAGE, AreaFlags.READ));
          assertEquals(1, program.space.areas().count());
          world.frames.serve(Long.MAX_VALUE);
          program.space.protect(BASE + huge + PAGE, BASE + huge + 2 * PAGE, AreaFlags.READ);
          assertEquals(1, program.tables.pageCount(2));
          assertEquals(FaultOutcome.PROTECTION, program.fail(BASE + huge + PAGE, AccessKind.STORE));
          program.store(BASE + huge, 4);
          program.store(BASE + huge + 2 * PAGE, 5);
          assertEquals(3, program.load(BASE));
          program.close();
        });
  }

  @Test
  void theBreakSplitsALargePageThatItLeavesInPart() {
    in(
        HugePolicy.ALWAYS,
        0,
        world -> {
          Program program = world.program();
          long base = world.layout.breakBase();
          program.space.setBreak(base + world.huge);
          program.store(base, 7);
          assertEquals(1, program.tables.pageCount(2));
          world.frames.serve(0);
          assertEquals(BreakOutcome.NO_MEMORY, program.space.setBreak(base + 1));
          assertEquals(base + world.huge, program.space.programBreak());
          world.frames.serve(Long.MAX_VALUE);
          assertEquals(BreakOutcome.MOVED, program.space.setBreak(base + 1));
          assertEquals(7, program.load(base));
          assertEquals(1, program.tables.pageCount(1));
          program.close();
        });
  }

  @ParameterizedTest
  @MethodSource("formats")
  void smallPagesBecomeALargeOneInTheBackground(PageFormat format) {
    in(
        format,
        HugePolicy.ALWAYS,
        8,
        world -> {
          Program program = world.program();
          long huge = world.huge;
          long pages = huge >>> 12;
          program.map(BASE, BASE + 2 * huge, RW);
          world.frames.serveHuge(0);
          for (long page = 0; page < 2 * pages; page++) {
            // Eight holes in the first piece, nine in the second.
            if (page % (pages / 8) != 3 && page != pages) {
              program.store(BASE + page * PAGE, page + 1);
            }
          }
          assertTrue(program.space.step(1));
          assertEquals(0, program.tables.pageCount(2));
          assertTrue(program.space.step(1));
          assertFalse(program.space.step(1));
          world.frames.serveHuge(Long.MAX_VALUE);
          long before = world.frames.inUse();
          assertFalse(program.space.step(Long.MAX_VALUE));
          assertEquals(1, program.tables.pageCount(2));
          assertEquals(pages - 9, program.tables.pageCount(1));
          assertEquals(before + 8 - 1, world.frames.inUse());
          for (long page = 0; page < 2 * pages; page++) {
            long expected = page % (pages / 8) == 3 || page == pages ? 0 : page + 1;
            assertEquals(expected, program.load(BASE + page * PAGE));
          }
          program.store(BASE + 5 * PAGE, 77);
          assertEquals(FaultOutcome.MAPPED, program.last); // that of a hole, before
          assertEquals(77, program.load(BASE + 5 * PAGE));
          // The load of a hole has filled it.
          assertFalse(program.space.step(Long.MAX_VALUE));
          assertEquals(2, program.tables.pageCount(2));
          assertFalse(program.space.step(Long.MAX_VALUE));
          assertEquals(pages + 1, program.load(BASE + huge) + pages + 1);
          program.close();
        });
  }

  @Test
  void whatIsSharedOrNotWantedStaysSmall() {
    in(
        HugePolicy.ALWAYS,
        511,
        world -> {
          Program program = world.program();
          Program child = world.program();
          long huge = world.huge;
          program.map(BASE, BASE + huge, RW);
          program.map(BASE + huge, BASE + 2 * huge, RW | AreaFlags.NO_HUGE);
          int file = world.file(new HeapStore(4096));
          program.space.map(BASE + 2 * huge, BASE + 3 * huge, RW, file, 0);
          program.map(BASE + 3 * huge, BASE + 4 * huge, RW);
          world.frames.serveHuge(0);
          program.store(BASE, 1);
          program.store(BASE + huge, 1);
          program.store(BASE + 2 * huge, 1);
          world.frames.serveHuge(Long.MAX_VALUE);
          assertEquals(ForkOutcome.FORKED, program.space.forkInto(child.space));
          assertFalse(program.space.step(Long.MAX_VALUE));
          assertEquals(0, program.tables.pageCount(2));
          child.close();
          assertFalse(program.space.step(Long.MAX_VALUE));
          assertEquals(1, program.tables.pageCount(2));
          // A piece of which nothing was touched is left alone, though all of it are holes.
          assertEquals(AddressSpace.NOT_MAPPED, program.tables.lookup(BASE + 3 * huge));
          assertEquals(2, MappedPage.level(program.tables.lookup(BASE)));
          program.store(BASE, 2);
          assertEquals(2, program.load(BASE));
          program.close();
        });
  }

  @ParameterizedTest
  @MethodSource("formats")
  void mostlyZerosAreGivenBackUnderPressure(PageFormat format) {
    in(
        format,
        HugePolicy.ALWAYS,
        0,
        world -> {
          Program program = world.program();
          long huge = world.huge;
          long pages = huge >>> 12;
          program.map(BASE, BASE + 3 * huge, RW);
          for (long page = 0; page < 3 * pages; page++) {
            // The first is half zeros, the second one frame less, the third all but one.
            long frame = page % pages;
            boolean isUsed =
                switch ((int) (page / pages)) {
                  case 0 -> frame % 2 == 0;
                  case 1 -> frame % 2 == 0 || frame == 1;
                  default -> frame == 9;
                };
            program.load(BASE + page * PAGE);
            if (isUsed) {
              program.store(BASE + page * PAGE + 4088, page + 1);
            }
          }
          assertEquals(3, program.tables.pageCount(2));
          long before = world.frames.inUse();
          world.frames.serve(0);
          assertEquals(0, program.space.shrink(10));
          assertEquals(3, program.tables.pageCount(2));
          world.frames.serve(Long.MAX_VALUE);
          assertEquals(pages / 2, program.space.shrink(1));
          assertEquals(2, program.tables.pageCount(2));
          assertEquals(before - pages / 2 + 1, world.frames.inUse());
          assertEquals(pages - 1, program.space.shrink(10));
          assertEquals(1, program.tables.pageCount(2));
          assertEquals(0, program.space.shrink(10));
          int flags = MappedPage.flags(program.tables.lookup(BASE));
          assertNotEquals(0, flags & PageFlags.WRITE);
          for (long page = 0; page < 3 * pages; page++) {
            long frame = page % pages;
            boolean isUsed =
                switch ((int) (page / pages)) {
                  case 0 -> frame % 2 == 0;
                  case 1 -> frame % 2 == 0 || frame == 1;
                  default -> frame == 9;
                };
            assertEquals(isUsed ? page + 1 : 0, program.load(BASE + page * PAGE + 4088));
          }
          program.store(BASE + PAGE, 5);
          assertEquals(5, program.load(BASE + PAGE));
          program.close();
        });
  }

  @Test
  void pagesBelowWhereItStoppedAreSplitTooWhenThereAreNoneAbove() {
    in(
        HugePolicy.ALWAYS,
        0,
        world -> {
          Program program = world.program();
          long huge = world.huge;
          program.map(BASE, BASE + 5 * huge, RW);
          for (int page = 0; page < 4; page++) {
            program.store(BASE + page * huge, 1);
          }
          // The cursor is at the third, which goes.
          assertEquals(2 * 511, program.space.shrink(512));
          program.space.unmap(BASE + 2 * huge, BASE + 4 * huge);
          assertEquals(0, program.space.shrink(1));
          program.space.unmap(BASE, BASE + huge);
          program.map(BASE, BASE + huge, RW);
          program.store(BASE, 1);
          assertEquals(511, program.space.shrink(1));
          // All of them once, the lower ones last.
          program.store(BASE + 4 * huge, 1);
          program.space.unmap(BASE, BASE + 2 * huge);
          program.map(BASE, BASE + 2 * huge, RW);
          program.store(BASE, 1);
          program.store(BASE + huge, 1);
          assertEquals(511, program.space.shrink(1));
          assertEquals(1, MappedPage.level(program.tables.lookup(BASE + huge)));
          assertEquals(2 * 511, program.space.shrink(Long.MAX_VALUE));
          assertEquals(0, program.tables.pageCount(2));
          program.close();
        });
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aForkSharesTheFramesOfALargePageOneByOne(PageFormat format) {
    in(
        format,
        HugePolicy.ALWAYS,
        0,
        world -> {
          Program parent = world.program();
          Program child = world.program();
          parent.map(BASE, BASE + world.huge, RW);
          for (int page = 0; page < 512; page += 2) {
            parent.store(BASE + page * PAGE, page);
          }
          long block = parent.tables.translate(BASE) >>> 12;
          assertEquals(ForkOutcome.FORKED, parent.space.forkInto(child.space));
          assertEquals(0, parent.tables.pageCount(2));
          assertEquals(2, world.sharers.count(block));
          assertEquals(2, world.sharers.count(block + 511));
          child.store(BASE + 2 * PAGE, 99);
          assertEquals(FaultOutcome.COPIED, child.last);
          assertEquals(2, parent.load(BASE + 2 * PAGE));
          parent.close();
          for (int page = 0; page < 512; page += 2) {
            assertEquals(page == 2 ? 99 : page, child.load(BASE + page * PAGE));
          }
          child.close();
        });
  }

  @Test
  void backgroundWorkGivesWayToWhoUsesTheSpace() {
    in(
        HugePolicy.ALWAYS,
        0,
        world -> {
          int[] asked = {0};
          Program program = world.program();
          PageStore store =
              new PageStore() {
                @Override
                public boolean readPage(long byteOffset, long address) {
                  // In the middle of a fault: reclaim could come this way.
                  assertEquals(-1, program.space.shrink(5));
                  assertTrue(program.space.step(5));
                  asked[0]++;
                  return true;
                }

                @Override
                public boolean writePage(long byteOffset, long address) {
                  return true;
                }
              };
          int file = world.file(store);
          program.space.map(BASE, BASE + PAGE, RW, file, 0);
          program.load(BASE);
          assertEquals(1, asked[0]);
          assertEquals(Map.of(BASE, program.tables.lookup(BASE)), program.pages());
          program.close();
        });
  }
}
