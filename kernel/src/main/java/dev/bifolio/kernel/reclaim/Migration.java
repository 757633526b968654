package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.platform.Memory;
import org.jspecify.annotations.Nullable;

/// Moves one block to another place: copy, verify, update once.
///
/// ```
///   begin ──► copy ──► verify ──► mirror ──► relocate ──► commit          MOVED
///     │         │         │                     │
///     │         └─────────┴─────────┬───────────┘ refused, thrown, not alike
///     ▼                             ▼
///   NOT_MOVABLE, PINNED, BUSY     abort: everything as before   REFUSED, FAILED, MISMATCH
/// ```
///
/// The target is the caller's before and, unless the block moved, afterwards; then the source is
/// the caller's instead. Both are marked [FrameInfo#KIND_CAPTURED] while they are his, and he
/// [forgets][MovableFrames#forget] them before he frees them.
///
/// Any thread, one a block. No Java objects. The counters are memory words, each written by an
/// atomic addition.
public final class Migration {
  private static final int MOVED_BLOCKS = 0;
  private static final int MOVED_FRAMES = 1;
  private static final int REFUSED = 2;
  private static final int FAILED = 3;
  private static final int MISMATCHES = 4;
  private static final int WORDS = 8;

  private final MovableFrames movable;
  private final FrameCopier copier;
  private final boolean verify;
  private final long counters;
  private @Nullable Throwable lastProblem;

  /// A mover.
  ///
  /// @param movable the agreement with the owners
  /// @param copier what happens to the bytes
  /// @param verify whether each copy is compared with the original before anything names it
  /// @param address of [#byteSize()] zero bytes, a multiple of 8, for the counters
  public Migration(MovableFrames movable, FrameCopier copier, boolean verify, long address) {
    this.movable = movable;
    this.copier = copier;
    this.verify = verify;
    counters = address;
  }

  /// Bytes for the counters.
  ///
  /// @return a multiple of 8
  public static long byteSize() {
    return (long) WORDS * Long.BYTES;
  }

  /// The agreement that it keeps.
  ///
  /// @return as given
  public MovableFrames movable() {
    return movable;
  }

  /// Moves a block if nobody holds it.
  ///
  /// @param fromPfn its first frame
  /// @param toPfn the first frame of a target of the same length, allocated, the caller's
  /// @param frameCount frames to copy, 1 or more: the exact length of the block
  /// @return what came of it
  /// @throws IllegalArgumentException if no plane has one of the frames
  public MigrationOutcome move(long fromPfn, long toPfn, long frameCount) {
    movable.wordOf(toPfn); // a target without a word is refused before anything changes
    if (!movable.begin(fromPfn)) {
      return whyNot(movable.wordOf(fromPfn));
    }
    return moveBegun(fromPfn, toPfn, frameCount);
  }

  /// Why a block with this word cannot be moved now.
  static MigrationOutcome whyNot(long word) {
    if (!MovableFrames.isMovable(word)) {
      return MigrationOutcome.NOT_MOVABLE;
    }
    return MovableFrames.pinsOf(word) > 0 ? MigrationOutcome.PINNED : MigrationOutcome.BUSY;
  }

  /// The rest of a move, after [MovableFrames#begin].
  MigrationOutcome moveBegun(long fromPfn, long toPfn, long frameCount) {
    MigrationOutcome outcome;
    try {
      outcome = exchange(fromPfn, toPfn, frameCount);
    } catch (Throwable e) { // a checked one can come, too: whoever may throw one unseen
      lastProblem = e;
      outcome = MigrationOutcome.FAILED;
    }
    if (outcome == MigrationOutcome.MOVED) {
      movable.commit(fromPfn, toPfn);
    } else {
      movable.abort(fromPfn, toPfn);
    }
    count(outcome, frameCount);
    return outcome;
  }

  private MigrationOutcome exchange(long fromPfn, long toPfn, long frameCount) {
    copier.copy(fromPfn, toPfn, frameCount);
    if (verify && !copier.isSame(fromPfn, toPfn, frameCount)) {
      return MigrationOutcome.MISMATCH;
    }
    long word = movable.wordOf(fromPfn);
    movable.mirror(fromPfn, toPfn);
    boolean accepted = movable.ownerOf(word).relocate(FrameInfo.ownerOf(word), fromPfn, toPfn);
    return accepted ? MigrationOutcome.MOVED : MigrationOutcome.REFUSED;
  }

  private void count(MigrationOutcome outcome, long frameCount) {
    if (outcome == MigrationOutcome.MOVED) {
      add(MOVED_BLOCKS, 1);
      add(MOVED_FRAMES, frameCount);
    } else if (outcome == MigrationOutcome.REFUSED) {
      add(REFUSED, 1);
    } else {
      add(outcome == MigrationOutcome.FAILED ? FAILED : MISMATCHES, 1);
    }
  }

  private void add(int counter, long delta) {
    Memory.getAndAddLong(counters + (long) counter * Long.BYTES, delta);
  }

  private long read(int counter) {
    return Memory.getLongAcquire(counters + (long) counter * Long.BYTES);
  }

  /// Blocks that were moved.
  ///
  /// @return a count since the beginning
  public long movedBlocks() {
    return read(MOVED_BLOCKS);
  }

  /// Frames of the blocks that were moved.
  ///
  /// @return a count since the beginning
  public long movedFrames() {
    return read(MOVED_FRAMES);
  }

  /// Moves that an owner refused.
  ///
  /// @return a count since the beginning
  public long refusals() {
    return read(REFUSED);
  }

  /// Moves in which the owner or the copying threw.
  ///
  /// @return a count since the beginning
  public long problems() {
    return read(FAILED);
  }

  /// Moves whose copy was not like the original.
  ///
  /// @return a count since the beginning
  public long mismatches() {
    return read(MISMATCHES);
  }

  /// Moves that were begun and rolled back.
  ///
  /// @return the sum of refusals, problems and mismatches
  public long failedMoves() {
    return refusals() + problems() + mismatches();
  }

  /// What was thrown last, by an owner or the copying: for a report.
  ///
  /// @return null if nothing ever was; of several threads, any one's
  public @Nullable Throwable lastProblem() {
    return lastProblem;
  }
}
