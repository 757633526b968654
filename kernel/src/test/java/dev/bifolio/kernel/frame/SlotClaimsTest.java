package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A slot claims an area word by word; its claim word hands frames out and takes them back.
class SlotClaimsTest extends HybridParts {
  private static final long NONE = SlotClaims.NONE;
  private static final long END = 16 << 9;
  private static final int SLOT = 2;

  private HybridCore core;
  private SlotClaims claims;
  private long claim;

  @BeforeEach
  void sixteenAreas() {
    core = memory(2, 0, END);
    claims = core.claims;
    claim = core.slots.claim(SLOT);
  }

  private long word() {
    return Memory.getLongVolatile(claim);
  }

  private long refill() {
    return claims.refill(SLOT, 2, true);
  }

  /// What a free of a single frame does first; the words are read now.
  private int free(long frame) {
    return free(frame, frameWord(core, frame), areaWord(core, frame >>> 9));
  }

  private int free(long frame, long value, long area) {
    return SlotClaims.free(
        claim, core.areas.areaWord(frame >>> 9), core.areas.frameWord(frame), frame, value, area);
  }

  /// An area of one kind with just these frames free, in its bin.
  private long areaWith(int kind, int... free) {
    long area = lend(core.areas, kind, AreaWord.NO_SLOT);
    core.areas.fill(area, UnitWord.ALL_HEAD);
    for (int place : free) {
      long frame = (area << 9) + place;
      setFrameWord(core, frame, frameWord(core, frame) ^ UnitWord.block(place & 31, 1));
    }
    core.areas.settle(area);
    return area;
  }

  private List<Long> takeAll() {
    List<Long> taken = new ArrayList<>();
    for (long frame = claims.refill(SLOT, 2, false);
        frame != NONE;
        frame = claims.refill(SLOT, 2, false)) {
      taken.add(frame & 511);
    }
    return taken;
  }

  @Test
  void anEmptyClaimWordGivesNothing() {
    assertEquals(NONE, SlotClaims.pop(claim));
    assertEquals(NONE, claims.refill(SLOT, 2, false), "there is no area of the kind");
    assertEquals(ClaimWord.NONE, ClaimWord.state(word()));
  }

  @Test
  void aRunThatCoalescedWithAFrameThatIsBeingFreedStaysInSight() {
    long first = areaWith(2, 1, 2, 3) << 9;
    assertEquals(first + 1, claims.refill(SLOT, 2, false), "the single frame first");
    long freed = UnitWord.block(0, 1) | UnitWord.block(1, 1);
    // Who frees these two has not told the area yet: the pair is part of a run of four now.
    setFrameWord(core, first, frameWord(core, first) ^ freed);
    assertEquals(List.of(0L, 1L, 2L, 3L), takeAll());
  }

  @Test
  void onlyAnOpenWordGivesFrames() {
    refill();
    for (int state = 0; state < 4; state++) {
      long word = ClaimWord.next(word(), state, 3, 0b1010);
      Memory.putLong(claim, word);
      if (state == ClaimWord.OPEN) {
        long area = Memory.getLong(Slots.area(claim)) - 1;
        assertEquals((area << 9) + 96 + 1, SlotClaims.pop(claim));
        assertEquals((area << 9) + 96 + 3, SlotClaims.pop(claim));
      }
      assertEquals(NONE, SlotClaims.pop(claim));
    }
  }

  @Test
  void severalFramesAreTakenFromTheWordThatWasRead() {
    refill();
    long word = word();
    int some = 0b1110 & ClaimWord.mask(word);
    assertTrue(SlotClaims.take(claim, word, some));
    assertEquals(ClaimWord.mask(word) & ~some, ClaimWord.mask(word()));
    assertEquals(1 + Integer.bitCount(some), claims.allocations(claim));
    assertFalse(SlotClaims.take(claim, word, some), "it was read before");
    assertEquals(0, Memory.getLong(Slots.rounds(claim)));
    long ahead = (1L << ClaimWord.OPERATION_BITS) - 3 - ClaimWord.operations(word());
    Memory.putLong(claim, word() + ahead * ClaimWord.OPERATION);
    Memory.getAndAddLong(Slots.changes(claim), ahead);
    long before = claims.allocations(claim);
    assertTrue(SlotClaims.take(claim, word(), 0b1_1111_0000));
    assertEquals(before + 5, claims.allocations(claim));
    assertEquals(1, Memory.getLong(Slots.rounds(claim)));
  }

  @Test
  void anOwnedWordIsClosedToOthersAndKeepsItsFrames() {
    assertEquals(ClaimWord.NONE, ClaimWord.state(claims.own(claim)), "nothing is claimed");
    long frame = refill();
    long allocations = claims.allocations(claim);
    long word = claims.own(claim);
    assertEquals(word, word());
    assertEquals(ClaimWord.DRAINING, ClaimWord.state(word));
    assertEquals(31, Integer.bitCount(ClaimWord.mask(word)));
    assertEquals((frame >>> 5) & 15, ClaimWord.wordInArea(word));
    assertEquals(word, claims.own(claim), "once is enough");
    assertEquals(allocations, claims.allocations(claim));
    assertEquals(NONE, SlotClaims.pop(claim));
    assertTrue(claims.holds(frame + 1));
  }

  @Test
  void aRefillBorrowsAnAreaAndClaimsItsFirstWord() {
    long frame = refill();
    long area = frame >>> 9;
    assertEquals(AreaWord.fresh(2, SLOT), areaWord(core, area));
    assertEquals(area + 1, Memory.getLong(Slots.area(claim)));
    assertEquals(ClaimWord.OPEN, ClaimWord.state(word()));
    assertEquals(31, Integer.bitCount(ClaimWord.mask(word())));
    assertEquals(UnitWord.ALL_HEAD, frameWord(core, frame), "its frames are HEAD in their word");
    assertEquals(1, Memory.getLong(Slots.refills(claim)));
  }

  @Test
  void aRefillIsOneThreadsAtATime() {
    assertTrue(Slots.tryLock(claim));
    assertEquals(SlotClaims.BUSY, refill());
    Slots.unlock(claim);
    assertTrue(refill() >= 0);
    assertTrue(Slots.tryLock(claim), "the lock is free again");
  }

  @Test
  void anAreaIsUsedUpFrameByFrame() {
    BitSet seen = new BitSet();
    long first = refill();
    seen.set((int) first & 511);
    for (int i = 1; i < 512; i++) {
      long frame = claims.refill(SLOT, 2, false);
      assertEquals(first >>> 9, frame >>> 9);
      assertFalse(seen.get((int) frame & 511));
      seen.set((int) frame & 511);
    }
    assertEquals(512, seen.cardinality());
    assertEquals(NONE, claims.refill(SLOT, 2, false));
    assertEquals(AreaWord.FULL, AreaWord.state(areaWord(core, first >>> 9)));
    assertEquals(0, Memory.getLong(Slots.area(claim)));
    assertEquals(ClaimWord.NONE, ClaimWord.state(word()));
    assertEquals(16, Memory.getLong(Slots.refills(claim)));
  }

  @Test
  @Behaviour("89")
  void singleHolesGoFirstThenPairsThenLargerRuns() {
    // One free frame in word 4, pairs in words 1 and 9, four frames in word 2, eight in word 7,
    // sixteen in word 12, all of word 3.
    List<Integer> free = new ArrayList<>(List.of(133, 34, 35, 298, 299));
    addRun(free, 72, 4);
    addRun(free, 224, 8);
    addRun(free, 400, 16);
    addRun(free, 96, 32);
    areaWith(2, free.stream().mapToInt(i -> i).toArray());
    List<Long> taken = takeAll();
    List<Long> expected = new ArrayList<>(List.of(133L, 34L, 35L, 298L, 299L));
    for (int[] run : new int[][] {{72, 4}, {224, 8}, {400, 16}, {96, 32}}) {
      for (long frame = run[0]; frame < run[0] + run[1]; frame++) {
        expected.add(frame);
      }
    }
    assertEquals(expected, taken);
  }

  private static void addRun(List<Integer> free, int first, int count) {
    for (int i = first; i < first + count; i++) {
      free.add(i);
    }
  }

  @Test
  void runsOfSeveralLengthsInOneWordAreClaimedOneLengthAtATime() {
    areaWith(2, 0, 2, 3, 8, 9, 10, 11, 31);
    assertEquals(List.of(0L, 31L, 2L, 3L, 8L, 9L, 10L, 11L), takeAll());
  }

  @Test
  void theBinsOfTheOwnKindServeBeforeAnAreaIsBorrowed() {
    long other = areaWith(1, 7);
    long own = areaWith(2, 9);
    assertEquals((own << 9) + 9, claims.refill(SLOT, 2, false));
    assertEquals(NONE, claims.refill(SLOT, 2, false));
    assertEquals((other << 9) + 7, claims.refill(SLOT, 1, false), "another kind if it is asked");
  }

  // ---- Frees of others ----

  @Test
  void aFrameOfTheClaimedWordComesBackToTheMask() {
    long frame = refill();
    long before = word();
    assertEquals(SlotClaims.FREED, free(frame));
    assertEquals(before | 1L << (frame & 31), word());
    assertEquals(SlotClaims.CACHED, free(frame), "a second free");
    assertEquals(frame, SlotClaims.pop(claim));
  }

  @Test
  void aFrameOfAnotherWordIsNotTheClaimWordsBusiness() {
    long frame = refill();
    assertEquals(SlotClaims.NOT_CLAIMED, free(frame + 32, UnitWord.ALL_HEAD, areaWord(core, 0)));
    long left = ClaimWord.next(word(), ClaimWord.NONE, ClaimWord.wordInArea(word()), 0);
    Memory.putLong(claim, left);
    assertEquals(SlotClaims.NOT_CLAIMED, free(frame));
    assertEquals(left, word());
  }

  @Test
  void whileTheWordIsDrainedNothingComes() {
    long frame = refill();
    int mask = ClaimWord.mask(word());
    long draining = ClaimWord.next(word(), ClaimWord.DRAINING, (int) (frame >>> 5) & 15, mask);
    Memory.putLong(claim, draining);
    assertEquals(SlotClaims.NOT_CLAIMED, free(frame));
    assertEquals(SlotClaims.CACHED, free(frame + 1), "it is in the mask still");
    assertEquals(draining, word());
    Memory.putLong(claim, ClaimWord.next(word(), ClaimWord.PENDING, (int) (frame >>> 5) & 15, 0));
    assertEquals(SlotClaims.FREED, free(frame), "an announced word takes frames");
  }

  @Test
  void whatChangedSinceItWasReadIsReadAgain() {
    long frame = refill();
    long area = areaWord(core, frame >>> 9);
    long before = word();
    assertEquals(SlotClaims.AGAIN, free(frame, UnitWord.ALL_FREE, area));
    assertEquals(SlotClaims.AGAIN, free(frame, UnitWord.ALL_HEAD, AreaWord.fresh(2, SLOT + 1)));
    assertEquals(SlotClaims.AGAIN, free(frame, UnitWord.ALL_HEAD, AreaWord.full(area)));
    assertEquals(before, word());
    assertEquals(
        SlotClaims.FREED,
        free(frame, UnitWord.ALL_HEAD, area | AreaWord.DIRTY),
        "a mark is no change");
  }

  @Test
  void aFrameIsHeldWhileItsBitIsInTheMask() {
    long frame = refill();
    assertFalse(claims.holds(frame), "it was handed out");
    for (long other = (frame & -32) + 1; other < (frame & -32) + 32; other++) {
      assertTrue(claims.holds(other));
    }
    assertFalse(claims.holds(frame + 32 + 1));
    assertFalse(claims.holds(frame + 512 + 1), "an area that nobody has");
    assertEquals(SlotClaims.FREED, free(frame));
    assertTrue(claims.holds(frame));
  }

  @Test
  void aFrameThatBecameFreeWhileItWasCachedIsFreeOnly() {
    long frame = refill() + 1;
    long bit = 1L << (frame & 31);
    assertTrue(claims.isHonest(frame), "HEAD and in the mask: all is well");
    assertTrue(claims.isHonest(frame - 1), "not in the mask");
    assertTrue(claims.isHonest(frame + 32), "another word");
    assertTrue(claims.isHonest(frame + 512), "another area");
    long allocations = claims.allocations(claim);
    setFrameWord(core, frame, frameWord(core, frame) ^ UnitWord.block((int) frame & 31, 1));
    assertFalse(claims.isHonest(frame));
    assertEquals(0, word() & bit);
    assertEquals(30, Integer.bitCount(ClaimWord.mask(word())));
    assertEquals(allocations, claims.allocations(claim), "that was no allocation");
    assertTrue(claims.isHonest(frame), "the bit has gone");
  }

  @Test
  void onlyAnOpenWordIsMended() {
    long frame = refill() + 1;
    setFrameWord(core, frame, frameWord(core, frame) ^ UnitWord.block((int) frame & 31, 1));
    for (int state : new int[] {ClaimWord.NONE, ClaimWord.PENDING, ClaimWord.DRAINING}) {
      long word = ClaimWord.next(word(), state, (int) (frame >>> 5) & 15, -1);
      Memory.putLong(claim, word);
      assertTrue(claims.isHonest(frame));
      assertEquals(word, word());
    }
    Memory.putLong(claim, ClaimWord.next(word(), ClaimWord.OPEN, 15, -1));
    assertTrue(claims.isHonest(frame));
  }

  @Test
  void theFirstSlotIsASlotLikeAnyOther() {
    long frame = claims.refill(0, 0, true) + 1;
    assertTrue(claims.holds(frame));
    setFrameWord(core, frame, frameWord(core, frame) ^ UnitWord.block((int) frame & 31, 1));
    assertFalse(claims.isHonest(frame));
  }

  // ---- Coming back while the slot goes on ----

  @Test
  void framesThatComeBackAreHandedOutBeforeTheNextWord() {
    long frame = refill();
    for (int i = 1; i < 32; i++) {
      SlotClaims.pop(claim);
    }
    assertEquals(SlotClaims.FREED, free(frame + 5));
    assertEquals(frame + 5, claims.refill(SLOT, 2, false));
    assertEquals(1, Memory.getLong(Slots.refills(claim)));
    assertEquals(frame + 32, claims.refill(SLOT, 2, false));
  }

  @Test
  void framesThatWentHomeWhileTheAreaIsClaimedAreFoundBeforeItIsLeft() {
    areaWith(2, 100, 300);
    assertEquals(100, claims.refill(SLOT, 2, false) & 511);
    long area = Memory.getLong(Slots.area(claim)) - 1;
    long home = (area << 9) + 200;
    assertTrue(core.free(0, home, 0), "its word is not the claimed one");
    assertTrue(AreaWord.isDirty(areaWord(core, area)));
    assertEquals(List.of(300L, 200L), takeAll());
    assertEquals(AreaWord.FULL, AreaWord.state(areaWord(core, area)));
  }

  @Test
  void runsThatGrewSinceTheyWerePlannedAreTakenAllTheSame() {
    areaWith(2, 100, 300);
    assertEquals(100, claims.refill(SLOT, 2, false) & 511);
    long area = Memory.getLong(Slots.area(claim)) - 1;
    // 300 was planned as a single hole; it is one of a pair now.
    assertTrue(core.free(0, (area << 9) + 301, 0));
    assertEquals(List.of(300L, 301L), takeAll());
    assertEquals(ClaimWord.NONE, ClaimWord.state(word()), "nothing is left announced or claimed");
  }

  @Test
  void aRunComesFromTheSlotsOwnAreaAndWhatItLeavesIsFound() {
    assertEquals(NONE, claims.takeFromArea(claim, 2, core.runs, 2), "the slot has no area yet");
    assertEquals(0, areaWith(2, 0, 1, 2, 3, 100));
    assertEquals(100, claims.refill(SLOT, 2, false));
    assertEquals(NONE, claims.takeFromArea(claim, 1, core.runs, 2), "another kind");
    assertEquals(NONE, claims.takeFromArea(claim, 2, core.runs, 8), "there is no such run");
    assertTrue(Slots.tryLock(claim));
    assertEquals(NONE, claims.takeFromArea(claim, 2, core.runs, 2), "somebody is at work here");
    Slots.unlock(claim);
    assertEquals(0, claims.takeFromArea(claim, 2, core.runs, 2));
    assertEquals(List.of(2L, 3L), takeAll(), "four had been planned");
  }

  // ---- Draining ----

  @Test
  @Behaviour("100")
  void aDrainedSlotSendsItsFramesHomeAndLetsTheAreaGo() {
    long frame = refill();
    long area = frame >>> 9;
    assertTrue(claims.drain(SLOT));
    assertEquals(ClaimWord.NONE, ClaimWord.state(word()));
    assertEquals(0, ClaimWord.mask(word()));
    assertEquals(0, Memory.getLong(Slots.area(claim)));
    assertEquals(31, Memory.getLong(Slots.wentHome(claim)));
    assertEquals(31, Integer.bitCount(UnitWord.free(frameWord(core, frame))));
    assertEquals(AreaWord.BINNED, AreaWord.state(areaWord(core, area)));
    assertEquals(511, census(core, area << 9, (area + 1) << 9).freeFrames());
    assertFalse(claims.drain(SLOT), "there is nothing left");
    assertTrue(core.free(0, frame, 0));
    assertEquals(AreaWord.NONE, AreaWord.state(areaWord(core, area)));
  }

  @Test
  void aDrainWithoutCachedFramesLetsTheAreaGoToo() {
    long frame = refill();
    assertEquals(SlotClaims.FREED, free(frame));
    assertTrue(claims.drain(SLOT));
    assertEquals(AreaWord.returned(), areaWord(core, frame >>> 9), "wholly free");
    refill();
    while (SlotClaims.pop(claim) != NONE) {}
    assertTrue(claims.drain(SLOT));
    assertEquals(32, Memory.getLong(Slots.wentHome(claim)));
  }

  @Test
  void aDrainGivesUpWhenTheSlotIsBusyForLong() {
    refill();
    long before = word();
    assertTrue(Slots.tryLock(claim));
    assertTrue(claims.drain(SLOT), "there may be something");
    assertEquals(before, word());
    Slots.unlock(claim);
    assertTrue(claims.drain(SLOT));
    assertTrue(Slots.tryLock(claim));
  }

  // ---- Counting ----

  @Test
  void allocationsAreCountedAcrossTheEndOfTheCounter() {
    long frame = refill();
    assertEquals(1, claims.allocations(claim));
    // As though 2^26 - 3 changes of state had been.
    long word = word();
    long ahead = (1L << ClaimWord.OPERATION_BITS) - 3 - ClaimWord.operations(word);
    Memory.putLong(claim, word + ahead * ClaimWord.OPERATION);
    Memory.getAndAddLong(Slots.changes(claim), ahead);
    for (int i = 2; i < 600; i++) {
      assertTrue(claims.refill(SLOT, 2, true) >= 0);
      assertEquals(i, claims.allocations(claim));
    }
    assertEquals(1, Memory.getLong(Slots.rounds(claim)));
    assertTrue(ClaimWord.operations(word()) < 1000);
    assertEquals(SlotClaims.NOT_CLAIMED, free(frame, UnitWord.ALL_HEAD, AreaWord.fresh(2, SLOT)));
  }

  @Test
  void aChangeOfStateThatEndsTheCounterCountsARoundToo() {
    refill();
    for (int left = 1; left <= 4; left++) {
      long count = claims.allocations(claim);
      long rounds = Memory.getLong(Slots.rounds(claim));
      long ahead = (1L << ClaimWord.OPERATION_BITS) - left - ClaimWord.operations(word());
      Memory.putLong(claim, word() + ahead * ClaimWord.OPERATION);
      Memory.getAndAddLong(Slots.changes(claim), ahead);
      assertTrue(claims.drain(SLOT)); // DRAINING, NONE
      assertEquals(count, claims.allocations(claim));
      refill(); // PENDING, OPEN, a frame
      assertEquals(count + 1, claims.allocations(claim));
      assertEquals(rounds + 1, Memory.getLong(Slots.rounds(claim)));
    }
  }

  // ---- All together ----

  @Test
  void anyOrderOfRequestsAndFreesLosesNoFrame() {
    SplitMix64 random = new SplitMix64(77);
    BitSet owned = new BitSet();
    for (int turn = 0; turn < 60_000; turn++) {
      int slot = random.below(4) + (random.oneIn(2) ? 6 : 0);
      boolean grows = turn / 6000 % 2 == 0;
      if (random.oneIn(grows ? 2 : 4)) {
        long frame = claims.refill(slot, random.below(2), random.oneIn(2));
        if (frame >= 0) {
          assertFalse(owned.get((int) frame));
          owned.set((int) frame);
        }
      } else if (random.oneIn(200)) {
        claims.drain(slot);
      } else {
        int frame = owned.nextSetBit(random.below((int) END));
        if (frame >= 0) {
          assertTrue(core.free(random.below(2), frame, 0));
          owned.clear(frame);
          assertFalse(core.free(random.below(2), frame, 0), "a second free");
        }
      }
      if (turn % 1000 == 0) {
        FrameCensus census = census(core, 0, END);
        assertEquals(owned.cardinality(), census.usedFrames());
        assertEquals(END, census.managedFrames());
      }
    }
    owned.stream().forEach(frame -> assertTrue(core.free(0, frame, 0)));
    callBackAll(core);
    assertEquals(1, census(core, 0, END).freeBlocks(13));
  }
}
