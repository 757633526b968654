package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The word of a row, the records that hold rows, and when a row's tag goes up.
class SlabRowTest {
  private final HeapWorld world = new HeapWorld(20);

  @AfterEach
  void giveBack() {
    world.close();
  }

  private static long tagOf(long row) {
    return Memory.getLong(row) >>> 32;
  }

  @Test
  void partsOfTheWord() {
    long word = 0xFFFF_FFFF_8000_0005L;
    assertEquals(0x8000_0005, SlabRow.free(word));
    assertTrue(SlabRow.isFree(word, 31));
    assertFalse(SlabRow.isFree(word, 30));
    assertEquals(0xFFFF_FFFF_0000_0000L, SlabRow.tag(word));
    assertTrue(SlabRow.sameTag(word, SlabRow.tag(word) | 9));
    assertFalse(SlabRow.sameTag(word, 9));
    assertEquals(0xFFFF_FFFFL, SlabRow.next(word, -1));
    assertEquals(6L << 32 | 0x8000_0000L, SlabRow.next(5L << 32 | 3, Integer.MIN_VALUE));
  }

  @Test
  void theTagGoesUpWheneverARightToTheRowEnds() {
    SlabCache cache = world.caches.create(HeapWorld.spec(1024, 0, 4));
    long first = cache.allocate(0);
    long row = SlabRecords.row(cache.records().at(1), 0);
    assertEquals(1, tagOf(row));
    cache.free(first);
    assertEquals(1, tagOf(row));
    // A CPU lets a row go that has objects, and later one that has none.
    assertEquals(1, cache.shrink(1));
    assertEquals(3, tagOf(row));
    assertEquals(0, SlabRow.free(Memory.getLong(row)));
    for (int i = 0; i < 4; i++) {
      assertEquals(first + i * 1024L, cache.allocate(0));
    }
    assertEquals(4, tagOf(row));
    long next = cache.allocate(0);
    assertEquals(5, tagOf(row));
    cache.free(first);
    cache.free(next);
    // An owner takes its objects, and gives them back.
    SlabOwner owner = cache.openOwner();
    assertEquals(first, owner.allocate());
    assertEquals(6, tagOf(row));
    owner.free(first);
    owner.drain();
    assertEquals(7, tagOf(row));
    assertEquals(1, SlabRow.free(Memory.getLong(row)));
    owner.close();
  }

  @Test
  void aPopWithAnOldClaimFails() {
    SlabCache cache = world.caches.create(HeapWorld.spec(1024, 0, 4));
    cache.free(cache.allocate(0));
    long slot = cache.slot(0);
    long claim = SlabClaims.claimOf(slot);
    long pointer = SlabClaims.pointerOf(slot);
    cache.drainSlots();
    assertEquals(0, SlabClaims.claimOf(slot));
    Memory.putLong(slot, claim);
    Memory.putLong(slot + 8, pointer);
    assertEquals(SlabClaims.NONE, cache.claims.pop(slot));
  }

  @Test
  void recordsAreAsLongAsTheirRowsNeed() {
    assertEquals(1, SlabRecords.unitsFor(1));
    assertEquals(1, SlabRecords.unitsFor(4));
    assertEquals(2, SlabRecords.unitsFor(5));
    assertEquals(2, SlabRecords.unitsFor(12));
    assertEquals(3, SlabRecords.unitsFor(13));
    assertEquals(17, SlabRecords.unitsFor(128));
  }

  @Test
  void recordsAreFoundOneAfterTheOtherAndUsedAgain() {
    long memory = world.windows.reserve(SlabRecords.byteSize(10));
    SlabRecords records = new SlabRecords(memory, 10);
    assertEquals(SlabRecords.NONE, records.after(SlabRecords.NONE));
    assertEquals(1, records.allocate(2));
    assertEquals(3, records.allocate(1));
    assertEquals(4, records.allocate(3));
    assertEquals(1, records.after(SlabRecords.NONE));
    assertEquals(3, records.after(1));
    assertEquals(4, records.after(3));
    assertEquals(SlabRecords.NONE, records.after(4));
    assertEquals(3, records.inUse());
    records.free(3, 1);
    records.free(1, 2);
    assertEquals(1, records.inUse());
    assertEquals(3, records.allocate(1));
    assertEquals(7, records.allocate(1));
    assertEquals(1, records.allocate(2));
    assertEquals(8, records.allocate(3));
    assertEquals(SlabRecords.NONE, records.allocate(1));
    assertEquals(5, records.inUse());
    assertFalse(records.isRecord(0));
    assertFalse(records.isRecord(11));
    assertTrue(records.isRecord(10));
  }
}
