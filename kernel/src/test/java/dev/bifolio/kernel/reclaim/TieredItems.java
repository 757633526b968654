package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.AccountTree;
import dev.bifolio.kernel.zone.MemoryTiers;
import dev.bifolio.kernel.zone.NumaTopology;
import dev.bifolio.kernel.zone.Watermarks;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneBank;
import dev.bifolio.kernel.zone.ZoneType;
import dev.bifolio.kernel.zone.ZonedFrames;
import java.util.stream.LongStream;

/// Nodes in a row, of which only node 0 has a CPU, each with one NORMAL zone and ten further away
/// than the one before; their blocks are items with contents.
final class TieredItems extends OwnedItems {
  static final long START = 1 << 16;
  static final int ACCOUNTS = 16;

  final ZonedFrames frames;
  final AccountTree accounts;
  final MemoryTiers tiers;
  final MemoryReclaim reclaim;
  final TierMover mover;
  final MovableFrames movable;
  final FrameHeat heat;
  final int me;
  final NumaTopology topology;
  final Watermarks watermarks;

  TieredItems(long... frameCounts) {
    this(ZoneType.NORMAL, frameCounts);
  }

  TieredItems(ZoneType lastType, long... frameCounts) {
    super(START, LongStream.of(frameCounts).sum(), true);
    int nodes = frameCounts.length;
    int[] nids = new int[nodes];
    boolean[] hasMemory = new boolean[nodes];
    int[][] distances = new int[nodes][nodes];
    ZoneBank[] banks = new ZoneBank[nodes];
    long next = START;
    for (int n = 0; n < nodes; n++) {
      nids[n] = 2 * n;
      hasMemory[n] = true;
      for (int m = 0; m < nodes; m++) {
        distances[n][m] = 10 + 10 * Math.abs(n - m);
      }
      ZoneType type = n == nodes - 1 ? lastType : ZoneType.NORMAL;
      banks[n] = bank(next, frameCounts[n], n, type);
      next += frameCounts[n];
    }
    boolean[] types = new boolean[ZoneType.COUNT];
    types[ZoneType.NORMAL.index()] = true;
    types[lastType.index()] = true;
    topology = new NumaTopology(nids, hasMemory, distances, new int[] {0});
    accounts = new AccountTree(reserve(AccountTree.byteSize(ACCOUNTS)), ACCOUNTS);
    frames = new ZonedFrames(banks, topology, types, accounts, reserve(ZonedFrames.BYTE_SIZE));
    long start = START;
    for (long count : frameCounts) {
      frames.addFrames(start, start + count);
      start += count;
    }
    watermarks = new Watermarks(frames.zones());
    watermarks.apply();
    reclaim = new MemoryReclaim(frames, copier(), true, reserve(MemoryReclaim.byteSize(nodes)));
    tiers = new MemoryTiers(topology);
    mover = reclaim.startTiers(tiers, reserve(reclaim.tierByteSize()));
    movable = reclaim.movable();
    heat = mover.heat();
    me = movable.register(this);
  }

  private ZoneBank bank(long start, long count, int node, ZoneType type) {
    long end = start + count;
    long metadata = reserve(HybridAllocator.metadataBytes(start, end, 2));
    return new ZoneBank(
        new HybridAllocator(20, 2, metadata, Pages.pfnToAddress(start), count),
        new FrameInfo(reserve(FrameInfo.byteSize(start, end)), start, end),
        node,
        type,
        count,
        2,
        reserve(ZoneBank.byteSize(2)));
  }

  Zone zone(int node) {
    Zone zone = frames.zones().at(node, ZoneType.NORMAL);
    if (zone == null) {
      throw new AssertionError("node " + node + " has no such zone");
    }
    return zone;
  }

  /// A new item on a node, with a flag or an account; or -1.
  int add(int node, int flags) {
    return add(node, 1, flags);
  }

  int add(int node, long frameCount, int flags) {
    long pfn =
        frames.tryAllocateNear(
            node,
            frameCount,
            AllocationFlags.MOVABLE
                | AllocationFlags.MOVABLE_ZONE
                | AllocationFlags.NOWAIT
                | AllocationFlags.EXACT_NODE
                | flags);
    return pfn < 0 ? -1 : adopt(pfn, frameCount);
  }

  int adopt(long pfn, long frameCount) {
    int item = place(pfn, frameCount);
    movable.adopt(pfn, me, item);
    return item;
  }

  /// Fills a node with items of a heat, down to so many available frames.
  int fill(int node, long leftFrames, int heatOfEach) {
    int first = itemCount();
    while (zone(node).availableFrames() > leftFrames) {
      int item = add(node, 0);
      assertTrue(item >= 0);
      setHeat(item, heatOfEach);
    }
    return first;
  }

  void setHeat(int item, int value) {
    long pfn = places.get(item);
    while (heat.heatOf(pfn) != value) {
      if (heat.heatOf(pfn) < value) {
        heat.touch(pfn);
      } else {
        heat.cool(pfn);
      }
    }
  }

  int nodeOf(int item) {
    return zoneOf(item).nodeIndex();
  }

  Zone zoneOf(int item) {
    Zone zone = frames.zones().ofFrame(places.get(item));
    if (zone == null) {
      throw new AssertionError("item " + item + " is nowhere");
    }
    return zone;
  }

  /// Each item is where the owner thinks, with its content, unpinned, and each allocated frame is
  /// an item's but for some.
  void assertAllThere(long framesPerItem, long others) {
    for (int item = 0; item < itemCount(); item++) {
      assertItem(item, me, movable.wordOf(places.get(item)), framesPerItem);
    }
    long used = frames.zones().statistics().usedFrames();
    assertEquals(itemCount() * framesPerItem + others, used);
    assertTrue(frames.zones().validate(true).isValid());
  }
}
