package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// Finds the word of a page of a backing: three levels of frames with 512 words each, as page
/// tables are, made as they are needed.
///
/// ```
///   page of the backing   26 … 18 │ 17 … 9 │ 8 … 0
///   root ──> node of level 3 ──> node of level 2 ──> node of level 1 ──> word of the page
/// ```
///
/// A word of a node is the physical address of the node below with bit 0 set, so 0 is none. Words
/// of pages are the business of [BackedPages]. For who has its lock.
final class BackingIndex {
  /// Pages that it has room for: 512 GiB.
  static final long MOST_PAGES = 1L << 27;

  /// No word.
  static final long NOTHING = 0;

  private static final int BITS = 9;
  private static final int LEVELS = 3;
  private static final long PRESENT = 1;

  private final long rootAt;
  private final UserMemory memory;

  /// An index.
  ///
  /// @param rootAt address of a word, zero for an empty index
  /// @param memory where its frames come from
  BackingIndex(long rootAt, UserMemory memory) {
    this.rootAt = rootAt;
    this.memory = memory;
  }

  /// The address of a page's word.
  ///
  /// @return NOTHING if there is none
  long find(long page) {
    long at = rootAt;
    for (int level = LEVELS; level >= 1; level--) {
      long word = Memory.getLong(at);
      if (word == NOTHING) {
        return NOTHING;
      }
      at = wordOf(word, level, page);
    }
    return at;
  }

  /// The address of a page's word, for which nodes are made if there are none.
  ///
  /// @return NOTHING if there is no memory for them; then nothing has changed
  long make(long page) {
    long at = rootAt;
    for (int level = LEVELS; level >= 1; level--) {
      long word = Memory.getLong(at);
      if (word == NOTHING) {
        long pfn = memory.allocate();
        if (pfn == UserMemory.NO_FRAME) {
          prune(page);
          return NOTHING;
        }
        memory.zero(pfn, 0);
        word = Pages.pfnToAddress(pfn) | PRESENT;
        Memory.putLong(at, word);
      }
      at = wordOf(word, level, page);
    }
    return at;
  }

  /// Frees the nodes on the way to a page that have no word, from the lowest up.
  void prune(long page) {
    for (int level = 1; level <= LEVELS; level++) {
      long at = rootAt;
      for (int above = LEVELS; above > level && Memory.getLong(at) != NOTHING; above--) {
        at = wordOf(Memory.getLong(at), above, page);
      }
      long word = Memory.getLong(at);
      if (word != NOTHING) {
        long pfn = Pages.addressToPfn(word);
        if (!memory.isZero(pfn)) {
          return;
        }
        Memory.putLong(at, NOTHING);
        memory.frames().free(pfn, 0);
      }
    }
  }

  /// The first page from one on that has a word which is not 0.
  ///
  /// @return [#MOST_PAGES] if there is none
  long next(long from) {
    long page = from;
    while (page < MOST_PAGES) {
      long at = rootAt;
      int level = LEVELS;
      for (; level >= 1 && Memory.getLong(at) != NOTHING; level--) {
        at = wordOf(Memory.getLong(at), level, page);
      }
      if (level == 0 && Memory.getLong(at) != NOTHING) {
        return page;
      }
      int shift = BITS * level;
      page = ((page >>> shift) + 1) << shift;
    }
    return MOST_PAGES;
  }

  private long wordOf(long node, int level, long page) {
    long index = page >>> (BITS * (level - 1)) & ((1 << BITS) - 1);
    return memory.addressOf(Pages.addressToPfn(node)) + index * Long.BYTES;
  }
}
