package dev.bifolio.kernel.frame;

import static dev.bifolio.kernel.frame.HybridExample.hex;
import static dev.bifolio.kernel.frame.HybridExample.put;
import static dev.bifolio.kernel.frame.HybridExample.xor;

import dev.bifolio.kernel.platform.Memory;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Corruptions of the levels above the areas, and of all hints.
class HybridLevelCorruptionsTest extends PlantedCorruptions {
  @TestFactory
  List<DynamicTest> corruptionsOfTheLevelsAreFound() {
    for (int level = 1; level <= 2; level++) {
      int number = level;
      plant(
          "free unit of level " + level + " made a tail",
          e -> {
            long unit = e.freeUnit(number, e.huge >>> e.level(number).shift());
            e.xorUnit(number, unit, TAIL_OR_FREE);
            return e.unitText(number, unit) + "is a tail without a head";
          });
      plant(
          "free unit of level " + level + " made LENT",
          e -> {
            long unit = e.freeUnit(number, e.huge >>> e.level(number).shift());
            e.xorUnit(number, unit, HEAD_OR_TAIL);
            return number == 1
                ? e.areaText(unit << 9) + "word 0 is none that exists"
                : "managed frames: 196480 were handed over, 180096 are there";
          });
    }
    plant(
        "absent unit made a tail",
        e -> {
          e.xorUnit(3, 3, 3);
          return e.unitText(3, 3) + "is a tail without a head";
        });
    plant(
        "absent unit made free",
        e -> {
          e.xorUnit(3, 9, HEAD_OR_TAIL);
          return e.unitText(3, 9) + "reaches out of the span, but is not absent";
        });
    plant(
        "absent unit in the span made free",
        e -> {
          e.xorUnit(3, 2, HEAD_OR_TAIL);
          return "managed frames: 196480 were handed over, 720768 are there";
        });
    plant(
        "run that is not aligned",
        e -> {
          long unit = e.huge >>> 9;
          e.level(1).put(unit, e.level(1).valueAt(unit) ^ misaligned(e.level(1).valueAt(unit)));
          return "units is not aligned";
        });
    plant(
        "run at the end of a word that is not aligned",
        e -> {
          long unit = e.huge >>> 9;
          e.level(1).put(unit, e.level(1).valueAt(unit) ^ UnitWord.block(29, 3));
          return e.unitText(1, (unit & -32) + 29) + "run of 3 units is not aligned";
        });
    plant(
        "area in use under a free unit",
        e -> {
          e.xorUnit(1, e.eight >>> 9, HEAD_OR_TAIL);
          return e.areaText(e.eight) + "unit above is not LENT, but its state is 1";
        });
    plant(
        "word in use under a free unit",
        e -> {
          e.xorUnit(2, e.huge >>> 14, HEAD_OR_TAIL);
          return e.unitText(1, (e.huge >>> 14) << 5) + "word is in use, but its unit above is not";
        });
    plant(
        "word in use under the head of a block",
        e -> {
          e.level(1).put(e.giant >>> 9, UnitWord.ONE_BLOCK);
          return e.unitText(1, (e.giant >>> 14) << 5) + "word is in use, but its unit above is not";
        });
    plant(
        "word that was lost",
        e -> {
          e.level(1).put(e.huge >>> 9, 0);
          return e.unitText(1, e.eight >>> 9) + "is absent, but below it something is in use";
        });
    plant(
        "upper word that was lost",
        e -> {
          e.level(2).put(0, 0);
          return e.unitText(2, e.huge >>> 14) + "is absent, but below it something is in use";
        });
    plant(
        "top word that was lost",
        e -> {
          e.level(3).put(0, 0);
          return e.unitText(3, 0) + "is absent, but below it something is in use";
        });
    plant(
        "head of a run that was lost",
        e -> {
          e.xorUnit(1, e.run600 >>> 9, HEAD_OR_FREE);
          return "frame " + hex(e.run600 + 512) + ": is a tail without a head";
        });
    plant(
        "head of a run of more levels that was lost",
        e -> {
          e.xorUnit(2, e.longRun >>> 14, HEAD_OR_FREE);
          return e.unitText(1, (e.longRun + 0x4000) >>> 9) + "is a tail without a head";
        });
    plant(
        "word that has not gone back",
        e -> {
          long unit = (e.longRun + 0x4000) >>> 9;
          e.level(1).put(unit, UnitWord.ALL_FREE);
          return e.unitText(1, unit) + "word is all FREE, not open, and has not gone back";
        });
    plant(
        "open word that does not exist",
        e -> {
          put(e.level(2).open, 1000);
          return "level 2: the open word is none that exists";
        });
    plant(
        "open word behind the last",
        e -> {
          put(e.level(1).open, e.level(1).wordCount() + 1);
          return "level 1: the open word is none that exists";
        });
    plant(
        "negative open word",
        e -> {
          put(e.level(2).open, -1000);
          return "level 2: the open word is none that exists";
        });
    plant(
        "count of lent units",
        e -> {
          put(e.level(1).open + 8, -1);
          return "level 1: a counter is negative";
        });
    plant(
        "on its way",
        e -> {
          put(e.level(2).open + 24, (1L << 34) - 1);
          return "level 2: -1 are said to be on their way";
        });
    plant(
        "count of units taken back",
        e -> {
          put(e.level(3).open + 16, -1);
          return "level 3: a counter is negative";
        });
    return tests();
  }

  /// What makes a misaligned run of the free units of a word.
  private static long misaligned(long value) {
    for (int index = 1; index < 30; index += 2) {
      if ((UnitWord.free(value) >>> index & 3) == 3) {
        return UnitWord.block(index, 2);
      }
    }
    throw new AssertionError("no room");
  }

  @TestFactory
  List<DynamicTest> corruptionsOfTheHintsAreFound() {
    for (int bits = 0; bits < 4; bits++) {
      int which = bits;
      plant(
          "hint of a level lost, step " + bits,
          e -> {
            long unit = e.huge >>> 9;
            int bin = e.binOf(1, unit);
            HintBitmap hints = e.level(1).hints;
            put(
                switch (which) {
                  case 0 -> hints.binLeaf(bin, 0);
                  case 1 -> hints.mid(0, bin, 0);
                  case 2 -> hints.top(0, bin, 0);
                  default -> hints.summary(0);
                },
                0);
            return e.unitText(1, unit & -32) + "word has free units, but is not open, and no hint";
          });
    }
    for (int bits = 0; bits < 5; bits++) {
      int which = bits;
      plant(
          "hint of an area lost, step " + bits,
          e -> {
            int kind = AllocationFlags.kindOf(AllocationFlags.LONG);
            int bin = AreaWord.bin(Memory.getLong(e.areaWord(e.eight)));
            HintBitmap hints = e.core.areas.bins;
            put(
                switch (which) {
                  case 0 -> hints.binLeaf(bin, 0);
                  case 1 -> hints.kindLeaf(kind, 0);
                  case 2 -> hints.mid(kind, bin, 0);
                  case 3 -> hints.top(kind, bin, 0);
                  default -> hints.summary(kind);
                },
                0);
            return e.areaText(e.eight) + "is in bin " + bin + ", but no hint leads to it";
          });
    }
    plant(
        "hint of a word beyond the last",
        e -> {
          xor(e.level(2).hints.binLeaf(3, 0), 1L << 63);
          return "level 2: a hint stands for a word that does not exist";
        });
    plant(
        "hint of a bin that does not exist",
        e -> {
          xor(e.core.areas.bins.summary(4), 1L << 36);
          return "hints of the areas: a bit stands for an area that does not exist";
        });
    plant(
        "hints of areas beyond the last, in a kind",
        e -> {
          xor(e.core.areas.bins.kindLeaf(5, (e.core.areas.areaCount() - 1) >>> 6), 1L << 63);
          return "hints of the areas: a bit stands for an area that does not exist";
        });
    plant(
        "mid hint beyond the last",
        e -> {
          xor(e.core.areas.bins.mid(2, 35, 2), 1L << 63);
          return "hints of the areas: a bit stands for an area that does not exist";
        });
    plant(
        "top hint beyond the last",
        e -> {
          xor(e.core.areas.bins.top(2, 35, 0), 1L << 63);
          return "hints of the areas: a bit stands for an area that does not exist";
        });
    return tests();
  }
}
