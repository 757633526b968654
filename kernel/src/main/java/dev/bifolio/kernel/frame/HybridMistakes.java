package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;

/// What a caller of the hybrid allocator may not ask for, and the sentences that tell him.
final class HybridMistakes {
  private HybridMistakes() {}

  static void requireSpan(long startPfn, long frameCount) {
    if (startPfn < 0
        || frameCount <= 0
        || frameCount > HybridAllocator.MAX_SPAN_FRAMES
        || startPfn > (Long.MAX_VALUE >>> Pages.PAGE_SHIFT) - frameCount) {
      throw FrameMistakes.span(startPfn, frameCount);
    }
  }

  static int requireCpus(int cpuCount) {
    if (cpuCount < 1 || cpuCount > HybridAllocator.MAX_CPU_COUNT) {
      throw new IllegalArgumentException(
          "expected 1 to " + HybridAllocator.MAX_CPU_COUNT + " CPUs, found " + cpuCount);
    }
    return cpuCount;
  }

  static FrameRequestException run(
      FrameError error, long pfn, long frameCount, FrameStates states, long startPfn, long endPfn) {
    StringBuilder text = new StringBuilder(120);
    text.append("frame ").append(AddressRange.hex(pfn)).append(": expected ");
    if (error == FrameError.ZERO_ALLOCATION) {
      text.append("a count of 1 or more, found ").append(frameCount);
    } else {
      text.append("the first of ").append(frameCount).append(" allocated frames, found ");
      describe(text, pfn, states, startPfn, endPfn);
      if (error == FrameError.OUT_OF_RANGE && states.isManaged(pfn)) {
        text.append("; the last of them, ");
        text.append(AddressRange.hex(pfn + frameCount - 1)).append(", is outside");
      }
    }
    return new FrameRequestException(error, text.toString());
  }

  private static void describe(
      StringBuilder text, long pfn, FrameStates states, long startPfn, long endPfn) {
    if (pfn < startPfn || pfn >= endPfn) {
      text.append("a frame outside the span ").append(AddressRange.hex(startPfn));
      text.append(" to ").append(AddressRange.hex(endPfn));
      return;
    }
    if (!states.isManaged(pfn)) {
      text.append("a frame that was never handed over");
      return;
    }
    int state = FrameStates.stateIn(states.look(pfn));
    if (state == FrameStates.FREE) {
      text.append("a free frame");
      return;
    }
    long head = state == FrameStates.TAIL ? states.headOf(pfn) : pfn;
    if (head != pfn) {
      text.append("the inside of ");
    }
    boolean cached = FrameStates.stateIn(states.look(head)) == FrameStates.CACHED;
    text.append(cached ? "a freed block, waiting in a cache, of " : "an allocated run of ");
    text.append(states.frameCountAt(head, endPfn)).append(" frames");
    if (head != pfn) {
      text.append(" at ").append(AddressRange.hex(head));
    }
  }
}
