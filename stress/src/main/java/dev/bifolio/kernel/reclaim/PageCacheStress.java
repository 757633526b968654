package dev.bifolio.kernel.reclaim;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import dev.bifolio.kernel.frame.Allowed;
import dev.bifolio.kernel.frame.Blocks;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.platform.Memory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races for the pages of a cache whose frames are real memory: gets, releases, write-backs,
/// evictions, drops and moves.
///
/// Results: what each actor got (1 for yes), and whether bytes, pins and frames are right in the
/// end (1).
public final class PageCacheStress {
  private PageCacheStress() {}

  /// A cache of a few frames, and a file of two pages of one word each. Its frames are movable, and
  /// a mover has one more.
  static class Cached implements FrameSource, PageBacking, FrameCopier {
    static final int FILE = 5;
    static final long PAGE = 0;
    static final long OTHER_PAGE = 1;
    static final long MOVERS = 0;

    private static final int FRAMES = 4;
    private static final int WORDS_BYTES = 4096;

    final PageCache cache;
    final Migration migration;
    final AtomicInteger reads = new AtomicInteger();

    private final AtomicInteger mistakes = new AtomicInteger();

    /// What is free of the source, a bit a frame; frame 0 is the mover's.
    private final AtomicInteger free = new AtomicInteger();

    /// The file.
    private final AtomicLong[] pages = {new AtomicLong(), new AtomicLong()};

    private final MovableFrames movable;
    private final int frames;
    private final long block;

    Cached(int capacity, int frameCount) {
      long infoBytes = FrameInfo.byteSize(0, FRAMES);
      long cacheAt = infoBytes + Migration.byteSize();
      block = Blocks.take(WORDS_BYTES); // the frames lie behind, and need not be zero
      frames = ((1 << frameCount) - 1) << 1;
      free.set(frames);
      movable = new MovableFrames(new FrameInfo[] {new FrameInfo(block, 0, FRAMES)});
      movable.capture(MOVERS);
      migration = new Migration(movable, this, true, block + infoBytes);
      MovableBinding binding = new MovableBinding(movable);
      cache = new PageCache(block + cacheAt, capacity, 0, this, this, block + WORDS_BYTES, binding);
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

    /// The frame of a page, or NO_FRAME. Who is told that others are at work for too long, which on
    /// a busy machine may be, asks again.
    final long get(long page) {
      long frame = PageCache.BUSY;
      while (frame == PageCache.BUSY) {
        frame = cache.get(FILE, page);
      }
      return frame;
    }

    static int served(long frame) {
      return frame >= 0 ? 1 : 0;
    }

    final void put(long frame, long value) {
      Memory.putLongRelease(cache.bytesOf(frame), value);
    }

    final long contentOf(long frame) {
      return Memory.getLongVolatile(cache.bytesOf(frame));
    }

    final void release(long page, boolean dirty) {
      cache.release(FILE, page, dirty);
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
    final int ended(boolean good) {
      boolean right = good && cache.sync() == 0 && cache.drop(FILE) == 0;
      right &= cache.counters().pages() == 0 && cache.countFrames(0) == 0;
      int captured = 0;
      for (int frame = 0; frame < FRAMES; frame++) {
        captured |= movable.isCaptured(frame) ? 1 << frame : 0;
        right &= !MovableFrames.isMovable(movable.wordOf(frame)); // none was left behind
      }
      right &= Integer.bitCount(captured) == 1 && (free.get() ^ captured) == (frames | 1);
      right &= mistakes.get() == 0 && migration.failedMoves() == migration.refusals();
      Blocks.giveBack(block);
      return right ? 1 : 0;
    }

    /// The same, after which the file has a value in its first page.
    final int endedWith(long value) {
      boolean synced = cache.sync() == 0;
      return ended(synced && pageInFile(PAGE) == value);
    }
  }

  /// A page in a cache, unused, of the value 7; and where it is.
  static class OnePage extends Cached {
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

  /// They have the same frame, and it was read once.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoGetsOfAnAbsentPage extends Cached {
    private long first;
    private long second;

    public TwoGetsOfAnAbsentPage() {
      super(2, 2);
    }

    @Actor
    public void one(III_Result r) {
      first = get(PAGE);
      r.r1 = served(first);
    }

    @Actor
    public void other(III_Result r) {
      second = get(PAGE);
      r.r2 = served(second);
    }

    @Arbiter
    public void end(III_Result r) {
      release(PAGE, false);
      release(PAGE, false);
      r.r3 = ended(first == second && reads.get() == 1);
    }
  }

  /// One page has the entry; the other gets nothing, and its frame is not lost.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoGetsForTheLastEntry extends Cached {
    public TwoGetsForTheLastEntry() {
      super(1, 2);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(get(PAGE));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(get(OTHER_PAGE));
    }

    @Arbiter
    public void end(III_Result r) {
      release(r.r1 == 1 ? PAGE : OTHER_PAGE, false);
      r.r3 = ended(true);
    }
  }

  /// One page has the frame.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoGetsForTheLastFrame extends Cached {
    public TwoGetsForTheLastFrame() {
      super(2, 1);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(get(PAGE));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(get(OTHER_PAGE));
    }

    @Arbiter
    public void end(III_Result r) {
      release(r.r1 == 1 ? PAGE : OTHER_PAGE, false);
      r.r3 = ended(true);
    }
  }

  /// Whose page is in the only entry keeps it; the dirty one is written before it goes.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class AGetBesideAGetThatWantsItsPlace extends OnePage {
    public AGetBesideAGetThatWantsItsPlace() {
      super(1, true);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(get(PAGE));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(get(OTHER_PAGE));
    }

    @Arbiter
    public void end(III_Result r) {
      release(r.r1 == 1 ? PAGE : OTHER_PAGE, false);
      r.r3 = endedWith(VALUE);
    }
  }

  /// What is got stays, whether it was there or had to be read again.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AGetBesideAnEviction extends OnePage {
    private long found;

    public AGetBesideAnEviction() {
      super(2, false);
    }

    @Actor
    public void get(III_Result r) {
      found = get(PAGE);
      r.r1 = served(found);
    }

    @Actor
    public void evict(III_Result r) {
      r.r2 = shrink();
    }

    @Arbiter
    public void end(III_Result r) {
      boolean there = contentOf(found) == VALUE && reads.get() == 1 + r.r2;
      release(PAGE, false);
      r.r3 = ended(there);
    }
  }

  /// The same with a drop, which keeps what is in use.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AGetBesideADrop extends OnePage {
    private long found;

    public AGetBesideADrop() {
      super(2, false);
    }

    @Actor
    public void get(III_Result r) {
      found = get(PAGE);
      r.r1 = served(found);
    }

    @Actor
    public void drop(III_Result r) {
      r.r2 = 1 - (int) cache.drop(FILE);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean there = contentOf(found) == VALUE && reads.get() == 1 + r.r2;
      release(PAGE, false);
      r.r3 = ended(there);
    }
  }

  /// One page goes once.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoEvictionsOfOnePage extends OnePage {
    public TwoEvictionsOfOnePage() {
      super(2, true);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = shrink();
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = shrink();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(pageInFile(PAGE) == VALUE);
    }
  }

  /// What was changed is written before the page goes, and not lost if it stays.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AReleaseBesideAnEviction extends OnePage {
    public AReleaseBesideAnEviction() {
      super(2, false);
      get(PAGE);
    }

    @Actor
    public void release(III_Result r) {
      put(frame, VALUE + 1);
      release(PAGE, true);
      r.r1 = 1;
    }

    @Actor
    public void evict(III_Result r) {
      r.r2 = shrink();
    }

    @Arbiter
    public void end(III_Result r) {
      boolean written = r.r2 == 0 || pageInFile(PAGE) == VALUE + 1;
      r.r3 = endedWith(VALUE + 1) & (written ? 1 : 0);
    }
  }

  /// What is changed while an older value is on its way to the file makes the page dirty again.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AReleaseBesideASync extends OnePage {
    public AReleaseBesideASync() {
      super(2, true);
      get(PAGE);
    }

    @Actor
    public void release(III_Result r) {
      put(frame, VALUE + 1);
      release(PAGE, true);
      r.r1 = 1;
    }

    @Actor
    public void sync(III_Result r) {
      r.r2 = cache.sync() == 0 ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(VALUE + 1);
    }
  }

  /// A change is made to the page that is there, or to what was written when it went.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AChangeBesideAnEviction extends OnePage {
    public AChangeBesideAnEviction() {
      super(2, true);
    }

    @Actor
    public void change(III_Result r) {
      r.r1 = addOne(PAGE);
    }

    @Actor
    public void evict(III_Result r) {
      r.r2 = shrink();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(VALUE + 1);
    }
  }

  /// Nobody changes bytes that are being copied, and a page in use is not moved.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AChangeBesideAMove extends OnePage {
    public AChangeBesideAMove() {
      super(2, false);
    }

    @Actor
    public void change(III_Result r) {
      r.r1 = addOne(PAGE);
    }

    @Actor
    public void move(III_Result r) {
      r.r2 = move(frame);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(VALUE + 1);
    }
  }

  /// It goes from where it was, or from where it was moved to, or stays because it is being moved.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThemOrBoth.class)
  @State
  public static class AnEvictionBesideAMove extends OnePage {
    public AnEvictionBesideAMove() {
      super(2, false);
    }

    @Actor
    public void evict(III_Result r) {
      r.r1 = shrink();
    }

    @Actor
    public void move(III_Result r) {
      r.r2 = move(frame);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(VALUE);
    }
  }

  /// As above; and where it is being written when the mover asks for it, it stays where it is.
  @JCStressTest
  @Outcome(
      id = {"1, 0, 1", "0, 1, 1", "1, 1, 1", "0, 0, 1"},
      expect = ACCEPTABLE,
      desc = "neither, if each finds the other at work")
  @State
  public static class ADirtyEvictionBesideAMove extends OnePage {
    public ADirtyEvictionBesideAMove() {
      super(2, true);
    }

    @Actor
    public void evict(III_Result r) {
      r.r1 = shrink();
    }

    @Actor
    public void move(III_Result r) {
      r.r2 = move(frame);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(VALUE);
    }
  }
}
