package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongPredicate;

/// The owner of items that may be moved: he knows where each item is, and what it holds, without
/// asking anything that is tested.
abstract class OwnedItems implements MovableOwner, AutoCloseable {
  static final long NOWHERE = -1;

  /// By item: the first frame of its block.
  final AtomicLongArray places;

  /// What he says when he is asked to relocate an item; for tests that refuse or throw.
  LongPredicate answer = item -> true;

  private final ZeroedWindows windows = new ZeroedWindows();
  private final boolean withContents;

  /// What is added to the address of a frame to find its bytes.
  private final long distance;

  private int itemCount;

  OwnedItems(long startPfn, long frameCount, boolean withContents) {
    this.withContents = withContents;
    places = new AtomicLongArray((int) frameCount);
    distance =
        withContents ? reserve(Pages.framesToBytes(frameCount)) - Pages.pfnToAddress(startPfn) : 0;
  }

  /// Zero bytes, until this is closed.
  final long reserve(long byteSize) {
    return windows.reserve(byteSize);
  }

  @Override
  public void close() {
    windows.close();
  }

  @Override
  public boolean relocate(long item, long fromPfn, long toPfn) {
    assertEquals(places.get((int) item), fromPfn, "the owner is asked about a place that it left");
    return answer.test(item) && places.compareAndSet((int) item, fromPfn, toPfn);
  }

  final int itemCount() {
    return itemCount;
  }

  /// A new item in a run that is allocated already, filled.
  final int place(long pfn, long frameCount) {
    int item = itemCount++;
    places.set(item, pfn);
    if (withContents) {
      long byteSize = Pages.framesToBytes(frameCount);
      for (long at = 0; at < byteSize; at = next(at, byteSize)) {
        Memory.putLong(addressOf(pfn) + at, valueAt(item, at));
      }
    }
    return item;
  }

  /// Some words of each frame, the first and the last of all among them.
  private static long next(long at, long byteSize) {
    long last = byteSize - Long.BYTES;
    return at < last ? Math.min(at + 504, last) : byteSize;
  }

  private static long valueAt(long item, long at) {
    return (item + 1) * 0x9E37_79B9_7F4A_7C15L + at;
  }

  final long addressOf(long pfn) {
    return Pages.pfnToAddress(pfn) + distance;
  }

  final FrameCopier copier() {
    return withContents ? new MappedCopier(distance) : new NoBytes();
  }

  private static final class NoBytes implements FrameCopier {
    @Override
    public void copy(long fromPfn, long toPfn, long frameCount) {}

    @Override
    public boolean isSame(long aPfn, long bPfn, long frameCount) {
      return true;
    }
  }

  final void assertContent(int item, long pfn, long frameCount) {
    if (withContents) {
      long byteSize = Pages.framesToBytes(frameCount);
      for (long at = 0; at < byteSize; at = next(at, byteSize)) {
        assertEquals(valueAt(item, at), Memory.getLong(addressOf(pfn) + at), "item " + item);
      }
    }
  }

  /// The word says that this is the item's place, movable and unpinned; so do the bytes.
  final void assertItem(int item, int owner, long word, long frameCount) {
    assertEquals(FrameInfo.word(8 + owner, FrameInfo.accountOf(word), 0, item), word);
    assertContent(item, places.get(item), frameCount);
  }
}
