package dev.bifolio.bench;

import dev.bifolio.kernel.frame.AllocationFlags;
import java.util.Arrays;

/// The frames that a workload holds: a table outside the allocator, with the loops over it. A slot
/// of -1 is empty.
final class SlotTable {
  /// Operations that one call of an inner loop does.
  static final int STRIDE = 8192;

  private final Subject subject;
  private final long[] slots;
  private final long[] batch = new long[4096];
  private final int[] places = new int[4096];
  private int liveCount;

  /// A table of empty slots.
  SlotTable(Subject subject, int slotCount) {
    this.subject = subject;
    this.slots = new long[slotCount];
    Arrays.fill(slots, Subject.NO_FRAME);
  }

  /// Slots in use: the first ones of the table.
  int liveCount() {
    return liveCount;
  }

  /// Allocates single frames until `count` slots are in use.
  void fillTo(int count) {
    while (liveCount < count) {
      int end = Math.min(count, liveCount + STRIDE);
      fill(liveCount, end);
      liveCount = end;
    }
  }

  private void fill(int from, int end) {
    for (int i = from; i < end; i++) {
      slots[i] = require(subject.allocate(0));
    }
  }

  /// Frees the slots from the first one up to `end` and forgets nothing: they are empty then.
  void freeFirst(int end) {
    for (int from = 0; from < end; from += STRIDE) {
      free(from, Math.min(end, from + STRIDE));
    }
  }

  private void free(int from, int end) {
    for (int i = from; i < end; i++) {
      subject.free(slots[i], 0);
      slots[i] = Subject.NO_FRAME;
    }
  }

  /// Allocates into the slots from the first one up to `end`, which are empty.
  void refillFirst(int end) {
    for (int from = 0; from < end; from += STRIDE) {
      fill(from, Math.min(end, from + STRIDE));
    }
  }

  /// Allocates single frames until `count` slots are in use, and says of one in four that it is
  /// long-lived: those that [#freeShortLived] keeps, if it is given the same draws.
  void fillWithLifetimes(int count, Draws draws) {
    for (; liveCount < count; liveCount++) {
      int flags = isLongLived(draws) ? AllocationFlags.LONG : AllocationFlags.SHORT;
      slots[liveCount] = require(subject.allocate(0, flags));
    }
  }

  /// Allocates single frames in bulk until `count` slots are in use.
  void fillInBulk(int count, int callFrames) {
    while (liveCount < count) {
      int asked = Math.min(callFrames, count - liveCount);
      if (subject.allocateBulk(slots, liveCount, asked) != asked) {
        throw new IllegalStateException("fewer frames than asked for although they are free");
      }
      liveCount += asked;
    }
  }

  /// Frees all in bulk.
  void freeAllInBulk(int callFrames) {
    for (int from = 0; from < liveCount; from += callFrames) {
      subject.freeBulk(slots, from, Math.min(callFrames, liveCount - from));
    }
    Arrays.fill(slots, 0, liveCount, Subject.NO_FRAME);
    liveCount = 0;
  }

  /// Frees all.
  void freeAll() {
    freeFirst(liveCount);
    liveCount = 0;
  }

  /// Frees what would stay allocated when the subject is closed.
  void release() {
    if (subject.outlivesClosing()) {
      for (int i = 0; i < liveCount; i++) {
        if (slots[i] != Subject.NO_FRAME) {
          subject.free(slots[i], 0);
          slots[i] = Subject.NO_FRAME;
        }
      }
      liveCount = 0;
    }
  }

  /// Frees slots from the last one down until `count` are left.
  void freeDownTo(int count) {
    while (liveCount > count) {
      liveCount--;
      subject.free(slots[liveCount], 0);
      slots[liveCount] = Subject.NO_FRAME;
    }
  }

  /// Shuffles the slots in use.
  void shuffle(long seed) {
    new Draws(seed).shuffle(slots, liveCount);
  }

  /// Frees the frames of which one draw of four says that they are short-lived.
  void freeShortLived(Draws draws) {
    int kept = 0;
    for (int i = 0; i < liveCount; i++) {
      if (isLongLived(draws)) {
        slots[kept++] = slots[i];
      } else {
        subject.free(slots[i], 0);
      }
    }
    Arrays.fill(slots, kept, liveCount, Subject.NO_FRAME);
    liveCount = kept;
  }

  /// Frees a random slot and allocates into it, `count` times.
  void replace(Draws draws, long count) {
    for (long done = 0; done < count; done += STRIDE) {
      replaceSome(draws, (int) Math.min(STRIDE, count - done));
    }
  }

  private void replaceSome(Draws draws, int count) {
    for (int i = 0; i < count; i++) {
      int place = draws.below(liveCount);
      subject.free(slots[place], 0);
      slots[place] = require(subject.allocate(0));
    }
  }

  /// Frees batches of distinct random slots and allocates into them, `count` frames in all.
  void replaceBatches(Draws draws, int batchSlots, long count) {
    int most = Math.min(batchSlots, Math.max(1, liveCount / 2));
    for (long done = 0; done < count; ) {
      int now = (int) Math.min(most, count - done);
      freeDistinct(draws, now);
      refillDrawn(now);
      done += now;
    }
  }

  private void freeDistinct(Draws draws, int count) {
    for (int i = 0; i < count; i++) {
      int place = distinctPlace(draws);
      subject.free(slots[place], 0);
      slots[place] = Subject.NO_FRAME;
      places[i] = place;
    }
  }

  private void refillDrawn(int count) {
    for (int i = 0; i < count; i++) {
      slots[places[i]] = require(subject.allocate(0));
    }
  }

  private int distinctPlace(Draws draws) {
    int place = draws.below(liveCount);
    while (slots[place] < 0) {
      place = draws.below(liveCount);
    }
    return place;
  }

  /// Takes distinct random slots out of the table into a small array.
  ///
  /// @return how many: `batchSlots`, or half of those in use if that is less
  int stage(Draws draws, int batchSlots) {
    int count = Math.min(batchSlots, Math.max(1, liveCount / 2));
    for (int i = 0; i < count; i++) {
      int place = distinctPlace(draws);
      batch[i] = slots[place];
      slots[place] = Subject.NO_FRAME;
      places[i] = place;
    }
    return count;
  }

  /// Frees each staged frame and allocates another in its place at once.
  void replaceStagedOneByOne(int count) {
    for (int i = 0; i < count; i++) {
      subject.free(batch[i], 0);
      batch[i] = require(subject.allocate(0));
    }
  }

  /// Frees all staged frames, then allocates as many.
  void replaceStagedTogether(int count) {
    for (int i = 0; i < count; i++) {
      subject.free(batch[i], 0);
    }
    for (int i = 0; i < count; i++) {
      batch[i] = require(subject.allocate(0));
    }
  }

  /// Writes the staged frames back.
  void unstage(int count) {
    for (int i = 0; i < count; i++) {
      slots[places[i]] = batch[i];
    }
  }

  /// The frame in a slot.
  long get(int slot) {
    return slots[slot];
  }

  /// Changes the frame in a slot.
  void set(int slot, long pfn) {
    slots[slot] = pfn;
  }

  /// Aligned areas of 512 frames without a live frame, among the frames of the memory.
  int free2M(int frameCount) {
    boolean[] used = new boolean[frameCount >>> 9];
    for (int i = 0; i < liveCount; i++) {
      used[(int) ((slots[i] - Subject.START_PFN) >>> 9)] = true;
    }
    int free = 0;
    for (boolean area : used) {
      free += area ? 0 : 1;
    }
    return free;
  }

  private static boolean isLongLived(Draws draws) {
    return (draws.next() & 3) == 0;
  }

  private static long require(long pfn) {
    if (pfn < 0) {
      throw new IllegalStateException("a single frame was refused although one is free");
    }
    return pfn;
  }
}
