package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;

/// Many single frames in one call: all frames of a claim word are taken, and all frames of a frame
/// word are freed, by one compare-and-set.
///
/// Any thread; no Java objects.
final class BulkRequests {
  private final HybridCore core;

  BulkRequests(HybridCore core) {
    this.core = core;
  }

  /// Fills entries of an array with single frames.
  ///
  /// @return how many it could get
  int allocate(int cpu, long[] pfns, int offset, int count, int flags) {
    long claim = core.slots.claim(core.slots.of(cpu, AllocationFlags.kindOf(flags)));
    int got = 0;
    while (got < count) {
      got += takeWaiting(claim, pfns, offset + got, count - got);
      if (got < count) {
        long pfn = core.allocate(cpu, 0, flags);
        if (pfn < 0) {
          break;
        }
        pfns[offset + got] = pfn;
        got++;
      }
    }
    return got;
  }

  /// What waits in the claim word, up to `count` frames.
  private int takeWaiting(long claim, long[] pfns, int from, int count) {
    while (true) {
      long word = Memory.getLongVolatile(claim);
      int taken = lowest(ClaimWord.mask(word), count);
      if (taken == 0 || ClaimWord.state(word) != ClaimWord.OPEN) {
        return 0;
      }
      long area = Memory.getLong(Slots.area(claim)) - 1;
      if (SlotClaims.take(claim, word, taken)) {
        long first =
            core.basePfn()
                + area * AreaWord.FRAMES
                + (long) ClaimWord.wordInArea(word) * UnitWord.UNITS;
        int next = from;
        for (int left = taken; left != 0; left &= left - 1) {
          pfns[next] = first + Integer.numberOfTrailingZeros(left);
          next++;
        }
        return next - from;
      }
    }
  }

  /// The lowest bits of a mask, at most `count` of them.
  private static int lowest(int mask, int count) {
    int lowest = mask;
    for (int above = Integer.bitCount(mask) - count; above > 0; above--) {
      lowest ^= Integer.highestOneBit(lowest);
    }
    return lowest;
  }

  /// Frees entries of an array of single frames.
  ///
  /// @throws FrameRequestException for the first that is not allocated as one
  void free(HybridAllocator allocator, long[] pfns, int from, int end) {
    for (int next = from; next < end; ) {
      int freed = core.isAttached() ? freeInWord(pfns, next, end) : 0;
      long result = freed > 0 ? 0 : allocator.tryFree(pfns[next], 0);
      if (result != 0) {
        throw FrameMistakes.bulk(FrameError.of(result), next, pfns[next]);
      }
      next += Math.max(freed, 1);
    }
  }

  /// Frees the frames at the beginning of a part of an array that lie in the same word, if they are
  /// two or more, allocated as single frames, and none of them may be in a claim word.
  ///
  /// @return how many were freed; 0 if the first one must be freed by itself
  private int freeInWord(long[] pfns, int from, int end) {
    long frame = pfns[from] - core.basePfn();
    if (Long.compareUnsigned(frame, core.areas.areaCount() << Pages.HUGE_ORDER) >= 0) {
      return 0;
    }
    long word = frame >>> 5;
    int mask = 0;
    int next = from;
    for (; next < end; next++) {
      long other = pfns[next] - core.basePfn();
      int bit = 1 << other;
      if (other >>> 5 != word || (mask & bit) != 0) {
        break;
      }
      mask |= bit;
    }
    return next - from > 1 && freeInWord(word << 5, mask) ? next - from : 0;
  }

  private boolean freeInWord(long firstFrame, int mask) {
    long address = core.areas.frameWord(firstFrame);
    long areaAddress = core.areas.areaWord(firstFrame >>> Pages.HUGE_ORDER);
    while (true) {
      long value = Memory.getLongVolatile(address);
      if (!UnitWord.areSingles(value, mask)
          || isClaimed(Memory.getLongVolatile(areaAddress), firstFrame)) {
        return false;
      }
      long next = value ^ UnitWord.both(mask);
      if (Memory.compareAndSetLong(address, value, next)) {
        tell(firstFrame, mask, next, areaAddress);
        return true;
      }
    }
  }

  private boolean isClaimed(long area, long frame) {
    if (AreaWord.slot(area) < 0) {
      return false;
    }
    long word = Memory.getLongVolatile(core.slots.claim(AreaWord.slot(area)));
    return ClaimWord.claims(word, (int) (frame >>> 5) & 15);
  }

  /// The largest free run of the word speaks for all that were freed in it. A frame that turns out
  /// to have been freed twice is taken out of the cache again; the mistake is not reported.
  private void tell(long firstFrame, int mask, long value, long areaAddress) {
    long area = Memory.getLongVolatile(areaAddress);
    int free = UnitWord.free(value);
    int largest = UnitWord.largest(free);
    if (AreaWord.slot(area) >= 0) {
      for (int left = mask; left != 0; left &= left - 1) {
        core.claims.isHonest(firstFrame + Integer.numberOfTrailingZeros(left));
      }
    }
    if (largest < 0) {
      return; // taken again already
    }
    long frame = firstFrame + Integer.numberOfTrailingZeros(UnitWord.runs(free, largest));
    if (!Areas.isSettled(area, frame, value)) {
      core.areas.afterFree(frame, largest, value);
    }
  }
}
