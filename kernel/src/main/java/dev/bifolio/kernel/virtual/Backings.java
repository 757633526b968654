package dev.bifolio.kernel.virtual;

import org.jspecify.annotations.Nullable;

/// The backings that areas name by number. For one thread at a time; who maps by a number has it
/// from who added the backing, and may look it up from any thread until it is removed.
public final class Backings {
  private final @Nullable BackedPages[] entries;

  /// None yet.
  ///
  /// @param capacity how many there may be at a time, 1 or more
  public Backings(int capacity) {
    entries = new BackedPages[capacity];
  }

  /// Adds a backing.
  ///
  /// @param pages the backing
  /// @return its number, 1 or more; 0 if there are as many as there may be
  public int add(BackedPages pages) {
    for (int i = 0; i < entries.length; i++) {
      if (entries[i] == null) {
        entries[i] = pages;
        return i + 1;
      }
    }
    return VirtualAreas.ANONYMOUS;
  }

  /// Removes a backing, of which no area is left.
  ///
  /// @param backing its number
  /// @throws IllegalArgumentException if there is none
  public void remove(int backing) {
    get(backing);
    entries[backing - 1] = null;
  }

  /// The backing behind a number.
  ///
  /// @param backing its number
  /// @return the backing
  /// @throws IllegalArgumentException if there is none
  public BackedPages get(int backing) {
    BackedPages pages = has(backing) ? entries[backing - 1] : null;
    if (pages == null) {
      throw new IllegalArgumentException("there is no backing " + backing);
    }
    return pages;
  }

  /// Refuses an area that makes no sense: shared, but of nothing; a stack of a backing; or behind
  /// what can be mapped of one.
  void requireArea(int flags, int backing, long offset, long byteSize) {
    boolean isAnonymous = backing == VirtualAreas.ANONYMOUS;
    if (!isAnonymous) {
      get(backing);
    }
    boolean isShared = (flags & AreaFlags.SHARED) != 0;
    boolean isStack = (flags & AreaFlags.GROWS_DOWN) != 0;
    if ((isShared && isAnonymous)
        || (isStack && !isAnonymous)
        || offset < 0
        || offset > BackedPages.MOST_BYTES
        || (!isAnonymous && byteSize > BackedPages.MOST_BYTES - offset)) {
      throw new IllegalArgumentException(
          "no area with flags " + flags + " of backing " + backing + " from " + offset);
    }
  }

  private boolean has(int backing) {
    return backing >= 1 && backing <= entries.length;
  }
}
