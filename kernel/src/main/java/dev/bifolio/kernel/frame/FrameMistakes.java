package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;

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

  static void requireOrder(int order, int maxOrder) {
    if (order < 0 || order > maxOrder) {
      throw order(FrameError.INVALID_ORDER, order, maxOrder);
    }
  }

  static int legalKind(int kind) {
    if (kind < 0 || kind >= AllocationFlags.KIND_COUNT) {
      throw new IllegalArgumentException(
          "expected a kind of 0 to " + (AllocationFlags.KIND_COUNT - 1) + ", found " + kind);
    }
    return kind;
  }

  static FrameRequestException uninitialised() {
    return new FrameRequestException(
        FrameError.NOT_INITIALIZED, "expected initialize() before the first request");
  }

  /// Why a run is not one that may be freed; slow, for mistakes only.
  static FrameError errorOf(long pfn, long frameCount, FrameDescriptors frames) {
    if (frameCount <= 0) {
      return FrameError.ZERO_ALLOCATION;
    }
    long head = frames.headOf(pfn);
    if (head == FrameAllocator.NO_FRAME
        || frameCount > frames.endPfn() - pfn
        || frames.headOf(pfn + frameCount - 1) == FrameAllocator.NO_FRAME) {
      return FrameError.OUT_OF_RANGE;
    }
    return frames.state(head) == FrameDescriptors.FREE
        ? FrameError.NOT_ALLOCATED
        : FrameError.SIZE_MISMATCH;
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

  static FrameRequestException within(
      FrameError error, long frameCount, long alignmentFrames, long boundaryFrames, int maxOrder) {
    boolean count = frameCount <= 0 || frameCount > Pages.orderToFrames(maxOrder);
    return error == FrameError.NOT_INITIALIZED || count
        ? count(error, frameCount, maxOrder)
        : new FrameRequestException(
            error,
            "expected an alignment that is a power of two up to "
                + Pages.orderToFrames(maxOrder)
                + ", and as the boundary 0 or a power of two from the count up; found "
                + frameCount
                + " frames aligned to "
                + alignmentFrames
                + " with boundary "
                + boundaryFrames);
  }

  static FrameRequestException range(FrameError error, long startPfn, long frameCount) {
    if (error == FrameError.NOT_INITIALIZED) {
      return uninitialised();
    }
    String text =
        switch (error) {
          case ZERO_ALLOCATION -> "expected 1 frame or more";
          case OUT_OF_RANGE -> "expected frames that were all handed over, found others among them";
          case NOT_ALLOCATED -> "expected the blocks of an allocated range, found a free frame";
          default -> "expected the blocks of an allocated range, found a block of another length";
        };
    return new FrameRequestException(
        error, frameCount + " frames at frame " + AddressRange.hex(startPfn) + ": " + text);
  }

  static FrameRequestException bulk(FrameError error, int index, long pfn) {
    return error == FrameError.NOT_INITIALIZED
        ? uninitialised()
        : new FrameRequestException(
            error,
            "entry "
                + index
                + ", frame "
                + AddressRange.hex(pfn)
                + ": expected an allocated single frame, found something else");
  }

  /// The first frame of a span of frames that begins at an address.
  static long requireStart(long startAddress, long frameCount) {
    if (!Pages.isPageAligned(startAddress)) {
      throw new FrameRequestException(
          FrameError.UNALIGNED,
          "expected a base with page alignment (a multiple of 4096), found "
              + AddressRange.hex(startAddress));
    }
    if (frameCount == 0) {
      throw new FrameRequestException(FrameError.ZERO_ALLOCATION, "a span needs frames");
    }
    return Pages.addressToPfn(startAddress);
  }

  static void requireMetadata(long address) {
    if (address <= 0 || (address & 63) != 0) {
      throw new IllegalArgumentException(
          "metadata must lie at a multiple of 64, not at " + AddressRange.hex(address));
    }
  }

  static FrameRequestException outside(
      long startPfn, long endPfn, long spanStartPfn, long spanEndPfn) {
    return new FrameRequestException(
        FrameError.OUT_OF_RANGE,
        "expected frames of the span "
            + AddressRange.hex(spanStartPfn)
            + " to "
            + AddressRange.hex(spanEndPfn)
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
