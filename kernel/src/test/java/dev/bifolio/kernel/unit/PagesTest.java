package dev.bifolio.kernel.unit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.SplitMix64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class PagesTest {
  @Test
  @Behaviour("1")
  void thePageSizeAndItsNames() {
    assertEquals(12, Pages.PAGE_SHIFT);
    assertEquals(4096, Pages.PAGE_SIZE);
    assertEquals(0xFFF, Pages.PAGE_MASK);
    assertEquals(0x200000, 2 * Pages.MIB);
    assertEquals(0x40000000, Pages.GIB);
    assertEquals(2 * Pages.MIB, Pages.orderToBytes(Pages.HUGE_ORDER));
    assertEquals(Pages.GIB, Pages.orderToBytes(Pages.GIANT_ORDER));
    assertEquals(4 * Pages.GIB, Pages.orderToBytes(Pages.MAX_ORDER));
    assertEquals(1024 * Pages.KIB, Pages.MIB);
    assertEquals(1024 * Pages.GIB, Pages.TIB);
  }

  @Test
  @Behaviour("2")
  void roundingDown() {
    long[][] cases = {
      {0, 0},
      {1, 0},
      {4095, 0},
      {4096, 4096},
      {4097, 4096},
      {8191, 4096},
      {8192, 8192},
      {0x12345678, 0x12345000}
    };
    for (long[] c : cases) {
      assertEquals(c[1], Pages.alignDown(c[0]));
    }
    assertEquals(0x12340000, Pages.alignDown(0x12345678, 0x10000));
  }

  @Test
  @Behaviour("3")
  void roundingUpAndTheLawsOfBoth() {
    long[][] cases = {
      {0, 0},
      {1, 4096},
      {4095, 4096},
      {4096, 4096},
      {4097, 8192},
      {8192, 8192},
      {0x12345678, 0x12346000}
    };
    for (long[] c : cases) {
      assertEquals(c[1], Pages.alignUp(c[0]));
    }
    assertEquals(0x12350000, Pages.alignUp(0x12345678, 0x10000));
    SplitMix64 random = new SplitMix64(3);
    for (int i = 0; i < 10_000; i++) {
      long address = random.next() >>> (2 + random.below(50));
      long down = Pages.alignDown(address);
      long up = Pages.alignUp(address);
      assertTrue(down <= address && address <= up && up - down <= 4096);
      assertEquals(down, Pages.alignDown(down));
      assertEquals(up, Pages.alignUp(up));
    }
  }

  @Test
  @Behaviour("4")
  void alignmentToAPage() {
    for (long aligned : new long[] {0, 4096, 0x10000000}) {
      assertTrue(Pages.isPageAligned(aligned));
    }
    for (long unaligned : new long[] {1, 4095, 0xFFF, 0x1001, 0x12345678}) {
      assertFalse(Pages.isPageAligned(unaligned));
    }
  }

  @Test
  @Behaviour("5")
  void framesThatHoldSoManyBytes() {
    long[][] cases = {
      {0, 0},
      {1, 1},
      {0xFFF, 1},
      {0x1000, 1},
      {0x1001, 2},
      {0x2000, 2},
      {0x2001, 3},
      {0x2500, 3},
      {0x3000, 3},
      {0x10000, 16},
      {Long.MAX_VALUE, 1L << 51}
    };
    for (long[] c : cases) {
      assertEquals(c[1], Pages.bytesToFramesUp(c[0]));
    }
    assertEquals(2, Pages.bytesToFramesDown(0x2FFF));
    assertEquals(3, Pages.bytesToFramesDown(0x3000));
  }

  @Test
  @Behaviour("6")
  void addressesAndFrameNumbers() {
    long[][] cases = {{0, 0}, {0x1000, 1}, {0x1FFF, 1}, {0x2000, 2}, {0x12345000, 0x12345}};
    for (long[] c : cases) {
      assertEquals(c[1], Pages.addressToPfn(c[0]));
    }
    assertEquals(0x100000, Pages.pfnToAddress(256));
    SplitMix64 random = new SplitMix64(6);
    for (int i = 0; i < 1000; i++) {
      long pfn = random.next() >>> 13;
      assertEquals(pfn, Pages.addressToPfn(Pages.pfnToAddress(pfn)));
    }
  }

  @Test
  @Behaviour("7")
  void theOffsetInAPage() {
    long[][] cases = {{0x1000, 0}, {0x1001, 1}, {0x1FFF, 0xFFF}, {0x12345678, 0x678}};
    for (long[] c : cases) {
      assertEquals(c[1], Pages.pageOffset(c[0]));
    }
  }

  @Test
  @Behaviour("8")
  void addingAndSubtractingPages() {
    assertEquals(0x12346678, Pages.addPages(0x12345678, 1));
    assertEquals(0x1000, Pages.addPages(0x1000, 0));
    assertEquals(0x2000, Pages.addPages(0x1000, 1));
    assertEquals(0x5000, Pages.addPages(0x1000, 4));
    assertEquals(0x4000, Pages.subtractPages(0x5000, 1));
    assertEquals(0x1000, Pages.subtractPages(0x5000, 4));
  }

  @Test
  @Behaviour("9")
  void distancesNeverGoBelowZero() {
    assertEquals(4, Pages.pagesTo(0x1000, 0x5000));
    assertEquals(0, Pages.pagesTo(0x5000, 0x1000));
    assertEquals(0, Pages.pagesTo(0x5000, 0x5000));
    assertEquals(0x4000, Pages.byteDistance(0x1000, 0x5000));
    assertEquals(0, Pages.byteDistance(0x5000, 0x1000));
    assertEquals(0, Pages.pagesTo(0x1000, 0x1FFF));
  }

  @Test
  @Behaviour("11")
  void alignmentToAnOrder() {
    for (int order = 0; order <= 4; order++) {
      assertEquals(order <= 2, Pages.isOrderAligned(0x4000, order));
      assertEquals(order <= 3, Pages.isOrderAligned(0x8000, order));
    }
  }

  @Test
  @Behaviour("12")
  void theOrderThatHoldsSoManyFrames() {
    long[][] cases = {
      {0, 0},
      {1, 0},
      {2, 1},
      {3, 2},
      {4, 2},
      {5, 3},
      {8, 3},
      {9, 4},
      {16, 4},
      {17, 5},
      {256, 8},
      {512, 9},
      {513, 10},
      {Long.MAX_VALUE, 63}
    };
    for (long[] c : cases) {
      assertEquals(c[1], Pages.framesToOrderUp(c[0]));
    }
    assertEquals(0, Pages.framesToOrderDown(1));
    assertEquals(8, Pages.framesToOrderDown(511));
    assertEquals(9, Pages.framesToOrderDown(512));
  }

  @Test
  @Behaviour("13")
  void framesAndBytesOfAnOrder() {
    long[][] frames = {{0, 1}, {1, 2}, {2, 4}, {3, 8}, {4, 16}, {9, 512}};
    for (long[] c : frames) {
      assertEquals(c[1], Pages.orderToFrames((int) c[0]));
    }
    long[][] bytes = {{0, 4096}, {1, 8192}, {2, 16384}, {9, 2097152}};
    for (long[] c : bytes) {
      assertEquals(c[1], Pages.orderToBytes((int) c[0]));
    }
    for (int order = 0; order <= Pages.MAX_ORDER; order++) {
      assertEquals(order, Pages.framesToOrderUp(Pages.orderToFrames(order)));
      assertEquals(order, Pages.framesToOrderDown(Pages.orderToFrames(order)));
      assertEquals(order, Pages.orderForBytes(Pages.orderToBytes(order), Pages.MAX_ORDER));
    }
  }

  @Test
  @Behaviour("23")
  void nothingWrapsNearTheTop() {
    long lastPage = Long.MAX_VALUE & -4096;
    assertEquals(lastPage, Pages.alignUp(lastPage));
    assertArithmetic(() -> Pages.alignUp(lastPage + 1));
    assertArithmetic(() -> Pages.alignUp(Long.MAX_VALUE));
    assertArithmetic(() -> Pages.alignUp(-1));
    assertArithmetic(() -> Pages.alignUp(-4096));
    assertArithmetic(() -> Pages.alignUp(-1, 64));
    assertArithmetic(() -> Pages.addPages(lastPage, 1));
    assertArithmetic(() -> Pages.addPages(-4096, 1));
    assertArithmetic(() -> Pages.addPages(0, 1L << 51));
    assertArithmetic(() -> Pages.addPages(0, -1));
    assertArithmetic(() -> Pages.subtractPages(0x1000, 2));
    assertArithmetic(() -> Pages.subtractPages(Long.MIN_VALUE, 1));
    assertArithmetic(() -> Pages.pfnToAddress(1L << 51));
    assertArithmetic(() -> Pages.pfnToAddress(-1));
    assertArithmetic(() -> Pages.framesToBytes(1L << 52));
    assertEquals(lastPage, Pages.pfnToAddress((1L << 51) - 1));
  }

  private static void assertArithmetic(Executable conversion) {
    assertThrows(ArithmeticException.class, conversion);
  }

  @Test
  @Behaviour("19")
  void buddiesDifferInOneBit() {
    assertEquals(0, Pages.buddyOf(2, 1));
    assertEquals(2, Pages.buddyOf(0, 1));
    assertEquals(0, Pages.buddyOf(4, 2));
    assertEquals(0x2000, new PageFrame(0, 1).buddy().startAddress());
    assertEquals(0, new PageFrame(0x2000, 1).buddy().startAddress());
    assertEquals(0, new PageFrame(0x4000, 2).buddy().startAddress());
  }

  @Test
  void theLargestBlockThatBeginsAtAFrame() {
    assertEquals(0, Pages.largestOrderAt(5, 16, 20));
    assertEquals(1, Pages.largestOrderAt(6, 16, 20));
    assertEquals(3, Pages.largestOrderAt(8, 16, 20));
    assertEquals(2, Pages.largestOrderAt(8, 15, 20));
    assertEquals(20, Pages.largestOrderAt(0, 1L << 34, 20));
    assertEquals(4, Pages.largestOrderAt(0, 1L << 34, 4));
    assertEquals(0, Pages.largestOrderAt(0, 1, 20));
  }
}
