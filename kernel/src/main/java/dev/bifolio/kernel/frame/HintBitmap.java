package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// Which items are in which bin: bitmaps with levels above them, so that the first item of the
/// first bin that is not empty is found with a handful of loads, among millions.
///
/// ```
///   summary   one word a kind         bit = bin
///   top       a bit for 64 mid bits   of each kind and bin
///   mid       a bit for 64 leaf bits  of each kind and bin
///   leaf      a bit an item           of each bin, and of each kind: the item is where both are set
/// ```
///
/// Every bit is a *hint*. What is true stands in the word of the item itself; a bit may be set
/// without reason, and is never clear for long with reason:
///
/// - Who changes an item sets its bits afterwards, from the leaf up ([#set]).
/// - Who meets a bit that is wrong clears it *and then looks again* at what it stood for; if it is
///   right by now, the bit is set again. Here for the upper levels; for leaves the searcher calls
///   [#clear] or [#clearKind], reads the item again, and calls [#set] if it must.
///
/// Both sides write one place and then read the other, with volatile semantics: whatever the order,
/// one of them sees the other, and no bit is lost. Bits that are set already are only read.
///
/// All-zero memory is empty. Any thread; lock-free; no Java objects. Bits of metadata an item: bins
/// + kinds (one kind: bins), and a 64th of kinds x bins.
final class HintBitmap {
  private static final int NONE = -1;
  private static final int BIN_SHIFT = 48;

  private final int kinds;
  private final int bins;
  private long itemCount;
  private long itemWords;
  private long midWords;
  private long topWords;
  private long summary;
  private long tops;
  private long mids;
  private long binLeaves;
  private long kindLeaves;
  private long transit;

  HintBitmap(int kinds, int bins) {
    this.kinds = kinds;
    this.bins = bins;
  }

  static long metadataBytes(int kinds, int bins, long itemCount) {
    long leaves = words(itemCount);
    long mids = words(leaves);
    long tops = words(mids);
    long longs = kinds + (long) kinds * bins * (tops + mids) + bins * leaves;
    return Pages.alignUp((longs + (kinds == 1 ? 0 : kinds * leaves)) * Long.BYTES, 64);
  }

  private static long words(long bits) {
    return (bits + Long.SIZE - 1) / Long.SIZE;
  }

  /// Finds its memory.
  ///
  /// @param transit the transit word, for the moments in which a bit is clear that may be right
  void attach(long address, long itemCount, long transit) {
    this.transit = transit;
    this.itemCount = itemCount;
    itemWords = words(itemCount);
    midWords = words(itemWords);
    topWords = words(midWords);
    summary = address;
    tops = summary + (long) kinds * Long.BYTES;
    mids = tops + (long) kinds * bins * topWords * Long.BYTES;
    binLeaves = mids + (long) kinds * bins * midWords * Long.BYTES;
    kindLeaves = binLeaves + bins * itemWords * Long.BYTES;
  }

  /// Makes an item be found in a bin. To be called after the change to the item.
  void set(int kind, int bin, long item) {
    long word = item >>> 6;
    if (kinds > 1) {
      setBit(kindLeaf(kind, word), item);
    }
    setBit(binLeaf(bin, word), item);
    setBit(mid(kind, bin, word >>> 6), word);
    setBit(top(kind, bin, word >>> 12), word >>> 6);
    setBit(summary(kind), bin);
  }

  /// An item was found in a bin where it is not. The caller looks at it again afterwards.
  void clear(int bin, long item) {
    clearBit(binLeaf(bin, item >>> 6), item);
  }

  /// An item was found that is not of this kind. The caller looks at it again afterwards.
  void clearKind(int kind, long item) {
    clearBit(kindLeaf(kind, item >>> 6), item);
  }

  /// Whether the first bit is set that leads to an item in a bin; whoever set it sets the others.
  boolean isLeafSet(int bin, long item) {
    return isSet(binLeaf(bin, item >>> 6), item);
  }

  /// The first item of the first bin from `firstBin` on that has one.
  ///
  /// @return a value for [#binOf] and [#itemOf], or -1
  long find(int kind, int firstBin) {
    long left = Memory.getLongVolatile(summary(kind)) & -1L << firstBin;
    while (left != 0) {
      int bin = Long.numberOfTrailingZeros(left);
      long item = findIn(kind, bin);
      if (item != NONE) {
        return (long) bin << BIN_SHIFT | item;
      }
      left &= left - 1;
    }
    return NONE;
  }

  static int binOf(long found) {
    return (int) (found >>> BIN_SHIFT);
  }

  static long itemOf(long found) {
    return found & (1L << BIN_SHIFT) - 1;
  }

  private long findIn(int kind, int bin) {
    for (long index = 0; index < topWords; index++) {
      long top = top(kind, bin, index);
      for (long bits = Memory.getLongVolatile(top); bits != 0; bits &= bits - 1) {
        long mid = index << 6 | Long.numberOfTrailingZeros(bits);
        long item = findBelow(kind, bin, mid);
        if (item != NONE) {
          return item;
        }
        Transit.begin(transit);
        clearBit(top, mid);
        if (Memory.getLongVolatile(mid(kind, bin, mid)) != 0) {
          setBit(top, mid);
          setBit(summary(kind), bin);
        }
        Transit.end(transit);
      }
    }
    Transit.begin(transit);
    clearBit(summary(kind), bin);
    for (long index = 0; index < topWords; index++) {
      if (Memory.getLongVolatile(top(kind, bin, index)) != 0) {
        setBit(summary(kind), bin);
        break;
      }
    }
    Transit.end(transit);
    return NONE;
  }

  private long findBelow(int kind, int bin, long midIndex) {
    long mid = mid(kind, bin, midIndex);
    for (long bits = Memory.getLongVolatile(mid); bits != 0; bits &= bits - 1) {
      long word = midIndex << 6 | Long.numberOfTrailingZeros(bits);
      long found = leaf(kind, bin, word);
      if (found != 0) {
        return word << 6 | Long.numberOfTrailingZeros(found);
      }
      Transit.begin(transit);
      clearBit(mid, word);
      if (leaf(kind, bin, word) != 0) {
        // All the way up: others may have cleared the bits above while this one was clear.
        setBit(mid, word);
        setBit(top(kind, bin, midIndex >>> 6), midIndex);
        setBit(summary(kind), bin);
      }
      Transit.end(transit);
    }
    return NONE;
  }

  private long leaf(int kind, int bin, long word) {
    long items = Memory.getLongVolatile(binLeaf(bin, word));
    return kinds == 1 || items == 0 ? items : items & Memory.getLongVolatile(kindLeaf(kind, word));
  }

  // ---- For the validator ----

  /// Whether all bits are set that lead to an item in a bin.
  boolean leadsTo(int kind, int bin, long item) {
    long word = item >>> 6;
    return isSet(binLeaf(bin, word), item)
        && (kinds == 1 || isSet(kindLeaf(kind, word), item))
        && isSet(mid(kind, bin, word >>> 6), word)
        && isSet(top(kind, bin, word >>> 12), word >>> 6)
        && isSet(summary(kind), bin);
  }

  private static boolean isSet(long address, long index) {
    return (Memory.getLongVolatile(address) >>> index & 1) != 0;
  }

  /// Whether a bit is set of which no item, word or bin can be the reason: a searcher would go
  /// astray.
  boolean hasStrays() {
    long strays = 0;
    for (int bin = 0; bin < bins; bin++) {
      strays |= behind(binLeaf(bin, itemWords - 1), itemCount);
    }
    for (int kind = 0; kind < kinds; kind++) {
      strays |= kinds == 1 ? 0 : behind(kindLeaf(kind, itemWords - 1), itemCount);
      strays |= behind(summary(kind), bins);
      for (int bin = 0; bin < bins; bin++) {
        strays |= behind(mid(kind, bin, midWords - 1), itemWords);
        strays |= behind(top(kind, bin, topWords - 1), midWords);
      }
    }
    return strays != 0;
  }

  /// The bits of a last word that are behind the last of `count` bits.
  private static long behind(long address, long count) {
    return (count & 63) == 0 ? 0 : Memory.getLongVolatile(address) >>> count;
  }

  private static void setBit(long address, long index) {
    long bit = 1L << index;
    if ((Memory.getLongVolatile(address) & bit) == 0) {
      Memory.getAndBitwiseOrLong(address, bit);
    }
  }

  private static void clearBit(long address, long index) {
    Memory.getAndBitwiseAndLong(address, ~(1L << index));
  }

  long summary(int kind) {
    return summary + (long) kind * Long.BYTES;
  }

  long top(int kind, int bin, long index) {
    return tops + ((kind * bins + bin) * topWords + index) * Long.BYTES;
  }

  long mid(int kind, int bin, long index) {
    return mids + ((kind * bins + bin) * midWords + index) * Long.BYTES;
  }

  long binLeaf(int bin, long index) {
    return binLeaves + (bin * itemWords + index) * Long.BYTES;
  }

  long kindLeaf(int kind, long index) {
    return kindLeaves + (kind * itemWords + index) * Long.BYTES;
  }
}
