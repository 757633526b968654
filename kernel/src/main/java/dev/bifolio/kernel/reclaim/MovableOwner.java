package dev.bifolio.kernel.reclaim;

/// An owner of frames that can live with a frame being exchanged for another.
public interface MovableOwner {
  /// The owner's one pointer to the frame changes from `fromPfn` to `toPfn`, whose bytes are a
  /// copy.
  ///
  /// @param item which of the owner's items the frame belongs to, as it said at adoption
  /// @param fromPfn the frame it has now
  /// @param toPfn the frame it shall have
  /// @return false: refused, nothing changed
  boolean relocate(long item, long fromPfn, long toPfn);
}
