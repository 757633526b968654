package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// The parts of a hybrid allocator and the way of a request through them; [HybridAllocator] checks,
/// names and counts around it.
///
/// A request for one frame goes: claim word, magazine, refill of the claim word from a claimed
/// area, from an area that is borrowed from above, from areas of other kinds. One for up to 512
/// frames: magazine, an area claimed for the length of the operation, a borrowed one, one of
/// another kind. Larger ones: the levels. Who finds nothing calls back all that is cached, reserved
/// or open, and tries again.
final class HybridCore {
  static final long NONE = -1;

  /// The CPU that the caller runs on.
  static final int CURRENT_CPU = -1;

  /// Bytes of the words that belong to the allocator as a whole.
  static final long CONTROL_BYTES = 256;

  /// How often a request calls everything back before it fails. Once is enough when nobody else is
  /// at work.
  static final int ROUNDS = 4;

  final UnitLevel[] levels;
  final Areas areas;
  final Slots slots;
  final FrameRuns runs;
  final LongRuns longRuns;
  final SlotClaims claims;
  final Magazines magazines;
  final FrameStates states;
  private long control;
  private long basePfn;
  private long spanFrames;

  HybridCore(int cpuCount) {
    UnitLevel top = new UnitLevel(19, null);
    UnitLevel middle = new UnitLevel(14, top);
    UnitLevel low = new UnitLevel(9, middle);
    levels = new UnitLevel[] {low, middle, top};
    areas = new Areas(low);
    slots = new Slots(cpuCount);
    runs = new FrameRuns(areas);
    longRuns = new LongRuns(levels, areas, runs);
    claims = new SlotClaims(slots, areas);
    magazines = new Magazines(slots, areas, runs, claims);
    states = new FrameStates(levels, areas, slots);
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
    areas.attach(next, startPfn, endPfn);
    basePfn = areas.basePfn();
    spanFrames = areas.areaCount() << Pages.HUGE_ORDER;
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
    return allocate(cpu, order, flags, ROUNDS);
  }

  /// A block of a legal order.
  ///
  /// @param rounds how often everything is called back before the request fails
  /// @return its head, or -1
  long allocate(int cpu, int order, int flags, int rounds) {
    int slot = slots.of(cpu, AllocationFlags.kindOf(flags));
    long claim = slots.claim(slot);
    long frame;
    if (order == 0) {
      frame = claims.pop(claim);
      if (frame >= 0) {
        return basePfn + frame;
      }
    } else if (order >= Slots.CACHED_ORDERS) {
      return allocateLarge(claim, order, 1L << order, rounds);
    }
    frame = magazines.pop(claim, order);
    return frame >= 0 ? basePfn + frame : allocateSmall(slot, 1 << order, rounds);
  }

  /// A run of a legal count that is no power of two.
  ///
  /// @param rounds how often everything is called back before the request fails
  /// @return its first frame, or -1
  long allocateRun(int cpu, long frameCount, int flags, int rounds) {
    int slot = slots.of(cpu, AllocationFlags.kindOf(flags));
    return frameCount < AreaWord.FRAMES
        ? allocateSmall(slot, (int) frameCount, rounds)
        : allocateLarge(slots.claim(slot), Pages.framesToOrderUp(frameCount), frameCount, rounds);
  }

  private long allocateSmall(int slot, int frameCount, int rounds) {
    int kind = slots.kindOf(slot);
    for (int round = 0; ; round++) {
      long frame = frameCount == 1 ? refill(slot, kind) : NONE;
      if (frame < 0 && (frameCount > 1 || frame == SlotClaims.BUSY)) {
        frame = takeFromAreas(slot, kind, frameCount);
      }
      if (frame >= 0) {
        return basePfn + frame;
      }
      if (round == rounds || !callBack()) {
        return NONE;
      }
    }
  }

  private long refill(int slot, int kind) {
    long frame = claims.refill(slot, kind, false);
    if (frame == NONE) {
      frame = claims.refill(slot, kind, true);
    }
    for (int other = 0; frame == NONE && other < AllocationFlags.KIND_COUNT; other++) {
      frame = other == kind ? NONE : claims.refill(slot, other, false);
    }
    return frame;
  }

  private long takeFromAreas(int slot, int kind, int frameCount) {
    long frame = takeFromKind(kind, frameCount);
    if (frame < 0) {
      long area = areas.lend(kind, AreaWord.NO_SLOT);
      if (area >= 0) {
        frame = runs.take(area, frameCount);
        areas.settle(area);
      }
    }
    for (int other = 0; frame < 0 && other < AllocationFlags.KIND_COUNT; other++) {
      frame = other == kind ? NONE : takeFromKind(other, frameCount);
    }
    if (frame >= 0) {
      count(slots.claim(slot), Pages.framesToOrderUp(frameCount));
    }
    return frame;
  }

  private long takeFromKind(int kind, int frameCount) {
    int firstBin = AreaWord.firstBin(Pages.framesToOrderUp(frameCount));
    while (true) {
      long area = areas.claim(kind, firstBin, AreaWord.NO_SLOT);
      if (area < 0) {
        return NONE;
      }
      long frame = runs.take(area, frameCount);
      areas.settle(area);
      if (frame >= 0) {
        return frame;
      }
    }
  }

  private long allocateLarge(long claim, int order, long frameCount, int rounds) {
    UnitLevel level = levels[LongRuns.levelOfOrder(order)];
    long unit = level.take(order - level.shift());
    for (int round = 0; unit < 0; round++) {
      if (round == rounds || !callBack()) {
        return NONE;
      }
      unit = level.take(order - level.shift());
    }
    long pfn = unit << level.shift();
    if (frameCount != 1L << order) {
      longRuns.trim(pfn, order, frameCount);
    }
    count(claim, order);
    return pfn;
  }

  void count(long claim, int order) {
    Memory.getAndAddLong(Slots.taken(claim, order), 1);
  }

  void countFailure(int cpu, int kind, int order) {
    Memory.getAndAddLong(Slots.failed(slots.claim(slots.of(cpu, kind)), order), 1);
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
    long address = areas.frameWord(frame);
    int index = (int) frame & 31;
    while (true) {
      long value = Memory.getLongVolatile(address);
      if (!UnitWord.isBlock(value, index, order)) {
        return false;
      }
      long area = Memory.getLongVolatile(areas.areaWord(frame >>> Pages.HUGE_ORDER));
      if (AreaWord.slot(area) >= 0) {
        int told = claims.free(frame, order, value, area);
        if (told != SlotClaims.NOT_CLAIMED) {
          if (told == SlotClaims.AGAIN) {
            continue;
          }
          return told == SlotClaims.FREED;
        }
      } else if (Magazines.wants(order, area)
          && magazines.push(claimFor(cpu, area), order, frame, area)) {
        return true;
      }
      long next = value ^ UnitWord.block(index, 1 << order);
      if (Memory.compareAndSetLong(address, value, next)) {
        return goesHome(frame, order, next);
      }
    }
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

  private boolean freeWords(int cpu, long pfn, long frame, int order) {
    if (order >= Pages.HUGE_ORDER) {
      return longRuns.free(pfn, 1L << order);
    }
    if ((frame & (1L << order) - 1) != 0 || !runs.isRun(frame, 1 << order)) {
      return false;
    }
    long area = Memory.getLongVolatile(areas.areaWord(frame >>> Pages.HUGE_ORDER));
    return magazines.push(claimFor(cpu, area), order, frame, area) || runs.free(frame, 1 << order);
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
    if (frameCount <= 0 || Long.compareUnsigned(frame, spanFrames) >= 0) {
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

  /// Requests served since the beginning, of one order and kind.
  long allocations(int order, int kind) {
    long sum = 0;
    for (int cpu = 0; cpu < slots.cpuCount(); cpu++) {
      long claim = slots.claim(slots.of(cpu, kind));
      sum += Memory.getLongVolatile(Slots.taken(claim, order));
      if (order < Slots.CACHED_ORDERS) {
        sum += Magazines.taken(Memory.getLongVolatile(Slots.header(claim, order)));
      }
      sum += order == 0 ? claims.allocations(claim) : 0;
    }
    return sum;
  }

  /// Legal requests that failed since the beginning.
  long failures(int order) {
    long sum = 0;
    for (int slot = 0; slot < slots.firstOwned(); slot++) {
      sum += Memory.getLongVolatile(Slots.failed(slots.claim(slot), order));
    }
    return sum;
  }

  /// Units that a level lent to the one below: blocks cut into 32, or into 512 frames.
  long lentUnits() {
    return levels[0].lentCount() + levels[1].lentCount() + levels[2].lentCount();
  }

  long takenBackUnits() {
    return levels[0].takenBackCount() + levels[1].takenBackCount() + levels[2].takenBackCount();
  }

  /// Frames that went home from caches since the beginning.
  long wentHome() {
    long frames = 0;
    for (int slot = 0; slot < slots.count(); slot++) {
      frames += Memory.getLongVolatile(Slots.wentHome(slots.claim(slot)));
    }
    return frames;
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

  // ---- Calling back ----

  /// Sends home what is cached, lets reserved areas go, and closes open words.
  ///
  /// @return whether there was anything
  boolean callBack() {
    boolean any = false;
    for (int slot = 0; slot < slots.firstOwned(); slot++) {
      any |= claims.drain(slot);
      any |= magazines.drain(slots.claim(slot));
    }
    for (UnitLevel level : levels) {
      any |= level.drain();
    }
    return any;
  }
}
