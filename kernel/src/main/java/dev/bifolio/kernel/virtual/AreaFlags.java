package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.table.PageFlags;

/// What an area allows and how it behaves, as bits of an `int`. The first three mean what they mean
/// for a page; none of them is an area that nobody may touch, such as a guard.
public final class AreaFlags {
  /// Loads are allowed.
  public static final int READ = PageFlags.READ;

  /// Stores are allowed.
  public static final int WRITE = PageFlags.WRITE;

  /// Instruction fetches are allowed.
  public static final int EXECUTE = PageFlags.EXECUTE;

  /// The three of them.
  public static final int ACCESS = READ | WRITE | EXECUTE;

  /// Stores are seen by all who map the same, and by the backing. Without it they are private.
  public static final int SHARED = 1 << 3;

  /// It grows downwards when an address just below it is touched: a stack. Others are placed no
  /// nearer below it than [VirtualAreas#STACK_GAP].
  public static final int GROWS_DOWN = 1 << 4;

  /// Large pages are welcome.
  public static final int HUGE = 1 << 5;

  /// No large pages.
  public static final int NO_HUGE = 1 << 6;

  /// The flags that can be changed while the area is there.
  public static final int CHANGEABLE = ACCESS | HUGE | NO_HUGE;

  /// All bits that have a meaning.
  public static final int ALL = (1 << 7) - 1;

  private AreaFlags() {}

  /// What a page of an area allows, but for stores: those are for pages that are known to be
  /// private, or to be written.
  ///
  /// @param flags of an area
  /// @return [PageFlags]; a page of an area that nobody may touch keeps its bytes for the kernel
  static int toPage(int flags) {
    if ((flags & ACCESS) == 0) {
      return PageFlags.READ | PageFlags.ACCESSED;
    }
    int access = (flags & WRITE) != 0 ? flags | READ : flags;
    return (access & (READ | EXECUTE)) | PageFlags.USER | PageFlags.ACCESSED;
  }

  /// As [#toPage], and stores if the area allows them.
  static int toWritablePage(int flags) {
    boolean isWritable = (flags & WRITE) != 0;
    return toPage(flags) | (isWritable ? PageFlags.WRITE | PageFlags.DIRTY : 0);
  }

  /// Refuses bits without a meaning.
  ///
  /// @param flags any
  /// @throws IllegalArgumentException if a bit has no meaning, or both HUGE and NO_HUGE are set
  public static void require(int flags) {
    if ((flags & ~ALL) != 0 || (flags & (HUGE | NO_HUGE)) == (HUGE | NO_HUGE)) {
      throw new IllegalArgumentException("no such area flags: " + Integer.toHexString(flags));
    }
  }
}
