package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.platform.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The memory of the registered shrinkers.
class ShrinkerSlotsTest {
  private static final int SLOT = 3;
  private static final long SLOT_BYTES = ShrinkerSlots.byteSize() / ShrinkerSlots.COUNT;

  private final ZeroedWindows memory = new ZeroedWindows();
  private final long address = memory.reserve(ShrinkerSlots.byteSize());
  private final ShrinkerSlots slots = new ShrinkerSlots(address);

  @AfterEach
  void close() {
    memory.close();
  }

  @Test
  void aSlotThatIsUsedAgainBeginsWithoutAPast() {
    for (long at = 0; at < ShrinkerSlots.byteSize(); at += Long.BYTES) {
      Memory.putLong(address + at, 9);
    }
    slots.prepare(SLOT, 50);
    long first = address + SLOT * SLOT_BYTES;
    for (int word = ShrinkerSlots.BUSY; word < SLOT_BYTES; word += Long.BYTES) {
      long expected = word == ShrinkerSlots.COST ? 50 : 0;
      assertEquals(expected, Memory.getLong(first + word), "byte " + word);
    }
    // Somebody may just have looked whether there is a shrinker.
    assertEquals(9, slots.get(SLOT, ShrinkerSlots.VISITORS));
    assertEquals(9, slots.get(SLOT, ShrinkerSlots.STATE));
    for (int word = 0; word < SLOT_BYTES; word += Long.BYTES) {
      assertEquals(9, slots.get(SLOT + 1, word), "byte " + word + " of the next slot");
      assertEquals(9, slots.get(SLOT - 1, word), "byte " + word + " of the slot before");
    }
  }

  @Test
  void onlyALiveShrinkerIsVisited() {
    for (int state : new int[] {ShrinkerSlots.EMPTY, ShrinkerSlots.LEAVING}) {
      slots.put(SLOT, ShrinkerSlots.STATE, state);
      assertFalse(slots.visit(SLOT));
      assertEquals(0, slots.get(SLOT, ShrinkerSlots.VISITORS));
    }
    slots.put(SLOT, ShrinkerSlots.STATE, ShrinkerSlots.LIVE);
    assertTrue(slots.visit(SLOT));
    assertTrue(slots.visit(SLOT));
    assertEquals(2, slots.get(SLOT, ShrinkerSlots.VISITORS));
    slots.depart(SLOT);
    assertEquals(1, slots.get(SLOT, ShrinkerSlots.VISITORS));
  }

  @Test
  void theLastVisitorClearsASlotThatIsLeftAndNobodyElse() {
    slots.put(SLOT, ShrinkerSlots.STATE, ShrinkerSlots.LIVE);
    assertFalse(slots.mayClear(SLOT));
    assertTrue(slots.visit(SLOT));
    slots.put(SLOT, ShrinkerSlots.STATE, ShrinkerSlots.LEAVING);
    assertFalse(slots.mayClear(SLOT));
    slots.depart(SLOT);
    assertTrue(slots.mayClear(SLOT));
    assertFalse(slots.mayClear(SLOT));
  }

  @Test
  void oneThreadShrinksAtATime() {
    assertTrue(slots.claim(SLOT, 7));
    assertFalse(slots.claim(SLOT, 8));
    assertFalse(slots.claim(SLOT, 7));
    assertEquals(7, slots.get(SLOT, ShrinkerSlots.BUSY));
    slots.release(SLOT);
    assertTrue(slots.claim(SLOT, 8));
  }

  private int turnsPassed() {
    int turns = 0;
    while (slots.passesOver(SLOT)) {
      turns++;
    }
    return turns;
  }

  @Test
  void whoIsNoUseIsPassedOverForTwiceAsLongUpToALimit() {
    assertEquals(0, turnsPassed());
    for (int expected : new int[] {1, 2, 4, 8, 16, 32, 64, 64, 64}) {
      slots.passMore(SLOT);
      assertEquals(expected, turnsPassed());
    }
  }

  @Test
  void whoIsOfUseAgainBeginsAnew() {
    slots.passMore(SLOT);
    slots.passMore(SLOT);
    slots.passMore(SLOT);
    slots.passNoMore(SLOT);
    assertEquals(0, turnsPassed());
    slots.passMore(SLOT);
    assertEquals(1, turnsPassed());
  }

  @Test
  void whatIsAskedIsTakenOffTheCredit() {
    slots.put(SLOT, ShrinkerSlots.CREDIT, 5 * ShareRule.ONE_FRAME + 1);
    slots.charge(SLOT, 3);
    assertEquals(2 * ShareRule.ONE_FRAME + 1, slots.get(SLOT, ShrinkerSlots.CREDIT));
    slots.charge(SLOT, 4);
    assertEquals(1 - 2 * ShareRule.ONE_FRAME, slots.get(SLOT, ShrinkerSlots.CREDIT));
  }

  @Test
  void aCreditDoesNotPileUpNorADebt() {
    slots.put(SLOT, ShrinkerSlots.CREDIT, ShrinkerSlots.MOST_CREDIT + 9 * ShareRule.ONE_FRAME);
    slots.charge(SLOT, 2);
    assertEquals(ShrinkerSlots.MOST_CREDIT, slots.get(SLOT, ShrinkerSlots.CREDIT));
    slots.charge(SLOT, 2);
    assertEquals(
        ShrinkerSlots.MOST_CREDIT - 2 * ShareRule.ONE_FRAME, slots.get(SLOT, ShrinkerSlots.CREDIT));
    slots.charge(SLOT, Long.MAX_VALUE);
    assertEquals(-ShrinkerSlots.MOST_CREDIT, slots.get(SLOT, ShrinkerSlots.CREDIT));
  }
}
