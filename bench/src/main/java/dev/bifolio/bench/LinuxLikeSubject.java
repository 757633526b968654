package dev.bifolio.bench;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.Pages;

/// A model of the page allocator of Linux: buddy lists under a zone lock, and in front of them the
/// lists of one CPU under a lock of their own. A yardstick, not a product.
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
   *   - Lists of one CPU for orders 0 to 3. An empty one is refilled with a batch; the block freed
   *     last is used first; when the lists hold HIGH frames, a batch goes back, oldest first.
   *   - Two locks, one locked instruction to take and a release store to leave. A request that is
   *     served by the lists takes only theirs.
   *   - Before a request fails, the lists are emptied and it is tried again.
   *
   *   header   [ zone lock | free areas 0 … 10 | lists' lock, frames held | lists 0 … 3 ]
   *   frame    [ state, order | next + 1 | prev + 1 | 40 bytes that the model does not use ]
   *   states   0 = inside a block;  FREE, HELD (in the lists), ALLOCATED with the order of the head
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

  private static final long HEADER_BYTES = 1024;
  private static final long ZONE_LOCK = 0;
  private static final long AREAS = 64;
  private static final long LISTS_LOCK = 512;
  private static final long HELD_FRAMES = 520;
  private static final long LISTS = 576;
  private static final long LIST_BYTES = 16;
  private static final long LAST = 8;

  private final Window window;
  private final long header;
  private final long descriptors;
  private final long frameCount;

  private LinuxLikeSubject(Window window, long frameCount) {
    this.window = window;
    this.header = window.address();
    this.descriptors = window.address() + HEADER_BYTES;
    this.frameCount = frameCount;
    Memory.fill(descriptors, frameCount * DESCRIPTOR_BYTES, (byte) 0);
    for (long index = 0; index < frameCount; ) {
      int order = Pages.largestOrderAt(index, frameCount, MAX_ORDER);
      addLast(areaList(order), index, FREE | order);
      index += 1L << order;
    }
  }

  static Subject create(long frameCount) {
    try {
      long byteSize = HEADER_BYTES + frameCount * DESCRIPTOR_BYTES;
      return new LinuxLikeSubject(Window.reserve(byteSize), frameCount);
    } catch (WindowException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
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
      lock(ZONE_LOCK);
      giveToAreas(index, order);
      unlock(ZONE_LOCK);
    }
  }

  @Override
  void drain() {
    lock(LISTS_LOCK);
    lock(ZONE_LOCK);
    for (int order = 0; order < LISTED_ORDERS; order++) {
      giveBack(order, Long.MAX_VALUE);
    }
    unlock(ZONE_LOCK);
    unlock(LISTS_LOCK);
  }

  @Override
  int maxOrder() {
    return MAX_ORDER;
  }

  @Override
  long metadataBytes() {
    return HEADER_BYTES + frameCount * DESCRIPTOR_BYTES;
  }

  @Override
  public void close() {
    window.close();
  }

  // ---- The lists of the CPU ----

  private long takeFromLists(int order) {
    lock(LISTS_LOCK);
    long list = cpuList(order);
    if (Memory.getLong(list) == 0) {
      refill(list, order);
    }
    long index = Memory.getLong(list) - 1;
    if (index >= 0) {
      unlink(list, index);
      addHeld(-(1L << order));
    }
    unlock(LISTS_LOCK);
    return index;
  }

  private void refill(long list, int order) {
    int count = Math.max(BATCH >> order, 2);
    lock(ZONE_LOCK);
    for (int i = 0; i < count; i++) {
      long index = takeFromAreas(order);
      if (index < 0) {
        break;
      }
      addLast(list, index, HELD | order);
      addHeld(1L << order);
    }
    unlock(ZONE_LOCK);
  }

  private void giveToLists(long index, int order) {
    lock(LISTS_LOCK);
    addFirst(cpuList(order), index, HELD | order);
    addHeld(1L << order);
    if (Memory.getLong(header + HELD_FRAMES) >= HIGH) {
      lock(ZONE_LOCK);
      long rest = BATCH;
      for (int i = 0; i < LISTED_ORDERS && rest > 0; i++) {
        rest -= giveBack((order + i) & (LISTED_ORDERS - 1), rest);
      }
      unlock(ZONE_LOCK);
    }
    unlock(LISTS_LOCK);
  }

  /// Gives up to `frameLimit` frames of one list back, and returns how many.
  private long giveBack(int order, long frameLimit) {
    long list = cpuList(order);
    long given = 0;
    for (long index; given < frameLimit && (index = Memory.getLong(list + LAST) - 1) >= 0; ) {
      unlink(list, index);
      addHeld(-(1L << order));
      giveToAreas(index, order);
      given += 1L << order;
    }
    return given;
  }

  private void addHeld(long change) {
    Memory.putLong(header + HELD_FRAMES, Memory.getLong(header + HELD_FRAMES) + change);
  }

  // ---- The free areas ----

  private long takeLocked(int order) {
    lock(ZONE_LOCK);
    long index = takeFromAreas(order);
    unlock(ZONE_LOCK);
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

  private long cpuList(int order) {
    return header + LISTS + order * LIST_BYTES;
  }

  private void lock(long offset) {
    for (int turn = 0; !Memory.compareAndSetLong(header + offset, 0, 1); turn++) {
      Cpu.relax(turn);
    }
  }

  private void unlock(long offset) {
    Memory.putLongRelease(header + offset, 0);
  }
}
