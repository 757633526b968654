package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.FrameSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/// Memory for tables, a source of frames that can be made to fail, and one space.
final class TestTables implements AutoCloseable, FrameSource {
  /// Where the memory begins; all frames below it are somebody else's.
  static final long BASE = 1L << 30;

  private static final long WORDS = 4096;

  final PageFormat format;
  final TableFrames frames;
  final AddressSpace space;
  final FlushBatch batch = new FlushBatch(FlushBatch.DEFAULT_LIMIT, null);
  private final Window window;
  private final Deque<Long> free = new ArrayDeque<>();
  private final Set<Long> out = new HashSet<>();
  private long left = Long.MAX_VALUE;

  TestTables(PageFormat format, int frameCount) {
    this.format = format;
    try {
      window = Window.reserve(WORDS + ((TableFrames.POOL_FRAMES + frameCount) * 4096L));
    } catch (WindowException e) {
      throw new IllegalStateException(e);
    }
    long physToVirt = window.address() + WORDS - BASE;
    long byteSize = (TableFrames.POOL_FRAMES + frameCount) * 4096L;
    frames = new TableFrames(window.address(), BASE, BASE, byteSize, physToVirt, 0);
    frames.setSource(this);
    for (int i = 0; i < frameCount; i++) {
      free.add((BASE >>> 12) + TableFrames.POOL_FRAMES + i);
    }
    space = new AddressSpace(format, frames, window.address() + TableFrames.BYTE_SIZE);
    assertTrue(space.open());
  }

  /// From now on so many requests are served.
  void serve(long requests) {
    left = requests;
  }

  @Override
  public long allocate(int order, int flags) {
    assertEquals(0, order);
    if (left <= 0 || free.isEmpty()) {
      return -1;
    }
    left--;
    long pfn = free.poll();
    assertTrue(out.add(pfn));
    return pfn;
  }

  @Override
  public void free(long pfn, int order) {
    assertTrue(out.remove(pfn), "frame " + pfn + " is not out");
    free.add(pfn);
  }

  /// Frames that are out, and those of the pool.
  int inUse() {
    return out.size() + frames.poolInUse();
  }

  @Override
  public void close() {
    window.close();
  }
}
