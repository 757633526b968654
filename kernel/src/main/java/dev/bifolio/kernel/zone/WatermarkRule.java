package dev.bifolio.kernel.zone;

/// How many frames each zone keeps free: the rule of Linux (mm/page_alloc.c, mm/khugepaged.c) as
/// pure functions.
///
/// # Overview
///
/// ```
///  all zones     minFree KiB = √(16 · low memory in KiB), 128 … 262144, or a value that is set
///  a zone        min   = minFree · its managed frames / managed frames of low memory
///                gap   = the larger of min / 4 and managed · scale / 10000
///                low   = min + gap      background reclaim starts below
///                high  = min + 2 gap    … and stops at it
///                promo = min + 3 gap    promotion to a faster tier stops below
/// ```
///
/// *Low memory* are all zones but HIGHMEM and MOVABLE, whose frames nobody needs in an emergency:
/// those two keep 1/1024 of their frames, 32 at least and 128 at most, as min; their gap is still
/// that of what their share would be. A zone without memory counts as one with 0 frames, so an
/// empty MOVABLE zone shows 32.
///
/// Every division rounds down, and products are taken before quotients, as Linux does; with fewer
/// than 2^40 frames (4 PiB) nothing overflows. At the default scale of 10 the second term of the
/// gap wins where a zone keeps less than 0.4 % of itself as min: with one zone, from about 4 GiB
/// on. Marks are derived from managed frames, so whoever adds or removes frames computes them anew;
/// Linux does not when it frees its initial RAM disk and its own init code, which is why its marks
/// lag behind its counts.
///
/// Nothing here allocates or keeps state; any thread.
public final class WatermarkRule {
  /// The least free memory that the rule asks for, in KiB.
  public static final long LEAST_MIN_FREE_KIB = 128;

  /// The most free memory that the rule asks for, in KiB: 256 MiB.
  public static final long MOST_MIN_FREE_KIB = 262_144;

  /// The scale if none is set: 0.1 % of a zone between its marks.
  public static final int DEFAULT_SCALE_FACTOR = 10;

  /// What the scale is a share of.
  public static final int SCALE_UNIT = 10_000;

  private static final long LEAST_SIDE_MIN = 32;
  private static final long MOST_SIDE_MIN = 128;
  private static final long SIDE_SHARE = 1024;
  private static final long KIB_PER_FRAME = 4;
  private static final long HUGE_FRAMES = 512;

  /// 1 TiB. Who keeps more free than that has it shared out in units of 4 MiB, so that the product
  /// with the frames of a zone, 2^34 at most, does not overflow.
  private static final long EXACT_FRAMES = 1L << 28;

  private static final int COARSE_SHIFT = 10;

  /// Two areas stay free, and two of each pair of the three classes of frames almost free.
  private static final long HUGE_AREAS_PER_ZONE = 2 + 3 * 3;

  private static final long HUGE_MOST_SHARE = 20;

  private WatermarkRule() {}

  /// The integer part of a square root.
  ///
  /// @param value 0 or more
  /// @return the largest number whose square is not above it
  public static long squareRoot(long value) {
    long rest = value;
    long root = 0;
    for (long bit = 1L << 62; bit != 0; bit >>>= 2) {
      if (rest >= root + bit) {
        rest -= root + bit;
        root = (root >>> 1) + bit;
      } else {
        root >>>= 1;
      }
    }
    return root;
  }

  /// Free memory that all zones of low memory keep together.
  ///
  /// @param lowMemoryFrames frames of low memory; Linux counts those above the high marks, which
  ///   are zero when a boot asks
  /// @return KiB, [#LEAST_MIN_FREE_KIB] … [#MOST_MIN_FREE_KIB]
  public static long minFreeKib(long lowMemoryFrames) {
    long root = squareRoot(lowMemoryFrames * KIB_PER_FRAME * 16);
    return Math.clamp(root, LEAST_MIN_FREE_KIB, MOST_MIN_FREE_KIB);
  }

  /// Free memory that makes blocks of 512 frames likely, where they are wanted at any time: eleven
  /// areas for each zone, but at most a 20th of low memory.
  ///
  /// @param lowMemoryFrames frames of low memory, those above the high marks
  /// @param populatedZones zones of low memory that have frames
  /// @return KiB; it counts if it is more than [#minFreeKib]
  public static long minFreeKibForHugeBlocks(long lowMemoryFrames, int populatedZones) {
    long wanted = HUGE_FRAMES * populatedZones * HUGE_AREAS_PER_ZONE;
    return Math.min(wanted, lowMemoryFrames / HUGE_MOST_SHARE) * KIB_PER_FRAME;
  }

  /// Whether a type of zone is low memory, which kernels live in.
  ///
  /// @param type of a zone
  /// @return false for HIGHMEM, MOVABLE, and DEVICE, which is nobody's
  public static boolean isLowMemory(ZoneType type) {
    return type.index() < ZoneType.HIGHMEM.index();
  }

  /// Below it only emergency requests are served.
  ///
  /// @param type of the zone
  /// @param managedFrames of the zone
  /// @param lowMemoryFrames managed frames of low memory, of all nodes
  /// @param minFreeKib what all keep together
  /// @return frames
  public static long min(ZoneType type, long managedFrames, long lowMemoryFrames, long minFreeKib) {
    return switch (type) {
      case HIGHMEM, MOVABLE ->
          Math.clamp(managedFrames / SIDE_SHARE, LEAST_SIDE_MIN, MOST_SIDE_MIN);
      case DMA, DMA32, NORMAL -> share(managedFrames, lowMemoryFrames, minFreeKib);
      case DEVICE -> 0;
    };
  }

  /// How far the marks of a zone lie apart.
  ///
  /// @param managedFrames of the zone
  /// @param lowMemoryFrames managed frames of low memory, of all nodes
  /// @param minFreeKib what all keep together
  /// @param scaleFactor of [#SCALE_UNIT]
  /// @return frames
  public static long gap(
      long managedFrames, long lowMemoryFrames, long minFreeKib, int scaleFactor) {
    long quarter = share(managedFrames, lowMemoryFrames, minFreeKib) >>> 2;
    // Whole units first: the product of all frames could overflow.
    long scaled =
        managedFrames / SCALE_UNIT * scaleFactor
            + managedFrames % SCALE_UNIT * scaleFactor / SCALE_UNIT;
    return Math.max(quarter, scaled);
  }

  private static long share(long managedFrames, long lowMemoryFrames, long minFreeKib) {
    if (lowMemoryFrames == 0) {
      return 0;
    }
    long kept = minFreeKib / KIB_PER_FRAME;
    return kept <= EXACT_FRAMES
        ? kept * managedFrames / lowMemoryFrames
        : (kept >>> COARSE_SHIFT) * managedFrames / (lowMemoryFrames >>> COARSE_SHIFT);
  }
}
