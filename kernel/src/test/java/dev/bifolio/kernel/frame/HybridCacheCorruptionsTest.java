package dev.bifolio.kernel.frame;

import static dev.bifolio.kernel.frame.HybridExample.hex;
import static dev.bifolio.kernel.frame.HybridExample.put;
import static dev.bifolio.kernel.frame.HybridExample.xor;

import dev.bifolio.kernel.platform.Memory;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Corruptions of slots, magazines and counters.
class HybridCacheCorruptionsTest extends PlantedCorruptions {
  @TestFactory
  List<DynamicTest> corruptionsOfSlotsAreFound() {
    plant("lock", e -> slotWord(e, 11, 64, 1, "is locked"));
    plant("claim without area", e -> slotWord(e, 11, 0, 2L << 36, "claims a word, but names no"));
    plant("mask without claim", e -> slotWord(e, 11, 0, 1, "claim word 1 is none that rests"));
    plant("area without claim", e -> slotWord(e, 11, 8, 2, "names the area at frame 0x200, whose"));
    plant("area far away", e -> slotWord(e, 11, 8, 1 << 20, "names area 1048575, which does not"));
    plant("negative area", e -> slotWord(e, 11, 8, -5, "names area -6, which does not exist"));
    plant("owner of a CPU's slot", e -> slotWord(e, 11, 120, 1, "has owner 1, which does not"));
    plant("owner of no kind", e -> slotWord(e, 12, 120, 7, "has owner 7, which does not exist"));
    plant("owner lost", e -> slotWord(e, 12, 120, 0, "has frames, but no owner"));
    plant("recall of a CPU's slot", e -> slotWord(e, 11, 24, 1, "is asked to give back 1 times"));
    plant("strange recall", e -> slotWord(e, 12, 24, 2, "is asked to give back 2 times"));
    plant("retired", e -> slotWord(e, 12, 200, -1, "a counter is negative"));
    plant("owner's area lost", e -> slotWord(e, 12, 8, 0, "claims a word, but names no area"));
    plant(
        "owner's claim word OPEN",
        e -> {
          xor(e.claim(12), 1L << 36);
          return "slot 12: claim word " + Long.toHexString(Memory.getLong(e.claim(12)));
        });
    plant(
        "owner's magazine too full",
        e -> {
          Memory.putLong(Slots.header(e.claim(12), 0), 49);
          return "slot 12: magazine of order 0 holds 49 blocks, capacity 48";
        });
    plant(
        "frame of an owner made free",
        e -> {
          e.xorFrame(e.owned + 1, HEAD_OR_FREE);
          return "slot 12: frame " + hex(e.owned + 1) + " is in the claim word, but no single";
        });
    plant("rounds", e -> slotWord(e, 11, 16, -1, "a counter is negative"));
    plant("changes", e -> slotWord(e, 11, 88, -1, "a counter is negative"));
    plant("more changes than operations", e -> slotWord(e, 11, 88, 1, "a counter is negative"));
    plant("refills", e -> slotWord(e, 11, 96, -1, "a counter is negative"));
    plant("went home", e -> slotWord(e, 11, 104, -1, "a counter is negative"));
    plant("on its way", e -> slotWord(e, 11, 112, 1L << 32 | 1, "1 are said to be on their way"));
    plant("taken", e -> slotWord(e, 11, 216 + 8 * 20, -1, "a counter is negative"));
    plant("claim word PENDING", e -> claimState(e, ClaimWord.PENDING));
    plant("claim word DRAINING", e -> claimState(e, ClaimWord.DRAINING));
    plant("claim word NONE with frames", e -> claimState(e, ClaimWord.NONE));
    plant(
        "frame in the claim word that is allocated to nobody",
        e -> {
          long claim = e.claim(7);
          long word = Memory.getLong(claim);
          Memory.putLong(claim, word | 1L << 32);
          return "slot 7: frame " + hex((e.movable & -512) + 33) + " is in the claim word, but no";
        });
    plant(
        "frame of the claim word made free",
        e -> {
          e.xorFrame((e.movable & -512) + 7, HEAD_OR_FREE);
          return "slot 7: frame " + hex((e.movable & -512) + 7) + " is in the claim word, but no";
        });
    plant(
        "frame of the claim word made a tail",
        e -> {
          e.xorFrame((e.movable & -512) + 7, HEAD_OR_TAIL);
          return "slot 7: frame " + hex((e.movable & -512) + 6) + " is in the claim word, but no";
        });
    plant(
        "free frames that are not in the plan",
        e -> {
          xor(Slots.planHigh(e.claim(7)), 1L << 21);
          return "slot 7: free frames of order 5 at frame " + hex((e.movable & -512) + 160);
        });
    plant(
        "plan for words that do not exist",
        e -> {
          xor(Slots.planHigh(e.claim(7)), 1L << 32);
          return "slot 7: plan has bits for words that do not exist";
        });
    return tests();
  }

  private static String slotWord(HybridExample e, int slot, int offset, long word, String text) {
    put(e.claim(slot) + offset, word);
    return "slot " + slot + ": " + text;
  }

  private static String claimState(HybridExample e, int state) {
    long claim = e.claim(7);
    xor(claim, (long) (ClaimWord.OPEN ^ state) << 36);
    return "slot 7: claim word " + Long.toHexString(Memory.getLong(claim)) + " is none that rests";
  }

  @TestFactory
  List<DynamicTest> corruptionsOfMagazinesAreFound() {
    plant(
        "locked",
        e -> {
          xor(Slots.header(e.claim(3), 6), 1L << 63);
          return "slot 3: magazine of order 6 is locked";
        });
    plant(
        "too many blocks",
        e -> {
          Memory.putLong(Slots.header(e.claim(11), 8), 9);
          return "slot 11: magazine of order 8 holds 9 blocks, capacity 1";
        });
    plant("another block", e -> entry(e, 0, 0, 0, e.split + 11));
    plant("block far away", e -> entry(e, 0, 0, 1, 0xFFFF_FFFFL));
    plant("block of an area that is not there", e -> entry(e, 0, 0, 1, 0x80000));
    plant("half a block", e -> entry(e, 3, 1, 0, e.cachedPair + 1));
    plant("large block at another place", e -> entry(e, 3, 6, 0, e.cached64 + 32));
    plant(
        "the same block twice",
        e -> {
          Memory.putInt(e.core.slots.entry(e.claim(0), 0, 0), (int) e.split + 9);
          return "frame " + hex(e.split + 9) + ": is in the magazines twice";
        });
    plant(
        "block forgotten",
        e -> {
          Memory.putInt(e.core.slots.entry(e.claim(0), 0, 0), (int) e.split + 9);
          return "frame " + hex(e.split + 5) + ": is cached, but in no magazine";
        });
    plant(
        "count too low",
        e -> {
          Memory.putLong(Slots.header(e.claim(0), 0), 1);
          return "frame " + hex(e.split + 9) + ": is cached, but in no magazine";
        });
    plant(
        "block of other length",
        e -> {
          e.xorFrame(e.cachedPair + 1, HEAD_OR_TAIL);
          return noBlock(3, 1, e.cachedPair);
        });
    plant(
        "block that is allocated",
        e -> {
          e.xorFrame(e.split + 9, TAIL_OR_FREE);
          return noBlock(0, 0, e.split + 9);
        });
    plant(
        "large block that is allocated",
        e -> {
          e.xorFrame(e.cached64, TAIL_OR_FREE);
          return noBlock(3, 6, e.cached64);
        });
    plant(
        "large block that is shorter",
        e -> {
          put(e.frameWord(e.cached64 + 32), UnitWord.ONE_BLOCK);
          return noBlock(3, 6, e.cached64);
        });
    plant(
        "large block that is longer",
        e -> {
          put(e.frameWord(e.cached64 + 64), UnitWord.ALL_TAIL);
          return noBlock(3, 6, e.cached64);
        });
    return tests();
  }

  private static String entry(HybridExample e, int slot, int order, int index, long pfn) {
    Memory.putInt(e.core.slots.entry(e.claim(slot), order, index), (int) pfn);
    return noBlock(slot, order, pfn);
  }

  private static String noBlock(int slot, int order, long pfn) {
    return "slot " + slot + ": magazine of order " + order + " has frame " + hex(pfn) + ", no such";
  }

  @TestFactory
  List<DynamicTest> corruptionsOfCountersAreFound() {
    plant(
        "managed frames", e -> control(e, 0, 5, "managed frames: 5 were handed over, 196480 are"));
    plant(
        "on its way",
        e -> {
          put(e.core.areas.transit(), 3);
          return "control words: 3 are said to be on their way";
        });
    plant("zero of closed caches", e -> control(e, 31, 1, "control word 31: is not zero"));
    plant("refused requests", e -> control(e, 1, -1, "control word 1: is negative: -1"));
    plant("refused frees", e -> control(e, 2, -3, "control word 2: is negative: -3"));
    plant("peak", e -> control(e, 3, 1 << 30, "control word 3: peak is above the managed frames"));
    plant("failed requests", e -> control(e, 60, -1, "control word 60: is negative: -1"));
    plant("frames made by splitting", e -> control(e, 4, 700, "control word 4: 700 frames made"));
    plant("too few made", e -> control(e, 4, 256, "control word 4: 256 frames made by splitting"));
    plant("splits", e -> control(e, 5 + 9, 2, "control word 4: 512 frames made by splitting"));
    plant("splits never made", e -> control(e, 15, 1, "made by splitting, expected 770 to 1536"));
    plant("negative splits", e -> control(e, 25, -1, "control word 25: is negative"));
    plant(
        "blocks allocated",
        e -> {
          xor(Slots.taken(e.claim(0), 14), 1);
          return "counters of order 14: 1 more are live than were allocated";
        });
    return tests();
  }

  private static String control(HybridExample e, int word, long value, String text) {
    put(e.core.control(word), value);
    return text;
  }
}
