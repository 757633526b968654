package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// How pages leave a [PageCache]: second chance says which one goes, and a changed one is written
/// before it does.
///
/// ```
///        hand ──>                      at most 2 rounds, 32 entries under the lock at a time
///   ┌───┬───┬───┬───┬───┬───┬─ ─ ─
///   │ P │ r │ - │ d │ r │ f │ never    P pinned, f free, or at work: passed over
///   └───┴───┴───┴───┴───┴───┴─ ─ ─     r referenced: the bit is cleared, passed over
///     ^ <─────────────────┘            d dirty: written first; then as below
///       round the entries ever used    - neither: evicted
/// ```
///
/// - I1 The lock is held for [#LOOKS_AT_ONCE] entries at most, and never while the backing writes;
///   between two holds other threads use the cache.
/// - I2 An eviction looks at each entry twice at most, so it ends, and finds a page if one may go
///   all the while and nobody else takes it.
/// - I3 Of one thread, the same calls have the same result: the hand is in the index's words.
///
/// Any thread. No Java objects.
final class PageEviction {
  /// Entries that the hand passes before others have the lock: some 100 ns.
  private static final int LOOKS_AT_ONCE = 32;

  private static final int MOST_FAILED_WRITES = 8;

  private static final int NOBODY = -1;

  private final SpinLock lock;
  private final PageIndex index;
  private final PageCacheCounters counters;
  private final PageBacking backing;
  private final long physToVirt;
  private final @Nullable FrameBinding binding;

  PageEviction(
      SpinLock lock,
      PageIndex index,
      PageCacheCounters counters,
      PageBacking backing,
      long physToVirt,
      @Nullable FrameBinding binding) {
    this.lock = lock;
    this.index = index;
    this.counters = counters;
    this.backing = backing;
    this.physToVirt = physToVirt;
    this.binding = binding;
  }

  /// Takes a page out by second chance, and its frame over. Called without the lock.
  ///
  /// @return the frame, which is nobody's now; -1 if there is none that may go
  long evict() {
    int failedWrites = 0;
    long looks = 0;
    while (looks < mostLooks() && failedWrites < MOST_FAILED_WRITES) {
      int entry = NOBODY;
      lock.lock();
      try {
        long pause = Math.min(looks + LOOKS_AT_ONCE, mostLooks());
        while (entry == NOBODY && looks < pause) {
          looks++;
          entry = candidate(index.underHand());
        }
        if (entry == NOBODY) {
          continue;
        }
        if (!index.isDirty(entry)) {
          long frame = giveUp(entry);
          if (frame >= 0) {
            counters.count(PageCacheCounters.EVICTIONS);
            return frame;
          }
          continue; // it is being moved: who moves it may be waiting for the lock
        }
        beginWrite(entry);
      } finally {
        lock.unlock();
      }
      long frame = writeAndGiveUp(entry);
      if (frame >= 0) {
        return frame;
      }
      failedWrites++;
    }
    return PageCache.NO_FRAME;
  }

  /// Two rounds, of as many entries as there are by now.
  private long mostLooks() {
    return 2L * index.entryCount();
  }

  /// The entry, if its page may go now; if not, its second chance is used up.
  private int candidate(int entry) {
    if (index.state(entry) != PageIndex.READY || index.pins(entry) != 0) {
      return NOBODY;
    }
    if (index.isReferenced(entry)) {
      index.setReferenced(entry, false);
      return NOBODY;
    }
    return entry;
  }

  /// Takes a page that is READY and without pins out of the index. Called under the lock.
  ///
  /// @return its frame, which is nobody's now; -1 if it is being moved, and the page stays
  long giveUp(int entry) {
    long frame = index.frame(entry);
    if (binding != null && !binding.disown(frame, entry)) {
      return PageCache.NO_FRAME;
    }
    index.remove(entry);
    return frame;
  }

  private long writeAndGiveUp(int entry) {
    boolean isWritten = false;
    long frame;
    try {
      isWritten = write(entry);
    } finally {
      frame = endWrite(entry, isWritten, isWritten);
    }
    return frame;
  }

  private void beginWrite(int entry) {
    index.setState(entry, PageIndex.WRITING);
    index.setDirty(entry, false);
  }

  private boolean write(int entry) {
    long bytes = Pages.pfnToAddress(index.frame(entry)) + physToVirt;
    return backing.write(index.file(entry), index.page(entry), bytes);
  }

  /// A page has been written, or not; gives it up then if that is wanted and nothing is against it.
  private long endWrite(int entry, boolean isWritten, boolean giveUp) {
    lock.lock();
    try {
      index.setState(entry, PageIndex.READY);
      counters.count(isWritten ? PageCacheCounters.WRITES : PageCacheCounters.FAILED_WRITES);
      if (!isWritten) {
        index.setDirty(entry, true);
      }
      long frame = giveUp ? giveUp(entry) : PageCache.NO_FRAME;
      if (frame >= 0) {
        counters.count(PageCacheCounters.EVICTIONS);
      }
      return frame;
    } finally {
      lock.unlock();
    }
  }

  /// Writes a page back, if it is dirty. Called without the lock.
  ///
  /// @return [PageIndex#READY] if nothing is to be written any more, [PageIndex#WRITING] if another
  ///   thread writes it, [PageIndex#FREE] if it could not be written
  int trySync(int entry) {
    lock.lock();
    try {
      int state = index.state(entry);
      if (state == PageIndex.WRITING) {
        return state;
      }
      if (state != PageIndex.READY || !index.isDirty(entry)) {
        return PageIndex.READY;
      }
      beginWrite(entry);
    } finally {
      lock.unlock();
    }
    boolean isWritten = false;
    try {
      isWritten = write(entry);
    } finally {
      endWrite(entry, isWritten, false);
    }
    return isWritten ? PageIndex.READY : PageIndex.FREE;
  }
}
