package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.platform.Cpu;

/// Binds the frames of one owner to [MovableFrames].
///
/// What is called under the owner's lock never waits for a move, which may be waiting for that lock
/// to relocate: the answer is false then, the owner lets his lock go, and looks again.
///
/// A pin counts as a use of the frame ([FrameHeat]), so what is used often is moved to fast memory;
/// one that was just adopted begins as every new frame does.
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
    return movable.tryDisown(pfn, ownerIndex, item);
  }

  @Override
  public boolean pin(long pfn, long item) {
    boolean isPinned = movable.tryPin(pfn, ownerIndex, item);
    if (isPinned) {
      movable.touch(pfn);
    }
    return isPinned;
  }

  @Override
  public void unpin(long pfn, long item) {
    movable.unpin(pfn, ownerIndex, item);
  }
}
