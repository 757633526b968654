package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;

/// A hybrid allocator with something of everything in it, and the addresses of its words, for tests
/// that change one of them.
///
/// ```
///   span 0x100 … 0x400100, managed 0x100 … 0x30080; two CPUs, all open words closed
///
///   slot 0, unmovable of CPU 0     single frame of a partial area; two single frames in a magazine
///   slot 3, long-lived of CPU 0    blocks of order 1 and 6 in magazines, of order 3 and a run live
///   slot 7, movable of CPU 1       single frame of a whole area
///   slot 12, a cache's, short reclaimable    single frame of another whole area
///   other slots                    empty
/// ```
final class HybridExample {
  static final long START = 0x100;
  static final long END = 0x400100;
  static final long MANAGED_END = 0x30080;

  /// A slot that nobody uses.
  static final int IDLE_SLOT = 11;

  /// The slot of the cache.
  static final int OWNED_SLOT = 12;

  final HybridAllocator allocator;
  final HybridCore core;
  final long single;
  final long owned;
  final long movable;
  final long eight;
  final long run70;
  final long huge;
  final long split;
  final long giant;
  final long run600;
  final long longRun;
  final long cachedPair;
  final long cached64;

  HybridExample(HybridAllocator allocator) {
    this.allocator = allocator;
    core = allocator.core;
    assertEquals(MANAGED_END - START, allocator.addFrames(START, MANAGED_END));
    single = allocator.tryAllocateOn(0, 0, AllocationFlags.NONE);
    movable = allocator.tryAllocateOn(1, 0, AllocationFlags.MOVABLE);
    eight = allocator.tryAllocateOn(0, 3, AllocationFlags.LONG);
    run70 = allocator.allocateFrames(70, AllocationFlags.LONG);
    split = allocator.tryAllocateOn(0, 9, AllocationFlags.NONE);
    allocator.splitBlock(split, 9);
    huge = allocator.tryAllocateOn(0, 9, AllocationFlags.NONE);
    giant = allocator.tryAllocateOn(0, 14, AllocationFlags.NONE);
    run600 = allocator.allocateFrames(600, AllocationFlags.NONE);
    longRun = allocator.allocateFrames(0x4000 + 0x600 + 100, AllocationFlags.NONE);
    cachedPair = allocator.tryAllocateOn(0, 1, AllocationFlags.LONG);
    cached64 = allocator.tryAllocateOn(0, 6, AllocationFlags.LONG);
    assertEquals(0, allocator.tryFreeOn(0, split + 5, 0));
    assertEquals(0, allocator.tryFreeOn(0, split + 9, 0));
    assertEquals(0, allocator.tryFreeOn(0, cachedPair, 1));
    assertEquals(0, allocator.tryFreeOn(0, cached64, 6));
    owned = allocator.openCache(AllocationFlags.RECLAIMABLE).allocate();
    for (UnitLevel level : core.levels) {
      level.drain();
    }
    assertEquals(2, Magazines.count(Memory.getLong(Slots.header(claim(0), 0))));
    assertEquals(1, Magazines.count(Memory.getLong(Slots.header(claim(3), 6))));
    assertTrue(allocator.validate().isValid(), allocator.validate().toString());
    assertTrue(allocator.validateBlocks().isValid(), allocator.validateBlocks().toString());
  }

  long claim(int slot) {
    return core.slots.claim(slot);
  }

  UnitLevel level(int number) {
    return core.levels[number - 1];
  }

  long areaOf(long pfn) {
    return (pfn - core.basePfn()) >>> Pages.HUGE_ORDER;
  }

  long areaWord(long pfn) {
    return core.areas.areaWord(areaOf(pfn));
  }

  long frameWord(long pfn) {
    return core.areas.frameWord(pfn - core.basePfn());
  }

  static void xor(long address, long bits) {
    assertNotEquals(0, bits);
    Memory.putLong(address, Memory.getLong(address) ^ bits);
  }

  static void put(long address, long value) {
    assertNotEquals(value, Memory.getLong(address), "this changes nothing");
    Memory.putLong(address, value);
  }

  /// Changes the bits of a unit: F in bit 0, H in bit 1.
  void xorUnit(int level, long unit, int bits) {
    UnitLevel here = level(level);
    long change = (bits & 1L) << (unit & 31) | (bits & 2L) << (31 + (unit & 31));
    here.put(unit, here.valueAt(unit) ^ change);
  }

  /// Changes the bits of a frame in an area that is in use.
  void xorFrame(long pfn, int bits) {
    xor(frameWord(pfn), (bits & 1L) << (pfn & 31) | (bits & 2L) << (31 + (pfn & 31)));
  }

  /// A unit that is FREE behind one that is, in the word that `nearUnit` is in.
  long freeUnit(int level, long nearUnit) {
    int free = UnitWord.free(level(level).valueAt(nearUnit));
    int behindFree = free & free << 1;
    assertNotEquals(0, behindFree);
    return (nearUnit & -32) + Integer.numberOfTrailingZeros(behindFree);
  }

  /// The order of the largest free run of a word of a level: the bin it is in.
  int binOf(int level, long unit) {
    return UnitWord.largest(UnitWord.free(level(level).valueAt(unit)));
  }

  String unitText(int level, long unit) {
    return "level " + level + ", frame " + hex(unit << level(level).shift()) + ": ";
  }

  String areaText(long pfn) {
    return "area at frame " + hex(pfn & -AreaWord.FRAMES) + ": ";
  }

  static String hex(long pfn) {
    return AddressRange.hex(pfn);
  }
}
