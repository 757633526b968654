package dev.bifolio.kernel.frame;

/// What the small worlds of all races have: memory of their own off the heap, zero at first, and
/// answers that are 1 for yes and 0 for no.
///
/// A world is what the tests of a file have in common: the state from which they begin, what their
/// actors do, and how it is asked in the end whether anything is lost. The actors themselves, and
/// the annotations, must stand in each test: jcstress looks for them in the class that it runs, and
/// not in those above it.
public abstract class Race {
  /// What an actor answers that was served.
  protected static final int YES = 1;

  /// What an actor answers that was refused.
  protected static final int NO = 0;

  /// Where its memory begins, a multiple of 64.
  protected final long words;

  /// A world in so many bytes.
  ///
  /// @param byteSize at most 64 KiB
  protected Race(long byteSize) {
    words = Blocks.take(byteSize);
  }

  /// The answer for a condition.
  ///
  /// @param is any
  /// @return 1 or 0
  protected static int yes(boolean is) {
    return is ? YES : NO;
  }

  /// Whether a request was served.
  ///
  /// @param pfn a frame, or below 0
  /// @return 1 or 0
  protected static int served(long pfn) {
    return yes(pfn >= 0);
  }

  /// The end of a test, after which its memory is another's: nothing of the world is to be looked
  /// at any more.
  ///
  /// @param good whether nothing is lost
  /// @return 1 or 0
  protected int ended(boolean good) {
    Blocks.giveBack(words);
    return yes(good);
  }
}
