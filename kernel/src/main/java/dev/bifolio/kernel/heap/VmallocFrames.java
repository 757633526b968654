package dev.bifolio.kernel.heap;

/// Where [Vmalloc] gets its frames, and where they go back to: many single ones at a time, wherever
/// they lie. Called under the lock of the [Vmalloc], which it must not come back to, and with that
/// of the tables held when frames are given back.
public interface VmallocFrames {
  /// Takes single frames.
  ///
  /// @param pfns whose first entries are filled
  /// @param wanted how many, 1 … the length of the array
  /// @param flags [AllocationFlags][dev.bifolio.kernel.frame.AllocationFlags], without ZERO
  /// @param firstPage what the first frame will be: a page, counted from where such memory begins;
  ///   the others are the next ones
  /// @return how many entries were filled; fewer than wanted if there are no more frames
  int take(long[] pfns, int wanted, int flags, long firstPage);

  /// Gives single frames back, which nobody reaches any more.
  ///
  /// @param pfns in the first entries
  /// @param count how many, 1 … the length of the array
  void give(long[] pfns, int count);

  /// How many frames there are at most, whoever has them: who wants more is refused at once.
  ///
  /// @return a count
  long mostFrames();
}
