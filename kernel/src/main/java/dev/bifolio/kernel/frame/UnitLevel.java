package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// A level of the hybrid allocator above the frames: words of 32 units, each unit 32 times as large
/// as one of the level below.
///
/// ```
///   level   unit                      a word           orders
///     3     2^19 frames, 2 GiB        64 GiB           19, 20
///     2     2^14 frames, 64 MiB       2 GiB            14 … 18
///     1     2^9 frames, an area       64 MiB           9 … 13
/// ```
///
/// One owner of memory: a word is in use while the level above has lent it the unit that it
/// divides, and is all TAIL otherwise, so that nothing can be allocated in it and every stale free
/// fails. A level that runs out of units borrows one from above; a word that is all FREE goes back
/// by one compare-and-set, all FREE to all TAIL, and then its unit above becomes FREE. Split and
/// coalesce are implied, and nothing depends on how many units a block has.
///
/// *The open word.* One word a level is not in the bins and does not go back while it is open.
/// Pairs of requests stay in it and touch nothing else. Whoever replaces it reads the old word
/// again after the exchange, because a free that still saw it open left no hint: puts it into its
/// bin, or gives it back. [#drain] does so on demand. A word may go back just when it is opened;
/// then the open word is all TAIL, serves nobody, and is replaced by the next request.
///
/// ```
///   header, 64 bytes at `open`:  open word + 1 | lent, ever | taken back, ever | transit word | unused
///   words, 8 bytes each; hints
/// ```
///
/// - I1 A word is not all TAIL if and only if its unit above is LENT, but for the moments of
///   lending and giving back, when the word is all TAIL and the unit LENT.
/// - I2 A word with free units is open, or a hint in the bin of its largest free run, or of a
///   larger one, leads to it.
/// - I3 Who changes a word does it by a compare-and-set from the full state.
///
/// Any thread; lock-free; no Java objects. Allocation and free: one compare-and-set when the open
/// word serves.
final class UnitLevel {
  /// Largest free runs of 0 … 4, and of 5 at the top, where no word goes back.
  private static final int BINS = 6;

  private static final long NONE = -1;

  // Offsets in the header.
  private static final long LENT = 8;
  private static final long TAKEN_BACK = 16;
  private static final long TRANSIT = 24;

  private final int shift;
  private final @Nullable UnitLevel above;
  final HintBitmap hints = new HintBitmap(1, BINS);
  private long firstWord;
  private long wordCount;
  private long words;
  long open;

  /// A level whose units are 2^shift frames.
  UnitLevel(int shift, @Nullable UnitLevel above) {
    this.shift = shift;
    this.above = above;
  }

  static long metadataBytes(int shift, long startPfn, long endPfn) {
    long count = wordCount(shift, startPfn, endPfn);
    return 64 + Pages.alignUp(count * Long.BYTES, 64) + HintBitmap.metadataBytes(1, BINS, count);
  }

  private static long wordCount(int shift, long startPfn, long endPfn) {
    return ((endPfn - 1) >>> (shift + 5)) - (startPfn >>> (shift + 5)) + 1;
  }

  void attach(long address, long startPfn, long endPfn) {
    wordCount = wordCount(shift, startPfn, endPfn);
    firstWord = startPfn >>> (shift + 5);
    open = address;
    words = address + 64;
    hints.attach(words + Pages.alignUp(wordCount * Long.BYTES, 64), wordCount, open + TRANSIT);
  }

  /// Whether the metadata have a word for a unit.
  boolean has(long unit) {
    return Long.compareUnsigned(wordOf(unit), wordCount) < 0;
  }

  int shift() {
    return shift;
  }

  // ---- For the validator ----

  long wordCount() {
    return wordCount;
  }

  /// The first unit of the first word.
  long firstUnit() {
    return firstWord << 5;
  }

  /// The word that is open, or -1.
  long openWord() {
    return Memory.getLongVolatile(open) - 1;
  }

  /// Whether a search for what is free in a word finds it: hints lead to it in the bin of its
  /// largest free run, or in a larger one, from where [#isHintRight] moves it.
  boolean isFound(long word) {
    int right = binOf(Memory.getLongVolatile(address(word)));
    for (int bin = right; bin >= 0 && bin < BINS; bin++) {
      if (hints.leadsTo(0, bin, word)) {
        return true;
      }
    }
    return right < 0;
  }

  boolean hasStrayHints() {
    return hints.hasStrays();
  }

  // ---- Taking ----

  /// Allocates 2^order units as a block.
  ///
  /// @return the first unit, in units from frame 0, or -1
  long take(int order) {
    // What is done most comes first and lies shallow: the compiler inlines only so deep.
    long openWord = Memory.getLongVolatile(open) - 1;
    if (openWord >= 0) {
      long unit = takeFrom(openWord, order, false);
      if (unit != NONE) {
        return unit;
      }
    }
    return takeElsewhere(order, false);
  }

  /// Takes a unit for the level below.
  ///
  /// @return the unit, LENT now, or -1
  long lend() {
    long openWord = Memory.getLongVolatile(open) - 1;
    long unit = openWord >= 0 ? takeFrom(openWord, 0, true) : NONE;
    if (unit == NONE) {
      unit = takeElsewhere(0, true);
    }
    if (unit != NONE) {
      countLent(1);
    }
    return unit;
  }

  /// Counts units that were made LENT, by whoever does it by hand.
  void countLent(int units) {
    Memory.getAndAddLong(open + LENT, units);
  }

  /// Units lent so far.
  long lentCount() {
    return Memory.getLongVolatile(open + LENT);
  }

  /// Units taken back so far.
  long takenBackCount() {
    return Memory.getLongVolatile(open + TAKEN_BACK);
  }

  private long takeFrom(long word, int order, boolean lend) {
    long address = address(word);
    while (true) {
      long value = Memory.getLongVolatile(address);
      int index = UnitWord.bestFit(UnitWord.free(value), order);
      if (index < 0) {
        return NONE;
      }
      long change = lend ? UnitWord.lend(index) : UnitWord.block(index, 1 << order);
      if (Memory.compareAndSetLong(address, value, value ^ change)) {
        return ((firstWord + word) << 5) | index;
      }
    }
  }

  /// The level's transit word.
  long transit() {
    return Memory.getLongVolatile(open + TRANSIT);
  }

  /// Whether there may be a free unit here or above; false only if none was seen.
  boolean mayHaveUnits() {
    return mayHave(0);
  }

  /// Whether there may be a free block of 2^order units here, or a free unit above; false only if
  /// none was seen.
  boolean mayHave(int order) {
    long openWord = Memory.getLongVolatile(open) - 1;
    return (openWord >= 0 && binOf(Memory.getLongVolatile(address(openWord))) >= order)
        || hints.find(0, order) != NONE
        || (above != null && above.mayHaveUnits());
  }

  private long takeElsewhere(int order, boolean lend) {
    if (hints.find(0, order) == NONE && (above == null || !above.mayHaveUnits())) {
      return NONE;
    }
    Transit.begin(open + TRANSIT);
    long unit = takeFromAnotherWord(order, lend);
    Transit.end(open + TRANSIT);
    return unit;
  }

  private long takeFromAnotherWord(int order, boolean lend) {
    for (long found = hints.find(0, order); found != NONE; found = hints.find(0, order)) {
      long word = HintBitmap.itemOf(found);
      if (isHintRight(word, HintBitmap.binOf(found))) {
        long unit = takeFrom(word, order, lend);
        if (unit != NONE) {
          makeOpen(word);
          return unit;
        }
      }
    }
    if (above == null) {
      return NONE;
    }
    long borrowed = above.lend();
    if (borrowed == NONE) {
      return NONE;
    }
    long word = borrowed - firstWord;
    long change = lend ? UnitWord.lend(0) : UnitWord.block(0, 1 << order);
    Memory.compareAndSetLong(address(word), UnitWord.ALL_TAIL, UnitWord.ALL_FREE ^ change);
    makeOpen(word);
    return borrowed << 5;
  }

  private boolean isHintRight(long word, int bin) {
    if (binOf(Memory.getLongVolatile(address(word))) == bin) {
      return true;
    }
    hints.clear(bin, word);
    int right = binOf(Memory.getLongVolatile(address(word)));
    if (right >= 0) {
      hints.set(0, right, word); // an allocation from a word that was being closed left no hint
    }
    return false;
  }

  private static int binOf(long value) {
    return UnitWord.largest(UnitWord.free(value));
  }

  private void makeOpen(long word) {
    long old = Memory.getLongVolatile(open);
    if (old == word + 1) {
      return;
    }
    if (Memory.compareAndSetLong(open, old, word + 1)) {
      if (old != 0) {
        settle(old - 1);
      }
    } else {
      settle(word);
    }
  }

  /// Puts a word that is not open where it belongs: into its bin, or back to the level above.
  void settle(long word) {
    while (true) {
      long value = Memory.getLongVolatile(address(word));
      if (value != UnitWord.ALL_FREE || above == null) {
        int bin = binOf(value);
        if (bin >= 0) {
          hints.set(0, bin, word);
        }
        return;
      }
      Transit.begin(open + TRANSIT);
      boolean mine = Memory.compareAndSetLong(address(word), value, UnitWord.ALL_TAIL);
      if (mine) {
        above.takeBack(firstWord + word);
      }
      Transit.end(open + TRANSIT);
      if (mine) {
        return;
      }
    }
  }

  /// A unit that was lent comes back whole.
  void takeBack(long unit) {
    Memory.getAndAddLong(open + TAKEN_BACK, 1);
    change(unit, UnitWord.lend((int) unit & 31));
  }

  /// Frees units that only the caller knows to be his: changes them and looks for what follows.
  void change(long unit, long change) {
    long word = wordOf(unit);
    while (true) {
      long value = Memory.getLongVolatile(address(word));
      if (Memory.compareAndSetLong(address(word), value, value ^ change)) {
        afterFree(word, value ^ change);
        return;
      }
    }
  }

  /// Frees a run of `count` units, if it is allocated and a look at this word alone can tell, as
  /// for [#freeBlock].
  ///
  /// @return whether it was freed
  boolean free(long unit, int count) {
    long word = wordOf(unit);
    int index = (int) unit & 31;
    int behind = UnitWord.mask(index, count + 1) ^ UnitWord.mask(index, count);
    while (true) {
      long value = Memory.getLongVolatile(address(word));
      boolean ends = (UnitWord.notTails(value) & ~UnitWord.lent(value) & behind) == behind;
      if (!ends || !UnitWord.beginsRun(value, index, count)) {
        return false;
      }
      long next = value ^ UnitWord.block(index, count);
      if (Memory.compareAndSetLong(address(word), value, next)) {
        afterFree(word, next);
        return true;
      }
    }
  }

  /// Frees a block of 2^order units, if it is allocated and a look at this word alone can tell: if
  /// the unit behind it is lent, the block may be the beginning of a longer run.
  ///
  /// @return whether it was freed
  boolean freeBlock(long unit, int order) {
    long word = wordOf(unit);
    int index = (int) unit & 31;
    while (true) {
      long value = Memory.getLongVolatile(address(word));
      int behind = UnitWord.lent(value) >>> (index | 1 << order) & 1;
      boolean whole =
          order == 0 ? UnitWord.isSingle(value, index) : UnitWord.isBlock(value, index, order);
      if (behind != 0 || !whole) {
        return false;
      }
      long next = value ^ UnitWord.block(index, 1 << order);
      if (Memory.compareAndSetLong(address(word), value, next)) {
        if (Memory.getLongVolatile(open) != word + 1) {
          afterFree(word, next);
        }
        return true;
      }
    }
  }

  /// Makes what became free be found, before the free returns: it may not rely on the hint of a
  /// free that came before and has not set it yet. Where the first bit of the way is set already,
  /// whoever sets the others is on his way.
  private void afterFree(long word, long after) {
    if (Memory.getLongVolatile(open) == word + 1) {
      return; // whoever closes it looks
    }
    if (after == UnitWord.ALL_FREE || !hints.isLeafSet(binOf(after), word)) {
      Transit.begin(open + TRANSIT);
      settle(word);
      Transit.end(open + TRANSIT);
    }
  }

  /// Takes units at a wanted place if they are free.
  ///
  /// @return whether they were
  boolean takeAt(long unit, int count, boolean lend) {
    long word = wordOf(unit);
    int index = (int) unit & 31;
    int wanted = UnitWord.mask(index, count);
    long change = lend ? UnitWord.lend(index) : UnitWord.block(index, count);
    Transit.begin(open + TRANSIT);
    boolean taken = takeAt(word, wanted, change, lend);
    Transit.end(open + TRANSIT);
    return taken;
  }

  private boolean takeAt(long word, int wanted, long change, boolean lend) {
    while (true) {
      long value = Memory.getLongVolatile(address(word));
      if (value == UnitWord.ALL_TAIL) {
        if (above == null || !above.takeAt(firstWord + word, 1, true)) {
          return false;
        }
        Memory.compareAndSetLong(address(word), value, UnitWord.ALL_FREE ^ change);
      } else if ((UnitWord.free(value) & wanted) != wanted) {
        return false;
      } else if (!Memory.compareAndSetLong(address(word), value, value ^ change)) {
        continue;
      }
      if (lend) {
        countLent(1);
      }
      if (Memory.getLongVolatile(open) != word + 1) {
        settle(word);
      }
      return true;
    }
  }

  /// Closes the open word: afterwards every word is in its bin or has gone back.
  ///
  /// @return whether there was one
  boolean drain() {
    long old = Memory.getLongVolatile(open);
    if (old == 0) {
      return false;
    }
    Transit.begin(open + TRANSIT);
    if (Memory.compareAndSetLong(open, old, 0)) {
      settle(old - 1);
    }
    Transit.end(open + TRANSIT);
    return true;
  }

  /// The value of the word that holds a unit.
  long valueAt(long unit) {
    return Memory.getLongVolatile(address(wordOf(unit)));
  }

  /// Changes a word whose unit above only the caller has.
  void put(long unit, long value) {
    Memory.putLongRelease(address(wordOf(unit)), value);
  }

  boolean compareAndSet(long unit, long value, long next) {
    return Memory.compareAndSetLong(address(wordOf(unit)), value, next);
  }

  /// The word of a unit, in words from the first of this level.
  long wordOf(long unit) {
    return (unit >>> 5) - firstWord;
  }

  private long address(long word) {
    return words + word * Long.BYTES;
  }
}
