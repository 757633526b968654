package dev.bifolio.kernel.mmu;

import dev.bifolio.kernel.table.PageFormat;

/// A model of a translation lookaside buffer: what a processor remembers of its page tables, right
/// or wrong, until it is told to forget.
///
/// # Overview
///
/// ```
///            way 0        way 1        …
///   set 0   [tag, word]  [tag, word]
///   set 1   [tag, word]  [tag, word]
///   …
///   tag     page number │ level │ ASID            0: nothing
///   word    a Translation: address, level, rights, dirty, global; and a bit: used
/// ```
///
/// *Unified*: pages of all sizes share one array, as they do in the second level of today's
/// processors. A page's set is told by the low bits of its number in units of its own size; a
/// lookup tries the sizes that have ever been put in since everything was last forgotten, smallest
/// first. One array a size would answer them at once in hardware, but a program tries one after the
/// other anyway, and would waste the arrays of sizes that are not in use.
///
/// *Replacement* is NRU, not recently used: an entry's bit is set when it is put in and with each
/// hit. The victim is an empty way, else the first whose bit is clear; if all are set, all are
/// cleared first. The bit is in the word, so that a hit needs no other cache line.
///
/// A global page is found whatever the ASID. Permissions and the dirty bit are remembered as they
/// were at the walk: what the tables say now nobody asks, which is why whoever changes them has to
/// flush.
///
/// - I1 No set has two entries with the same tag.
/// - I2 An entry whose page has no dirty bit set yet does not allow stores.
///
/// One thread, its processor's. Others make it forget through a [ShootdownLog]. Not modelled:
/// caches of the upper levels of tables, and a micro TLB in front.
///
/// Cost: a lookup that hits reads one or two cache lines. No Java objects after the constructor.
///
/// Sources: Intel SDM volume 3A, 5.10 (caching translation information, PCID, global pages); Arm
/// DDI 0487, D8.16 (TLB maintenance); RISC-V privileged architecture, SFENCE.VMA.
public final class Tlb {
  /// ASIDs are below this.
  public static final int ASID_COUNT = 1 << 16;

  /// The most ways of a set.
  public static final int MAX_WAYS = 32;

  private static final int LONGS = 2;

  /// A bit of a word that a Translation leaves free.
  private static final long USED = 1 << 10;

  private static final int PAGE_SHIFT = 12;
  private static final int ASID_BITS = 16;
  private static final int LEVEL_BITS = 3;

  /// Bits of a page number that tell addresses apart, in every format: 57 - 12.
  private static final int NUMBER_BITS = 45;

  private static final long NUMBER = (1L << NUMBER_BITS) - 1;

  private final int indexBits;
  private final int setMask;
  private final int ways;
  private final long[] entries;

  /// A bit for each level of which there may be pages.
  private int levels;

  private long hits;
  private long misses;
  private long evictions;
  private long flushes;

  /// An empty one.
  ///
  /// @param format the shape of the pages
  /// @param sets a power of two
  /// @param ways entries of a set, 1 … [#MAX_WAYS]
  public Tlb(PageFormat format, int sets, int ways) {
    if (sets < 1 || Integer.bitCount(sets) != 1) {
      throw new IllegalArgumentException(sets + " sets are no power of two");
    }
    if (ways < 1 || ways > MAX_WAYS) {
      throw new IllegalArgumentException("a set has 1 to 32 ways, not " + ways);
    }
    indexBits = Integer.numberOfTrailingZeros(format.entryCount());
    setMask = sets - 1;
    this.ways = ways;
    entries = new long[Math.multiplyExact(sets, ways * LONGS)];
  }

  private int shift(int level) {
    return PAGE_SHIFT + indexBits * (level - 1);
  }

  private long tag(long virtualAddress, int level, int asid) {
    int shift = shift(level);
    long number = virtualAddress >>> shift << shift >>> PAGE_SHIFT & NUMBER;
    return number << (LEVEL_BITS + ASID_BITS) | (long) level << ASID_BITS | asid;
  }

  // ---- Look up and insert ----

  /// What is remembered of a page, and counts.
  ///
  /// @return a [Translation], or 0
  long lookup(long virtualAddress, int asid) {
    int left = levels;
    while (left != 0) {
      int level = Integer.numberOfTrailingZeros(left);
      long word = find(virtualAddress, level, asid);
      if (word != 0) {
        hits++;
        return word;
      }
      left &= left - 1;
    }
    misses++;
    return 0;
  }

  private long find(long virtualAddress, int level, int asid) {
    long tag = tag(virtualAddress, level, asid);
    int set = (int) (virtualAddress >>> shift(level)) & setMask;
    int first = set * ways * LONGS;
    for (int at = first; at < first + ways * LONGS; at += LONGS) {
      long difference = entries[at] ^ tag;
      if (difference >>> ASID_BITS == 0
          && (difference == 0 || Translation.isGlobal(entries[at + 1]))) {
        long word = entries[at + 1];
        if ((word & USED) == 0) {
          entries[at + 1] = word | USED;
        }
        return word & ~USED;
      }
    }
    return 0;
  }

  /// Remembers a page, in place of what was known of it.
  void insert(long virtualAddress, int asid, long word) {
    int level = Translation.level(word);
    long tag = tag(virtualAddress, level, asid);
    int set = (int) (virtualAddress >>> shift(level)) & setMask;
    int at = place(set * ways * LONGS, tag);
    evictions += entries[at] != 0 && entries[at] != tag ? 1 : 0;
    entries[at] = tag;
    entries[at + 1] = word | USED;
    levels |= 1 << level;
  }

  /// Where an entry goes: its own place, an empty one, or that of a victim.
  private int place(int first, long tag) {
    int end = first + ways * LONGS;
    int empty = -1;
    int unused = -1;
    for (int at = end - LONGS; at >= first; at -= LONGS) {
      if (entries[at] == tag) {
        return at;
      }
      empty = entries[at] == 0 ? at : empty;
      unused = (entries[at + 1] & USED) == 0 ? at : unused;
    }
    if (empty >= 0 || unused >= 0) {
      return empty >= 0 ? empty : unused;
    }
    for (int at = first; at < end; at += LONGS) {
      entries[at + 1] &= ~USED;
    }
    return first;
  }

  // ---- Forget ----

  /// Forgets a page, whatever its size: that of one ASID, and a global one.
  ///
  /// @param virtualAddress any address of it
  /// @param asid 0 … [#ASID_COUNT] - 1
  public void flushPage(long virtualAddress, int asid) {
    flushes++;
    drop(virtualAddress, asid);
  }

  /// The same, for the processor itself: what it remembers was of no use.
  void drop(long virtualAddress, int asid) {
    for (int left = levels; left != 0; left &= left - 1) {
      int level = Integer.numberOfTrailingZeros(left);
      long tag = tag(virtualAddress, level, asid);
      int first = ((int) (virtualAddress >>> shift(level)) & setMask) * ways * LONGS;
      for (int at = first; at < first + ways * LONGS; at += LONGS) {
        long difference = entries[at] ^ tag;
        if (difference >>> ASID_BITS == 0
            && (difference == 0 || Translation.isGlobal(entries[at + 1]))) {
          entries[at] = 0;
          entries[at + 1] = 0;
        }
      }
    }
  }

  /// Forgets all of one ASID, but for what is global.
  ///
  /// @param asid 0 … [#ASID_COUNT] - 1
  public void flushAsid(int asid) {
    flushes++;
    for (int at = 0; at < entries.length; at += LONGS) {
      if ((int) entries[at] << ASID_BITS >>> ASID_BITS == asid
          && !Translation.isGlobal(entries[at + 1])) {
        entries[at] = 0;
        entries[at + 1] = 0;
      }
    }
  }

  /// Forgets all.
  ///
  /// @param globalToo whether what is global goes too
  public void flushAll(boolean globalToo) {
    flushes++;
    boolean isEmpty = true;
    for (int at = 0; at < entries.length; at += LONGS) {
      if (globalToo || !Translation.isGlobal(entries[at + 1])) {
        entries[at] = 0;
        entries[at + 1] = 0;
      } else {
        isEmpty = false;
      }
    }
    levels = isEmpty ? 0 : levels;
  }

  // ---- Counters ----

  /// Lookups that found something, and be it of no use.
  ///
  /// @return a count
  public long hits() {
    return hits;
  }

  /// Lookups that found nothing.
  ///
  /// @return a count
  public long misses() {
    return misses;
  }

  /// Entries that gave way to others.
  ///
  /// @return a count
  public long evictions() {
    return evictions;
  }

  /// Times that it was told to forget a page, an ASID or all.
  ///
  /// @return a count
  public long flushes() {
    return flushes;
  }

  /// Pages that it knows.
  ///
  /// @return 0 … sets times ways
  public int pageCount() {
    int count = 0;
    for (int at = 0; at < entries.length; at += LONGS) {
      count += entries[at] != 0 ? 1 : 0;
    }
    return count;
  }
}
