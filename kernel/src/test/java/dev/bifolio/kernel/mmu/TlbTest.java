package dev.bifolio.kernel.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.TestTables;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.testkit.SplitMix64;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What the buffer remembers, what it gives up, and what it counts.
class TlbTest {
  private static final long PAGE = 4096;
  private static final int RIGHTS = Translation.LOAD | Translation.STORE;

  private static long word(long page, int level) {
    return Translation.of(page, level, RIGHTS, false);
  }

  private static long global(long page) {
    return Translation.of(page, 1, RIGHTS, true);
  }

  private static Tlb tlb(int sets, int ways) {
    return new Tlb(X86Format.LEVELS_5, sets, ways);
  }

  @Test
  void aWordSaysAllOfATranslation() {
    long page = (1L << 56) - (1L << 12);
    for (int level = 1; level <= 5; level++) {
      for (int rights = 0; rights <= Translation.RIGHTS; rights++) {
        for (boolean isGlobal : new boolean[] {false, true}) {
          long word = Translation.of(page, level, rights, isGlobal);
          assertEquals(page, Translation.page(word));
          assertEquals(level, Translation.level(word));
          assertEquals(rights, Translation.rights(word));
          assertEquals(isGlobal, Translation.isGlobal(word));
          assertEquals(true, Translation.allows(1L << rights, word));
          assertEquals(false, Translation.allows(~(1L << rights), word));
        }
      }
    }
  }

  @Test
  void sizesThatMakeNoSenseAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> tlb(0, 1));
    assertThrows(IllegalArgumentException.class, () -> tlb(3, 1));
    assertThrows(IllegalArgumentException.class, () -> tlb(4, 0));
    assertThrows(IllegalArgumentException.class, () -> tlb(4, 33));
    assertEquals(0, tlb(1, 32).pageCount());
  }

  @Test
  void whatWasPutInIsFoundByItsNumberAndItsAsid() {
    Tlb tlb = tlb(4, 2);
    assertEquals(0, tlb.lookup(0, 0));
    tlb.insert(7 * PAGE, 3, word(PAGE, 1));
    assertEquals(word(PAGE, 1), tlb.lookup(7 * PAGE, 3));
    assertEquals(0, tlb.lookup(7 * PAGE, 2));
    assertEquals(0, tlb.lookup(3 * PAGE, 3)); // the same set
    assertEquals(0, tlb.lookup(7 * PAGE + (1L << 56), 3));
    assertEquals(1, tlb.hits());
    assertEquals(4, tlb.misses());
    assertEquals(1, tlb.pageCount());
    tlb.insert(7 * PAGE, 3, word(2 * PAGE, 1));
    assertEquals(word(2 * PAGE, 1), tlb.lookup(7 * PAGE, 3));
    assertEquals(1, tlb.pageCount());
    assertEquals(0, tlb.evictions());
  }

  @Test
  void aLargePageIsFoundByAllOfItsAddresses() {
    for (int level = 1; level <= 5; level++) {
      Tlb tlb = tlb(8, 2);
      long size = X86Format.LEVELS_5.pageByteSize(level);
      tlb.insert(5 * size + size / 2, 1, word(0, level));
      assertEquals(word(0, level), tlb.lookup(5 * size, 1), "level " + level);
      assertEquals(word(0, level), tlb.lookup(6 * size - 1, 1));
      assertEquals(0, tlb.lookup(6 * size, 1));
      assertEquals(0, tlb.lookup(5 * size - 1, 1));
      tlb.flushPage(5 * size + 123, 1);
      assertEquals(0, tlb.lookup(5 * size, 1));
    }
  }

  @Test
  void pagesOfAllSizesAreThereAtOnce() {
    Tlb tlb = tlb(1, 4);
    tlb.insert(0, 0, word(0, 3));
    tlb.insert(0, 0, word(PAGE, 1));
    tlb.insert(0, 0, word(2 << 20, 2));
    assertEquals(word(PAGE, 1), tlb.lookup(0, 0), "the smallest is asked first");
    assertEquals(word(2 << 20, 2), tlb.lookup(PAGE, 0));
    assertEquals(word(0, 3), tlb.lookup(2 << 20, 0));
    tlb.flushPage(5, 0);
    assertEquals(0, tlb.pageCount());
    assertEquals(0, tlb.evictions());
  }

  @Test
  void theVictimWasNotUsedOfLate() {
    Tlb tlb = tlb(1, 4);
    for (int i = 0; i < 4; i++) {
      tlb.insert(i * PAGE, 0, word(0, 1));
    }
    tlb.insert(4 * PAGE, 0, word(0, 1)); // all were used: page 0 goes, and the rest is unused now
    assertEquals(0, tlb.lookup(0, 0));
    assertEquals(word(0, 1), tlb.lookup(PAGE, 0)); // is used again
    tlb.insert(5 * PAGE, 0, word(0, 1)); // so it is page 2 that goes
    assertEquals(0, tlb.lookup(2 * PAGE, 0));
    tlb.insert(6 * PAGE, 0, word(0, 1)); // and then page 3
    assertEquals(0, tlb.lookup(3 * PAGE, 0));
    assertEquals(3, tlb.evictions());
    tlb.insert(7 * PAGE, 0, word(0, 1)); // all are used: page 6, where page 7 is looked for first
    assertEquals(0, tlb.lookup(6 * PAGE, 0));
    for (int page : new int[] {1, 4, 5, 7}) {
      assertEquals(word(0, 1), tlb.lookup(page * PAGE, 0));
    }
    assertEquals(4, tlb.evictions());
    assertEquals(4, tlb.pageCount());
  }

  @Test
  void oneWayHoldsTheLastAndThirtyTwoHoldThirtyTwo() {
    Tlb one = tlb(2, 1);
    one.insert(0, 0, word(0, 1));
    one.insert(PAGE, 0, word(PAGE, 1));
    one.insert(2 * PAGE, 0, word(2 * PAGE, 1));
    assertEquals(0, one.lookup(0, 0));
    assertEquals(word(PAGE, 1), one.lookup(PAGE, 0));
    assertEquals(word(2 * PAGE, 1), one.lookup(2 * PAGE, 0));
    Tlb many = tlb(1, 32);
    for (int i = 0; i < 32; i++) {
      many.insert(i * PAGE, 0, word(0, 1));
    }
    assertEquals(32, many.pageCount());
    assertEquals(0, many.evictions());
    many.insert(32 * PAGE, 0, word(0, 1));
    assertEquals(32, many.pageCount());
    assertEquals(0, many.lookup(0, 0));
    assertEquals(word(0, 1), many.lookup(31 * PAGE, 0));
  }

  @Test
  void pagesThatAreLookedForInOneWayFillTheOthersToo() {
    for (int ways : new int[] {2, 3, 4, 8, 31}) {
      Tlb tlb = tlb(8, ways);
      long stride = 8L * Integer.highestOneBit(ways) * PAGE; // one set, and one way of it
      for (int i = 0; i < ways; i++) {
        tlb.insert(i * stride, 1, word(i * PAGE, 1));
      }
      assertEquals(0, tlb.evictions());
      for (int i = 0; i < ways; i++) {
        assertEquals(word(i * PAGE, 1), tlb.lookup(i * stride, 1), ways + " ways");
      }
      tlb.insert(ways * stride, 1, word(0, 1));
      assertEquals(1, tlb.evictions());
      assertEquals(0, tlb.lookup(0, 1), "who is where the new one is looked for has to go");
      assertEquals(ways, tlb.pageCount());
    }
  }

  @Test
  void anEmptyWayIsTakenFirst() {
    Tlb tlb = tlb(1, 4);
    for (int i = 0; i < 4; i++) {
      tlb.insert(i * PAGE, 0, word(0, 1));
    }
    tlb.flushPage(2 * PAGE, 0);
    assertEquals(3, tlb.pageCount());
    tlb.insert(9 * PAGE, 0, word(0, 1));
    assertEquals(4, tlb.pageCount());
    assertEquals(0, tlb.evictions());
  }

  @Test
  void flushesTakeWhatTheyNameAndNothingElse() {
    Tlb tlb = tlb(4, 4);
    tlb.insert(0, 1, word(0, 1));
    tlb.insert(0, 2, word(0, 1));
    tlb.insert(PAGE, 1, word(0, 1));
    tlb.insert(2 * PAGE, 1, global(0));
    assertEquals(global(0), tlb.lookup(2 * PAGE, 7), "whatever the ASID");
    tlb.flushPage(0, 1);
    assertEquals(0, tlb.lookup(0, 1));
    assertEquals(word(0, 1), tlb.lookup(0, 2));
    assertEquals(word(0, 1), tlb.lookup(PAGE, 1));
    tlb.flushAsid(1);
    assertEquals(0, tlb.lookup(PAGE, 1));
    assertEquals(word(0, 1), tlb.lookup(0, 2));
    assertEquals(global(0), tlb.lookup(2 * PAGE, 1));
    tlb.flushAll(false);
    assertEquals(1, tlb.pageCount());
    assertEquals(global(0), tlb.lookup(2 * PAGE, 2));
    tlb.flushPage(2 * PAGE, 5);
    assertEquals(0, tlb.pageCount(), "a global page goes, whatever the ASID");
    tlb.insert(2 * PAGE, 1, global(0));
    tlb.flushAll(true);
    assertEquals(0, tlb.pageCount());
    assertEquals(5, tlb.flushes());
  }

  @Test
  void whatIsForgottenIsNoMoreFoundAsGlobalEither() {
    Tlb tlb = tlb(1, 1);
    tlb.insert(0, 0, global(PAGE));
    tlb.flushAsid(0);
    assertEquals(1, tlb.pageCount());
    tlb.flushPage(0, 0);
    tlb.insert(0, 4, word(PAGE, 1));
    assertEquals(0, tlb.lookup(0, 5));
    tlb.flushAsid(4);
    assertEquals(0, tlb.pageCount());
  }

  static PageFormat[] formats() {
    return TestTables.FORMATS.toArray(new PageFormat[0]);
  }

  /// Never a wrong answer, whatever is put in, taken out or pushed aside.
  @ParameterizedTest
  @MethodSource("formats")
  void aBufferAnswersWithTheLastWordOrNothing(PageFormat format) {
    SplitMix64 random = new SplitMix64(3);
    Tlb tlb = new Tlb(format, 4, 3);
    Map<Long, Long> model = new HashMap<>();
    int found = 0;
    for (int step = 0; step < 30_000; step++) {
      long at = random.below(40) * PAGE;
      int asid = random.below(3);
      long key = at << 3 | asid;
      switch (random.below(16)) {
        case 0, 1, 2, 3, 4, 5 -> {
          long word = word(random.below(1 << 20) * PAGE, 1);
          tlb.insert(at, asid, word);
          model.put(key, word);
        }
        case 6 -> {
          tlb.flushPage(at, asid);
          model.remove(key);
        }
        case 7 -> {
          if (random.oneIn(20)) {
            tlb.flushAsid(asid);
            model.keySet().removeIf(other -> (other & 7) == asid);
          }
        }
        default -> {
          long word = tlb.lookup(at, asid);
          assertEquals(word == 0 ? 0 : model.getOrDefault(key, -1L), word);
          found += word == 0 ? 0 : 1;
        }
      }
    }
    assertEquals(found, tlb.hits());
    assertEquals(true, found > 1000 && tlb.evictions() > 1000);
  }
}
