package dev.bifolio.kernel.mmu;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;

/// Makes the translation buffers of other processors forget, and waits until none of them still
/// uses what is forgotten.
///
/// # Overview
///
/// Nobody writes to another's [Tlb]. Who has changed tables appends what is to be forgotten to a
/// log, and each processor reads on in it before its next access:
///
/// ```
///   generation  ──────────────────────────────────┐
///   log     … │ page, ASID 3 │ all of ASID 3 │ page, ASID 7 │        the last 64 requests
///                  │                                  │
///                cpu 1: done up to here             cpu 0: done up to here (its own field)
///   state of each CPU:   even  not in an access      odd  in one
/// ```
///
/// ```
///   processor, an access                          who changes tables
///     a1 state + 1         (odd, full fence)        w1 change the entry
///     a2 generation: something new? forget it       w2 append the request; generation + 1 (fence)
///     a3 look up, walk, load or store               w3 for each CPU: state odd? wait until it changes
///     a4 state + 1         (even, release)          w4 frames and tables may be freed
/// ```
///
/// Of a1 before a2 and w2 before w3 one must see the other: either the access finds the new
/// generation and forgets before it looks, or the writer finds it in an access and waits for its
/// end. That closes the last gap too: a physical address in hand, the load not yet done. A
/// processor that runs nothing is never waited for, and has nothing to acknowledge; it reads on in
/// the log when it comes back. Who has fallen behind by more than the log holds forgets everything.
///
/// - I1 After `flush…` has returned, no access uses a translation that was read before the call.
/// - I2 A walk ends before the tables that it may have seen are freed, since it is part of an
///   access.
/// - I3 An access waits for nobody, so the wait in w3 ends as soon as that thread runs.
///
/// Who flushes must not be in an access of his own; no access calls anything foreign, so he cannot
/// be. The log has a lock for its writers; nothing is called under it.
///
/// Cost: of an access the fence of a1 and a look at a line that changes only with flushes; of a
/// flush the log, and one line a processor.
///
/// Rejected: interrupts with an acknowledgement from each processor, for which a program has no
/// interrupts; an ASID of its own for each change, since entries then stay until they are evicted
/// and numbers run out; clearing another's entries with atomic stores, since a lookup would need
/// fences and the load after it would still be open.
///
/// Sources: Black et al., *Translation Lookaside Buffer Consistency: A Software Approach*, ASPLOS
/// 1989; Linux, arch/x86/mm/tlb.c (generations of an address space); McKenney and Slingwine,
/// *Read-Copy Update*, 1998 (waiting for readers only).
public final class ShootdownLog {
  /// Requests that the log keeps.
  static final int LOG_LENGTH = 64;

  private static final int LINE = 128;
  private static final int GENERATION = 0;
  private static final int LOCK = LINE;
  private static final int WAITS = LINE + 8;
  private static final int LOG = 2 * LINE;
  private static final int LOG_ENTRY = 16;
  private static final int STATES = LOG + LOG_LENGTH * LOG_ENTRY;

  private static final int PAGE = 0;
  private static final int ALL = 1;
  private static final int ALL_AND_GLOBAL = 2;
  private static final int KIND_SHIFT = 16;
  private static final int ASID_MASK = 0xFFFF;

  private final long address;
  private final int cpuCount;
  private final SpinLock lock;

  /// A log in which nothing is written yet.
  ///
  /// @param address of [#byteSize] zero bytes, a multiple of 8
  /// @param cpuCount processors, numbered from 0
  public ShootdownLog(long address, int cpuCount) {
    if (cpuCount < 1) {
      throw new IllegalArgumentException("there are no processors");
    }
    this.address = address;
    this.cpuCount = cpuCount;
    lock = new SpinLock(address + LOCK);
  }

  /// Bytes of memory that a log needs.
  ///
  /// @param cpuCount processors
  /// @return a multiple of 128
  public static long byteSize(int cpuCount) {
    return STATES + (long) LINE * cpuCount;
  }

  int cpuCount() {
    return cpuCount;
  }

  // ---- The processor's side ----

  private long state(int cpu) {
    return address + STATES + (long) LINE * cpu;
  }

  /// An access begins. What is read after this call is read after others can see it.
  void enter(int cpu) {
    Memory.getAndAddLong(state(cpu), 1);
  }

  /// It has ended.
  void leave(int cpu) {
    long state = state(cpu);
    Memory.putLongRelease(state, Memory.getLong(state) + 1);
  }

  /// How many requests there have been.
  long generation() {
    return Memory.getLongVolatile(address + GENERATION);
  }

  /// Makes a buffer forget what was asked for.
  ///
  /// @param done up to which request it has forgotten
  /// @return up to which it has now
  long catchUp(Tlb tlb, long done) {
    long now = generation();
    for (long request = done; request < now; request++) {
      long entry = address + LOG + (request % LOG_LENGTH) * LOG_ENTRY;
      long what = Memory.getLongAcquire(entry);
      long page = Memory.getLongAcquire(entry + 8);
      long after = generation();
      if (after - request >= LOG_LENGTH) {
        // The place may be written over at this moment.
        tlb.flushAll(true);
        return after;
      }
      int asid = (int) what & ASID_MASK;
      switch ((int) (what >>> KIND_SHIFT)) {
        case PAGE -> tlb.flushPage(page, asid);
        case ALL -> tlb.flushAsid(asid);
        default -> tlb.flushAll(true);
      }
    }
    return now;
  }

  // ---- The side of who changes tables ----

  /// No processor uses what it knew of a page any more.
  ///
  /// @param asid of the space
  /// @param virtualAddress any address of the page
  public void flushPage(int asid, long virtualAddress) {
    append(PAGE, asid, virtualAddress);
    awaitAccesses();
  }

  /// No processor uses what it knew of a space any more.
  ///
  /// @param asid of the space
  /// @param globalToo whether what is global goes too; then all else goes with it
  public void flushAll(int asid, boolean globalToo) {
    append(globalToo ? ALL_AND_GLOBAL : ALL, asid, 0);
    awaitAccesses();
  }

  private void append(int kind, int asid, long page) {
    lock.lock();
    try {
      long request = Memory.getLong(address + GENERATION);
      long entry = address + LOG + (request % LOG_LENGTH) * LOG_ENTRY;
      Memory.putLongRelease(entry, (long) kind << KIND_SHIFT | asid);
      Memory.putLongRelease(entry + 8, page);
      Memory.getAndAddLong(address + GENERATION, 1);
    } finally {
      lock.unlock();
    }
  }

  private void awaitAccesses() {
    for (int cpu = 0; cpu < cpuCount; cpu++) {
      long state = Memory.getLongVolatile(state(cpu));
      if ((state & 1) != 0) {
        Memory.getAndAddLong(address + WAITS, 1);
        await(cpu, state);
      }
    }
  }

  private void await(int cpu, long state) {
    for (int turn = 0; Memory.getLongVolatile(state(cpu)) == state; turn++) {
      Cpu.await(turn);
    }
  }

  // ---- Counters ----

  /// Shoot-downs so far.
  ///
  /// @return a count
  public long requests() {
    return generation();
  }

  /// Accesses that a shoot-down had to wait for.
  ///
  /// @return a count
  public long waits() {
    return Memory.getLongVolatile(address + WAITS);
  }
}
