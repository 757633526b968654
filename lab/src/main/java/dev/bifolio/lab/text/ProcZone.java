package dev.bifolio.lab.text;

import java.util.List;

/// One zone of one node, as `/proc` shows it ([ProcText]). All counts are frames.
///
/// @param node the NUMA node
/// @param label the type, such as `DMA32`
/// @param free frames that can be had at once
/// @param boost what fragmentation adds to the marks for a while
/// @param min below it only emergency requests are served
/// @param low below it background reclaim starts
/// @param high at it background reclaim stops
/// @param promo below it nothing is promoted to this zone
/// @param spanned from the first frame to the last
/// @param present of RAM
/// @param managed by the allocators
/// @param protection what the zone keeps from requests, by their highest type
/// @param freeBlocks by order, from 0
/// @param startPfn the first frame that it spans
/// @param cpus what each CPU has in its caches
public record ProcZone(
    int node,
    String label,
    long free,
    long boost,
    long min,
    long low,
    long high,
    long promo,
    long spanned,
    long present,
    long managed,
    List<Long> protection,
    List<Long> freeBlocks,
    long startPfn,
    List<PageSet> cpus) {
  /// The caches of a CPU in a zone.
  ///
  /// @param count frames in them
  /// @param high the most they hold
  /// @param batch frames that move at a time
  public record PageSet(long count, long high, long batch) {}

  /// Keeps copies of the lists.
  public ProcZone {
    protection = List.copyOf(protection);
    freeBlocks = List.copyOf(freeBlocks);
    cpus = List.copyOf(cpus);
  }

  boolean isPopulated() {
    return present > 0;
  }
}
