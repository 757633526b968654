package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.BuddyAllocator;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// One bank with a plane, whose blocks are items.
final class MovableItems extends OwnedItems {
  final FrameAllocator frames;
  final FrameInfo plane;
  final MovableFrames movable;
  final Migration migration;
  final Compaction compaction;
  final int me;
  final FrameSource source;
  final int[] counts;

  MovableItems(boolean hybrid, long startPfn, long frameCount, boolean withContents) {
    this(hybrid, startPfn, frameCount, withContents, null);
  }

  MovableItems(
      boolean hybrid,
      long startPfn,
      long frameCount,
      boolean withContents,
      @Nullable FrameCopier copier) {
    super(startPfn, frameCount, withContents);
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
    FrameCopier bytes = copier == null ? copier() : copier;
    migration = new Migration(movable, bytes, true, reserve(Migration.byteSize()));
    compaction =
        new Compaction(
            new MovableBanks(new FrameAllocator[] {frames}),
            migration,
            reserve(Compaction.byteSize()));
    me = movable.register(this);
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

  /// Areas with so many live frames each, spread over them.
  static MovableItems spread(boolean hybrid, long startPfn, boolean withContents, int... lives) {
    MovableItems items = new MovableItems(hybrid, startPfn, lives.length * 512L, withContents);
    for (int area = 0; area < lives.length; area++) {
      for (int i = 0; i < lives[area]; i++) {
        long pfn = startPfn + area * 512L + (long) i * 512 / lives[area];
        assertTrue(items.frames.allocateRange(pfn, 1, AllocationFlags.MOVABLE));
        items.adopt(pfn, 1);
      }
    }
    items.frames.drainCaches();
    return items;
  }

  @Override
  public boolean relocate(long item, long fromPfn, long toPfn) {
    assertTrue(MovableFrames.isMoving(plane.get(fromPfn)));
    assertTrue(MovableFrames.isMoving(plane.get(toPfn)));
    return super.relocate(item, fromPfn, toPfn);
  }

  /// A new item in a new run; -1 if there is no memory.
  int add(long frameCount) {
    long pfn = frames.allocateFrames(frameCount, AllocationFlags.MOVABLE);
    return pfn < 0 ? -1 : adopt(pfn, frameCount);
  }

  /// A new item in a run that is allocated already.
  int adopt(long pfn, long frameCount) {
    int item = place(pfn, frameCount);
    counts[item] = (int) frameCount;
    movable.adopt(pfn, me, item);
    return item;
  }

  void remove(int item) {
    long pfn = places.get(item);
    assertTrue(movable.disown(pfn, me, item));
    places.set(item, NOWHERE);
    frames.freeFrames(pfn, counts[item]);
  }

  /// Each item is where the owner thinks, is movable there, unpinned, with its content, and nothing
  /// else is in use; nothing is captured.
  void assertAllThere() {
    assertAllThereBut(0);
  }

  /// The same, with so many more frames in use that are no item's.
  void assertAllThereBut(long others) {
    long live = others;
    for (int item = 0; item < itemCount(); item++) {
      long pfn = places.get(item);
      if (pfn != NOWHERE) {
        live += counts[item];
        assertItem(item, me, plane.get(pfn), counts[item]);
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

  private long livingItems() {
    long living = 0;
    for (int item = 0; item < itemCount(); item++) {
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
