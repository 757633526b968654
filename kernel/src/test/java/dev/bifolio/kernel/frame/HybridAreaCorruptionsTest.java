package dev.bifolio.kernel.frame;

import static dev.bifolio.kernel.frame.HybridExample.hex;
import static dev.bifolio.kernel.frame.HybridExample.put;
import static dev.bifolio.kernel.frame.HybridExample.xor;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Corruptions of area words and frame words.
class HybridAreaCorruptionsTest extends PlantedCorruptions {
  @TestFactory
  List<DynamicTest> corruptionsOfAreaWordsAreFound() {
    plant("area that says NONE", e -> badWord(e, e.eight, AreaWord.NONE));
    plant("area of a state that is none", e -> badWord(e, e.eight, 7));
    plant("kind that is none", e -> badWord(e, e.eight, binned(e) | 7 << 8));
    plant("bin that is none", e -> badWord(e, e.eight, binned(e) | 0xFF << 16));
    plant("first kind that is none", e -> badWord(e, e.eight, (binned(e) & ~(7L << 8)) | 6 << 8));
    plant(
        "first bin that is none",
        e -> badWord(e, e.eight, (binned(e) & ~(0xFFL << 16)) | 36 << 16));
    plant("RESERVED of a kind that is none", e -> badWord(e, e.movable, reserved(e) | 7 << 8));
    plant("FULL of a kind that is none", e -> badWord(e, e.split, AreaWord.FULL | 7 << 8));
    plant("BINNED and DIRTY", e -> badWord(e, e.eight, binned(e) | AreaWord.DIRTY));
    plant("BINNED and INIT", e -> badWord(e, e.eight, binned(e) | AreaWord.INIT));
    plant("BINNED with a slot", e -> badWord(e, e.eight, binned(e) | 5L << 32));
    plant("FULL with a bin", e -> badWord(e, e.split, AreaWord.FULL | 3 << 16));
    plant("FULL and DIRTY", e -> badWord(e, e.split, AreaWord.FULL | AreaWord.DIRTY));
    plant("RESERVED and INIT", e -> badWord(e, e.movable, reserved(e) | AreaWord.INIT));
    plant(
        "bin too low",
        e -> {
          put(e.areaWord(e.eight), AreaWord.binned(binned(e), AreaWord.bin(2, 100)));
          return e.areaText(e.eight) + "has a free block of order 8, its bin says 2";
        });
    plant(
        "other kind",
        e -> {
          xor(e.areaWord(e.eight), 1 << 8);
          return e.areaText(e.eight) + "is in bin 35, but no hint leads to it";
        });
    plant(
        "FULL with free frames",
        e -> {
          put(e.areaWord(e.eight), AreaWord.full(binned(e)));
          return e.areaText(e.eight) + "is FULL, but has 368 free frames";
        });
    plant(
        "claim of an operation that is over",
        e -> {
          put(e.areaWord(e.eight), AreaWord.reserved(binned(e), AreaWord.NO_SLOT));
          return e.areaText(e.eight) + "is RESERVED for an operation, but none is under way";
        });
    plant(
        "reserved for a slot that has none",
        e -> {
          put(e.areaWord(e.eight), AreaWord.reserved(binned(e), HybridExample.IDLE_SLOT));
          return e.areaText(e.eight) + "is RESERVED for slot 11, which names another area or none";
        });
    plant(
        "reserved for a slot that does not exist",
        e -> {
          put(e.areaWord(e.movable), AreaWord.reserved(reserved(e), 20));
          return e.areaText(e.movable) + "is RESERVED for slot 20, which does not exist";
        });
    plant(
        "reserved for a negative slot",
        e -> {
          put(e.areaWord(e.movable), AreaWord.reserved(reserved(e), -7));
          return e.areaText(e.movable) + "is RESERVED for slot -7, which does not exist";
        });
    plant(
        "reserved area that another slot names",
        e -> {
          put(e.areaWord(e.movable), AreaWord.binned(reserved(e), 35));
          return "slot 7: names the area at frame " + hex(e.movable & -512) + ", whose word does";
        });
    plant(
        "area in use made absent",
        e -> {
          put(e.areaWord(e.eight), AreaWord.ABSENT);
          return "frame " + hex(e.eight & -512) + ": is in use, but its area is ABSENT";
        });
    plant(
        "one word of an absent area",
        e -> {
          long pfn = ((HybridExample.MANAGED_END + 512) & -512) + 64;
          put(e.frameWord(pfn), 1);
          return "frame " + hex(pfn) + ": is in use, but its area is ABSENT";
        });
    plant(
        "absent area with a kind",
        e -> {
          put(e.areaWord(HybridExample.MANAGED_END + 512), AreaWord.ABSENT | 1 << 8);
          return e.areaText(HybridExample.MANAGED_END + 512) + "is ABSENT with further bits 104";
        });
    plant(
        "absent area without its state",
        e -> {
          put(e.areaWord(HybridExample.MANAGED_END + 512), AreaWord.NONE);
          return e.areaText(HybridExample.MANAGED_END + 512) + "word 0 is none that exists";
        });
    plant(
        "partial area said to be whole",
        e -> {
          xor(e.areaWord(HybridExample.START), AreaWord.PARTIAL);
          return "frame 0x0: is cached, but in no magazine";
        });
    plant(
        "whole area said to be partial",
        e -> {
          xor(e.areaWord(e.split), AreaWord.PARTIAL);
          return "slot 0: magazine of order 0 has frame " + hex(e.split + 5) + ", no such cached";
        });
    return tests();
  }

  private static long binned(HybridExample e) {
    return Memory.getLong(e.areaWord(e.eight));
  }

  private static long reserved(HybridExample e) {
    return Memory.getLong(e.areaWord(e.movable));
  }

  private static String badWord(HybridExample e, long pfn, long word) {
    put(e.areaWord(pfn), word);
    return e.areaText(pfn) + "word " + Long.toHexString(word) + " is none that exists";
  }

  @TestFactory
  List<DynamicTest> corruptionsOfFrameWordsAreFound() {
    plant(
        "free frame made a tail",
        e -> {
          e.xorFrame(e.eight + 9, TAIL_OR_FREE);
          return "frame " + hex(e.eight + 9) + ": is a tail without a head";
        });
    plant(
        "free word made tails",
        e -> {
          long pfn = (e.eight & -512) + 480;
          put(e.frameWord(pfn), 0);
          return "frame " + hex(pfn) + ": is a tail without a head";
        });
    plant(
        "first frame of an area made a tail",
        e -> {
          long pfn = e.split;
          e.xorFrame(pfn, HEAD_OR_TAIL);
          return "frame " + hex(pfn) + ": is a tail without a head";
        });
    plant(
        "frames far behind a run made tails",
        e -> {
          put(e.frameWord(e.run70 + 192), 0);
          return "frame " + hex(e.run70 + 192) + ": is a tail without a head";
        });
    plant(
        "single frames made a run that is not aligned",
        e -> {
          e.xorFrame(e.split + 34, HEAD_OR_TAIL);
          return "frame " + hex(e.split + 33) + ": run of 2 frames is not aligned";
        });
    plant(
        "word of a run made free",
        e -> {
          put(e.frameWord(e.run70 + 32), UnitWord.ALL_FREE);
          return "frame " + hex(e.run70 + 64) + ": is a tail without a head";
        });
    plant(
        "area made wholly free",
        e -> {
          e.core.areas.fill(e.areaOf(e.eight), UnitWord.ALL_FREE);
          return e.areaText(e.eight) + "is wholly free, but has not gone back";
        });
    plant(
        "area behind a block made tails",
        e -> {
          long pfn = splitBehindABlock(e);
          e.core.areas.fill(e.areaOf(pfn), UnitWord.ALL_TAIL);
          return "frame " + hex(pfn) + ": all frames of the area are tails, but its unit is LENT";
        });
    plant(
        "block that goes on in an area and is not aligned",
        e -> {
          long pfn = splitBehindABlock(e);
          e.xorFrame(pfn, HEAD_OR_TAIL);
          return e.unitText(1, (pfn >>> 9) - 1) + "run of 2 units is not aligned";
        });
    plant(
        "half of a block made free",
        e -> {
          xor(e.frameWord(e.eight), 0xF0L << (e.eight & 31));
          return "counters of order 2: 1 more are live than were allocated";
        });
    plant(
        "head of a run lost",
        e -> {
          e.xorFrame(e.run70, HEAD_OR_FREE);
          return "frame " + hex(e.run70 + 1) + ": is a tail without a head";
        });
    plant(
        "allocated frame made cached",
        e -> {
          e.xorFrame(e.split + 77, TAIL_OR_FREE);
          return "frame " + hex(e.split + 77) + ": is cached, but in no magazine";
        });
    plant(
        "word behind a run of two areas made tails",
        e -> {
          put(e.frameWord(e.run600 + 512 + 96), 0);
          return "frame " + hex(e.run600 + 512 + 96) + ": is a tail without a head";
        });
    plant(
        "word of a run in its last area made free",
        e -> {
          put(e.frameWord(e.run600 + 512), UnitWord.ALL_FREE);
          return "frame " + hex(e.run600 + 512 + 32) + ": is a tail without a head";
        });
    plant(
        "absent frame before the span made free",
        e -> {
          e.xorFrame(0x20, HEAD_OR_TAIL);
          return "frame 0x20: is outside the span, but not absent";
        });
    plant(
        "absent frame in the span made allocated",
        e -> {
          e.xorFrame(HybridExample.MANAGED_END + 0x20, TAIL_OR_FREE);
          return "managed frames: 196480 were handed over, 196481 are there";
        });
    plant(
        "frame below a unit that is not lent",
        e -> {
          long unit = initialisedUnit(e);
          put(e.frameWord((unit << 9) + 32), UnitWord.ONE_BLOCK);
          return e.areaText(unit << 9) + "is said to be all FREE below (INIT), but is not";
        });
    plant(
        "state below a unit that is not lent",
        e -> {
          long unit = initialisedUnit(e);
          put(e.areaWord(unit << 9), AreaWord.FULL);
          return e.areaText(unit << 9) + "unit above is not LENT, but its state is 3";
        });
    return tests();
  }

  /// Makes a block of one area at an odd unit, and of the next area single frames.
  ///
  /// @return the first of these frames
  private static long splitBehindABlock(HybridExample e) {
    long before = e.allocator.allocate(9, AllocationFlags.NONE);
    long pfn = e.allocator.allocate(9, AllocationFlags.NONE);
    while (pfn != before + 512 || (before >>> 9 & 1) == 0) {
      before = pfn;
      pfn = e.allocator.allocate(9, AllocationFlags.NONE);
    }
    e.allocator.splitBlock(pfn, 9);
    assertTrue(e.allocator.validate().isValid());
    return pfn;
  }

  /// A unit of an area that was in use once and went back; its word is in use.
  private static long initialisedUnit(HybridExample e) {
    long pfn = e.allocator.tryAllocateOn(0, 2, AllocationFlags.RECLAIMABLE);
    e.allocator.tryFreeOn(0, pfn, 2);
    e.allocator.drainCaches();
    assertEquals(AreaWord.returned(), Memory.getLong(e.areaWord(pfn)));
    assertTrue(e.allocator.validate().isValid());
    return pfn >>> 9;
  }
}
