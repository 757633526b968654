package dev.bifolio.bench;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.Pages;

/// A model of the page allocator of Linux: buddy lists under a zone lock, and in front of them the
/// lists of each CPU under a lock of their own. A yardstick, not a product.
final class LinuxLikeSubject extends Subject {
  /*
   * Overview
   *
   * Taken over:
   *   - 64 bytes of descriptor per frame, all written when the memory is handed over.
   *   - Free areas of orders 0 to 10, doubly linked through the descriptors. A block taken is split
   *     from above, the upper halves go to the front of their lists. A freed block is joined as far
   *     as its buddies are free; it goes to the back of its list if the block it could join next is
   *     only waiting for this one's buddy, else to the front.
   *   - Lists of each CPU for orders 0 to 3. An empty one is refilled with a batch; the block freed
   *     last is used first; when the lists hold HIGH frames, a batch goes back, oldest first.
   *   - Locks: the zone's and one of each CPU's lists, one locked instruction to take and a release
   *     store to leave. A request that is served by the lists takes only theirs. A thread that is
   *     moved to another CPU in between merely works on the lists of the one that it left.
   *   - Before a request fails, the lists of all CPUs are emptied and it is tried again.
   *
   *   header   [ zone lock | free areas 0 … 10 ]
   *   CPU      [ lists' lock, frames held | lists 0 … 3 ], 128 bytes each
   *   frame    [ state, order | next + 1 | prev + 1 | 40 bytes that the model does not use ]
   *   states   0 = inside a block;  FREE, HELD (in the lists), ALLOCATED with the order of the head
   *
   * For one thread there are the lists of one CPU, and nobody asks which CPU it is: a kernel reads
   * that from a register at no cost. For several threads it is asked for, at about 2.5 ns a call.
   *
   * Left out: migrate types, zones, watermarks, reclaim, the list for order 9 (with this HIGH it
   * would hold nothing), HIGH and batches that adapt. The list sizes are those of a zone of a
   * few GiB: batch 63, high 6 times that.
   *
   * Sources: Linux, mm/page_alloc.c (__rmqueue_smallest, expand, __free_one_page,
   * buddy_merge_likely, rmqueue_bulk, free_pcppages_bulk), include/linux/mmzone.h.
   */

  static final int MAX_ORDER = 10;
  static final int LISTED_ORDERS = 4;
  static final int BATCH = 63;
  static final int HIGH = 6 * BATCH;

  private static final long DESCRIPTOR_BYTES = 64;
  private static final long NEXT = 8;
  private static final long PREV = 16;

  private static final long FREE = 1L << 8;
  private static final long HELD = 2L << 8;
  private static final long ALLOCATED = 3L << 8;

  private static final long HEADER_BYTES = 512;
  private static final long ZONE_LOCK = 0;
  private static final long AREAS = 64;
  private static final long LIST_BYTES = 16;
  private static final long LAST = 8;

  private static final long CPU_BYTES = 128;
  private static final long LISTS_LOCK = 0;
  private static final long HELD_FRAMES = 8;
  private static final long LISTS = 64;

  private final Window window;
  private final long header;
  private final long cpus;
  private final int cpuCount;
  private final long descriptors;
  private final long frameCount;

  private LinuxLikeSubject(Window window, long frameCount, int cpuCount) {
    this.window = window;
    this.header = window.address();
    this.cpus = header + HEADER_BYTES;
    this.cpuCount = cpuCount;
    this.descriptors = cpus + cpuCount * CPU_BYTES;
    this.frameCount = frameCount;
    Memory.fill(descriptors, frameCount * DESCRIPTOR_BYTES, (byte) 0);
    for (long index = 0; index < frameCount; ) {
      int order = Pages.largestOrderAt(index, frameCount, MAX_ORDER);
      addLast(areaList(order), index, FREE | order);
      index += 1L << order;
    }
  }

  static Subject create(long frameCount) {
    return create(frameCount, 1);
  }

  static Subject createShared(long frameCount) {
    return create(frameCount, Cpu.count());
  }

  private static Subject create(long frameCount, int cpuCount) {
    try {
      Window window = Window.reserve(metadataBytes(frameCount, cpuCount));
      return new LinuxLikeSubject(window, frameCount, cpuCount);
    } catch (WindowException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  private static long metadataBytes(long frameCount, int cpuCount) {
    return HEADER_BYTES + cpuCount * CPU_BYTES + frameCount * DESCRIPTOR_BYTES;
  }

  @Override
  long allocate(int order) {
    if (order < 0 || order > MAX_ORDER) {
      throw new IllegalArgumentException("order " + order);
    }
    long index = order < LISTED_ORDERS ? takeFromLists(order) : takeLocked(order);
    if (index < 0) {
      drain();
      index = takeLocked(order);
      if (index < 0) {
        return NO_FRAME;
      }
    }
    Memory.putLong(descriptor(index), ALLOCATED | order);
    return START_PFN + index;
  }

  @Override
  void free(long pfn, int order) {
    long index = pfn - START_PFN;
    if (index < 0
        || index >= frameCount
        || Memory.getLong(descriptor(index)) != (ALLOCATED | order)) {
      throw new IllegalStateException("not allocated: frame " + pfn + ", order " + order);
    }
    if (order < LISTED_ORDERS) {
      giveToLists(index, order);
    } else {
      lock(header + ZONE_LOCK);
      giveToAreas(index, order);
      unlock(header + ZONE_LOCK);
    }
  }

  @Override
  void drain() {
    for (int number = 0; number < cpuCount; number++) {
      long cpu = cpus + number * CPU_BYTES;
      lock(cpu + LISTS_LOCK);
      lock(header + ZONE_LOCK);
      for (int order = 0; order < LISTED_ORDERS; order++) {
        giveBack(cpu, order, Long.MAX_VALUE);
      }
      unlock(header + ZONE_LOCK);
      unlock(cpu + LISTS_LOCK);
    }
  }

  @Override
  int maxOrder() {
    return MAX_ORDER;
  }

  @Override
  long metadataBytes() {
    return metadataBytes(frameCount, cpuCount);
  }

  @Override
  public void close() {
    window.close();
  }

  // ---- The lists of a CPU ----

  private long currentCpu() {
    if (cpuCount == 1) {
      return cpus;
    }
    int number = Cpu.current();
    return cpus + (number < cpuCount ? number : number % cpuCount) * CPU_BYTES;
  }

  private long takeFromLists(int order) {
    long cpu = currentCpu();
    lock(cpu + LISTS_LOCK);
    long list = cpuList(cpu, order);
    if (Memory.getLong(list) == 0) {
      refill(cpu, order);
    }
    long index = Memory.getLong(list) - 1;
    if (index >= 0) {
      unlink(list, index);
      addHeld(cpu, -(1L << order));
    }
    unlock(cpu + LISTS_LOCK);
    return index;
  }

  private void refill(long cpu, int order) {
    int count = Math.max(BATCH >> order, 2);
    lock(header + ZONE_LOCK);
    for (int i = 0; i < count; i++) {
      long index = takeFromAreas(order);
      if (index < 0) {
        break;
      }
      addLast(cpuList(cpu, order), index, HELD | order);
      addHeld(cpu, 1L << order);
    }
    unlock(header + ZONE_LOCK);
  }

  private void giveToLists(long index, int order) {
    long cpu = currentCpu();
    lock(cpu + LISTS_LOCK);
    addFirst(cpuList(cpu, order), index, HELD | order);
    addHeld(cpu, 1L << order);
    if (Memory.getLong(cpu + HELD_FRAMES) >= HIGH) {
      lock(header + ZONE_LOCK);
      long rest = BATCH;
      for (int i = 0; i < LISTED_ORDERS && rest > 0; i++) {
        rest -= giveBack(cpu, (order + i) & (LISTED_ORDERS - 1), rest);
      }
      unlock(header + ZONE_LOCK);
    }
    unlock(cpu + LISTS_LOCK);
  }

  /// Gives up to `frameLimit` frames of one list back, and returns how many.
  private long giveBack(long cpu, int order, long frameLimit) {
    long list = cpuList(cpu, order);
    long given = 0;
    for (long index; given < frameLimit && (index = Memory.getLong(list + LAST) - 1) >= 0; ) {
      unlink(list, index);
      addHeld(cpu, -(1L << order));
      giveToAreas(index, order);
      given += 1L << order;
    }
    return given;
  }

  private static void addHeld(long cpu, long change) {
    Memory.putLong(cpu + HELD_FRAMES, Memory.getLong(cpu + HELD_FRAMES) + change);
  }

  // ---- The free areas ----

  private long takeLocked(int order) {
    lock(header + ZONE_LOCK);
    long index = takeFromAreas(order);
    unlock(header + ZONE_LOCK);
    return index;
  }

  private long takeFromAreas(int order) {
    for (int from = order; from <= MAX_ORDER; from++) {
      long index = Memory.getLong(areaList(from)) - 1;
      if (index >= 0) {
        unlink(areaList(from), index);
        for (int half = from - 1; half >= order; half--) {
          addFirst(areaList(half), index + (1L << half), FREE | half);
        }
        return index;
      }
    }
    return NO_FRAME;
  }

  private void giveToAreas(long freed, int freedOrder) {
    long index = freed;
    int order = freedOrder;
    Memory.putLong(descriptor(index), 0);
    while (order < MAX_ORDER && isFree(index ^ (1L << order), order)) {
      long buddy = index ^ (1L << order);
      unlink(areaList(order), buddy);
      index &= buddy;
      order++;
    }
    long parent = index & ~(1L << order);
    boolean parentMayJoin = order < MAX_ORDER - 1 && isFree(parent ^ (2L << order), order + 1);
    if (parentMayJoin) {
      addLast(areaList(order), index, FREE | order);
    } else {
      addFirst(areaList(order), index, FREE | order);
    }
  }

  private boolean isFree(long index, int order) {
    return index < frameCount && Memory.getLong(descriptor(index)) == (FREE | order);
  }

  // ---- Lists of descriptors; a link is an index + 1, so that zero is none ----

  private void addFirst(long list, long index, long state) {
    long frame = descriptor(index);
    long first = Memory.getLong(list);
    Memory.putLong(frame, state);
    Memory.putLong(frame + NEXT, first);
    Memory.putLong(frame + PREV, 0);
    Memory.putLong(first == 0 ? list + LAST : descriptor(first - 1) + PREV, index + 1);
    Memory.putLong(list, index + 1);
  }

  private void addLast(long list, long index, long state) {
    long frame = descriptor(index);
    long last = Memory.getLong(list + LAST);
    Memory.putLong(frame, state);
    Memory.putLong(frame + NEXT, 0);
    Memory.putLong(frame + PREV, last);
    Memory.putLong(last == 0 ? list : descriptor(last - 1) + NEXT, index + 1);
    Memory.putLong(list + LAST, index + 1);
  }

  private void unlink(long list, long index) {
    long frame = descriptor(index);
    long next = Memory.getLong(frame + NEXT);
    long prev = Memory.getLong(frame + PREV);
    Memory.putLong(prev == 0 ? list : descriptor(prev - 1) + NEXT, next);
    Memory.putLong(next == 0 ? list + LAST : descriptor(next - 1) + PREV, prev);
    Memory.putLong(frame, 0);
  }

  private long descriptor(long index) {
    return descriptors + index * DESCRIPTOR_BYTES;
  }

  private long areaList(int order) {
    return header + AREAS + order * LIST_BYTES;
  }

  private static long cpuList(long cpu, int order) {
    return cpu + LISTS + order * LIST_BYTES;
  }

  private static void lock(long word) {
    for (int turn = 0; !Memory.compareAndSetLong(word, 0, 1); turn++) {
      Cpu.relax(turn);
    }
  }

  private static void unlock(long word) {
    Memory.putLongRelease(word, 0);
  }
}
