package dev.bifolio.kernel.reclaim;

/// How an owner of movable frames says which frames are his and which must stay where they are now:
/// the part of the protocol of movable frames that a [PageCache] needs.
///
/// All but [#adopt] are a compare-and-set on the frame's word and never wait: they are called under
/// the lock of the owner, which a migration that has the frame may be about to take.
public interface FrameBinding {
  /// A frame belongs to an item of the owner from now on, pinned once. Called without the lock.
  ///
  /// @param pfn the frame
  /// @param item the owner's number for what is in it
  void adopt(long pfn, long item);

  /// A frame is nobody's again.
  ///
  /// @param pfn the frame
  /// @param item as which it was adopted
  /// @return false if a migration has it just now; nothing changed
  boolean disown(long pfn, long item);

  /// A frame is used, and stays where it is until [#unpin] was called as often.
  ///
  /// @param pfn the frame
  /// @param item as which it was adopted
  /// @return false if a migration has it just now; nothing changed
  boolean pin(long pfn, long item);

  /// Takes one [#pin] back.
  ///
  /// @param pfn the frame
  /// @param item as which it was adopted
  void unpin(long pfn, long item);
}
