package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/// What was in vain is tried less and less often.
class CompactionDeferralTest {
  private final CompactionDeferral deferral = new CompactionDeferral();

  private int leftOut(int order) {
    int attempts = 0;
    while (deferral.isDeferred(order)) {
      attempts++;
    }
    return attempts;
  }

  @Test
  void nothingIsDeferredAtFirst() {
    for (int order = 0; order <= 20; order++) {
      assertFalse(deferral.isDeferred(order));
    }
  }

  @Test
  void eachFailureDoublesTheWaitUpToALimit() {
    for (int expected : new int[] {1, 3, 7, 15, 31, 63, 63, 63}) {
      deferral.failed(9);
      assertEquals(expected, leftOut(9));
      assertFalse(deferral.isDeferred(9), "once it is tried, it is tried until it fails");
    }
  }

  @Test
  void smallerOrdersThanTheOneThatFailedAreTried() {
    deferral.failed(10);
    assertFalse(deferral.isDeferred(9));
    assertTrue(deferral.isDeferred(10));
    deferral.failed(12);
    assertTrue(deferral.isDeferred(10));
    assertTrue(deferral.isDeferred(11));
    deferral.failed(8);
    assertTrue(deferral.isDeferred(8));
    assertFalse(deferral.isDeferred(7));
  }

  @Test
  void successClearsIt() {
    deferral.failed(9);
    deferral.failed(9);
    deferral.succeeded(9);
    assertFalse(deferral.isDeferred(9));
    deferral.failed(10);
    assertEquals(1, leftOut(10));
    deferral.succeeded(4);
    deferral.failed(12);
    assertEquals(1, leftOut(10));
  }
}
