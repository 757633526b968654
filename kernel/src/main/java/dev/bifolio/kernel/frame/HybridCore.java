package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// The parts of a hybrid allocator and the way of a request through them; [HybridAllocator] checks,
/// names and counts around it.
///
/// A request for one frame goes: claim word, magazine, refill of the claim word from a claimed
/// area, from an area that is borrowed from above, from areas of other kinds. One for up to 512
/// frames: magazine, an area claimed for the length of the operation, the slot's own area, a
/// borrowed one, one of another kind. Larger ones: the levels. Who finds nothing calls back all
/// that is cached, reserved or open, and tries again.
final class HybridCore {
  /*
   * Overview
   *
   * Problem. The classic buddy allocator is exact and slow, and one thread at a time may use it. A
   * bitmap is small and quick for single frames, but finds no large blocks. Both must hand out the
   * same memory, from many threads, with every mistaken free refused, and leave whole areas of 2 MiB
   * free when small requests come and go.
   *
   * Idea. One structure at every level: the word of 32 units (UnitWord). A unit is FREE, HEAD, TAIL
   * or LENT, in two bits; a block is a HEAD with its TAILs; every transition inside a word is one
   * compare-and-set from the full state, which proves the free and needs no lock.
   *
   *   level 3   [ 32 units of 2 GiB  ]                 orders 19, 20
   *                  | LENT
   *   level 2   [ 32 units of 64 MiB ]                 orders 14 … 18        UnitLevel
   *                  | LENT
   *   level 1   [ 32 areas of 2 MiB  ]                 orders 9 … 13
   *                  | LENT
   *   area      [ 16 words of 32 frames ]              orders 0 … 8          Areas, FrameRuns
   *                  | claimed by a slot
   *   slot      claim word: 32 frames of one word      order 0, one CAS      SlotClaims
   *             magazines: stacks of freed blocks      orders 0 … 8          Magazines
   *
   * Memory has one owner. A level that is asked for less than a unit lends one to the level below; a
   * word that is all FREE again goes back whole. No part of memory is set aside for small requests or
   * large ones, and nothing is copied from list to list when a block is split or coalesced.
   *
   * Placement. Areas with free frames wait in bins by largest free block, then by how full they are
   * (HintBitmap); a request takes the first area of the first bin that can serve it, and inside it the
   * smallest free block. Each of the six kinds of AllocationFlags has areas of its own; only when no
   * whole area is left are those of another kind used. Caches take only frames of nearly full areas,
   * which would be filled next anyway.
   *
   * Caches are the truth, not a copy. A frame in a claim word is HEAD and its bit stands in the mask;
   * the area word leads from the frame to the slot. A block in a magazine is cached in its own word.
   * So a free of a cached frame is refused like any other mistake.
   *
   * Invariants
   *   I1  Every managed frame is in exactly one state: free, cached, or in one allocation.
   *   I2  A word is not all TAIL if and only if its unit above is LENT (but for moments of lending and
   *       giving back).
   *   I3  A word with free units is open, or reserved, or a hint leads to it.
   *   I4  A frame that is in the mask of an OPEN claim word is HEAD in its frame word.
   *   I5  When the caches are drained, and no FrameCache is open, as many order-9 requests succeed as
   *       there are whole free areas.
   *
   * Who writes what. Frame words: allocations of who has claimed the area, frees of anybody, by
   * compare-and-set; words that only one can reach, by plain release stores. Area words: claimers and
   * frees, by compare-and-set. Claim words: anybody by compare-and-set, but changes of state only under
   * the slot's try-lock. Hints: anybody; set after the change, cleared and then looked at again.
   *
   * Double frees that race. No frame gets two owners, with these limits, which no test of a word can
   * see: a free that is held up until the frame was handed out again frees the new owner's frame; a
   * frame that is freed twice while its word is being announced may take both frees, once in effect.
   * A double free that is held up across another free and a refill is found afterwards and undone; if
   * the frame is allocated again before it is found, it is the first case again. A run of several words
   * is proved once more when its head is taken; the one legal free of a shorter run that took its place
   * at just that moment is refused then.
   *
   * Progress. Frees and the levels above an area never wait. Allocation in an area goes by claim:
   * others take another area. Only a request that is about to fail waits, for a bounded time: for a
   * slot's lock, to call back what is cached (CallBack), and for what others have in their hands at
   * that moment (Transit). So "no frame" is true, unless others were at work in each of its
   * looks; nobody waits for a frame that is in use.
   *
   * Owned caches. A FrameCache has a slot of its own. But for the length of a refill its claim word is
   * DRAINING: others may read which frames are cached, and neither take nor put; the owner needs no
   * compare-and-set. He alone waits without a bound, for a magazine's lock, when he drains or closes.
   *
   * Cost. A pair of order 0: two compare-and-sets. A free elsewhere: one, and two loads. Orders 9 to
   * 20: one each way, whatever the order. Metadata: 2 bits a frame in words, 0.125 in area words, 0.08
   * in bins, and the slots.
   *
   * Rejected: a fixed border between small and large memory (refuses large requests while half of the
   * memory is free); two planes in words of their own (one more compare-and-set a free); lists of free
   * blocks (need locks or tags, and write the neighbours' lines); counters of free frames (shared
   * writes on the hot path). ADR 0005.
   *
   * Sources: Wrenger et al., LLFree: Scalable and Optionally-Persistent Page-Frame Allocation, USENIX
   * ATC 2023 (two levels, bitmaps, per-core reservations); Bonwick and Adams, Magazines and Vmem,
   * USENIX ATC 2001; Knowlton, CACM 8 (1965).
   */

  static final long NONE = -1;

  /// The CPU that the caller runs on.
  static final int CURRENT_CPU = -1;

  /// Bytes of the words that belong to the allocator as a whole.
  static final long CONTROL_BYTES = 512;

  /// The control word for what is on its way and no slot's, in a line of its own.
  private static final int TRANSIT = 32;

  /// A control word that nobody writes.
  static final int ALWAYS_ZERO = 31;

  private final UnitLevel top;
  private final UnitLevel middle;
  private final UnitLevel low;
  final UnitLevel[] levels;
  final Areas areas;
  final Slots slots;
  final FrameRuns runs;
  final LongRuns longRuns;
  final SlotClaims claims;
  final Magazines magazines;
  final FrameStates states;
  final CallBack callBack;
  final SmallRequests small;
  private long control;
  private long basePfn;
  private long spanFrames;

  // Copies of what the parts know: every step from object to object costs a load on the way of each
  // request, and after a compare-and-set none of them can be hidden.
  private int cpuCount;
  private int cpuSlots;
  private long slotWords;
  private long slotBytes;
  private long cpuBytes;
  private long frameWords;
  private long areaWords;

  HybridCore(int cpuCount) {
    top = new UnitLevel(19, null);
    middle = new UnitLevel(14, top);
    low = new UnitLevel(9, middle);
    levels = new UnitLevel[] {low, middle, top};
    areas = new Areas(low);
    slots = new Slots(cpuCount);
    runs = new FrameRuns(areas);
    longRuns = new LongRuns(levels, areas, runs);
    claims = new SlotClaims(slots, areas);
    magazines = new Magazines(slots, areas, runs, claims);
    states = new FrameStates(levels, areas, slots);
    small = new SmallRequests(slots, areas, runs, claims);
    callBack = new CallBack(levels, areas, slots, claims, magazines);
  }

  static long metadataBytes(long startPfn, long endPfn, int cpuCount) {
    return CONTROL_BYTES
        + UnitLevel.metadataBytes(19, startPfn, endPfn)
        + UnitLevel.metadataBytes(14, startPfn, endPfn)
        + UnitLevel.metadataBytes(9, startPfn, endPfn)
        + Slots.metadataBytes(endPfn - startPfn, cpuCount)
        + Areas.metadataBytes(startPfn, endPfn);
  }

  void attach(long address, long startPfn, long endPfn) {
    control = address;
    long next = address + CONTROL_BYTES;
    for (int i = levels.length - 1; i >= 0; i--) {
      levels[i].attach(next, startPfn, endPfn);
      next += UnitLevel.metadataBytes(levels[i].shift(), startPfn, endPfn);
    }
    slots.attach(next, endPfn - startPfn);
    next += Slots.metadataBytes(endPfn - startPfn, slots.cpuCount());
    areas.attach(next, startPfn, endPfn, control(TRANSIT));
    basePfn = areas.basePfn();
    spanFrames = areas.areaCount() << Pages.HUGE_ORDER;
    cpuCount = slots.cpuCount();
    cpuSlots = slots.firstOwned();
    slotWords = slots.claim(0);
    slotBytes = slots.claim(1) - slotWords;
    cpuBytes = slotBytes * AllocationFlags.KIND_COUNT;
    frameWords = areas.frameWord(0);
    areaWords = areas.areaWord(0);
  }

  /// The address of a word of the allocator as a whole.
  long control(int index) {
    return control + (long) index * Long.BYTES;
  }

  long basePfn() {
    return basePfn;
  }

  // ---- Allocation ----

  /// A block of a legal order.
  ///
  /// @return its head, or -1
  long allocate(int cpu, int order, int flags) {
    int mine = Integer.compareUnsigned(cpu, cpuCount) < 0 ? cpu : slots.cpuOf(cpu);
    int kind = AllocationFlags.kindOf(flags);
    long claim = slotWords + mine * cpuBytes + kind * slotBytes;
    if (order >= Slots.CACHED_ORDERS) {
      return allocateLarge(claim, order);
    }
    long frame = order == 0 ? SlotClaims.pop(claim) : NONE;
    if (frame < 0) {
      frame = magazines.pop(claim, order);
    }
    return frame >= 0
        ? basePfn + frame
        : allocateSmall(mine * AllocationFlags.KIND_COUNT + kind, claim, 1 << order);
  }

  /// A run of a legal count that is no power of two.
  ///
  /// @return its first frame, or -1
  long allocateRun(int cpu, long frameCount, int flags) {
    int slot = slots.of(cpu, AllocationFlags.kindOf(flags));
    return frameCount < AreaWord.FRAMES
        ? allocateSmall(slot, slots.claim(slot), (int) frameCount)
        : allocateTrimmed(slots.claim(slot), Pages.framesToOrderUp(frameCount), frameCount);
  }

  private long allocateSmall(int slot, long claim, int frameCount) {
    long frame = small.take(slot, claim, frameCount);
    for (int round = 0; frame < 0; round++) {
      long before = callBack.activity();
      frame = small.take(slot, claim, frameCount);
      if (frame < 0 && callBack.mayFail(before, round)) {
        return NONE;
      }
    }
    return basePfn + frame;
  }

  /// A block of a legal order of 9 or more, which no cache serves: the thread only says where it is
  /// counted.
  ///
  /// @return its head, or -1
  long allocateLarge(int order, int flags) {
    int slot = Cpu.ofThread(cpuCount) * AllocationFlags.KIND_COUNT + AllocationFlags.kindOf(flags);
    return allocateLarge(slotWords + slot * slotBytes, order);
  }

  private long allocateLarge(long claim, int order) {
    UnitLevel level = levelOf(order);
    long unit = level.take(order - level.shift());
    if (unit < 0) {
      unit = takeAgain(level, order - level.shift());
      if (unit < 0) {
        return NONE;
      }
    }
    count(claim, order);
    return unit << level.shift();
  }

  private long takeAgain(UnitLevel level, int order) {
    for (int round = 0; ; round++) {
      long before = callBack.activity();
      long unit = level.take(order);
      if (unit >= 0 || callBack.mayFail(before, round)) {
        return unit;
      }
    }
  }

  private long allocateTrimmed(long claim, int order, long frameCount) {
    for (int round = 0; ; round++) {
      long before = callBack.activity();
      long pfn = takeTrimmed(claim, order, frameCount);
      if (pfn >= 0 || callBack.mayFail(before, round)) {
        return pfn;
      }
    }
  }

  /// A run of a legal count of 512 or more that is no power of two, without calling back.
  ///
  /// What is too much of the block is nowhere until it is given back. It is on its way only if
  /// there may be such a block: two requests that find nothing must not wait for each other.
  ///
  /// @param order of the block
  /// @return its first frame, or -1
  long takeTrimmed(long claim, int order, long frameCount) {
    UnitLevel level = levelOf(order);
    if (!level.mayHave(order - level.shift())) {
      return NONE;
    }
    Transit.begin(Slots.transit(claim));
    long unit = level.take(order - level.shift());
    long pfn = unit < 0 ? NONE : unit << level.shift();
    if (pfn >= 0) {
      longRuns.trim(pfn, order, frameCount);
      count(claim, order);
    }
    Transit.end(Slots.transit(claim));
    return pfn;
  }

  UnitLevel levelOf(int order) {
    return order < 14 ? low : order < 19 ? middle : top;
  }

  static void count(long claim, int order) {
    Memory.getAndAddLong(Slots.taken(claim, order), 1);
  }

  // ---- Free ----

  /// Frees a block of a legal order if it is allocated.
  ///
  /// @return whether it was
  boolean free(int cpu, long pfn, int order) {
    long frame = pfn - basePfn;
    if (Long.compareUnsigned(frame, spanFrames) >= 0) {
      return false;
    }
    if (order >= 5) {
      return freeWords(cpu, pfn, frame, order);
    }
    return order == 0 ? freeSingle(cpu, frame) : freeInWord(cpu, frame, order);
  }

  private boolean freeSingle(int cpu, long frame) {
    long address = frameWords + (frame >>> 5) * Long.BYTES;
    long areaAddress = areaWords + (frame >>> Pages.HUGE_ORDER) * Long.BYTES;
    int index = (int) frame & 31;
    while (true) {
      long value = Memory.getLongVolatile(address);
      if (!UnitWord.isSingle(value, index)) {
        return false;
      }
      long area = Memory.getLongVolatile(areaAddress);
      int slot = AreaWord.slot(area);
      if (slot >= 0) {
        long claim = claimOf(slot);
        int told = SlotClaims.free(claim, areaAddress, address, frame, value, area);
        if (told == SlotClaims.FREED) {
          return true;
        }
        if (told == SlotClaims.AGAIN) {
          continue;
        }
        if (told == SlotClaims.CACHED) {
          return false;
        }
      } else if (AreaWord.isNearlyFull(area)
          && magazines.push(claimFor(cpu, area), 0, frame, area)) {
        return true;
      }
      long next = value ^ UnitWord.block(index, 1);
      if (Memory.compareAndSetLong(address, value, next)) {
        // In the common case nobody needs to know.
        return Areas.isSettled(Memory.getLongVolatile(areaAddress), frame, next)
            || goesHome(frame, 0, next);
      }
    }
  }

  private boolean freeInWord(int cpu, long frame, int order) {
    long address = frameWords + (frame >>> 5) * Long.BYTES;
    long areaAddress = areaWords + (frame >>> Pages.HUGE_ORDER) * Long.BYTES;
    int index = (int) frame & 31;
    while (true) {
      long value = Memory.getLongVolatile(address);
      if (!UnitWord.isBlock(value, index, order)) {
        return false;
      }
      long area = Memory.getLongVolatile(areaAddress);
      if (magazines.push(claimFor(cpu, area), order, frame, area)) {
        return true;
      }
      long next = value ^ UnitWord.block(index, 1 << order);
      if (Memory.compareAndSetLong(address, value, next)) {
        return Areas.isSettled(Memory.getLongVolatile(areaAddress), frame, next)
            || goesHome(frame, order, next);
      }
    }
  }

  private long claimOf(int slot) {
    return slot < cpuSlots ? slotWords + slot * slotBytes : slots.claim(slot);
  }

  /// Which CPU this is, is asked only here: few frees come so far.
  private long claimFor(int cpu, long area) {
    int mine = cpu == CURRENT_CPU ? Cpu.current() : cpu;
    return slots.claim(slots.of(mine, AreaWord.kind(area)));
  }

  /// The frames are FREE: tells who must know.
  ///
  /// @return whether it was right to free them
  private boolean goesHome(long frame, int order, long next) {
    boolean honest = order != 0 || claims.isHonest(frame);
    areas.afterFree(frame, order, next);
    return honest;
  }

  /// Frees a block of a legal order of 9 or more if it is allocated.
  ///
  /// @return whether it was
  boolean freeLarge(long pfn, int order) {
    UnitLevel level = levelOf(order);
    long unit = pfn >>> level.shift();
    return Long.compareUnsigned(pfn - basePfn, spanFrames) < 0
        && ((unit << level.shift() == pfn && level.freeBlock(unit, order - level.shift()))
            || longRuns.free(pfn, 1L << order));
  }

  private boolean freeWords(int cpu, long pfn, long frame, int order) {
    if (order >= Pages.HUGE_ORDER) {
      return freeLarge(pfn, order);
    }
    if ((frame & (1L << order) - 1) != 0 || !runs.looksLikeRun(frame, 1 << order)) {
      return false;
    }
    long area = Memory.getLongVolatile(areas.areaWord(frame >>> Pages.HUGE_ORDER));
    int capacity = slots.capacity(order);
    return magazines.push(claimFor(cpu, area), order, frame, area, capacity)
        || runs.free(frame, 1 << order);
  }

  /// Frees a run of a legal count if it is allocated.
  ///
  /// @return whether it was
  boolean freeRun(long pfn, long frameCount) {
    long frame = pfn - basePfn;
    if (Long.compareUnsigned(frame, spanFrames) >= 0) {
      return false;
    }
    if (frameCount >= AreaWord.FRAMES) {
      return longRuns.free(pfn, frameCount);
    }
    return fitsInArea(frame, frameCount) && runs.free(frame, (int) frameCount);
  }

  /// Whether a run is allocated here in just this length, and not cached.
  boolean isRun(long pfn, long frameCount) {
    long frame = pfn - basePfn;
    if (frameCount <= 0
        || frameCount > 1L << Pages.MAX_ORDER
        || Long.compareUnsigned(frame, spanFrames) >= 0) {
      return false;
    }
    if (frameCount >= AreaWord.FRAMES) {
      return longRuns.isRun(pfn, frameCount);
    }
    return fitsInArea(frame, frameCount)
        && runs.isRun(frame, (int) frameCount)
        && (frameCount > 1 || !states.isFreeOrCached(pfn));
  }

  /// A run never crosses the end of an area, and begins at a multiple of the next power of two.
  private static boolean fitsInArea(long frame, long frameCount) {
    return (frame & (1L << Pages.framesToOrderUp(frameCount)) - 1) == 0;
  }

  boolean isAttached() {
    return control != 0;
  }

  /// Makes single frames of a run if it is allocated in just this length.
  ///
  /// @return whether it was
  boolean split(long pfn, long frameCount) {
    if (!isRun(pfn, frameCount)) {
      return false;
    }
    return frameCount >= AreaWord.FRAMES
        ? longRuns.split(pfn, frameCount)
        : runs.split(pfn - basePfn, (int) frameCount);
  }
}
