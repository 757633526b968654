package dev.bifolio.kernel.table;

/// What a mapping allows and how its memory is cached, as bits of an `int`, the same for every
/// format. A [PageFormat] says in its own bits as much of it as it can, and
/// [PageFormat#expressible(int)] tells what that is.
public final class PageFlags {
  /// Loads are allowed.
  public static final int READ = 1;

  /// Stores are allowed. Implies [#READ].
  public static final int WRITE = 1 << 1;

  /// Instruction fetches are allowed, in the mode that [#USER] names.
  public static final int EXECUTE = 1 << 2;

  /// User mode may do all this. Without it, only the kernel may.
  public static final int USER = 1 << 3;

  /// The same in all address spaces: a switch between them need not flush it.
  public static final int GLOBAL = 1 << 4;

  /// It has been read, written or executed.
  public static final int ACCESSED = 1 << 5;

  /// It has been written.
  public static final int DIRTY = 1 << 6;

  /// Free for whoever owns the address space: a store has to copy first.
  public static final int COPY_ON_WRITE = 1 << 7;

  /// Free for whoever owns the address space.
  public static final int SOFTWARE = 1 << 8;

  /// Memory type: cached, written back. The default, no bit.
  public static final int WRITE_BACK = 0;

  /// Memory type: loads are cached, stores go through.
  public static final int WRITE_THROUGH = 1 << 9;

  /// Memory type: not cached; still memory, so accesses may be merged and come early.
  public static final int UNCACHED = 2 << 9;

  /// Memory type: registers of a device. No access is cached, merged or made early.
  public static final int DEVICE = 3 << 9;

  /// The bits of the memory type.
  public static final int MEMORY_TYPE = 3 << 9;

  /// All bits that have a meaning.
  public static final int ALL = (1 << 11) - 1;

  private PageFlags() {}

  /// Refuses flags that mean nothing anywhere.
  ///
  /// @param flags any
  /// @return the same, with what they imply
  /// @throws IllegalArgumentException if a bit has no meaning, or nothing is allowed
  public static int require(int flags) {
    if ((flags & ~ALL) != 0) {
      throw new IllegalArgumentException("flags " + Integer.toHexString(flags) + " are not known");
    }
    if ((flags & (READ | WRITE | EXECUTE)) == 0) {
      throw new IllegalArgumentException("a mapping allows reads, writes or fetches");
    }
    return (flags & WRITE) != 0 ? flags | READ : flags;
  }

  /// The flags as letters, `-` for each that is not there: `rwxugadc`, and the memory type where it
  /// is not write-back.
  ///
  /// @param flags legal
  /// @return such as `rw--g-ad- device`
  public static String toString(int flags) {
    String letters = "rwxugadcs";
    StringBuilder text = new StringBuilder();
    for (int bit = 0; bit < letters.length(); bit++) {
      text.append((flags >>> bit & 1) != 0 ? letters.charAt(bit) : '-');
    }
    return switch (flags & MEMORY_TYPE) {
      case WRITE_THROUGH -> text.append(" write-through").toString();
      case UNCACHED -> text.append(" uncached").toString();
      case DEVICE -> text.append(" device").toString();
      default -> text.toString();
    };
  }
}
