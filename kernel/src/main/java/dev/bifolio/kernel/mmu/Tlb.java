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
/// hit. The victim is an empty way, else one whose bit is clear; if all are set, all are cleared
/// first. The bit is in the word, so that a hit needs no other cache line.
///
/// *The likely way.* The bits of a page's number above those that tell its set name a way of it
/// where it is looked for first, and goes if it may choose. So pages in a row are found by one
/// comparison whose outcome the host's processor predicts, rather than by a search that ends at any
/// way; measured, a hit among 1,000 pages costs a third of what it did.
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
  private static final int NOWHERE = -1;

  /// A bit of a word that a Translation leaves free.
  private static final long USED = 1 << 10;

  private static final int PAGE_SHIFT = 12;
  private static final int ASID_BITS = 16;
  private static final int LEVEL_BITS = 3;

  private final int indexBits;
  private final int setMask;
  private final int setBits;
  private final int ways;
  private final int likelyMask;
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
    setBits = Integer.numberOfTrailingZeros(sets);
    likelyMask = Integer.highestOneBit(ways) - 1;
    this.ways = ways;
    entries = new long[Math.multiplyExact(sets, ways * LONGS)];
  }

  /// The number of a page among those of its size, of which the bits that no format uses do not
  /// matter.
  private long number(long virtualAddress, int level) {
    return virtualAddress >>> (PAGE_SHIFT + indexBits * (level - 1));
  }

  private static long tag(long number, int level, int asid) {
    return number << (LEVEL_BITS + ASID_BITS) | (long) level << ASID_BITS | asid;
  }

  /// The first entry of a page's set.
  private int first(long number) {
    return ((int) number & setMask) * ways * LONGS;
  }

  /// The entry of its set where a page is looked for first.
  private int likely(long number) {
    return first(number) + ((int) (number >>> setBits) & likelyMask) * LONGS;
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
    long number = number(virtualAddress, level);
    long tag = tag(number, level, asid);
    int likely = likely(number);
    if (entries[likely] == tag) {
      return use(likely);
    }
    int first = first(number);
    for (int at = first; at < first + ways * LONGS; at += LONGS) {
      if (isPage(at, tag)) {
        return use(at);
      }
    }
    return 0;
  }

  /// Whether an entry is of a page, which may be global.
  private boolean isPage(int at, long tag) {
    long difference = entries[at] ^ tag;
    return difference >>> ASID_BITS == 0
        && (difference == 0 || Translation.isGlobal(entries[at + 1]));
  }

  private long use(int at) {
    long word = entries[at + 1];
    if ((word & USED) == 0) {
      entries[at + 1] = word | USED;
    }
    return word & ~USED;
  }

  /// Remembers a page, in place of what was known of it.
  void insert(long virtualAddress, int asid, long word) {
    int level = Translation.level(word);
    long number = number(virtualAddress, level);
    long tag = tag(number, level, asid);
    int at = place(first(number), likely(number), tag);
    evictions += entries[at] != 0 && entries[at] != tag ? 1 : 0;
    entries[at] = tag;
    entries[at + 1] = word | USED;
    levels |= 1 << level;
  }

  /// Where an entry goes: its own place, an empty one, or that of a victim; of several the likely
  /// one, else the first.
  private int place(int first, int likely, long tag) {
    int end = first + ways * LONGS;
    int empty = entries[likely] == 0 ? likely : NOWHERE;
    int unused = (entries[likely + 1] & USED) == 0 ? likely : NOWHERE;
    for (int at = first; at < end; at += LONGS) {
      if (entries[at] == tag) {
        return at;
      }
      empty = empty == NOWHERE && entries[at] == 0 ? at : empty;
      unused = unused == NOWHERE && (entries[at + 1] & USED) == 0 ? at : unused;
    }
    if (empty != NOWHERE || unused != NOWHERE) {
      return empty != NOWHERE ? empty : unused;
    }
    for (int at = first; at < end; at += LONGS) {
      entries[at + 1] &= ~USED;
    }
    return likely;
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
      long number = number(virtualAddress, level);
      long tag = tag(number, level, asid);
      int first = first(number);
      for (int at = first; at < first + ways * LONGS; at += LONGS) {
        if (isPage(at, tag)) {
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
