package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.Allowed;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.Race;
import dev.bifolio.kernel.platform.Memory;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races of whole moves with owners who write what is in the block: no write is lost, and each item
/// is in one place.
///
/// Results: what each actor got (1 for yes), and whether content, pointer and words agree in the
/// end (1).
public final class MigrationStress {
  private MigrationStress() {}

  /// One item whose content is a word, its pointer, and a place for it to go.
  static class OneItem extends Race implements MovableOwner, FrameCopier {
    static final long FROM = 1;
    static final long TO = 9;
    static final long ITEM = 7;

    private static final long FRAMES = 16;

    final MovableFrames movable;
    final Migration migration;
    final int me;
    boolean refuses;
    private final long pointer;
    private final long contents;

    OneItem() {
      long infoBytes = FrameInfo.byteSize(0, FRAMES);
      pointer = infoBytes + Migration.byteSize();
      contents = infoBytes + Migration.byteSize() + Long.BYTES;
      super(infoBytes + Migration.byteSize() + (1 + FRAMES) * Long.BYTES);
      movable = new MovableFrames(new FrameInfo[] {new FrameInfo(words, 0, FRAMES)});
      migration = new Migration(movable, this, true, words + infoBytes);
      me = movable.register(this);
      Memory.putLongRelease(words + pointer, FROM);
      movable.adopt(FROM, me, ITEM);
      movable.capture(TO);
    }

    final long whereItIs() {
      return Memory.getLongVolatile(words + pointer);
    }

    final long contentOf(long pfn) {
      return Memory.getLong(words + contents + pfn * Long.BYTES);
    }

    private void putContent(long pfn, long content) {
      Memory.putLong(words + contents + pfn * Long.BYTES, content);
    }

    @Override
    public final boolean relocate(long item, long fromPfn, long toPfn) {
      if (refuses) {
        return false;
      }
      Memory.putLongRelease(words + pointer, toPfn);
      return true;
    }

    @Override
    public final void copy(long fromPfn, long toPfn, long frameCount) {
      putContent(toPfn, contentOf(fromPfn));
    }

    @Override
    public final boolean isSame(long aPfn, long bPfn, long frameCount) {
      return contentOf(aPfn) == contentOf(bPfn);
    }

    /// Whether it was moved; below 0 if somebody broke the agreement.
    final int moved(long fromPfn, long toPfn) {
      try {
        return migration.move(fromPfn, toPfn, 1) == MigrationOutcome.MOVED ? 1 : 0;
      } catch (IllegalStateException e) {
        return -1;
      }
    }

    /// Adds one to the item wherever it is, pinned; below 0 if somebody broke the agreement.
    final int addOne(boolean waits) {
      long pfn = whereItIs();
      while (!(waits ? movable.pin(pfn, me, ITEM) : movable.tryPin(pfn, me, ITEM))) {
        Thread.onSpinWait();
        pfn = whereItIs();
      }
      putContent(pfn, contentOf(pfn) + 1);
      try {
        movable.unpin(pfn, me, ITEM);
        return 1;
      } catch (IllegalStateException e) {
        return -1;
      }
    }

    /// The end of a test: the item, to which one was added, is movable at its place, and the other
    /// place is the mover's.
    final int endedAt(long pfn) {
      return ended(isAt(pfn) && isMovers(pfn == FROM ? TO : FROM));
    }

    final boolean isAt(long pfn) {
      return whereItIs() == pfn && contentOf(pfn) == 1 && movable.tryDisown(pfn, me, ITEM);
    }

    final boolean isMovers(long pfn) {
      return movable.isCaptured(pfn);
    }

    /// Where the item is after a move.
    static long placeAfter(int moved) {
      return moved == YES ? TO : FROM;
    }

    @Override
    protected final int ended(boolean good) {
      return super.ended(good && migration.mismatches() == 0 && migration.problems() == 0);
    }
  }

  /// The write is in the copy, wherever the move finds it.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AWriteBesideAMove extends OneItem {
    @Actor
    public void owner(III_Result r) {
      r.r1 = addOne(true);
    }

    @Actor
    public void mover(III_Result r) {
      r.r2 = moved(FROM, TO);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedAt(placeAfter(r.r2));
    }
  }

  /// The same by an owner who never waits in a pin, but looks again.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AWriteByTriesBesideAMove extends OneItem {
    @Actor
    public void owner(III_Result r) {
      r.r1 = addOne(false);
    }

    @Actor
    public void mover(III_Result r) {
      r.r2 = moved(FROM, TO);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedAt(placeAfter(r.r2));
    }
  }

  /// The item stays, and the write too.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheFirst.class)
  @State
  public static class AWriteBesideAMoveThatIsRefused extends OneItem {
    public AWriteBesideAMoveThatIsRefused() {
      refuses = true;
    }

    @Actor
    public void owner(III_Result r) {
      r.r1 = addOne(true);
    }

    @Actor
    public void mover(III_Result r) {
      r.r2 = moved(FROM, TO);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedAt(FROM);
    }
  }

  /// One mover moves it.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoMoversOfOneItem extends OneItem {
    private static final long ELSEWHERE = 10;

    public TwoMoversOfOneItem() {
      movable.capture(ELSEWHERE);
      addOne(true);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = moved(FROM, TO);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = moved(FROM, ELSEWHERE);
    }

    @Arbiter
    public void end(III_Result r) {
      long pfn = r.r1 == 1 ? TO : ELSEWHERE;
      long vain = r.r1 == 1 ? ELSEWHERE : TO;
      r.r3 = ended(isAt(pfn) && isMovers(FROM) && isMovers(vain));
    }
  }

  /// An owner who frees finds his item at one place, and has that block for himself.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class ADisowningBesideAMove extends OneItem {
    private long freed;

    @Actor
    public void owner(III_Result r) {
      freed = whereItIs();
      while (!movable.disown(freed, me, ITEM)) {
        freed = whereItIs();
      }
      r.r1 = 1;
    }

    @Actor
    public void mover(III_Result r) {
      r.r2 = moved(FROM, TO);
    }

    @Arbiter
    public void end(III_Result r) {
      long other = freed == FROM ? TO : FROM;
      boolean good = freed == placeAfter(r.r2) && isMovers(other);
      r.r3 = ended(good && movable.wordOf(freed) == 0);
    }
  }
}
