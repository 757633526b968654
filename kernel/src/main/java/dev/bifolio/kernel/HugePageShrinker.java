package dev.bifolio.kernel;

import dev.bifolio.kernel.reclaim.Shrinker;

/// Lets reclaim split the large pages of all user spaces that are mostly zeros.
///
/// @param spaces whose pages they are
record HugePageShrinker(UserSpaces spaces) implements Shrinker {
  @Override
  public String name() {
    return "large pages";
  }

  /// All that the large pages have: how much of it is zeros nobody knows before he looks, and it
  /// may be all but one frame.
  @Override
  public long countFrames(int nid) {
    return spaces.hugeFrames();
  }

  /// Frames of any node are as good as any other, since a space has them from all.
  ///
  /// The last page may free more than was wanted; the answer is never more than what was wanted or
  /// one page has, which is what had been counted at least when somebody asks.
  @Override
  public long shrink(int nid, long wantedFrames) {
    return Math.min(spaces.shrink(wantedFrames), Math.max(wantedFrames, spaces.framesOfHugePage()));
  }

  @Override
  public int cost() {
    return 4; // they come back as zeros by a fault, but the large page does not
  }
}
