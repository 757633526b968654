package dev.bifolio.kernel.zone;

/// Which nodes' memory is fast and which is slow.
///
/// # Overview
///
/// A node with CPUs has memory of the usual speed for at least these CPUs. Memory without CPUs of
/// its own hangs on a link or a controller: high-bandwidth memory, persistent memory, a CXL card.
/// How slow it is the firmware says as a distance, if it says anything.
///
/// ```
///   distance to the nearest node with CPUs       tier
///   10           the node has CPUs itself    ─>  0
///   11 … 20      ┐                               1
///   21 … 30      │ no CPUs                   ─>  2        bands that no node is in
///   31 … 40      ┘                               3        have no number
///   setTier(nid, tier)                       ─>  as given
/// ```
///
/// Under pressure memory moves to the nearest node of the next slower tier, see
/// [dev.bifolio.kernel.reclaim.TierMover].
///
/// - I1 The fastest tier by distance is 0, and the numbers ascend without gaps; [#setTier] may
///   leave gaps, so *next* is the next number that is in use.
/// - I2 A node without memory is in no tier.
///
/// Reading is for any thread; [#setTier] for one, while nobody demotes or promotes. Every question
/// costs a load, or a walk over the nodes where it says so.
///
/// Rejected: tiers by node and direction (a remote socket's memory as slower than the own): the
/// same memory would be fast for one and slow for the other, and demotion would run in circles;
/// Linux gave that up too. A band as wide as any difference of distances: two cards of one kind,
/// whose distances differ by where they are plugged in, belong together.
///
/// Sources: Linux, `mm/memory-tiers.c` (tiers are bands of abstract distance, demotion goes to the
/// nearest nodes of the next one) and `Documentation/ABI/testing/sysfs-kernel-mm-memory-tiers`;
/// ACPI 6.5, s. 5.2.17 (SLIT).
public final class MemoryTiers {
  /// Not a tier: the node has no memory, or there is nothing slower.
  public static final int NONE = -1;

  /// The largest number of a tier.
  public static final int MAX_TIER = 1023;

  /// How many distances make one tier.
  public static final int BAND = 10;

  private final NumaTopology topology;
  private final int[] tiers;

  /// Tiers by distance.
  ///
  /// @param topology the nodes
  public MemoryTiers(NumaTopology topology) {
    this.topology = topology;
    tiers = new int[topology.nodeCount()];
    for (int node = 0; node < tiers.length; node++) {
      tiers[node] = topology.hasMemory(node) ? bandOf(node) : NONE;
    }
    closeGaps();
  }

  /// 0 for a node with CPUs, else 1 or more.
  private int bandOf(int node) {
    int nearest = Integer.MAX_VALUE;
    for (int from = 0; from < tiers.length; from++) {
      if (topology.hasCpus(from)) {
        nearest = Math.min(nearest, topology.distance(from, node));
      }
    }
    return (nearest - NumaTopology.LOCAL_DISTANCE + BAND - 1) / BAND;
  }

  private void closeGaps() {
    int number = 0;
    for (int band = fastest(); band != NONE; band = nextSlower(number++)) {
      for (int node = 0; node < tiers.length; node++) {
        tiers[node] = tiers[node] == band ? number : tiers[node];
      }
    }
  }

  /// Puts a node's memory into a tier, for what distances do not say.
  ///
  /// @param nid a node with memory
  /// @param tier 0 fastest … [#MAX_TIER]
  /// @throws IllegalArgumentException if there is no such node or tier, or the node has no memory;
  ///   nothing has changed then
  public void setTier(int nid, int tier) {
    int node = topology.requireIndexOf(nid);
    if (tier < 0 || tier > MAX_TIER || tiers[node] == NONE) {
      throw new IllegalArgumentException(
          tiers[node] == NONE
              ? "node " + nid + " has no memory"
              : "tier " + tier + " is not 0 … " + MAX_TIER);
    }
    tiers[node] = tier;
  }

  /// The tier of a node's memory.
  ///
  /// @param nodeIndex a node
  /// @return its tier, or [#NONE] without memory
  public int tierOf(int nodeIndex) {
    return tiers[nodeIndex];
  }

  /// The tier that is slower than another, and no slower than it must be. A walk.
  ///
  /// @param tier any, or [#NONE] to ask for the fastest of all
  /// @return the next larger number in use, or [#NONE]
  public int nextSlower(int tier) {
    int next = NONE;
    for (int each : tiers) {
      if (each > tier && (next == NONE || each < next)) {
        next = each;
      }
    }
    return next;
  }

  /// The fastest tier. A walk.
  ///
  /// @return its number
  public int fastest() {
    return nextSlower(NONE);
  }

  /// How many tiers are in use. A walk for each.
  ///
  /// @return 1 or more on a machine with memory
  public int count() {
    int count = 0;
    for (int tier = fastest(); tier != NONE; tier = nextSlower(tier)) {
      count++;
    }
    return count;
  }

  /// The nearest node of a tier behind some of them.
  ///
  /// @param from the node whose distances count
  /// @param tier a tier
  /// @param position where to begin in the fallback order of `from`, 0 or more
  /// @return the position of the next node of that tier, see [NumaTopology#fallback]; or [#NONE]
  public int nextOf(int from, int tier, int position) {
    for (int p = position; p < topology.memoryNodeCount(); p++) {
      if (tiers[topology.fallback(from, p)] == tier) {
        return p;
      }
    }
    return NONE;
  }
}
