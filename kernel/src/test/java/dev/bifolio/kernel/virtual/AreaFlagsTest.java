package dev.bifolio.kernel.virtual;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.bifolio.kernel.table.PageFlags;
import org.junit.jupiter.api.Test;

/// What areas allow, and what their pages do then.
class AreaFlagsTest {
  private static final int R = AreaFlags.READ;
  private static final int W = AreaFlags.WRITE;
  private static final int X = AreaFlags.EXECUTE;
  private static final int USED = PageFlags.USER | PageFlags.ACCESSED;

  @Test
  void aPageAllowsLoadsAndFetchesOfItsAreaAndStoresOnlyIfItIsToBeWritten() {
    for (int other : new int[] {0, AreaFlags.SHARED, AreaFlags.HUGE, AreaFlags.NO_HUGE}) {
      assertEquals(PageFlags.READ | USED, AreaFlags.toPage(R | other));
      assertEquals(PageFlags.EXECUTE | USED, AreaFlags.toPage(X | other));
      assertEquals(PageFlags.READ | PageFlags.EXECUTE | USED, AreaFlags.toPage(R | X | other));
      // Whoever may store may load.
      assertEquals(PageFlags.READ | USED, AreaFlags.toPage(W | other));
      assertEquals(PageFlags.READ | PageFlags.EXECUTE | USED, AreaFlags.toPage(W | X | other));
      // Nobody but the kernel.
      assertEquals(PageFlags.READ | PageFlags.ACCESSED, AreaFlags.toPage(other));
      for (int access : new int[] {0, R, X, R | X}) {
        assertEquals(AreaFlags.toPage(access), AreaFlags.toWritablePage(access | other));
      }
      int written = PageFlags.WRITE | PageFlags.DIRTY;
      assertEquals(PageFlags.READ | USED | written, AreaFlags.toWritablePage(W | other));
    }
  }

  @Test
  void bitsWithoutAMeaningAndBothWishesAtOnceAreRefused() {
    for (int flags = 0; flags < 1 << 9; flags++) {
      int tried = flags;
      boolean hasBoth = (flags & AreaFlags.HUGE) != 0 && (flags & AreaFlags.NO_HUGE) != 0;
      if (flags > AreaFlags.ALL || hasBoth) {
        assertThrows(IllegalArgumentException.class, () -> AreaFlags.require(tried));
      } else {
        assertDoesNotThrow(() -> AreaFlags.require(tried));
      }
    }
    assertThrows(IllegalArgumentException.class, () -> AreaFlags.require(Integer.MIN_VALUE));
  }

  @Test
  void whoMayStoreMayLoad() {
    for (int other : new int[] {0, AreaFlags.SHARED, AreaFlags.GROWS_DOWN}) {
      for (int access = 0; access <= AreaFlags.ACCESS; access++) {
        int flags = access | other;
        assertEquals((access & (R | W)) != 0, AccessKind.LOAD.isAllowed(flags));
        assertEquals((access & W) != 0, AccessKind.STORE.isAllowed(flags));
        assertEquals((access & X) != 0, AccessKind.FETCH.isAllowed(flags));
      }
    }
  }
}
