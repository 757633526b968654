package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// The memory of the slots: what each CPU keeps for each kind of frames, and each owner of a
/// [FrameCache] for himself.
///
/// ```
///   byte    0  claim word      8  area + 1      16  rounds of the operation counter   24  recall
///          32  block of an order that was handed out last, 4 bytes an order, 1 … 8
///          64  lock           72  plan, low     80  plan, high     88  state changes
///          96  refills       104  frames that went home  112  transit word
///         120  owner's kind + 1
///         128  magazine headers, one word an order, 0 … 8
///         200  allocations of closed caches of the CPU's kind   208  frees undone
///         216  blocks taken past the caches, one word an order, 0 … 20
///         384  magazine entries, 4 bytes each: frames
/// ```
///
/// All-zero memory is an empty slot. The claim word stands alone with what a request reads beside
/// it; the rest is written under the lock, or seldom.
///
/// The magazines of many CPUs on little memory are smaller: together those of the CPUs hold at most
/// a 64th of the frames, and the slots take a quarter of a bit a frame, but for 32 entries that a
/// slot has where those hold no more than their share.
final class Slots {
  static final int CACHED_ORDERS = 9;

  private static final int[] FULL_CAPACITY = {512, 64, 64, 32, 16, 2, 2, 1, 1};

  /// Frames in all magazines of a slot at full capacity, rounded up.
  private static final long FULL_CAPACITY_FRAMES = 2048;

  /// Entries of all magazines of a slot at full capacity.
  private static final long FULL_ENTRIES = 694;

  private static final long LEAST_ENTRIES = 32;
  private static final long FRAMES_PER_BYTE = 32;

  private static final long LAST = 32;
  private static final long LOCK = 64;
  private static final long HEADERS = 128;
  private static final long TAKEN = 216;
  private static final long ENTRIES = 384;

  /// Entries of the one magazine of an owned slot, for single frames. Not 32: a slot of 512 bytes
  /// puts the claim word of the first of eight owners 4096 bytes before the first frame word, and
  /// the processor takes the load of the one for a load of what was stored into the other.
  static final int OWNED_CAPACITY = 48;

  private static final long OWNED_BYTES = slotBytes(OWNED_CAPACITY);

  private final int cpuCount;
  private final int[] capacity = new int[CACHED_ORDERS];
  private final int[] firstEntry = new int[CACHED_ORDERS];
  private long address;
  private long slotBytes;

  Slots(int cpuCount) {
    this.cpuCount = cpuCount;
  }

  static long metadataBytes(long frameCount, int cpuCount) {
    long entries = 0;
    for (int full : FULL_CAPACITY) {
      entries += scaled(full, frameCount, cpuCount);
    }
    return slotBytes(entries) * cpuCount * AllocationFlags.KIND_COUNT
        + OWNED_BYTES * ownedCount(cpuCount);
  }

  /// How many slots there are for owners: one for each of two event loops on each CPU, and some.
  static int ownedCount(int cpuCount) {
    return 2 * cpuCount + 2;
  }

  private static long slotBytes(long entries) {
    return Pages.alignUp(ENTRIES + entries * Integer.BYTES, 64);
  }

  private static int scaled(int full, long frameCount, int cpuCount) {
    long cpuSlots = (long) cpuCount * AllocationFlags.KIND_COUNT;
    long frames = Math.min(frameCount / 64 / (cpuSlots + cpuCount), FULL_CAPACITY_FRAMES);
    long bytes = frameCount / FRAMES_PER_BYTE - OWNED_BYTES * ownedCount(cpuCount);
    long entries =
        Math.clamp((bytes / cpuSlots - ENTRIES) / Integer.BYTES, LEAST_ENTRIES, FULL_ENTRIES);
    return (int) Math.min(full * frames / FULL_CAPACITY_FRAMES, full * entries / FULL_ENTRIES);
  }

  void attach(long address, long frameCount) {
    this.address = address;
    int entries = 0;
    for (int order = 0; order < CACHED_ORDERS; order++) {
      firstEntry[order] = entries;
      capacity[order] = scaled(FULL_CAPACITY[order], frameCount, cpuCount);
      entries += capacity[order];
    }
    slotBytes = slotBytes(entries);
  }

  int cpuCount() {
    return cpuCount;
  }

  /// All slots, those of the CPUs first.
  int count() {
    return firstOwned() + ownedCount(cpuCount);
  }

  /// The first slot that may belong to a [FrameCache].
  int firstOwned() {
    return cpuCount * AllocationFlags.KIND_COUNT;
  }

  /// The slot of a CPU and kind.
  int of(int cpu, int kind) {
    int mine = Integer.compareUnsigned(cpu, cpuCount) < 0 ? cpu : cpuOf(cpu);
    return mine * AllocationFlags.KIND_COUNT + kind;
  }

  /// The CPU whose slots any number stands for.
  int cpuOf(int cpu) {
    return Integer.remainderUnsigned(cpu, cpuCount);
  }

  /// The kind of a CPU's slot.
  int kindOf(int slot) {
    return slot % AllocationFlags.KIND_COUNT;
  }

  long claim(int slot) {
    int owned = slot - firstOwned();
    return owned < 0
        ? address + slot * slotBytes
        : address + firstOwned() * slotBytes + owned * OWNED_BYTES;
  }

  static long area(long claim) {
    return claim + 8;
  }

  static long rounds(long claim) {
    return claim + 16;
  }

  static long planLow(long claim) {
    return claim + LOCK + 8;
  }

  static long planHigh(long claim) {
    return claim + LOCK + 16;
  }

  static long changes(long claim) {
    return claim + LOCK + 24;
  }

  static long refills(long claim) {
    return claim + LOCK + 32;
  }

  static long wentHome(long claim) {
    return claim + LOCK + 40;
  }

  /// Asks the owner of a cache to give back.
  static long recall(long claim) {
    return claim + 24;
  }

  static long owner(long claim) {
    return claim + LOCK + 56;
  }

  static long retired(long claim) {
    return claim + HEADERS + (long) CACHED_ORDERS * Long.BYTES;
  }

  /// Changes of the claim word that were no change of state and no allocation, made without the
  /// lock.
  static long undone(long claim) {
    return retired(claim) + 8;
  }

  static long transit(long claim) {
    return claim + LOCK + 48;
  }

  static long header(long claim, int order) {
    return claim + HEADERS + (long) order * Long.BYTES;
  }

  static long taken(long claim, int order) {
    return claim + TAKEN + (long) order * Long.BYTES;
  }

  /// The first frame of the block that was handed out last of an order, 1 … 8, plus one, in 32
  /// bits: a hint.
  static long last(long claim, int order) {
    return claim + LAST + (long) (order - 1) * Integer.BYTES;
  }

  long entry(long claim, int order, int index) {
    return claim + ENTRIES + (long) (firstEntry[order] + index) * Integer.BYTES;
  }

  int capacity(int order) {
    return capacity[order];
  }

  // ---- The lock of a slot: tried, never waited for, but by who drains ----

  static boolean tryLock(long claim) {
    return Memory.getLongVolatile(claim + LOCK) == 0
        && Memory.compareAndSetLong(claim + LOCK, 0, 1);
  }

  static boolean isLocked(long claim) {
    return Memory.getLongVolatile(claim + LOCK) != 0;
  }

  static void unlock(long claim) {
    Memory.putLongRelease(claim + LOCK, 0);
  }
}
