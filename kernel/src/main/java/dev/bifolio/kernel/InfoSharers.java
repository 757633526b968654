package dev.bifolio.kernel;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.table.FrameSharers;
import org.jspecify.annotations.Nullable;

/// Counts the sharers of frames in their [FrameInfo]: its share count is the mappings beyond the
/// first, so nothing has to be written for a frame that nobody shares.
///
/// The rest of the word is left as it is. Changes are by compare-and-set, so any thread.
public final class InfoSharers implements FrameSharers {
  private static final long ONE = FrameInfo.word(0, 0, 1, 0);

  private final @Nullable FrameInfo plane;
  private final @Nullable Machine machine;

  /// For the frames of one plane.
  ///
  /// @param plane that has them
  public InfoSharers(FrameInfo plane) {
    this.plane = plane;
    this.machine = null;
  }

  /// For all frames of a machine.
  ///
  /// @param machine whose banks have planes
  public InfoSharers(Machine machine) {
    this.plane = null;
    this.machine = machine;
  }

  private FrameInfo infoOf(long pfn) {
    FrameInfo info = machine == null ? plane : machine.frameInfo(pfn);
    if (info == null) {
      throw new IndexOutOfBoundsException("no bank has frame " + pfn);
    }
    return info;
  }

  @Override
  public boolean add(long pfn) {
    FrameInfo info = infoOf(pfn);
    while (true) {
      long word = info.getAcquire(pfn);
      if (FrameInfo.sharesOf(word) == FrameInfo.MAX_SHARES) {
        return false;
      }
      if (info.compareAndSet(pfn, word, word + ONE)) {
        return true;
      }
    }
  }

  @Override
  public boolean drop(long pfn) {
    FrameInfo info = infoOf(pfn);
    while (true) {
      long word = info.getAcquire(pfn);
      if (FrameInfo.sharesOf(word) == 0) {
        return true;
      }
      if (info.compareAndSet(pfn, word, word - ONE)) {
        return false;
      }
    }
  }

  @Override
  public long count(long pfn) {
    return FrameInfo.sharesOf(infoOf(pfn).getAcquire(pfn)) + 1L;
  }
}
