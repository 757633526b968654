package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.Race;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameSource;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/// A cache of a few frames, and a file of two pages of one word each. Its frames are movable, and a
/// mover has one more.
class SmallCache extends Race implements FrameSource, PageBacking, FrameCopier {
  static final int FILE = 5;
  static final long PAGE = 0;
  static final long OTHER_PAGE = 1;
  static final long MOVERS = 0;

  private static final int FRAMES = 4;
  private static final int WORDS_BYTES = 4096;

  final PageCache cache;
  final Migration migration;
  final AtomicInteger reads = new AtomicInteger();

  /// Frames that were freed twice, and pages that were released but not in use.
  private final AtomicInteger mistakes = new AtomicInteger();

  /// What is free of the source, a bit a frame; frame 0 is the mover's.
  private final AtomicInteger free = new AtomicInteger();

  /// The file.
  private final AtomicLong[] pages = {new AtomicLong(), new AtomicLong()};

  private final MovableFrames movable;
  private final int frames;

  SmallCache(int capacity, int frameCount) {
    super(WORDS_BYTES); // the frames lie behind, and need not be zero
    long infoBytes = FrameInfo.byteSize(0, FRAMES);
    long cacheAt = infoBytes + Migration.byteSize();
    frames = ((1 << frameCount) - 1) << 1;
    free.set(frames);
    movable = new MovableFrames(new FrameInfo[] {new FrameInfo(words, 0, FRAMES)});
    movable.capture(MOVERS);
    migration = new Migration(movable, this, true, words + infoBytes);
    MovableBinding binding = new MovableBinding(movable);
    cache = new PageCache(words + cacheAt, capacity, 0, this, this, words + WORDS_BYTES, binding);
    binding.register(cache);
  }

  // ---- Frames, file and copies ----

  @Override
  public final long allocate(int order, int flags) {
    while (true) {
      int now = free.get();
      if (now == 0) {
        return -1;
      }
      int frame = Integer.numberOfTrailingZeros(now);
      if (free.compareAndSet(now, now & ~(1 << frame))) {
        return frame;
      }
    }
  }

  @Override
  public final void free(long pfn, int order) {
    int bit = 1 << pfn;
    if ((free.getAndUpdate(now -> now | bit) & bit) != 0) {
      mistakes.incrementAndGet(); // it was free
    }
  }

  @Override
  public final boolean read(int file, long page, long toAddress) {
    reads.incrementAndGet();
    Memory.putLong(toAddress, pages[(int) page].get());
    return true;
  }

  @Override
  public final boolean write(int file, long page, long fromAddress) {
    pages[(int) page].set(Memory.getLongVolatile(fromAddress));
    return true;
  }

  @Override
  public final void copy(long fromPfn, long toPfn, long frameCount) {
    Memory.putLong(cache.bytesOf(toPfn), Memory.getLong(cache.bytesOf(fromPfn)));
  }

  @Override
  public final boolean isSame(long aPfn, long bPfn, long frameCount) {
    return Memory.getLong(cache.bytesOf(aPfn)) == Memory.getLong(cache.bytesOf(bPfn));
  }

  // ---- What actors do ----

  /// The frame of a page, or NO_FRAME. Who is told that others are at work for too long, which on a
  /// busy machine may be, asks again.
  final long get(long page) {
    long frame = PageCache.BUSY;
    while (frame == PageCache.BUSY) {
      frame = cache.get(FILE, page);
    }
    return frame;
  }

  final void put(long frame, long value) {
    Memory.putLongRelease(cache.bytesOf(frame), value);
  }

  final long contentOf(long frame) {
    return Memory.getLongVolatile(cache.bytesOf(frame));
  }

  /// Releases a page that must be in use; the end of the test says so if it was not.
  final void release(long page, boolean dirty) {
    try {
      cache.release(FILE, page, dirty);
    } catch (IllegalArgumentException | IllegalStateException e) {
      mistakes.incrementAndGet();
    }
  }

  /// Adds one to a page.
  final int addOne(long page) {
    long frame = get(page);
    put(frame, contentOf(frame) + 1);
    release(page, true);
    return 1;
  }

  final int shrink() {
    return (int) cache.shrink(0, 1);
  }

  /// Moves the frame, if it is a page's, to the one that the mover has; below 0 if somebody broke
  /// the agreement.
  final int move(long frame) {
    try {
      return migration.move(frame, MOVERS, 1) == MigrationOutcome.MOVED ? 1 : 0;
    } catch (IllegalStateException e) {
      return -1;
    }
  }

  // ---- The end ----

  final long pageInFile(long page) {
    return pages[(int) page].get();
  }

  /// The end of a test in which nobody uses a page any more: all of them can be given up, and all
  /// frames are back but one, which is the mover's.
  @Override
  protected final int ended(boolean good) {
    boolean right = good && cache.sync() == 0 && cache.drop(FILE) == 0;
    right &= cache.counters().pages() == 0 && cache.countFrames(0) == 0;
    int captured = 0;
    for (int frame = 0; frame < FRAMES; frame++) {
      captured |= movable.isCaptured(frame) ? 1 << frame : 0;
      right &= !MovableFrames.isMovable(movable.wordOf(frame)); // none was left behind
    }
    right &= Integer.bitCount(captured) == 1 && (free.get() ^ captured) == (frames | 1);
    right &= mistakes.get() == 0 && migration.failedMoves() == migration.refusals();
    return super.ended(right);
  }

  /// The same, after which the file has a value in its first page.
  final int endedWith(long value) {
    boolean synced = cache.sync() == 0;
    return ended(synced && pageInFile(PAGE) == value);
  }

  /// Releases the page that one of two actors has got, the first his page or the second the other.
  final void releaseGot(int first) {
    release(first == YES ? PAGE : OTHER_PAGE, false);
  }

  /// A page in a cache, unused, of the value 7; and where it is.
  static class OnePage extends SmallCache {
    static final long VALUE = 7;

    final long frame;

    OnePage(int capacity, boolean dirty) {
      super(capacity, 2);
      frame = get(PAGE);
      put(frame, VALUE);
      release(PAGE, true);
      if (!dirty) {
        cache.sync();
      }
    }
  }

  /// Such a page, clean, that one actor gets while the other wants it to go.
  static class OnePageGot extends OnePage {
    private long found;

    OnePageGot() {
      super(2, false);
    }

    final int getIt() {
      found = get(PAGE);
      return served(found);
    }

    /// The end: what was got is there, read again if it went before.
    final int endedGot(int wentBefore) {
      boolean there = contentOf(found) == VALUE && reads.get() == 1 + wentBefore;
      release(PAGE, false);
      return ended(there);
    }
  }
}
