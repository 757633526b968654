package dev.bifolio.kernel.frame;

/// The bits of an allocation's `flags`.
///
/// Three bits say what will become of the frames. An allocator that knows of it keeps what moves
/// apart from what does not, and what lives long from what comes and goes, so that large blocks
/// come back whole: three classes times two lifetimes are the six *kinds*, [#kindOf(int)].
public final class AllocationFlags {
  /// Nothing special: unmovable, short-lived, any frame, content undefined.
  public static final int NONE = 0;

  /// The frames read as zeros. Carried out by the machine, which owns the mapping of frames to
  /// addresses; a bare allocator hands out numbers and leaves contents alone.
  public static final int ZERO = 1;

  /// Class: the frames stay where they are until they are freed. The default, no bit.
  public static final int UNMOVABLE = 0;

  /// Class: the owner can be asked to let the frames be moved.
  public static final int MOVABLE = 1 << 1;

  /// Class: the owner can be asked to give the frames back. Not together with [#MOVABLE].
  public static final int RECLAIMABLE = 1 << 2;

  /// Lifetime: the frames will be freed soon. The default, no bit.
  public static final int SHORT = 0;

  /// Lifetime: the frames stay allocated for long.
  public static final int LONG = 1 << 3;

  /// How many kinds there are.
  public static final int KIND_COUNT = 6;

  /// All bits that have a meaning.
  public static final int ALL = ZERO | MOVABLE | RECLAIMABLE | LONG;

  private AllocationFlags() {}

  /// The kind that flags ask for. Frames of one kind are placed together.
  ///
  /// @param flags any; with both class bits the frames count as reclaimable
  /// @return 0 … [#KIND_COUNT] - 1: the class, 0 unmovable, 1 movable, 2 reclaimable, and 3 more if
  ///   long-lived
  public static int kindOf(int flags) {
    int reclaimable = flags >>> 2 & 1;
    int movable = flags >>> 1 & ~reclaimable & 1;
    return movable + 2 * reclaimable + 3 * (flags >>> 3 & 1);
  }
}
