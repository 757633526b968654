package dev.bifolio.kernel.frame;

/// The claim word of a slot: up to 32 single frames that wait for the next request, and by whom
/// they may be touched.
///
/// ```
///   bit 63       38 37    36 35          32 31                     0
///      [ operations ][ state  ][ word in area ][ mask: cached frames    ]
/// ```
///
/// The frames of the mask are HEAD in their frame word, like allocated ones; what tells them apart
/// is this mask. So one compare-and-set here is an allocation (a bit goes) or a free (a bit comes).
///
/// | state | take a bit | put a bit | meaning |
/// |---|---|---|---|
/// | NONE | - | - | no word is claimed |
/// | PENDING | no | yes | announced; its free frames are being taken |
/// | OPEN | yes | yes | serves requests and frees |
/// | DRAINING | no | no, and frees of a frame in the mask are refused | the frames go home; or the word is a [FrameCache]'s, and its owner alone takes and puts |
///
/// `operations` counts modulo 2^26 every bit taken (by a request, or back from a double free) and
/// every change of state: the statistics are read from it, and a word that was left and claimed
/// again looks as though nothing had happened only after just a multiple of 2^26 operations. Pure
/// functions; any thread.
final class ClaimWord {
  static final int NONE = 0;
  static final int PENDING = 1;
  static final int OPEN = 2;
  static final int DRAINING = 3;

  static final int OPERATION_BITS = 26;
  static final long OPERATION = 1L << (Long.SIZE - OPERATION_BITS);

  private static final int WORD_SHIFT = 32;
  private static final int STATE_SHIFT = 36;
  private static final long OPERATIONS = -OPERATION;

  private ClaimWord() {}

  static int mask(long word) {
    return (int) word;
  }

  static int wordInArea(long word) {
    return (int) (word >>> WORD_SHIFT) & 15;
  }

  static int state(long word) {
    return (int) (word >>> STATE_SHIFT) & 3;
  }

  static long operations(long word) {
    return word >>> (Long.SIZE - OPERATION_BITS);
  }

  /// The word in another state, one operation later.
  static long next(long word, int state, int wordInArea, int mask) {
    return ((word & OPERATIONS) + OPERATION)
        | ((long) state << STATE_SHIFT)
        | ((long) wordInArea << WORD_SHIFT)
        | (mask & 0xFFFF_FFFFL);
  }

  /// The word without the lowest bit of its mask, which is not empty.
  static long taken(long word) {
    return (word & (word - 1)) + OPERATION;
  }

  /// The word without some bits of its mask, one operation later for each.
  static long taken(long word, int bits) {
    return (word & ~(bits & 0xFFFF_FFFFL)) + Integer.bitCount(bits) * OPERATION;
  }

  /// Whether the counter went round with this change.
  static boolean wentRound(long word) {
    return (word & OPERATIONS) == 0;
  }

  /// Whether frees of frames of `wordInArea` concern this word at all.
  static boolean claims(long word, int wordInArea) {
    return state(word) != NONE && wordInArea(word) == wordInArea;
  }

  /// Whether bits may be put.
  static boolean takesBits(long word) {
    return state(word) != NONE && state(word) != DRAINING;
  }
}
