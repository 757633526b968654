package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.platform.Cpu;

/// Binds the frames of one owner to [MovableFrames].
///
/// Calls under the owner's lock look first whether the frame is being moved, because
/// [MovableFrames] waits for a move, which may wait for that lock. A move that begins between the
/// look and the call is waited for until [MovableFrames] gives up; then the owner lets its lock go,
/// and the move ends.
public final class MovableBinding implements FrameBinding {
  private final MovableFrames movable;
  private int ownerIndex = -1;

  /// A binding whose owner is not known yet.
  ///
  /// @param movable where frames are marked
  public MovableBinding(MovableFrames movable) {
    this.movable = movable;
  }

  /// Says whose frames they are. Before the owner adopts the first.
  ///
  /// @param owner who is asked to relocate
  /// @throws IllegalStateException if there are too many owners, or this one is known
  public void register(MovableOwner owner) {
    if (ownerIndex >= 0) {
      throw new IllegalStateException("a binding has one owner");
    }
    ownerIndex = movable.register(owner);
  }

  @Override
  public void adopt(long pfn, long item) {
    movable.adopt(pfn, ownerIndex, item);
    for (int turn = 0; !movable.pin(pfn, ownerIndex, item); turn++) {
      // A move began in between. The owner, who is still filling the item, refuses it.
      Cpu.relax(turn);
    }
  }

  @Override
  public boolean disown(long pfn, long item) {
    return !isMoving(pfn) && movable.disown(pfn, ownerIndex, item);
  }

  @Override
  public boolean pin(long pfn, long item) {
    return !isMoving(pfn) && movable.pin(pfn, ownerIndex, item);
  }

  @Override
  public void unpin(long pfn, long item) {
    movable.unpin(pfn, ownerIndex, item);
  }

  private boolean isMoving(long pfn) {
    return MovableFrames.isMoving(movable.wordOf(pfn));
  }
}
