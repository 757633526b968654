package dev.bifolio.kernel.virtual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.testkit.SplitMix64;
import dev.bifolio.testkit.Threads;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Numbers of spaces, and what a processor would have in its translation cache.
class AsidsTest {
  private final ZeroedWindows windows = new ZeroedWindows();

  @AfterEach
  void close() {
    windows.close();
  }

  private Asids asids(int cpuCount, int bits) {
    return new Asids(windows.reserve(Asids.byteSize(cpuCount, bits)), cpuCount, bits);
  }

  /// A processor that keeps translations until it is told to flush them.
  private static final class Processor {
    final int cpu;
    final Asids asids;
    final long[] known;
    long flushes;

    Processor(int cpu, Asids asids, int bits) {
      this.cpu = cpu;
      this.asids = asids;
      known = new long[1 << bits];
    }

    long run(long space) {
      long answer = asids.enter(cpu, space);
      int number = (int) (answer & ~Asids.FLUSH);
      if ((answer & Asids.FLUSH) != 0) {
        java.util.Arrays.fill(known, 0);
        flushes++;
      }
      assertNotEquals(0, number, "the kernel's number");
      assertTrue(known[number] == 0 || known[number] == space, "translations of another space");
      known[number] = space;
      return number;
    }
  }

  @Test
  void theNumberToFlushIsTheOneThatASpaceHas() {
    Asids asids = asids(2, 2);
    long spaces = windows.reserve(4096);
    assertEquals(0, asids.numberOf(spaces));
    for (int i = 0; i < 20; i++) {
      int number = (int) (asids.enter(i % 2, spaces + i % 7 * 8L) & ~Asids.FLUSH);
      assertEquals(number, asids.numberOf(spaces + i % 7 * 8L));
      assertEquals(number, asids.numberOf(spaces + i % 7 * 8L), "asking changes nothing");
    }
    assertTrue(asids.rollovers() > 0);
    Asids none = asids(2, 0);
    none.enter(0, spaces + 512);
    assertEquals(0, none.numberOf(spaces + 512));
  }

  @Test
  void eachSpaceHasANumberOfItsOwnUntilTheyAreUsedUp() {
    Asids asids = asids(1, 3);
    Processor processor = new Processor(0, asids, 3);
    long spaces = windows.reserve(4096);
    for (int i = 0; i < 7; i++) {
      assertEquals(i + 1, processor.run(spaces + i * 8L));
    }
    for (int i = 0; i < 7; i++) {
      assertEquals(i + 1, processor.run(spaces + i * 8L));
    }
    assertEquals(0, processor.flushes);
    assertEquals(0, asids.rollovers());
    // The eighth begins a generation, in which the one that runs keeps its number.
    long eighth = processor.run(spaces + 56);
    assertNotEquals(7, eighth);
    assertEquals(1, asids.rollovers());
    assertEquals(1, processor.flushes);
    assertEquals(7, processor.run(spaces + 48));
    assertEquals(1, processor.flushes);
    // Others get their old number if it is free.
    long third = eighth == 3 ? 4 : 3;
    assertEquals(third, processor.run(spaces + (third - 1) * 8));
  }

  @Test
  void aGenerationOfOneProcessorMakesAllOthersFlush() {
    Asids asids = asids(2, 3);
    Processor one = new Processor(0, asids, 3);
    Processor two = new Processor(1, asids, 3);
    long spaces = windows.reserve(4096);
    long running = two.run(spaces);
    for (int i = 1; i < 9; i++) {
      assertNotEquals(running, one.run(spaces + i * 8L));
    }
    assertEquals(1, asids.rollovers());
    assertEquals(1, one.flushes);
    assertEquals(0, two.flushes);
    assertEquals(running, two.run(spaces));
    assertEquals(1, two.flushes);
  }

  @Test
  void aProcessorThatRunsOnThroughGenerationsKeepsItsNumber() {
    Asids asids = asids(2, 3);
    Processor one = new Processor(0, asids, 3);
    Processor two = new Processor(1, asids, 3);
    long spaces = windows.reserve(4096);
    long running = two.run(spaces);
    for (int i = 1; i < 200; i++) {
      assertNotEquals(running, one.run(spaces + i * 8L));
    }
    assertTrue(asids.rollovers() > 20);
    assertEquals(running, two.run(spaces));
    // The same space on both has the same number.
    assertEquals(running, one.run(spaces));
  }

  @Test
  void whoseOldNumberIsTakenGetsAnother() {
    for (int bits : new int[] {3, 7}) {
      int numbers = 1 << bits;
      Asids asids = asids(1, bits);
      Processor processor = new Processor(0, asids, bits);
      long spaces = windows.reserve(4096);
      for (int i = 1; i < numbers; i++) {
        assertEquals(i, processor.run(spaces + i * 8L));
      }
      long taken = processor.run(spaces);
      assertEquals(1, asids.rollovers());
      long[] owners = new long[numbers];
      owners[(int) taken] = spaces;
      // The one that had it, and then all others but the last two: each has one of its own.
      for (int i = 0; i < numbers - 3; i++) {
        long space = spaces + ((taken - 1 + i) % (numbers - 1) + 1) * 8;
        int number = (int) processor.run(space);
        assertTrue(owners[number] == 0 || owners[number] == space, "number " + number);
        owners[number] = space;
      }
      assertEquals(1, asids.rollovers());
      assertEquals(1, processor.flushes);
      // And keeps it as long as the generation lasts.
      for (int number = 1; number < numbers; number++) {
        if (owners[number] != 0) {
          assertEquals(number, processor.run(owners[number]));
        }
      }
      assertEquals(1, asids.rollovers());
    }
  }

  @Test
  void aSpaceThatRunsOnKeepsItsNumberThoughItIsEnteredElsewhereMeanwhile() {
    Asids asids = asids(2, 3);
    Processor one = new Processor(0, asids, 3);
    Processor two = new Processor(1, asids, 3);
    long spaces = windows.reserve(4096);
    long running = two.run(spaces);
    int next = 1;
    for (int generation = 1; generation < 5; generation++) {
      while (asids.rollovers() < generation) {
        assertNotEquals(running, one.run(spaces + next++ * 8L));
      }
      assertEquals(running, one.run(spaces));
      assertNotEquals(running, one.run(spaces + next++ * 8L));
    }
    assertEquals(running, two.run(spaces));
  }

  @Test
  void manyNumbersAreFoundInAllWords() {
    Asids asids = asids(1, 8);
    Processor processor = new Processor(0, asids, 8);
    long spaces = windows.reserve(4096);
    for (int i = 0; i < 255; i++) {
      assertEquals(i + 1, processor.run(spaces + i * 8L));
    }
    assertEquals(0, asids.rollovers());
    processor.run(spaces + 255 * 8);
    assertEquals(1, asids.rollovers());
  }

  @Test
  void whoHasNoNumbersAlwaysFlushes() {
    Asids asids = asids(3, 0);
    long space = windows.reserve(4096);
    assertEquals(Asids.FLUSH, asids.enter(0, space));
    assertEquals(Asids.FLUSH, asids.enter(2, space));
    assertEquals(0, asids.rollovers());
  }

  @Test
  void bitsAreThoseOfTheArchitecture() {
    assertEquals(12, Asids.mostBits(X86Format.LEVELS_5));
    assertEquals(0, Asids.mostBits(I386Format.INSTANCE));
    assertEquals(16, Asids.mostBits(Aarch64Format.INSTANCE));
    assertEquals(16, Asids.mostBits(RiscvFormat.SV48));
  }

  @Test
  void tooFewNumbersAreTheCallersMistake() {
    for (int[] bad : new int[][] {{0, 8}, {1, -1}, {1, 17}, {7, 3}, {1, 1}}) {
      assertThrows(IllegalArgumentException.class, () -> Asids.byteSize(bad[0], bad[1]));
      assertThrows(
          IllegalArgumentException.class, () -> new Asids(windows.reserve(4096), bad[0], bad[1]));
    }
    assertEquals(64 + 6 * 64 + 8, Asids.byteSize(6, 3));
    assertEquals(64 + 64 + 8192, Asids.byteSize(1, 16));
    Asids asids = asids(2, 3);
    long space = windows.reserve(4096);
    assertThrows(IllegalArgumentException.class, () -> asids.enter(2, space));
    assertThrows(IllegalArgumentException.class, () -> asids.enter(-1, space));
  }

  @Test
  @Tag("slow")
  void processorsAtTheSameTimeNeverHaveTranslationsOfAnotherSpace() throws InterruptedException {
    for (int bits = 3; bits < 7; bits++) {
      Asids asids = asids(4, bits);
      long spaces = windows.reserve(8192);
      List<Runnable> work = new ArrayList<>();
      for (int cpu = 0; cpu < 4; cpu++) {
        Processor processor = new Processor(cpu, asids, bits);
        SplitMix64 random = new SplitMix64(100L * bits + cpu);
        work.add(() -> {
          for (int i = 0; i < 200_000; i++) {
            int space = random.below(random.oneIn(3) ? 150 : 4);
            processor.run(spaces + space * 8L);
          }
        });
      }
      Threads.runAll(work);
      assertTrue(asids.rollovers() > 100);
    }
  }
}
