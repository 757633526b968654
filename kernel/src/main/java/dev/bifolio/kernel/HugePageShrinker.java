package dev.bifolio.kernel;

import dev.bifolio.kernel.reclaim.Shrinker;
import dev.bifolio.kernel.virtual.UserSpace;

/// Lets reclaim split the large pages of a user space that are mostly zeros.
///
/// @param space whose pages they are
/// @param hugeFrames frames behind one of its large pages
public record HugePageShrinker(UserSpace space, long hugeFrames) implements Shrinker {
  @Override
  public String name() {
    return "large pages";
  }

  /// Half of what the large pages have: how much of it is zeros nobody knows before he looks.
  @Override
  public long countFrames(int nid) {
    return space.tables().pageCount(2) * hugeFrames / 2;
  }

  /// Frames of any node are as good as any other, since a space has them from all.
  @Override
  public long shrink(int nid, long wantedFrames) {
    return space.shrink(wantedFrames);
  }

  @Override
  public int cost() {
    return 4; // they come back as zeros by a fault, but the large page does not
  }
}
