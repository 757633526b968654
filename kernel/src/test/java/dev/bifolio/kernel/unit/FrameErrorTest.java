package dev.bifolio.kernel.unit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.bifolio.kernel.unit.FrameError.ErrorClass;
import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.Test;

class FrameErrorTest {
  @Test
  @Behaviour("76")
  void textsAreFixed() {
    String[] texts = {
      "Out of physical memory",
      "Allocation size exceeds maximum block size",
      "Cannot allocate zero pages",
      "Address is not page-aligned",
      "Address is outside managed memory range",
      "Block is not allocated (possible double-free)",
      "Free size does not match allocation size",
      "Allocator has not been initialized",
      "Invalid block order specified",
      "Internal allocator corruption detected"
    };
    FrameError[] errors = FrameError.values();
    assertEquals(texts.length, errors.length);
    for (int i = 0; i < texts.length; i++) {
      assertEquals(texts[i], errors[i].text());
    }
  }

  @Test
  @Behaviour("77")
  void eachErrorHasAClass() {
    for (FrameError error : FrameError.values()) {
      ErrorClass expected =
          switch (error) {
            case OUT_OF_MEMORY, TOO_LARGE -> ErrorClass.OUT_OF_MEMORY;
            case ZERO_ALLOCATION, INVALID_ORDER, UNALIGNED, OUT_OF_RANGE ->
                ErrorClass.INVALID_ARGUMENT;
            case NOT_ALLOCATED, SIZE_MISMATCH -> ErrorClass.INVALID_ARGUMENT;
            case NOT_INITIALIZED -> ErrorClass.NOT_PERMITTED;
            case CORRUPTION -> ErrorClass.INTERNAL_ERROR;
          };
      assertEquals(expected, error.errorClass());
    }
  }

  @Test
  @Behaviour("77")
  void codesAreDistinctNegativeAndDecoded() {
    long code = -1;
    for (FrameError error : FrameError.values()) {
      assertEquals(code, error.code());
      assertSame(error, FrameError.of(code));
      code--;
    }
    for (long none : new long[] {0, 1, -11, Long.MIN_VALUE, Long.MAX_VALUE}) {
      assertThrows(IllegalArgumentException.class, () -> FrameError.of(none));
    }
  }

  @Test
  @Behaviour("76")
  void theExceptionHasTheTextAndTheDetail() {
    FrameRequestException thrown = new FrameRequestException(FrameError.UNALIGNED, "found 0x1");
    assertEquals("Address is not page-aligned: found 0x1", thrown.getMessage());
    assertSame(FrameError.UNALIGNED, thrown.error());
  }
}
