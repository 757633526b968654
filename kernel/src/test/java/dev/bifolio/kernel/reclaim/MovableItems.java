package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.BuddyAllocator;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;

/// One bank with a plane, and an owner of items that may be moved: he knows where each item is, and
/// what it holds, without asking anything that is tested.
final class MovableItems implements MovableOwner, AutoCloseable {
  static final long NOWHERE = -1;

  /// What a block's owner does when he is asked; for tests that refuse or throw.
  interface Answer {
    boolean accepts(long item);
  }

  final FrameAllocator frames;
  final FrameInfo plane;
  final MovableFrames movable;
  final Migration migration;
  final Compaction compaction;
  final int me;
  final FrameSource source;
  final AtomicLongArray places;
  final int[] counts;
  Answer answer = item -> true;

  private final List<Window> windows = new ArrayList<>();
  private final long contents;
  private final long startPfn;
  private int itemCount;

  MovableItems(boolean hybrid, long startPfn, long frameCount, boolean withContents) {
    this(hybrid, startPfn, frameCount, withContents, null);
  }

  MovableItems(
      boolean hybrid, long startPfn, long frameCount, boolean withContents, FrameCopier copier) {
    this.startPfn = startPfn;
    long endPfn = startPfn + frameCount;
    long address = Pages.pfnToAddress(startPfn);
    frames =
        hybrid
            ? new HybridAllocator(
                20,
                2,
                reserve(HybridAllocator.metadataBytes(startPfn, endPfn, 2)),
                address,
                frameCount)
            : new BuddyAllocator(
                20, reserve(BuddyAllocator.metadataBytes(startPfn, endPfn)), address, frameCount);
    frames.addFrames(startPfn, endPfn);
    plane = new FrameInfo(reserve(FrameInfo.byteSize(startPfn, endPfn)), startPfn, endPfn);
    movable = new MovableFrames(new FrameInfo[] {plane});
    contents = withContents ? reserve(frameCount * Pages.PAGE_SIZE) : 0;
    FrameCopier bytes = withContents ? new MappedCopier(contents - address) : new NoBytes();
    migration =
        new Migration(
            movable, copier == null ? bytes : copier, true, reserve(Migration.byteSize()));
    compaction =
        new Compaction(
            new MovableBanks(new FrameAllocator[] {frames}),
            migration,
            reserve(Compaction.byteSize()));
    me = movable.register(this);
    places = new AtomicLongArray((int) frameCount);
    counts = new int[(int) frameCount];
    source =
        new FrameSource() {
          @Override
          public long allocate(int order, int flags) {
            return frames.allocate(order, flags);
          }

          @Override
          public void free(long pfn, int order) {
            frames.free(pfn, order);
          }
        };
  }

  private static final class NoBytes implements FrameCopier {
    @Override
    public void copy(long fromPfn, long toPfn, long frameCount) {}

    @Override
    public boolean isSame(long aPfn, long bPfn, long frameCount) {
      return true;
    }
  }

  long reserve(long byteSize) {
    try {
      Window window = Window.reserve(Math.max(byteSize, Pages.PAGE_SIZE));
      windows.add(window);
      return window.address();
    } catch (WindowException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    windows.forEach(Window::close);
  }

  @Override
  public boolean relocate(long item, long fromPfn, long toPfn) {
    assertEquals(places.get((int) item), fromPfn, "the owner is asked about a place that it left");
    assertTrue(MovableFrames.isMoving(plane.get(fromPfn)));
    assertTrue(MovableFrames.isMoving(plane.get(toPfn)));
    return answer.accepts(item) && places.compareAndSet((int) item, fromPfn, toPfn);
  }

  int itemCount() {
    return itemCount;
  }

  /// A new item in a new run; -1 if there is no memory.
  int add(long frameCount) {
    long pfn = frames.allocateFrames(frameCount, AllocationFlags.MOVABLE);
    return pfn < 0 ? -1 : adopt(pfn, frameCount);
  }

  /// A new item in a run that is allocated already.
  int adopt(long pfn, long frameCount) {
    int item = itemCount++;
    places.set(item, pfn);
    counts[item] = (int) frameCount;
    write(item);
    movable.adopt(pfn, me, item);
    return item;
  }

  void remove(int item) {
    long pfn = places.get(item);
    assertTrue(movable.disown(pfn, me, item));
    places.set(item, NOWHERE);
    frames.freeFrames(pfn, counts[item]);
  }

  long addressOf(long pfn) {
    return contents + (pfn - startPfn) * Pages.PAGE_SIZE;
  }

  /// Fills the first, the last and some other words of each frame.
  private void write(int item) {
    if (contents != 0) {
      long address = addressOf(places.get(item));
      long byteSize = counts[item] * Pages.PAGE_SIZE;
      for (long at = 0; at < byteSize; at += 504) {
        Memory.putLong(address + at, valueAt(item, at));
      }
      Memory.putLong(address + byteSize - 8, valueAt(item, byteSize - 8));
    }
  }

  private static long valueAt(long item, long at) {
    return (item + 1) * 0x9E37_79B9_7F4A_7C15L + at;
  }

  /// Each item is where the owner thinks, is movable there, unpinned, with its content, and nothing
  /// else is in use; nothing is captured.
  void assertAllThere() {
    assertAllThereBut(0);
  }

  /// The same, with so many more frames in use that are no item's.
  void assertAllThereBut(long others) {
    long live = others;
    for (int item = 0; item < itemCount; item++) {
      long pfn = places.get(item);
      if (pfn != NOWHERE) {
        live += counts[item];
        assertItem(item, pfn);
      }
    }
    assertEquals(live, framesInUse());
    long marked = 0;
    for (long pfn = plane.startPfn(); pfn < plane.endPfn(); pfn++) {
      marked += plane.get(pfn) != 0 ? 1 : 0;
    }
    assertEquals(livingItems(), marked, "words that are not zero");
    frames.assertValid();
  }

  void assertItem(int item, long pfn) {
    long word = plane.get(pfn);
    assertEquals(FrameInfo.word(8 + me, FrameInfo.accountOf(word), 0, item), word);
    if (contents != 0) {
      long address = addressOf(pfn);
      long byteSize = counts[item] * Pages.PAGE_SIZE;
      for (long at = 0; at < byteSize; at += 504) {
        assertEquals(valueAt(item, at), Memory.getLong(address + at), "item " + item);
      }
      assertEquals(valueAt(item, byteSize - 8), Memory.getLong(address + byteSize - 8));
    }
  }

  private long livingItems() {
    long living = 0;
    for (int item = 0; item < itemCount; item++) {
      living += places.get(item) != NOWHERE ? 1 : 0;
    }
    return living;
  }

  long framesInUse() {
    frames.drainCaches();
    return frames.managedFrameCount() - frames.freeFrameCount() - frames.cachedFrameCount();
  }

  long freeAreas() {
    frames.drainCaches();
    long areas = 0;
    for (int order = 9; order <= frames.maxOrder(); order++) {
      areas += frames.freeBlockCount(order) << (order - 9);
    }
    return areas;
  }
}
