package dev.bifolio.kernel.reclaim;

/// An owner of frames that can live with a frame being exchanged for another: see [MovableFrames].
public interface MovableOwner {
  /// The owner's one pointer to the frame changes from `fromPfn` to `toPfn`, whose bytes are a
  /// copy.
  ///
  /// Called by the mover's thread, while pins and disowning of the item wait: must not call
  /// [MovableFrames] for this item, nor wait for a thread that may do so. An exception counts as a
  /// refusal, and must be thrown before anything changed.
  ///
  /// @param item which of the owner's items the frame belongs to, as it said at adoption
  /// @param fromPfn the frame it has now
  /// @param toPfn the frame it shall have
  /// @return false: refused, nothing changed
  boolean relocate(long item, long fromPfn, long toPfn);
}
