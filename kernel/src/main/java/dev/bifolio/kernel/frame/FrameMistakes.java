package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;

/// The sentences that tell a caller what he got wrong: frame in hex, what was expected, what was
/// found.
final class FrameMistakes {
  private FrameMistakes() {}

  static FrameRequestException order(FrameError error, int order, int maxOrder) {
    return error == FrameError.NOT_INITIALIZED
        ? uninitialised()
        : new FrameRequestException(
            error, "expected an order of 0 to " + maxOrder + ", found " + order);
  }

  static FrameRequestException count(FrameError error, long frameCount, int maxOrder) {
    return error == FrameError.NOT_INITIALIZED
        ? uninitialised()
        : new FrameRequestException(
            error, "expected 1 to " + (1L << maxOrder) + " frames, found " + frameCount);
  }

  static FrameRequestException uninitialised() {
    return new FrameRequestException(
        FrameError.NOT_INITIALIZED, "expected initialize() before the first request");
  }

  static FrameRequestException run(
      FrameError error, long pfn, long frameCount, FrameDescriptors frames) {
    if (error == FrameError.NOT_INITIALIZED) {
      return uninitialised();
    }
    StringBuilder text = new StringBuilder(120);
    text.append("frame ").append(AddressRange.hex(pfn)).append(": expected ");
    if (error == FrameError.ZERO_ALLOCATION) {
      text.append("a count of 1 or more, found ").append(frameCount);
    } else {
      text.append("the first of ").append(frameCount).append(" allocated frames, found ");
      describe(text, pfn, frames);
      if (error == FrameError.OUT_OF_RANGE && frames.headOf(pfn) != FrameAllocator.NO_FRAME) {
        text.append("; the last of them, ");
        text.append(AddressRange.hex(pfn + frameCount - 1)).append(", is outside");
      }
    }
    return new FrameRequestException(error, text.toString());
  }

  static FrameRequestException outside(long startPfn, long endPfn, FrameDescriptors frames) {
    return new FrameRequestException(
        FrameError.OUT_OF_RANGE,
        "expected frames of the span "
            + AddressRange.hex(frames.startPfn())
            + " to "
            + AddressRange.hex(frames.endPfn())
            + ", found "
            + AddressRange.hex(startPfn)
            + " to "
            + AddressRange.hex(endPfn));
  }

  static FrameRequestException span(long startPfn, long frameCount) {
    return new FrameRequestException(
        FrameError.OUT_OF_RANGE,
        "expected a span of 1 to 2^34 frames below address 2^63, found "
            + frameCount
            + " frames at frame "
            + AddressRange.hex(startPfn));
  }

  private static void describe(StringBuilder text, long pfn, FrameDescriptors frames) {
    if (!frames.spans(pfn)) {
      text.append("a frame outside the span ").append(AddressRange.hex(frames.startPfn()));
      text.append(" to ").append(AddressRange.hex(frames.endPfn()));
      return;
    }
    long head = frames.headOf(pfn);
    if (head == FrameAllocator.NO_FRAME) {
      text.append("a frame that was never handed over");
      return;
    }
    boolean free = frames.state(head) == FrameDescriptors.FREE;
    if (head != pfn) {
      text.append("the inside of ");
    }
    text.append(free ? "a free block of " : "an allocated run of ");
    text.append(frames.frameCount(head)).append(" frames");
    if (head != pfn) {
      text.append(" at ").append(AddressRange.hex(head));
    }
  }
}
