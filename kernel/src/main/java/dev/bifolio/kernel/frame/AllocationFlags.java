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

  /// Zone limit: what the narrowest devices can address. The bits from here to [#ACCOUNT_SHIFT] are
  /// for the layers above; the frame allocators pass over them.
  public static final int DMA = 1 << 4;

  /// Zone limit: below 4 GiB.
  public static final int DMA32 = 1 << 5;

  /// Zone limit: what the kernel does not map at all times will do as well.
  public static final int HIGHMEM_OK = 1 << 6;

  /// Zone limit: the movable zone will do as well; together with [#MOVABLE] only.
  public static final int MOVABLE_ZONE = 1 << 7;

  /// Zone limit: device memory and nothing else.
  public static final int DEVICE = 1 << 8;

  /// The request fails rather than reclaim.
  public static final int NOWAIT = 1 << 9;

  /// The request may use the emergency reserve.
  public static final int EMERGENCY = 1 << 10;

  /// The request fails rather than go to another node.
  public static final int EXACT_NODE = 1 << 11;

  /// Where the number of the account that is charged begins, 12 bits; 0 is nobody.
  public static final int ACCOUNT_SHIFT = 20;

  private static final int ACCOUNT_BITS = 0xFFF << ACCOUNT_SHIFT;

  /// How many kinds there are.
  public static final int KIND_COUNT = 6;

  /// The bits that the frame allocators know, and the machine that zeroes frames for them.
  public static final int FRAME_BITS = ZERO | MOVABLE | RECLAIMABLE | LONG;

  /// All bits that have a meaning.
  public static final int ALL =
      FRAME_BITS
          | DMA
          | DMA32
          | HIGHMEM_OK
          | MOVABLE_ZONE
          | DEVICE
          | NOWAIT
          | EMERGENCY
          | EXACT_NODE
          | ACCOUNT_BITS;

  private AllocationFlags() {}

  /// The bits that charge an account.
  ///
  /// @param account 0 … 4095, 0 for nobody
  /// @return bits for the flags
  /// @throws IllegalArgumentException if there is no such number
  public static int charge(int account) {
    if ((account & ~0xFFF) != 0) {
      throw new IllegalArgumentException("account " + account);
    }
    return account << ACCOUNT_SHIFT;
  }

  /// The account that flags charge.
  ///
  /// @param flags any
  /// @return 0 … 4095, 0 for nobody
  public static int accountOf(int flags) {
    return flags >>> ACCOUNT_SHIFT;
  }

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
