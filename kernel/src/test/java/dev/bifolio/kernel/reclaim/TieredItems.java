package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.AccountTree;
import dev.bifolio.kernel.zone.MemoryTiers;
import dev.bifolio.kernel.zone.NumaTopology;
import dev.bifolio.kernel.zone.Watermarks;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneBank;
import dev.bifolio.kernel.zone.ZoneType;
import dev.bifolio.kernel.zone.ZonedFrames;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongPredicate;

/// Nodes in a row, of which only node 0 has a CPU, each with one NORMAL zone and ten further away
/// than the one before; and an owner of items of one frame each, with contents.
final class TieredItems implements MovableOwner, AutoCloseable {
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
  final AtomicLongArray places;
  final NumaTopology topology;
  final Watermarks watermarks;
  LongPredicate answer = item -> true;

  private final List<Window> windows = new ArrayList<>();
  private final long contents;
  private int itemCount;

  TieredItems(long... frameCounts) {
    this(ZoneType.NORMAL, frameCounts);
  }

  TieredItems(ZoneType lastType, long... frameCounts) {
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
    contents = reserve((next - START) * Pages.PAGE_SIZE) - START * Pages.PAGE_SIZE;
    reclaim =
        new MemoryReclaim(
            frames, new MappedCopier(contents), true, reserve(MemoryReclaim.byteSize(nodes)));
    tiers = new MemoryTiers(topology);
    mover = reclaim.startTiers(tiers, reserve(reclaim.tierByteSize()));
    movable = reclaim.movable();
    heat = mover.heat();
    me = movable.register(this);
    places = new AtomicLongArray((int) (next - START));
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

  private long reserve(long byteSize) {
    try {
      Window window = Window.reserve(Math.max(byteSize, Pages.PAGE_SIZE));
      windows.add(window);
      return window.address();
    } catch (WindowException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    windows.forEach(Window::close);
  }

  @Override
  public boolean relocate(long item, long fromPfn, long toPfn) {
    assertEquals(places.get((int) item), fromPfn, "the owner is asked about a place that it left");
    return answer.test(item) && places.compareAndSet((int) item, fromPfn, toPfn);
  }

  int itemCount() {
    return itemCount;
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
    int item = itemCount++;
    places.set(item, pfn);
    for (long at = 0; at < frameCount * Pages.PAGE_SIZE; at += 504) {
      Memory.putLong(addressOf(pfn) + at, valueAt(item, at));
    }
    movable.adopt(pfn, me, item);
    return item;
  }

  /// Fills a node with items of a heat, down to so many available frames.
  int fill(int node, long leftFrames, int heatOfEach) {
    int first = itemCount;
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

  private long addressOf(long pfn) {
    return contents + pfn * Pages.PAGE_SIZE;
  }

  private static long valueAt(long item, long at) {
    return (item + 1) * 0x9E37_79B9_7F4A_7C15L + at;
  }

  void assertContent(int item, long pfn, long frameCount) {
    for (long at = 0; at < frameCount * Pages.PAGE_SIZE; at += 504) {
      assertEquals(valueAt(item, at), Memory.getLong(addressOf(pfn) + at), "item " + item);
    }
  }

  /// Each item is where the owner thinks, with its content, unpinned, and each allocated frame is
  /// an item's but for some.
  void assertAllThere(long framesPerItem, long others) {
    for (int item = 0; item < itemCount; item++) {
      long pfn = places.get(item);
      long word = movable.wordOf(pfn);
      assertEquals(FrameInfo.word(8 + me, FrameInfo.accountOf(word), 0, item), word);
      assertContent(item, pfn, framesPerItem);
    }
    long used = frames.zones().statistics().usedFrames();
    assertEquals(itemCount * framesPerItem + others, used);
    assertTrue(frames.zones().validate(true).isValid());
  }
}
