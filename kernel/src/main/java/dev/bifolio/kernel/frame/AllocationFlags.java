package dev.bifolio.kernel.frame;

/// The bits of an allocation's `flags`.
public final class AllocationFlags {
  /// Nothing special: any frame, content undefined.
  public static final int NONE = 0;

  /// The frames read as zeros. Carried out by the machine, which owns the mapping of frames to
  /// addresses; a bare allocator hands out numbers and leaves contents alone.
  public static final int ZERO = 1;

  /// All bits that have a meaning.
  public static final int ALL = ZERO;

  private AllocationFlags() {}
}
