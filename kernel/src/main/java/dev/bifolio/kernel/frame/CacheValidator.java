package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;

/// The part of [HybridValidator] that looks at the slots: claim words, magazines, locks, counters.
///
/// All entries of all magazines are read first and sorted, so that the walk over the frames can ask
/// for each cached head whether some magazine has it, and duplicates lie side by side.
///
/// - A slot names an area if and only if the area's word names the slot.
/// - A claim word that rests is NONE and empty, or OPEN; that of a [FrameCache] is DRAINING
///   instead. Frames of its mask are single and HEAD.
/// - A slot of a [FrameCache] without an owner is empty, and CPUs' slots have none.
/// - Free frames of a slot's area are in the slot's plan, unless the area is DIRTY: nothing else
///   would find them before the slot leaves.
/// - A magazine's entries are cached blocks of its order, in whole areas, each in one magazine
///   only.
final class CacheValidator {
  /// Entries are kept as frame and order, so that one sort finds duplicates.
  private static final int ORDER_BITS = 4;

  private final HybridCore core;
  private final Slots slots;
  private final ProblemList problems;
  private final long[] entries;
  private long claimedFrames;

  CacheValidator(HybridCore core, ProblemList problems) {
    this.core = core;
    this.problems = problems;
    slots = core.slots;
    int count = 0;
    for (int slot = 0; slot < slots.count(); slot++) {
      for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
        count += entryCount(slot, order);
      }
    }
    entries = new long[count];
    readEntries();
    sortEntries();
  }

  /// Entries of a magazine, never more than it has room for.
  private int entryCount(int slot, int order) {
    return Math.min(Magazines.count(header(slots.claim(slot), order)), capacity(slot, order));
  }

  private int capacity(int slot, int order) {
    if (slot < slots.firstOwned()) {
      return slots.capacity(order);
    }
    return order == 0 ? Slots.OWNED_CAPACITY : 0;
  }

  private static long header(long claim, int order) {
    return Memory.getLongVolatile(Slots.header(claim, order));
  }

  private long entry(long claim, int order, int index) {
    return Memory.getInt(slots.entry(claim, order, index)) & 0xFFFF_FFFFL;
  }

  private void readEntries() {
    int next = 0;
    for (int slot = 0; slot < slots.count(); slot++) {
      long claim = slots.claim(slot);
      for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
        for (int i = 0; i < entryCount(slot, order); i++) {
          entries[next++] = entry(claim, order, i) << ORDER_BITS | order;
        }
      }
    }
  }

  /// Heap sort: in place, and never slower than n log n.
  private void sortEntries() {
    for (int root = entries.length / 2 - 1; root >= 0; root--) {
      sink(root, entries.length);
    }
    for (int last = entries.length - 1; last > 0; last--) {
      long largest = entries[0];
      entries[0] = entries[last];
      entries[last] = largest;
      sink(0, last);
    }
  }

  private void sink(int from, int count) {
    long value = entries[from];
    int hole = from;
    for (int child = 2 * hole + 1; child < count; child = 2 * hole + 1) {
      if (child + 1 < count && entries[child + 1] > entries[child]) {
        child++;
      }
      if (entries[child] <= value) {
        break;
      }
      entries[hole] = entries[child];
      hole = child;
    }
    entries[hole] = value;
  }

  /// Whether a magazine has a block that begins with this frame.
  boolean holds(long frame) {
    int from = 0;
    int to = entries.length;
    while (from < to) {
      int middle = (from + to) >>> 1;
      if (entries[middle] >>> ORDER_BITS < frame) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from < entries.length && entries[from] >>> ORDER_BITS == frame;
  }

  /// Frames in claim words.
  long claimedFrames() {
    return claimedFrames;
  }

  void validate() {
    for (int slot = 0; slot < slots.count(); slot++) {
      for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
        checkHeader(slot, order, header(slots.claim(slot), order));
      }
    }
    for (int i = 1; i < entries.length; i++) {
      if (entries[i] >>> ORDER_BITS == entries[i - 1] >>> ORDER_BITS) {
        long pfn = core.basePfn() + (entries[i] >>> ORDER_BITS);
        problems.atFrame(pfn, "is in the magazines twice");
      }
    }
    for (int slot = 0; slot < slots.count(); slot++) {
      long claim = slots.claim(slot);
      checkClaim(slot, claim);
      checkCounters(slot, claim);
      for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
        checkMagazine(slot, claim, order);
      }
    }
  }

  // ---- Claims ----

  /// A RESERVED area must be named by the slot that its word names.
  void checkHolder(long area, long word) {
    int slot = AreaWord.slot(word);
    long pfn = core.basePfn() + (area << Pages.HUGE_ORDER);
    if (slot == AreaWord.NO_SLOT) {
      problems.atArea(pfn, "is RESERVED for an operation, but none is under way");
    } else if (slot < 0 || slot >= slots.count()) {
      problems.atArea(pfn, "is RESERVED for slot " + slot + ", which does not exist");
    } else if (Memory.getLongVolatile(Slots.area(slots.claim(slot))) != area + 1) {
      problems.atArea(pfn, "is RESERVED for slot " + slot + ", which names another area or none");
    }
  }

  private void checkClaim(int slot, long claim) {
    if (Slots.isLocked(claim)) {
      report(slot, "is locked");
    }
    checkOwner(slot, claim);
    long word = Memory.getLongVolatile(claim);
    int state = ClaimWord.state(word);
    boolean owned = slot >= slots.firstOwned();
    boolean rests =
        state == ClaimWord.NONE
            ? ClaimWord.mask(word) == 0
            : state == (owned ? ClaimWord.DRAINING : ClaimWord.OPEN);
    if (!rests) {
      report(slot, "claim word " + Long.toHexString(word) + " is none that rests");
    }
    long area = Memory.getLongVolatile(Slots.area(claim)) - 1;
    if (area < -1 || area >= core.areas.areaCount()) {
      report(slot, "names area " + area + ", which does not exist");
    } else if (area >= 0) {
      checkArea(slot, claim, word, area);
    } else if (state != ClaimWord.NONE) {
      report(slot, "claims a word, but names no area");
    }
  }

  /// Only slots of a [FrameCache] have an owner, who may be asked to give back, and without one
  /// nothing is in them. A question that came just when the owner left waits for the next one.
  private void checkOwner(int slot, long claim) {
    long owner = Memory.getLongVolatile(Slots.owner(claim));
    long recall = Memory.getLongVolatile(Slots.recall(claim));
    boolean mayHaveOne = slot >= slots.firstOwned();
    if (owner < 0 || owner > (mayHaveOne ? AllocationFlags.KIND_COUNT : 0)) {
      report(slot, "has owner " + owner + ", which does not exist");
    }
    if (recall < 0 || recall > (mayHaveOne ? 1 : 0)) {
      report(slot, "is asked to give back " + recall + " times");
    }
    boolean isEmpty =
        Memory.getLongVolatile(Slots.area(claim)) == 0 && Magazines.count(header(claim, 0)) == 0;
    if (mayHaveOne && owner == 0 && !isEmpty) {
      report(slot, "has frames, but no owner");
    }
  }

  private void checkArea(int slot, long claim, long word, long area) {
    long areaWord = Memory.getLongVolatile(core.areas.areaWord(area));
    if (AreaWord.state(areaWord) != AreaWord.RESERVED || AreaWord.slot(areaWord) != slot) {
      report(slot, "names the area at frame " + hexOf(area, 0) + ", whose word does not name it");
      return;
    }
    int wordInArea = ClaimWord.wordInArea(word);
    long value = frameWord(area, wordInArea);
    for (int left = ClaimWord.mask(word); left != 0; left &= left - 1) {
      int index = Integer.numberOfTrailingZeros(left);
      claimedFrames++;
      if (!UnitWord.isBlock(value, index, 0)) {
        String frame = hexOf(area, wordInArea * UnitWord.UNITS + index);
        report(slot, "frame " + frame + " is in the claim word, but no single HEAD");
      }
    }
    if (!AreaWord.isDirty(areaWord)) {
      checkPlan(slot, claim, area);
    }
  }

  private void checkPlan(int slot, long claim, long area) {
    long low = Memory.getLong(Slots.planLow(claim));
    long high = Memory.getLong(Slots.planHigh(claim));
    for (int i = 0; i < AreaWord.WORDS; i++) {
      int free = UnitWord.free(frameWord(area, i));
      for (int order = 0; order <= 5; order++) {
        long plan = order < 4 ? low >>> (16 * order) : high >>> (16 * order - 64);
        if (UnitWord.exactRuns(free, order) != 0 && (plan >>> i & 1) == 0) {
          String frame = hexOf(area, i * UnitWord.UNITS);
          report(slot, "free frames of order " + order + " at frame " + frame + " not in its plan");
        }
      }
    }
    if (high >>> 32 != 0) {
      report(slot, "plan has bits for words that do not exist");
    }
  }

  private long frameWord(long area, int index) {
    long frame = (area << Pages.HUGE_ORDER) + (long) index * UnitWord.UNITS;
    return Memory.getLongVolatile(core.areas.frameWord(frame));
  }

  private void checkCounters(int slot, long claim) {
    boolean negative =
        Memory.getLong(Slots.rounds(claim)) < 0
            || Memory.getLong(Slots.changes(claim)) < 0
            || Memory.getLong(Slots.refills(claim)) < 0
            || Memory.getLong(Slots.wentHome(claim)) < 0
            || Memory.getLong(Slots.retired(claim)) < 0
            || core.claims.allocations(claim) < 0;
    for (int order = 0; order <= Pages.MAX_ORDER; order++) {
      negative |= Memory.getLong(Slots.taken(claim, order)) < 0;
    }
    if (negative) {
      report(slot, "a counter is negative");
    }
  }

  // ---- Magazines ----

  private void checkHeader(int slot, int order, long header) {
    if (header < 0) {
      report(slot, "magazine of order " + order + " is locked");
    }
    if (Magazines.count(header) > capacity(slot, order)) {
      report(
          slot,
          "magazine of order "
              + order
              + " holds "
              + Magazines.count(header)
              + " blocks, capacity "
              + capacity(slot, order));
    }
  }

  private void checkMagazine(int slot, long claim, int order) {
    for (int i = 0; i < entryCount(slot, order); i++) {
      long frame = entry(claim, order, i);
      if (!isCachedBlock(frame, order)) {
        String pfn = AddressRange.hex(core.basePfn() + frame);
        report(slot, "magazine of order " + order + " has frame " + pfn + ", no such cached block");
      }
    }
  }

  private boolean isCachedBlock(long frame, int order) {
    if (frame >>> Pages.HUGE_ORDER >= core.areas.areaCount() || (frame & (1L << order) - 1) != 0) {
      return false;
    }
    long area = Memory.getLongVolatile(core.areas.areaWord(frame >>> Pages.HUGE_ORDER));
    int state = AreaWord.state(area);
    if (AreaWord.isPartial(area) || state == AreaWord.NONE || state == AreaWord.ABSENT) {
      return false;
    }
    int index = (int) frame & 31;
    long value = Memory.getLongVolatile(core.areas.frameWord(frame)) ^ UnitWord.cached(index);
    if (order < 5) {
      return UnitWord.isBlock(value, index, order);
    }
    long tails = (1L << order) - UnitWord.UNITS;
    long end = frame + (1L << order);
    return value == UnitWord.ONE_BLOCK
        && core.runs.areTails(frame + UnitWord.UNITS, (int) tails)
        && ((end & AreaWord.FRAMES - 1) == 0 || !core.runs.areTails(end, 1));
  }

  private String hexOf(long area, int frame) {
    return AddressRange.hex(core.basePfn() + (area << Pages.HUGE_ORDER) + frame);
  }

  private void report(int slot, String problem) {
    problems.add("slot " + slot, problem);
  }
}
