package dev.bifolio.kernel.zone;

/// Sets the watermarks and lowmem reserves of all zones by [WatermarkRule] and [LowmemReserve],
/// from what the zones manage now: at boot, when a setting changes, and when memory comes or goes.
///
/// One thread at a time.
public final class Watermarks {
  /// The watermarks follow from how much memory there is.
  public static final long BY_RULE = -1;

  /// By [ZoneType#index()].
  private static final ZoneType[] TYPES = ZoneType.values();

  private final ZoneSet zones;
  private final long[] managed = new long[ZoneType.COUNT];
  private long minFreeKib = BY_RULE;
  private boolean hugePages;
  private int scaleFactor = WatermarkRule.DEFAULT_SCALE_FACTOR;

  /// Settings by rule, not yet applied.
  ///
  /// @param zones whose watermarks these are
  public Watermarks(ZoneSet zones) {
    this.zones = zones;
  }

  /// Chooses how much ordinary requests leave, all zones together.
  ///
  /// @param kib KiB, or [#BY_RULE]; with 0 there are no watermarks and no lowmem reserves, and
  ///   whoever asks may have all
  /// @param hugeBlocks by rule: whether more is kept, so that blocks of 2 MiB can be had
  /// @throws IllegalArgumentException if the size is below -1
  public void setMinFree(long kib, boolean hugeBlocks) {
    if (kib < BY_RULE) {
      throw new IllegalArgumentException(kib + " KiB");
    }
    minFreeKib = kib;
    hugePages = hugeBlocks;
  }

  /// Chooses how far low and high lie above min at least.
  ///
  /// @param share of a zone's frames, in units of 1 / [WatermarkRule#SCALE_UNIT], 1 … 1000
  /// @throws IllegalArgumentException if it is outside
  public void setScaleFactor(int share) {
    if (share < 1 || share > WatermarkRule.SCALE_UNIT / 10) {
      throw new IllegalArgumentException("a scale of " + share);
    }
    scaleFactor = share;
  }

  /// What all zones together keep by the present settings.
  ///
  /// @return KiB
  public long minFreeKib() {
    if (minFreeKib != BY_RULE) {
      return minFreeKib;
    }
    long low = lowMemoryFrames();
    long kib = WatermarkRule.minFreeKib(low);
    return hugePages
        ? Math.max(kib, WatermarkRule.minFreeKibForHugeBlocks(low, lowMemoryZones()))
        : kib;
  }

  private long lowMemoryFrames() {
    long sum = 0;
    for (int z = 0; z < zones.count(); z++) {
      sum += WatermarkRule.isLowMemory(zones.zone(z).type()) ? zones.zone(z).managedFrames() : 0;
    }
    return sum;
  }

  private int lowMemoryZones() {
    int count = 0;
    for (int z = 0; z < zones.count(); z++) {
      count += WatermarkRule.isLowMemory(zones.zone(z).type()) ? 1 : 0;
    }
    return count;
  }

  /// Sets them all. O(zones).
  public void apply() {
    long kib = minFreeKib();
    long low = lowMemoryFrames();
    int node = -1;
    for (int z = 0; z < zones.count(); z++) {
      Zone zone = zones.zone(z);
      if (zone.nodeIndex() != node) {
        node = zone.nodeIndex();
        readNode(node);
      }
      for (ZoneType wanted : TYPES) {
        long reserve = LowmemReserve.protection(zone.type(), wanted, managed);
        zone.setLowmemReserve(wanted, kib == 0 ? 0 : reserve);
      }
      long min = WatermarkRule.min(zone.type(), zone.managedFrames(), low, kib);
      long gap = WatermarkRule.gap(zone.managedFrames(), low, kib, scaleFactor);
      // Device memory is its owner's affair: nobody reclaims it, and nothing of it is kept back.
      boolean kept = kib != 0 && zone.type() != ZoneType.DEVICE;
      zone.setWatermarks(kept ? min : 0, kept ? min + gap : 0, kept ? min + 2 * gap : 0);
    }
  }

  private void readNode(int node) {
    for (ZoneType type : TYPES) {
      Zone zone = zones.at(node, type);
      managed[type.index()] = zone == null ? 0 : zone.managedFrames();
    }
  }
}
