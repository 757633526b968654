package dev.bifolio.stress;

import java.util.concurrent.atomic.AtomicIntegerArray;

/// Who owns each frame, by the word of those who got it: independent of the allocator, and finds a
/// frame with two owners at the moment it is handed out for the second time. Any thread.
final class OwnerTable {
  private static final int NOBODY = 0;

  private final long startPfn;
  private final AtomicIntegerArray owners;

  OwnerTable(long startPfn, int frameCount) {
    this.startPfn = startPfn;
    owners = new AtomicIntegerArray(frameCount);
  }

  /// Enters the frames that `owner`, who is not 0, was given.
  void take(int owner, long pfn, long frameCount) {
    for (long frame = pfn; frame < pfn + frameCount; frame++) {
      int before = owners.compareAndExchange(index(frame), NOBODY, owner);
      if (before != NOBODY) {
        throw new AssertionError(
            "frame 0x" + Long.toHexString(frame) + " was given to " + owner + ", is " + before);
      }
    }
  }

  /// Strikes out the frames that `owner` is about to free.
  void leave(int owner, long pfn, long frameCount) {
    for (long frame = pfn; frame < pfn + frameCount; frame++) {
      int before = owners.compareAndExchange(index(frame), owner, NOBODY);
      if (before != owner) {
        throw new AssertionError(
            "frame 0x" + Long.toHexString(frame) + " of " + owner + " is now of " + before);
      }
    }
  }

  private int index(long frame) {
    return Math.toIntExact(frame - startPfn);
  }

  boolean isOwned(long pfn) {
    return owners.get(index(pfn)) != NOBODY;
  }

  /// Frames that have an owner.
  long owned() {
    long count = 0;
    for (int i = 0; i < owners.length(); i++) {
      count += owners.get(i) == NOBODY ? 0 : 1;
    }
    return count;
  }
}
