package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;

/// Tells whether a request leaves a zone enough, without a counter that every request writes.
///
/// # Overview
///
/// A watermark check asks how many frames nobody owns. The frame allocators do not keep that
/// figure, because a counter that all threads write costs more than the allocation itself; a count
/// of the words takes microseconds. But as long as there is plenty, nobody needs the figure: it is
/// enough to know that it cannot have fallen to any mark yet.
///
/// ```
///              available
///   managed ┤
///           │   FAR    a count found so much; of what lies above the far mark CPUs draw
///           │          allowances, and a request takes from the one of its CPU
///   far mark┤ ─────────────────────────────────────────────────────────────────────────
///           │   NEAR   one exact counter: requests and frees change it, and marks are
///   high, low, min     compared with it
///         0 ┤
///
///            the pool has too little, and so has a count; or frames
///            are spent that the pool has not
///       FAR ───────────────────────────────────────────────> NEAR
///           <───────────────────────────────────────────────
///            the counter comes well above the far mark by a free,
///            or is found there when the mark is set
/// ```
///
/// In FAR a request loads and stores one word of its CPU, and a free loads the mode. Nothing is
/// given back to an allowance: when that of a CPU and the pool are used up, the frames are counted
/// anew. Of what lies above the far mark and in no allowance one half goes into the pool then, so
/// that there is at most one count in so many allocations; the other half is for mistakes (I3). The
/// far mark is the high watermark and the largest lowmem reserve, so no check of FAR could have
/// failed.
///
/// ```
///   line 0   mode: 0 FAR, 1 NEAR      read by all, written at changes
///   line 1   lock, far mark, margin
///   line 2   counter of NEAR: frames in the low 40 bits, changes above
///   line 3   pool of FAR
///   line 4…  allowances, one line a stripe
/// ```
///
/// - I1 In FAR the pool and all allowances together are at most what is available above the far
///   mark, but for I3; requests make both less, frees only what is available more.
/// - I2 With one thread, every answer is exact, and in NEAR the counter is what is available.
/// - I3 A count may meet requests and frees half-way: those that were granted and have not taken
///   their frames, those whose frames are back and not yet added, those that put an allowance back
///   that was just cleared. What a watermark can be wrong by is for each of them the frames that it
///   is about, and an allowance, at most [#MOST_ALLOWANCE] frames; the next count begins anew. Two
///   threads that run on one CPU in turn may besides both use an allowance of which one took: up to
///   an allowance each time that one is held up between its load and its store.
/// - I4 When nobody is half-way, [#recount] leaves in NEAR a counter that is what is available, and
///   nothing that could be had past it; in FAR it only counts. Who is about to fail calls it. Each
///   change of the counter changes its upper bits, so that one that went away and came back is not
///   taken for one at rest.
/// - I5 A stripe that is loaded and stored has one CPU. CPUs whose numbers have no stripe of their
///   own take from the pool; where the system does not tell CPUs, all stripes are shared, and
///   changed by compare-and-set. ([Cpu#simulate] makes all threads one CPU: it is for one at a
///   time.)
///
/// Any thread; no Java objects. FAR: a request is a load, a subtraction and a store, a free one
/// load. NEAR: a request is one compare-and-set, a free one addition, and the lock when the counter
/// is so high that FAR may begin.
///
/// Rejected: a counter for each CPU that is folded now and then (Linux's vmstat): frees would have
/// to ask for their CPU, which costs a third of a free, and without atomic additions such counters
/// lose whole time slices when a thread is interrupted.
final class FreeGauge {
  /// Frames that a CPU takes from the pool at once, at most.
  static final long MOST_ALLOWANCE = 512;

  private static final long FAR = 0;
  private static final long NEAR = 1;
  private static final long LINE = 64;

  // Offsets of lines and words.
  private static final long LOCK = LINE;
  private static final long FAR_MARK = LINE + 8;
  private static final long MARGIN = LINE + 16;
  private static final long COUNTER = 2 * LINE;
  private static final long POOL = 3 * LINE;
  private static final long STRIPES = 4 * LINE;

  /// How much more than the far mark there must be before anybody leaves NEAR, at least, a stripe.
  private static final long LEAST_MARGIN = 64;

  private static final int COUNT_TRIES = 4;

  /// One change of the counter, above its frames.
  private static final long CHANGE = 1L << 40;

  private static final int CHANGE_BITS = 24;

  private final long address;
  private final long stripeMask;

  /// CPUs below this have a stripe to themselves; none has where the system does not tell CPUs.
  private final int ownCount;

  private final ZoneMemory memory;
  private final SpinLock lock;

  /// A gauge over zero bytes, whose pool is empty.
  ///
  /// @param address of [#byteSize] zero bytes, a multiple of 64
  /// @param cpuCount for how many CPUs there are stripes
  /// @param cpusAreTold whether [Cpu#current] tells CPUs, and not threads
  FreeGauge(long address, int cpuCount, boolean cpusAreTold, ZoneMemory memory) {
    this.address = address;
    this.stripeMask = stripes(cpuCount) - 1;
    this.ownCount = cpusAreTold ? (int) stripes(cpuCount) : 0;
    this.memory = memory;
    this.lock = new SpinLock(address + LOCK);
  }

  static long byteSize(int cpuCount) {
    return STRIPES + stripes(cpuCount) * LINE;
  }

  /// The next power of two.
  private static long stripes(int cpuCount) {
    return cpuCount <= 1 ? 1 : 2L * Integer.highestOneBit(cpuCount - 1);
  }

  // ---- Requests ----

  /// Takes frames from the allowance of a CPU.
  ///
  /// @return false if it has too few or none to itself, or the marks are near: [#takeAbove] decides
  boolean takeFar(int cpu, long frameCount) {
    if (Integer.compareUnsigned(cpu, ownCount) >= 0) {
      return false;
    }
    long allowance = address + STRIPES + cpu * LINE;
    long now = Memory.getLong(allowance);
    if (now < frameCount) {
      return false;
    }
    Memory.putLong(allowance, now - frameCount);
    return true;
  }

  /// The same from an allowance that other CPUs use too.
  private boolean takeShared(int cpu, long frameCount) {
    long allowance = allowanceOf(cpu);
    while (true) {
      long now = Memory.getLongVolatile(allowance);
      if (now < frameCount) {
        return false;
      }
      if (Memory.compareAndSetLong(allowance, now, now - frameCount)) {
        return true;
      }
    }
  }

  /// Takes frames if as many as the mark are left then.
  boolean takeAbove(int cpu, long frameCount, long mark) {
    if (ownCount == 0 ? takeShared(cpu, frameCount) : takeFar(cpu, frameCount)) {
      return true;
    }
    for (boolean counted = false; isFar(); counted = true) {
      if (takeFromPool(cpu, frameCount)) {
        return true;
      }
      if (counted && isFar()) {
        goNear();
        break; // larger than all that lies above the far mark
      }
      countForPool();
    }
    return takeNear(frameCount, mark);
  }

  private boolean takeNear(long frameCount, long mark) {
    long counter = address + COUNTER;
    while (true) {
      long now = Memory.getLongVolatile(counter);
      if (framesOf(now) - frameCount < mark) {
        return false;
      }
      if (Memory.compareAndSetLong(counter, now, now + CHANGE - frameCount)) {
        return true;
      }
    }
  }

  private boolean takeFromPool(int cpu, long frameCount) {
    while (true) {
      long pool = Memory.getLongVolatile(address + POOL);
      if (pool < frameCount) {
        return false;
      }
      long all = frameCount + more(cpu, pool, frameCount);
      if (Memory.compareAndSetLong(address + POOL, pool, pool - all)) {
        if (all > frameCount) {
          addToAllowance(allowanceOf(cpu), all - frameCount);
        }
        return true;
      }
    }
  }

  /// What a CPU draws from the pool beside what it takes.
  private long more(int cpu, long pool, long frameCount) {
    if (ownCount > 0 && Integer.compareUnsigned(cpu, ownCount) >= 0) {
      return 0; // it has no allowance
    }
    long share = Math.min(MOST_ALLOWANCE, pool / (4 * (stripeMask + 1)));
    long missing = Math.max(0, share - Memory.getLongVolatile(allowanceOf(cpu)));
    return Math.min(pool - frameCount, missing);
  }

  private void addToAllowance(long allowance, long frameCount) {
    Memory.getAndAddLong(allowance, frameCount);
    if (!isFar()) {
      Memory.putLongRelease(allowance, 0); // what was counted meanwhile counted without it
    }
  }

  private long allowanceOf(int cpu) {
    return address + STRIPES + (cpu & stripeMask) * LINE;
  }

  /// Takes frames whatever the marks say, for who has them already. If the pool has not as many,
  /// allowances might be of frames that are gone: there are none then.
  void spend(long frameCount) {
    while (isFar()) {
      long pool = Memory.getLongVolatile(address + POOL);
      if (pool < frameCount) {
        goNear();
        return; // which counted without them
      }
      if (Memory.compareAndSetLong(address + POOL, pool, pool - frameCount)) {
        return;
      }
    }
    Memory.getAndAddLong(address + COUNTER, CHANGE - frameCount);
  }

  /// Where the mode is: for who frees so often that he looks himself, see [#isFar(long)].
  long modeAddress() {
    return address;
  }

  /// Whether a free has nothing to add.
  static boolean isFar(long modeAddress) {
    return Memory.getLongVolatile(modeAddress) == FAR;
  }

  /// Frames came back, or were taken in vain.
  void add(long frameCount) {
    if (!isFar()) {
      addNear(frameCount);
    }
  }

  private void addNear(long frameCount) {
    long before = Memory.getAndAddLong(address + COUNTER, CHANGE + frameCount);
    if (framesOf(before + frameCount) >= farMark() + 2 * margin()) {
      lock.lock();
      if (!isFar() && counted() >= farMark() + 2 * margin()) {
        Memory.putLongRelease(address + POOL, 0); // the next request counts
        Memory.putLongRelease(address, FAR);
      }
      lock.unlock();
    }
  }

  // ---- Counting ----

  /// The frames of a counter, which may be fewer than none for a moment.
  private static long framesOf(long counter) {
    return counter << CHANGE_BITS >> CHANGE_BITS;
  }

  private long counted() {
    return framesOf(Memory.getLongVolatile(address + COUNTER));
  }

  /// Puts a count into the counter.
  ///
  /// @return false if somebody changed the counter since
  private boolean setCounter(long before, long frameCount) {
    long next = before + CHANGE + frameCount - framesOf(before);
    return Memory.compareAndSetLong(address + COUNTER, before, next);
  }

  private boolean isFar() {
    return isFar(address);
  }

  private long farMark() {
    return Memory.getLongVolatile(address + FAR_MARK);
  }

  private long margin() {
    return Math.max(LEAST_MARGIN * (stripeMask + 1), Memory.getLongVolatile(address + MARGIN));
  }

  /// The pool has too little: fills it by a count, or goes over to NEAR.
  private void countForPool() {
    long seen = Memory.getLongVolatile(address + POOL);
    lock.lock();
    if (isFar() && Memory.getLongVolatile(address + POOL) <= seen) {
      long left = Memory.getLongVolatile(address + POOL);
      long available = memory.availableFrames();
      long above = available - farMark() - allowances();
      if (above >= margin()) {
        // If others took from the rest meanwhile, theirs is right, and the next request looks
        // again.
        Memory.compareAndSetLong(address + POOL, left, above / 2);
      } else {
        beNear();
      }
    }
    lock.unlock();
  }

  private void goNear() {
    lock.lock();
    if (isFar()) {
      beNear();
    }
    lock.unlock();
  }

  /// For who has the lock. What others took while memory is walked over would be missing in the
  /// counter, so they find nothing from then on, and wait.
  private void beNear() {
    clearAllowances();
    emptyPool();
    long available = memory.availableFrames();
    while (!setCounter(Memory.getLongVolatile(address + COUNTER), available)) {
      Cpu.relax(0); // a free that is half-way changes it
    }
    Memory.putLongRelease(address, NEAR);
    clearAllowances(); // what was put back meanwhile
  }

  /// A compare-and-set, so that no load that follows is before it.
  private void emptyPool() {
    long pool = Memory.getLongVolatile(address + POOL);
    while (!Memory.compareAndSetLong(address + POOL, pool, 0)) {
      pool = Memory.getLongVolatile(address + POOL);
    }
  }

  private long allowances() {
    long sum = 0;
    for (long stripe = 0; stripe <= stripeMask; stripe++) {
      sum += Memory.getLong(address + STRIPES + stripe * LINE);
    }
    return sum;
  }

  private void clearAllowances() {
    for (long stripe = 0; stripe <= stripeMask; stripe++) {
      Memory.putLong(address + STRIPES + stripe * LINE, 0);
    }
  }

  /// Says from where on nothing needs to be checked, and has all that follows decided anew.
  ///
  /// @param frameCount the mark
  /// @param marginFrames how much more there must be, so that the counts of FAR pay
  void setFarMark(long frameCount, long marginFrames) {
    lock.lock();
    Memory.putLongRelease(address + FAR_MARK, frameCount);
    Memory.putLongRelease(address + MARGIN, marginFrames);
    if (isFar()) {
      Memory.putLongRelease(address + POOL, 0); // the next request counts
      clearAllowances();
    }
    lock.unlock();
    add(0);
  }

  /// Whether nothing needs to be checked: more is there than any mark asks for. One load.
  boolean isPlenty() {
    return isFar();
  }

  /// Counts, and mends the counter of NEAR if it is as it was before. Takes back what requests that
  /// met the change of mode left in allowances: that would be had past the counter.
  ///
  /// @return frames that are available
  long recount() {
    long available = 0;
    if (!isFar()) {
      clearAllowances();
    }
    for (int turn = 0; turn < COUNT_TRIES; turn++) {
      long before = Memory.getLongVolatile(address + COUNTER);
      available = memory.availableFrames();
      if (isFar() || framesOf(before) == available || setCounter(before, available)) {
        break;
      }
    }
    return available;
  }

  /// What is available, by the counter where there is one.
  long available() {
    return isFar() ? memory.availableFrames() : counted();
  }
}
