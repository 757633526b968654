package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.AddressRange;

/// One word per frame for the layers above the frame allocators.
///
/// # Overview
///
/// Reclaim asks who owns a movable frame, a quota whom to refund, a page table who shares a frame,
/// a heap which slab an address lies in. Each of them needs a few bits per frame, found by frame
/// number alone. This plane of mem_map gives them one word of 8 bytes:
///
/// ```
///  63                            32 31            16 15         4 3    0
/// ┌────────────────────────────────┬────────────────┬────────────┬──────┐
/// │ owner: an index of its kind    │ share count    │ account    │ kind │
/// └────────────────────────────────┴────────────────┴────────────┴──────┘
/// ```
///
/// - *kind* 0 … 15 says who reads the rest; 0 is "nothing".
/// - *account* 0 … 4095 names who is charged; 0 is nobody.
/// - *share count* 0 … 65535: mappings beyond the first.
/// - *owner* 0 … 2^32 - 1: the index of a slab, a table, a movable owner. Never an address, so that
///   the plane means the same wherever it is mapped.
///
/// The plane of one bank follows its allocator's metadata and is indexed by `pfn - startPfn`.
///
/// - I1 A word of zero means nothing; untouched memory is a valid plane and costs nothing.
/// - I2 The frame allocators never read or write it; content survives free and allocate.
/// - I3 A word is written by whoever owns the frame; where several may (share counts), with
///   [#compareAndSet] only.
///
/// Cost: one load or store; nothing is allocated. Rejected: a field in the allocator's own metadata
/// (2.3 bits a frame there, 64 here, and other writers); a Java array (every word touched at boot,
/// and no compare-and-set without handles).
public final class FrameInfo {
  /// Nothing is known of the frame.
  public static final int KIND_NONE = 0;

  /// Charged to an account; nothing else is known.
  public static final int KIND_KERNEL = 1;

  /// A table of a page-table tree.
  public static final int KIND_TABLE = 2;

  /// Any frame of a slab; the owner is the slab's record.
  public static final int KIND_SLAB = 3;

  /// The first frame of a large allocation of a heap.
  public static final int KIND_LARGE = 4;

  /// In the hands of a compaction: captured while free, or moved away from.
  public static final int KIND_CAPTURED = 5;

  /// One of the frames of virtually contiguous memory; the owner is the page, counted from where
  /// such memory begins.
  public static final int KIND_VMALLOC = 6;

  /// The first of the kinds of movable frames; this one plus the index of the movable owner, up to
  /// [#MAX_KIND].
  public static final int KIND_MOVABLE_FIRST = 8;

  /// The largest kind.
  public static final int MAX_KIND = 15;

  /// The largest account.
  public static final int MAX_ACCOUNT = 4095;

  /// The largest share count.
  public static final int MAX_SHARES = 65_535;

  /// The largest owner index.
  public static final long MAX_OWNER = 0xFFFF_FFFFL;

  private static final int ACCOUNT_SHIFT = 4;
  private static final int SHARES_SHIFT = 16;
  private static final int OWNER_SHIFT = 32;
  private static final int WORD_BYTES = Long.BYTES;

  private final long address;
  private final long startPfn;
  private final long endPfn;

  /// A plane over memory that is zero or holds such a plane already.
  ///
  /// @param address of the first word, a multiple of 8
  /// @param startPfn the frame of the first word
  /// @param endPfn exclusive end
  /// @throws IllegalArgumentException if the address is not aligned or the range is not one
  public FrameInfo(long address, long startPfn, long endPfn) {
    if ((address & (WORD_BYTES - 1)) != 0 || startPfn < 0 || endPfn < startPfn) {
      throw new IllegalArgumentException(
          "no plane for frames " + startPfn + " … " + endPfn + " at " + AddressRange.hex(address));
    }
    this.address = address;
    this.startPfn = startPfn;
    this.endPfn = endPfn;
  }

  /// Bytes that a plane needs.
  ///
  /// @param startPfn first frame
  /// @param endPfn exclusive end
  /// @return a multiple of 8
  public static long byteSize(long startPfn, long endPfn) {
    return Math.multiplyExact(endPfn - startPfn, WORD_BYTES);
  }

  /// A word of its parts.
  ///
  /// @param kind 0 … [#MAX_KIND]
  /// @param account 0 … [#MAX_ACCOUNT]
  /// @param shares 0 … [#MAX_SHARES]
  /// @param owner 0 … [#MAX_OWNER]
  /// @return the word
  /// @throws IllegalArgumentException if a part does not fit its bits
  public static long word(int kind, int account, int shares, long owner) {
    if ((kind & ~MAX_KIND) != 0
        || (account & ~MAX_ACCOUNT) != 0
        || (shares & ~MAX_SHARES) != 0
        || (owner & ~MAX_OWNER) != 0) {
      throw new IllegalArgumentException(
          "kind " + kind + ", account " + account + ", shares " + shares + ", owner " + owner);
    }
    return kind
        | (long) account << ACCOUNT_SHIFT
        | (long) shares << SHARES_SHIFT
        | owner << OWNER_SHIFT;
  }

  /// The kind in a word.
  ///
  /// @param word any
  /// @return 0 … [#MAX_KIND]
  public static int kindOf(long word) {
    return (int) word & MAX_KIND;
  }

  /// The account in a word.
  ///
  /// @param word any
  /// @return 0 … [#MAX_ACCOUNT]
  public static int accountOf(long word) {
    return (int) (word >>> ACCOUNT_SHIFT) & MAX_ACCOUNT;
  }

  /// The share count in a word.
  ///
  /// @param word any
  /// @return 0 … [#MAX_SHARES]
  public static int sharesOf(long word) {
    return (int) (word >>> SHARES_SHIFT) & MAX_SHARES;
  }

  /// The owner index in a word.
  ///
  /// @param word any
  /// @return 0 … [#MAX_OWNER]
  public static long ownerOf(long word) {
    return word >>> OWNER_SHIFT;
  }

  /// The frame of the first word.
  ///
  /// @return a pfn
  public long startPfn() {
    return startPfn;
  }

  /// Behind the frame of the last word.
  ///
  /// @return a pfn
  public long endPfn() {
    return endPfn;
  }

  /// The word of a frame, plain.
  ///
  /// @param pfn within the plane
  /// @return the word
  /// @throws IndexOutOfBoundsException if the plane has no such frame
  public long get(long pfn) {
    return Memory.getLong(addressOf(pfn));
  }

  /// Stores the word of a frame, plain: for the frame's owner.
  ///
  /// @param pfn within the plane
  /// @param word see [#word]
  /// @throws IndexOutOfBoundsException if the plane has no such frame
  public void put(long pfn, long word) {
    Memory.putLong(addressOf(pfn), word);
  }

  /// The word of a frame, with acquire semantics.
  ///
  /// @param pfn within the plane
  /// @return the word
  /// @throws IndexOutOfBoundsException if the plane has no such frame
  public long getAcquire(long pfn) {
    return Memory.getLongAcquire(addressOf(pfn));
  }

  /// Replaces the word of a frame if it is as expected, with volatile semantics. Any thread.
  ///
  /// @param pfn within the plane
  /// @param expected the word that must be there
  /// @param word the new word
  /// @return true if it was stored
  /// @throws IndexOutOfBoundsException if the plane has no such frame
  public boolean compareAndSet(long pfn, long expected, long word) {
    return Memory.compareAndSetLong(addressOf(pfn), expected, word);
  }

  private long addressOf(long pfn) {
    if (pfn < startPfn || pfn >= endPfn) {
      throw new IndexOutOfBoundsException("no frame " + AddressRange.hex(pfn) + " in this plane");
    }
    return address + (pfn - startPfn) * WORD_BYTES;
  }
}
