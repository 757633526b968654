package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Window;
import dev.bifolio.testkit.SplitMix64;
import org.junit.jupiter.api.Test;

class FrameInfoTest {
  @Test
  void partsOfAWordDoNotTouchEachOther() {
    SplitMix64 random = new SplitMix64(5);
    for (int i = 0; i < 10_000; i++) {
      int kind = random.below(FrameInfo.MAX_KIND + 1);
      int account = random.below(FrameInfo.MAX_ACCOUNT + 1);
      int shares = random.below(FrameInfo.MAX_SHARES + 1);
      long owner = random.below(FrameInfo.MAX_OWNER + 1);
      long word = FrameInfo.word(kind, account, shares, owner);
      assertEquals(kind, FrameInfo.kindOf(word));
      assertEquals(account, FrameInfo.accountOf(word));
      assertEquals(shares, FrameInfo.sharesOf(word));
      assertEquals(owner, FrameInfo.ownerOf(word));
    }
    assertEquals(0, FrameInfo.word(FrameInfo.KIND_NONE, 0, 0, 0));
    assertEquals(
        -1L,
        FrameInfo.word(
            FrameInfo.MAX_KIND, FrameInfo.MAX_ACCOUNT, FrameInfo.MAX_SHARES, FrameInfo.MAX_OWNER));
  }

  @Test
  void partsThatDoNotFitAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> FrameInfo.word(16, 0, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> FrameInfo.word(-1, 0, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> FrameInfo.word(0, 4096, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> FrameInfo.word(0, 0, 65_536, 0));
    assertThrows(IllegalArgumentException.class, () -> FrameInfo.word(0, 0, 0, 1L << 32));
    assertThrows(IllegalArgumentException.class, () -> FrameInfo.word(0, 0, 0, -1));
  }

  @Test
  void eachFrameHasItsOwnWord() throws Exception {
    try (Window window = Window.reserve(4096)) {
      FrameInfo info = new FrameInfo(window.address(), 1000, 1512);
      assertEquals(4096, FrameInfo.byteSize(1000, 1512));
      assertEquals(1000, info.startPfn());
      assertEquals(1512, info.endPfn());
      for (long pfn = 1000; pfn < 1512; pfn++) {
        assertEquals(0, info.get(pfn));
        info.put(pfn, pfn * 3);
      }
      for (long pfn = 1000; pfn < 1512; pfn++) {
        assertEquals(pfn * 3, info.getAcquire(pfn));
      }
      assertFalse(info.compareAndSet(1000, 1, 2));
      assertEquals(3000, info.get(1000));
      assertTrue(info.compareAndSet(1000, 3000, 2));
      assertEquals(2, info.get(1000));
      assertThrows(IndexOutOfBoundsException.class, () -> info.get(999));
      assertThrows(IndexOutOfBoundsException.class, () -> info.put(1512, 1));
      long odd = window.address() + 4;
      assertThrows(IllegalArgumentException.class, () -> new FrameInfo(odd, 0, 1));
      assertThrows(IllegalArgumentException.class, () -> new FrameInfo(0, 2, 1));
    }
  }
}
