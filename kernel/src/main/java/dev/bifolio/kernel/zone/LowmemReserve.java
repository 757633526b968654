package dev.bifolio.kernel.zone;

/// What a zone keeps from requests that could have been served higher up: the rule of Linux
/// (setup_per_zone_lowmem_reserve).
///
/// ```
///   zone i protects itself from a request for type j > i
///       with (managed frames of i+1 … j of its node) / ratio(i)
///
///            DMA    DMA32   NORMAL   MOVABLE       a request for NORMAL may have a frame of DMA32
///   DMA        0        a      a+b     a+b+c       only while free - n >= mark + protection
///   DMA32               0        b       b+c
///   NORMAL                       0         c
/// ```
///
/// Ratios are 256 for DMA and DMA32, 32 for NORMAL, and 0, which is no protection, for HIGHMEM,
/// MOVABLE and DEVICE. A zone without frames protects nothing. DEVICE memory is no higher type of
/// anything: nobody falls back from it, and it does not count for others.
///
/// Pure functions; any thread.
public final class LowmemReserve {
  private LowmemReserve() {}

  /// The divisor of a type.
  ///
  /// @param type of a zone
  /// @return 0 for no protection
  public static int ratio(ZoneType type) {
    return switch (type) {
      case DMA, DMA32 -> 256;
      case NORMAL -> 32;
      case HIGHMEM, MOVABLE, DEVICE -> 0;
    };
  }

  /// Frames that a zone keeps from a request.
  ///
  /// @param zone the type of the zone
  /// @param request the highest type that the request may have
  /// @param managedFrames of the node's zones, by [ZoneType#index()]
  /// @return frames, 0 for a type that is not above the zone's
  public static long protection(ZoneType zone, ZoneType request, long[] managedFrames) {
    int ratio = ratio(zone);
    if (ratio == 0 || managedFrames[zone.index()] == 0) {
      return 0;
    }
    long above = 0;
    for (int type = zone.index() + 1; type <= request.index(); type++) {
      above += type == ZoneType.DEVICE.index() ? 0 : managedFrames[type];
    }
    return above / ratio;
  }
}
