package dev.bifolio.kernel.virtual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.PageFrames;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Frames of real memory that are counted, can be made to fail, and are filled with rubbish when
/// they are free. Frames below [#firstPfn()] are for whoever wants memory of his own.
final class TestFrames implements PageFrames, AutoCloseable {
  /// Where the memory begins: at a multiple of 2 MiB.
  static final long BASE = 1L << 30;

  private static final byte RUBBISH = (byte) 0xA5;

  final long physToVirt;
  private final long ownFrames;
  private final Window window;
  private final boolean[] isOut;
  private final Map<Long, Integer> blocks = new HashMap<>();
  private int next;
  private long left = Long.MAX_VALUE;
  private long hugeLeft = Long.MAX_VALUE;
  private long failing = Long.MAX_VALUE;
  private @Nullable Runnable beforeNext;
  private long requests;
  private long refused;
  private long ownUsed;

  /// Memory.
  ///
  /// @param ownByteSize zeroed bytes in front of the frames, a multiple of 2 MiB if frames of order
  ///   9 are wanted
  TestFrames(long ownByteSize, int frameCount) {
    try {
      window = Window.reserve(ownByteSize + frameCount * 4096L);
    } catch (WindowException e) {
      throw new IllegalStateException(e);
    }
    physToVirt = window.address() - BASE;
    ownFrames = ownByteSize >>> 12;
    isOut = new boolean[frameCount];
  }

  /// Zeroed bytes that are no frames, by their address.
  synchronized long own(long byteSize) {
    long at = ownUsed;
    ownUsed += byteSize + 63 & -64;
    if (ownUsed > ownFrames << 12) {
      throw new IllegalStateException("no more memory of its own");
    }
    return window.address() + at;
  }

  long firstPfn() {
    return (BASE >>> 12) + ownFrames;
  }

  long endPfn() {
    return firstPfn() + isOut.length;
  }

  /// From now on so many requests are served.
  synchronized void serve(long count) {
    left = count;
    failing = Long.MAX_VALUE;
  }

  /// Of the requests from now on, the one after so many fails, and no other.
  synchronized void failAfter(long count) {
    failing = requests + count;
  }

  /// Does something before it looks at the next request: what another thread might do meanwhile.
  synchronized void beforeNext(Runnable work) {
    beforeNext = work;
  }

  /// From now on so many requests for large blocks are served.
  synchronized void serveHuge(long count) {
    hugeLeft = count;
  }

  /// Requests so far, failed ones included.
  synchronized long requests() {
    return requests;
  }

  /// How many of them failed.
  synchronized long refused() {
    return refused;
  }

  @Override
  public synchronized long allocate(int order, int flags) {
    Runnable work = beforeNext;
    beforeNext = null;
    if (work != null) {
      work.run();
    }
    boolean fails = requests++ == failing;
    if (fails || left <= 0 || (order > 0 && hugeLeft <= 0)) {
      refused++;
      return -1;
    }
    int count = 1 << order;
    for (int tried = 0; tried < isOut.length; tried += count) {
      int at = ((next & -count) + tried) % isOut.length & -count;
      if (isFree(at, count)) {
        left--;
        hugeLeft -= order > 0 ? 1 : 0;
        mark(at, count, true);
        next = order == 0 ? at + 1 : next;
        blocks.put(firstPfn() + at, order);
        return firstPfn() + at;
      }
    }
    refused++;
    return -1;
  }

  private boolean isFree(int at, int count) {
    if (at + count > isOut.length) {
      return false;
    }
    for (int i = at; i < at + count; i++) {
      if (isOut[i]) {
        return false;
      }
    }
    return true;
  }

  private void mark(int at, int count, boolean out) {
    for (int i = at; i < at + count; i++) {
      isOut[i] = out;
    }
    Memory.fill(addressOf(firstPfn() + at), count * 4096L, RUBBISH);
  }

  @Override
  public synchronized void free(long pfn, int order) {
    Integer found = blocks.remove(pfn);
    assertNotNull(found, () -> "frame " + Long.toHexString(pfn) + " is not out");
    assertEquals(found, order, "order of the block that is freed");
    mark((int) (pfn - firstPfn()), 1 << order, false);
  }

  @Override
  public synchronized void split(long pfn, int order) {
    assertEquals(order, blocks.remove(pfn), "order of the block that is split");
    for (int i = 0; i < 1 << order; i++) {
      blocks.put(pfn + i, 0);
    }
  }

  /// Frames that are out.
  synchronized long inUse() {
    long count = 0;
    for (boolean out : isOut) {
      count += out ? 1 : 0;
    }
    return count;
  }

  long addressOf(long pfn) {
    return (pfn << 12) + physToVirt;
  }

  @Override
  public void close() {
    window.close();
  }
}
