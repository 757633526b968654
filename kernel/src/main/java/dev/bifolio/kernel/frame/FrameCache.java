package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;

/// A cache of single frames with one owner, an event loop for instance: what he frees he gets next,
/// without a single atomic operation.
///
/// ```
/// try (FrameCache cache = frames.openCache(AllocationFlags.NONE)) {
///   long pfn = cache.allocate();
///   ...
///   cache.free(pfn);
/// }
/// ```
///
/// *One thread at a time* may call it, and hands it on only with a happens-before edge, as for any
/// object that is not synchronised; this is not checked. The frames are as good as any: they may be
/// freed by any thread through the allocator, and frames from anywhere may be freed here. Every
/// mistaken free is refused, here and there, of a cached frame too.
///
/// It holds up to 32 frames of one word and 48 others, and the sole right to allocate in one area
/// of 512 frames. A request elsewhere that finds nothing takes back the others at once and asks for
/// the rest, which the owner gives back with his next allocation. Until then what is free in that
/// area is out of everybody's reach: who will be idle calls [#drain()], and who is done [#close()].
///
/// ```
///   claim word of the cache's slot   [ operations ][ DRAINING ][ word in area ][ mask ]
///                                     written by the owner alone, with plain stores; others, who
///                                     may neither take nor put in this state, read that the frames
///                                     of the mask are cached
/// ```
///
/// The frames of the mask are HEAD in their word. A frame that is freed twice at the same time,
/// here and elsewhere, is FREE in its word *and* in the mask: nobody can take it there, because the
/// area is the cache's, and the owner, who looks at the word before he hands a frame out, drops it.
/// One such free is out of reach: one that was begun before the area became the cache's, and ends
/// in the magazine of a CPU just while the owner frees the frame a second time.
///
/// A pair of calls costs no compare-and-set; a frame of another word one or two. Source of the
/// numbers: docs/performance.md.
public final class FrameCache implements AutoCloseable {
  private static final long NO_WORD = Long.MIN_VALUE;

  private final HybridAllocator allocator;
  private final HybridCore core;
  private final int slot;
  private final int kind;
  private final int flags;
  private final long recall;
  private final long gaveBackBefore;
  private final long refillsBefore;

  /// The slot's claim word; when the cache is closed, a word that is always zero.
  private long claim;

  /// The first frame of the claimed word, a pfn.
  private long firstPfn = NO_WORD;

  /// The claimed word; if there is none, a word that is always zero, in which nothing is allocated.
  private long frameWord;

  private boolean closed;
  private long finalHits;
  private long finalRefills;
  private long finalGivenBack;

  private FrameCache(HybridAllocator allocator, HybridCore core, int slot, int flags) {
    this.allocator = allocator;
    this.core = core;
    this.slot = slot;
    this.flags = flags;
    kind = AllocationFlags.kindOf(flags);
    claim = core.slots.claim(slot);
    recall = Slots.recall(claim);
    frameWord = core.control(HybridCore.ALWAYS_ZERO);
    gaveBackBefore = Memory.getLong(Slots.wentHome(claim));
    refillsBefore = Memory.getLong(Slots.refills(claim));
  }

  /// Claims a slot.
  ///
  /// @throws IllegalStateException if there is none left
  static FrameCache open(HybridAllocator allocator, HybridCore core, int flags) {
    int first = core.slots.firstOwned();
    int kind = AllocationFlags.kindOf(flags);
    for (int slot = first; slot < core.slots.count(); slot++) {
      if (Memory.compareAndSetLong(Slots.owner(core.slots.claim(slot)), 0, kind + 1)) {
        return new FrameCache(allocator, core, slot, flags);
      }
    }
    throw new IllegalStateException("all " + (core.slots.count() - first) + " caches are in use");
  }

  // ---- Allocation ----

  /// Allocates a single frame, of the kind that the cache was opened with.
  ///
  /// @return the frame, or [FrameAllocator#NO_FRAME] if there is none
  /// @throws IllegalStateException if the cache is closed
  public long allocate() {
    long word = Memory.getLong(claim);
    int mask = ClaimWord.mask(word);
    if (mask == 0 || Memory.getLongVolatile(recall) != 0) {
      return allocateElsewhere();
    }
    int index = Integer.numberOfTrailingZeros(mask);
    boolean good = UnitWord.isSingle(Memory.getLongVolatile(frameWord), index);
    long next = ClaimWord.taken(word);
    // A plain store: who frees the frame elsewhere got it from this thread, and so sees the mask.
    Memory.putLong(claim, next);
    if (!good || ClaimWord.wentRound(next)) {
      return allocateWithCare(good, next, index);
    }
    return firstPfn + index;
  }

  private long allocateWithCare(boolean good, long word, int index) {
    if (ClaimWord.wentRound(word)) {
      Memory.getAndAddLong(Slots.rounds(claim), 1);
    }
    if (good) {
      return firstPfn + index;
    }
    Memory.getAndAddLong(Slots.changes(claim), 1); // freed twice: it is free, and no allocation
    return allocate();
  }

  private long allocateElsewhere() {
    requireOpen();
    if (Memory.getLongVolatile(recall) != 0) {
      leave();
      Memory.putLongRelease(recall, 0);
    }
    long frame = core.magazines.pop(claim, 0);
    if (frame < 0) {
      frame = core.small.refill(slot, kind);
      own();
    }
    if (frame >= 0) {
      return core.basePfn() + frame;
    }
    long pfn = allocator.tryAllocate(0, flags);
    return pfn >= 0 ? pfn : FrameAllocator.NO_FRAME;
  }

  /// After a refill, which opens the claim word to others for its length: makes it the owner's
  /// again.
  private void own() {
    long word = core.claims.own(claim);
    if (ClaimWord.state(word) == ClaimWord.NONE) {
      forgetWord();
      return;
    }
    long area = Memory.getLong(Slots.area(claim)) - 1;
    long frame = area * AreaWord.FRAMES + (long) ClaimWord.wordInArea(word) * UnitWord.UNITS;
    firstPfn = core.basePfn() + frame;
    frameWord = core.areas.frameWord(frame);
  }

  // ---- Free ----

  /// Frees a single frame, wherever it came from.
  ///
  /// @param pfn the frame
  /// @throws FrameRequestException if it is no allocated single frame; nothing has changed then
  /// @throws IllegalStateException if the cache is closed
  public void free(long pfn) {
    long result = tryFree(pfn);
    if (result != 0) {
      throw allocator.mistake(FrameError.of(result), pfn, 1);
    }
  }

  /// [#free] with mistakes as negative codes.
  ///
  /// @param pfn the frame
  /// @return 0, or the code of a FrameError
  /// @throws IllegalStateException if the cache is closed
  public long tryFree(long pfn) {
    long index = pfn - firstPfn;
    if (Long.compareUnsigned(index, UnitWord.UNITS) >= 0) {
      return freeElsewhere(pfn);
    }
    long word = Memory.getLong(claim);
    long bit = 1L << index;
    if ((word & bit) != 0 || !UnitWord.isSingle(Memory.getLongVolatile(frameWord), (int) index)) {
      return allocator.tryFree(pfn, 0); // which says what is wrong
    }
    Memory.putLong(claim, word | bit);
    return 0;
  }

  private long freeElsewhere(long pfn) {
    requireOpen();
    long frame = pfn - core.basePfn();
    if (Long.compareUnsigned(frame, core.areas.areaCount() << Pages.HUGE_ORDER) < 0) {
      long area = Memory.getLongVolatile(core.areas.areaWord(frame >>> Pages.HUGE_ORDER));
      if (AreaWord.isNearlyFull(area)
          && AreaWord.kind(area) == kind
          && core.magazines.push(claim, 0, frame, area, Slots.OWNED_CAPACITY)) {
        return 0;
      }
    }
    return allocator.tryFree(pfn, 0);
  }

  // ---- What there is ----

  /// What this cache did since it was opened.
  ///
  /// @return a snapshot
  public CacheStatistics statistics() {
    return closed
        ? new CacheStatistics(finalHits, finalRefills, finalRefills, finalGivenBack)
        : new CacheStatistics(allocations() - refills(), refills(), refills(), framesGivenBack());
  }

  private long allocations() {
    return core.claims.allocations(claim) + Magazines.taken(header());
  }

  private long refills() {
    return Memory.getLong(Slots.refills(claim)) - refillsBefore;
  }

  private long framesGivenBack() {
    return Memory.getLong(Slots.wentHome(claim)) - gaveBackBefore;
  }

  /// Frames that wait here now.
  ///
  /// @return 0 … 80
  public int cachedFrameCount() {
    return closed
        ? 0
        : Integer.bitCount(ClaimWord.mask(Memory.getLong(claim))) + Magazines.count(header());
  }

  private long header() {
    return Memory.getLongVolatile(Slots.header(claim, 0));
  }

  // ---- Giving back ----

  /// Gives back all frames and the area, for an owner who will not need them for a while. The next
  /// allocation fills the cache again.
  ///
  /// @throws IllegalStateException if the cache is closed
  public void drain() {
    requireOpen();
    leave();
    while (Magazines.count(header()) != 0) {
      core.magazines.drain(claim); // which gives way to others for a while only
    }
  }

  private void leave() {
    core.claims.drain(slot);
    forgetWord();
  }

  private void forgetWord() {
    firstPfn = NO_WORD;
    frameWord = core.control(HybridCore.ALWAYS_ZERO);
  }

  /// Gives back all frames. Closing again does nothing; every other call is refused from now on.
  @Override
  public void close() {
    if (closed) {
      return;
    }
    drain();
    finalRefills = refills();
    finalHits = allocations() - finalRefills;
    finalGivenBack = framesGivenBack();
    closed = true;
    retire();
    claim = core.control(HybridCore.ALWAYS_ZERO);
  }

  /// Hands what the slot counted to a CPU's slot of the same kind, and lets the slot go.
  private void retire() {
    long heir = core.slots.claim(core.slots.of(0, kind));
    Memory.getAndAddLong(Slots.retired(heir), allocations());
    Memory.getAndAddLong(Slots.changes(claim), core.claims.allocations(claim));
    Memory.putLong(Slots.header(claim, 0), 0);
    Memory.putLong(Slots.recall(claim), 0);
    Memory.putLongRelease(Slots.owner(claim), 0);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this cache is closed");
    }
  }
}
