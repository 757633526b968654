package dev.bifolio.bench;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.reclaim.Compaction;
import dev.bifolio.kernel.reclaim.FrameCopier;
import dev.bifolio.kernel.reclaim.MemoryReclaim;
import dev.bifolio.kernel.reclaim.MovableOwner;
import dev.bifolio.kernel.zone.ZonedFrames;
import java.util.Arrays;
import java.util.Objects;
import java.util.Set;

/// F4 when every frame may move: 90 % filled, three of four frames freed, and then compacted, until
/// nothing is left to do. Metadata only: no byte is copied.
///
/// The oracle: an area becomes free when all of its live frames have left it, so who gains k areas
/// moves at least what lies in the k emptiest ones.
final class CompactionWorkload implements Workload {
  private static final long LIFETIME_SEED = 99;
  private static final int AREA_FRAMES = 512;
  private static final long STEP_FRAMES = 10_000;
  private static final int EAGER = 100;

  @Override
  public boolean repeats() {
    return false;
  }

  @Override
  public Set<Need> needs() {
    return Set.of(Need.PLACEMENT, Need.WHOLE_TABLE, Need.MOVABLE_FRAMES);
  }

  @Override
  public void run(Run run) {
    try (ZonedSubject subject = ZonedSubject.create(Subject.Kind.ZONE, run.frameCount());
        Window words = Window.reserve(MemoryReclaim.byteSize(1))) {
      ZonedFrames frames = subject.frames();
      MemoryReclaim reclaim = new MemoryReclaim(frames, new NoBytes(), false, words.address());
      Owner owner = new Owner(run.frameCount());
      fill(frames, reclaim, owner);
      subject.drain();
      int[] before = owner.liveOfAreas();
      long freeBefore = freeAreas(before);
      run.count("free2M_step0", freeBefore);
      run.count("ideal2M_step0", (run.frameCount() - owner.liveCount) / AREA_FRAMES);
      Compaction compaction =
          Objects.requireNonNull(reclaim.compaction(frames.zones().zone(0)), "no compaction");
      Stopwatch watch = new Stopwatch();
      watch.start();
      compaction.setProactiveness(EAGER);
      while (compaction.step(STEP_FRAMES)) {
        // To its end.
      }
      watch.stop();
      long free = freeAreas(owner.liveOfAreas());
      run.count("free2M_step1", free);
      run.count("areas_gained", free - freeBefore);
      run.count("frames_moved", compaction.counters().framesMoved());
      run.count("frames_moved_minimum", fewestMoves(before, free - freeBefore));
      run.record("ms", watch.takeNanos() / 1e6);
    } catch (WindowException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  private static void fill(ZonedFrames frames, MemoryReclaim reclaim, Owner owner) {
    int index = reclaim.movable().register(owner);
    long[] shortLived = new long[owner.places.length];
    int shortCount = 0;
    Draws draws = new Draws(LIFETIME_SEED);
    for (long done = owner.places.length * 9L / 10; done > 0; done--) {
      long pfn = frames.tryAllocate(0, AllocationFlags.MOVABLE);
      if (pfn < 0) {
        throw new IllegalStateException("a frame was refused at 90 %");
      }
      if ((draws.next() & 3) == 0) {
        reclaim.movable().adopt(pfn, index, owner.add(pfn));
      } else {
        shortLived[shortCount++] = pfn;
      }
    }
    for (int i = 0; i < shortCount; i++) {
      frames.free(shortLived[i], 0);
    }
  }

  private static long freeAreas(int[] live) {
    return Arrays.stream(live).filter(count -> count == 0).count();
  }

  private static long fewestMoves(int[] live, long areas) {
    return Arrays.stream(live)
        .filter(count -> count > 0)
        .sorted()
        .limit(areas)
        .asLongStream()
        .sum();
  }

  /// Knows where its frames are.
  private static final class Owner implements MovableOwner {
    private final long[] places;
    private int liveCount;

    Owner(int frameCount) {
      places = new long[frameCount];
    }

    int add(long pfn) {
      places[liveCount] = pfn;
      return liveCount++;
    }

    @Override
    public boolean relocate(long item, long fromPfn, long toPfn) {
      if (places[(int) item] != fromPfn) {
        throw new IllegalStateException("asked about a frame that the item does not have");
      }
      places[(int) item] = toPfn;
      return true;
    }

    int[] liveOfAreas() {
      int[] live = new int[places.length / AREA_FRAMES];
      for (int i = 0; i < liveCount; i++) {
        live[(int) ((places[i] - Subject.START_PFN) / AREA_FRAMES)]++;
      }
      return live;
    }
  }

  /// Frames without content.
  private static final class NoBytes implements FrameCopier {
    @Override
    public void copy(long fromPfn, long toPfn, long frameCount) {}

    @Override
    public boolean isSame(long aPfn, long bPfn, long frameCount) {
      return true;
    }
  }
}
