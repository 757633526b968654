package dev.bifolio.bench;

import java.util.Arrays;

/// Blocks of mixed orders in a table of slots that are empty at first: w5 and F3. Half of the
/// blocks are single frames, a quarter pairs, … up to order 9; 5.5 frames on average.
final class OrderMix {
  private static final int EMPTY = -1;

  private final Subject subject;
  private final int frameCount;
  private final long[] blocks;
  private final byte[] orders;
  private long failures;
  private long liveFrames;

  /// A table of as many slots as fill `percent` of the frames.
  OrderMix(Subject subject, int frameCount, int percent) {
    this.subject = subject;
    this.frameCount = frameCount;
    int slotCount = Math.max(1, (int) (frameCount * (percent / 100.0) / 5.5));
    blocks = new long[slotCount];
    orders = new byte[slotCount];
    Arrays.fill(orders, (byte) EMPTY);
  }

  int slotCount() {
    return blocks.length;
  }

  /// Frees a random slot, draws an order, allocates; `count` times.
  void replace(Draws draws, long count) {
    for (long done = 0; done < count; done += SlotTable.STRIDE) {
      replaceSome(draws, (int) Math.min(SlotTable.STRIDE, count - done));
    }
  }

  private void replaceSome(Draws draws, int count) {
    for (int i = 0; i < count; i++) {
      int slot = draws.below(blocks.length);
      if (orders[slot] != EMPTY) {
        subject.free(blocks[slot], orders[slot]);
        liveFrames -= 1L << orders[slot];
      }
      int order = draws.order();
      long pfn = subject.allocate(order);
      if (pfn < 0) {
        failures++;
        orders[slot] = EMPTY;
      } else {
        blocks[slot] = pfn;
        orders[slot] = (byte) order;
        liveFrames += 1L << order;
      }
    }
  }

  /// Requests that failed so far.
  long failures() {
    return failures;
  }

  /// Frames in the table's blocks.
  long liveFrames() {
    return liveFrames;
  }

  /// Aligned areas of 512 frames without a live frame.
  int free2M() {
    boolean[] used = new boolean[frameCount >>> 9];
    for (int slot = 0; slot < blocks.length; slot++) {
      if (orders[slot] != EMPTY) {
        // No block is larger than an area, and all are aligned: its head tells which one it is in.
        used[(int) ((blocks[slot] - Subject.START_PFN) >>> 9)] = true;
      }
    }
    int free = 0;
    for (boolean area : used) {
      free += area ? 0 : 1;
    }
    return free;
  }

  /// Frees what would stay allocated when the subject is closed.
  void release() {
    if (subject.outlivesClosing()) {
      freeAll();
    }
  }

  /// Frees all.
  void freeAll() {
    for (int slot = 0; slot < blocks.length; slot++) {
      if (orders[slot] != EMPTY) {
        subject.free(blocks[slot], orders[slot]);
        orders[slot] = EMPTY;
      }
    }
    liveFrames = 0;
  }
}
