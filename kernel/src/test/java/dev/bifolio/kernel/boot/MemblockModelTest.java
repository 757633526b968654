package dev.bifolio.kernel.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Window;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.Property;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Memblock beside a model that keeps one array element per unit of address space and knows nothing
/// of regions: 10^6 seeded operations in all.
class MemblockModelTest {
  private static final int UNITS = 320;
  private static final int STEPS = 1_250;
  private static final long NONE = Long.MIN_VALUE;
  private static final long PLAIN = RegionList.attributesOf(Memblock.NO_NODE, 0);

  private enum Op {
    ADD,
    ADD_MORE,
    REMOVE,
    RESERVE,
    RESERVE_MORE,
    FREE,
    MARK,
    CLEAR,
    SET_NODE,
    ALLOCATE,
    ALLOCATE_MORE,
    TRIM,
    DIRECTION,
    LIMIT
  }

  private record Step(Op op, int base, int units, int node, int flags, int align, int max) {}

  @Test
  @Behaviour({"M.A7", "M.S7", "M.L1", "M.L6", "M.U9"})
  void listsThatGrowInTheirOwnMemoryMatchTheModel() throws Exception {
    try (Window window = Window.reserve((UNITS + 64) * 64L)) {
      Property.check(
          1,
          400,
          random -> steps(random, 4),
          steps -> new Model(64, 0x10000, 4, window, UNITS).run(steps));
    }
  }

  @Test
  void changesAreExactToTheByte() throws Exception {
    try (Window window = Window.reserve(1 << 20)) {
      Property.check(
          1_000_000,
          200,
          random -> steps(random, 9),
          steps -> new Model(1, 0x7FFF_FFFF_FFFF_FF80L, 4096, window, UNITS).run(steps));
    }
  }

  @Test
  @Behaviour({"M.A6", "M.S6", "M.R6", "M.F6"})
  void nothingWrapsAtTheEndOfTheAddressSpace() throws Exception {
    try (Window window = Window.reserve(1 << 20)) {
      Property.check(
          2_000_000,
          200,
          random -> steps(random, 9),
          steps -> new Model(1, -(UNITS / 2), 4096, window, UNITS / 2 - 1).run(steps));
    }
  }

  @Test
  void theModelNoticesAPlantedDifference() throws Exception {
    try (Window window = Window.reserve(1 << 20)) {
      Model model = new Model(64, 0x10000, 64, window, UNITS);
      model.run(List.of(new Step(Op.ADD, 10, 20, 0, 0, 0, 0)));
      model.memblock.mark(model.address(12), 64, Memblock.NOMAP);
      boolean noticed = false;
      try {
        model.compare();
      } catch (AssertionError expected) {
        noticed = true;
      }
      assertTrue(noticed);
    }
  }

  private static List<Step> steps(SplitMix64 random, int maxAlign) {
    List<Step> steps = new ArrayList<>(STEPS);
    Op[] ops = Op.values();
    int longest = random.oneIn(3) ? UNITS : 1 + random.below(24);
    for (int i = 0; i < STEPS; i++) {
      Op op = ops[random.below(ops.length)];
      if ((op == Op.REMOVE || op == Op.TRIM || op == Op.LIMIT) && !random.oneIn(6)) {
        op = random.oneIn(2) ? Op.ADD : Op.FREE;
      }
      steps.add(
          new Step(
              op,
              random.below(UNITS),
              random.below(random.oneIn(8) ? longest + 1 : 9),
              random.below(4) - 1,
              random.below(8),
              random.below(maxAlign),
              random.below(UNITS + 1)));
    }
    return steps;
  }

  /// The model and the memblock it watches.
  private static final class Model {
    private final long unit;
    private final long origin;
    private final int end;
    private final long[] memory = new long[UNITS];
    private final long[] reserved = new long[UNITS];
    private final Memblock memblock;
    private final long[] storage = {-1, 0, -1, 0};
    private boolean bottomUp;
    private int limit = UNITS;

    Model(long unit, long origin, int capacity, Window window, int end) {
      this.unit = unit;
      this.origin = origin;
      this.end = end;
      Arrays.fill(memory, NONE);
      Arrays.fill(reserved, NONE);
      long staticStorage = window.address() + UNITS * unit;
      memblock = new Memblock(staticStorage, capacity, window.address() - origin);
    }

    long address(int index) {
      return origin + index * unit;
    }

    void run(List<Step> steps) {
      for (Step step : steps) {
        apply(fit(step));
        compare();
      }
    }

    /// Only the end of the address space may cut a range; the end of the model must not.
    private Step fit(Step s) {
      int base = s.base % (end + 1);
      int units = end == UNITS ? Math.min(s.units, UNITS - base) : s.units;
      return new Step(s.op, base, units, s.node, s.flags, s.align, s.max);
    }

    private void apply(Step s) {
      long base = address(s.base);
      long size = s.units * unit;
      int to = Math.min(end, s.base + s.units);
      boolean changed = true;
      switch (s.op) {
        case ADD -> changed = memblock.add(base, size);
        case ADD_MORE -> changed = memblock.add(base, size, s.node, s.flags);
        case REMOVE -> changed = memblock.remove(base, size);
        case RESERVE -> changed = memblock.reserve(base, size);
        case RESERVE_MORE -> changed = memblock.reserve(base, size, s.node, s.flags);
        case FREE -> {
          if (holdsStorage(s.base, to)) {
            return; // a list's own storage is not the caller's to free
          }
          changed = memblock.free(base, size);
        }
        case MARK -> changed = memblock.mark(base, size, s.flags);
        case CLEAR -> changed = memblock.clear(base, size, s.flags);
        case SET_NODE -> changed = memblock.setNode(base, size, s.node);
        case TRIM -> memblock.trim(unit << s.align);
        case DIRECTION -> {
          bottomUp = !bottomUp;
          memblock.setBottomUp(bottomUp);
        }
        case LIMIT -> {
          limit = s.max < 100 ? UNITS : s.max;
          memblock.setLimit(limit >= end ? Memblock.NO_LIMIT : address(limit));
        }
        case ALLOCATE, ALLOCATE_MORE -> {
          allocate(s);
          return;
        }
      }
      followStorage(s.base, to);
      if (changed) {
        mirror(s, to);
      } else {
        assertTrue(unit > 1, "a list of ample capacity refused");
      }
    }

    private void mirror(Step s, int to) {
      long attributes = RegionList.attributesOf(s.node, s.flags);
      long flags = RegionList.attributesOf(0, s.flags);
      for (int i = s.base; i < to; i++) {
        switch (s.op) {
          case ADD -> memory[i] = memory[i] == NONE ? PLAIN : memory[i];
          case ADD_MORE -> memory[i] = memory[i] == NONE ? attributes : memory[i];
          case REMOVE -> memory[i] = NONE;
          case RESERVE -> reserved[i] = reserved[i] == NONE ? PLAIN : reserved[i];
          case RESERVE_MORE -> reserved[i] = reserved[i] == NONE ? attributes : reserved[i];
          case FREE -> reserved[i] = NONE;
          case MARK -> memory[i] = memory[i] == NONE ? NONE : memory[i] | flags;
          case CLEAR -> memory[i] = memory[i] == NONE ? NONE : memory[i] & ~flags;
          case SET_NODE ->
              memory[i] =
                  memory[i] == NONE
                      ? NONE
                      : RegionList.attributesOf(s.node, RegionList.flagsOf(memory[i]));
          case ALLOCATE, ALLOCATE_MORE, TRIM, DIRECTION, LIMIT -> {}
        }
      }
      if (s.op == Op.TRIM) {
        trim(unit << s.align);
      }
    }

    private void trim(long align) {
      int from = 0;
      while (from < end) {
        int to = regionEnd(from);
        for (int i = from; i < to; i++) {
          boolean startsInside = Long.compareUnsigned(-address(from), align) >= 0;
          long low = (address(from) + align - 1) & -align;
          long high = address(to) & -align;
          if ((!startsInside && (address(from) & (align - 1)) != 0)
              || Long.compareUnsigned(address(i), low) < 0
              || Long.compareUnsigned(address(i), high) >= 0) {
            memory[i] = NONE;
          }
        }
        from = to;
      }
    }

    private int regionEnd(int from) {
      int to = from + 1;
      while (to < end && memory[to] == memory[from]) {
        to++;
      }
      return to;
    }

    private void allocate(Step s) {
      boolean more = s.op == Op.ALLOCATE_MORE;
      int node = more ? s.node : Memblock.NO_NODE;
      boolean exact = more && s.flags % 2 == 1;
      int min = more ? s.base : 0;
      int max = more ? Math.min(s.max, limit) : limit;
      long align = unit << s.align;
      int mode = unit == 1 ? Memblock.RAW : 0;
      long found =
          memblock.allocate(
              s.units * unit,
              align,
              min == 0 ? 0 : address(min),
              max >= end ? Memblock.NO_LIMIT : address(max),
              node,
              mode | (exact ? Memblock.EXACT_NODE : 0));
      int expected = s.units == 0 ? -1 : expect(s.units, align, min, max, node, exact);
      if (found == Memblock.NO_ADDRESS && expected >= 0 && unit > 1) {
        followStorage(expected, expected + s.units);
        assertEquals(memblock.reserved().capacity(), memblock.reserved().count(), 3);
        return; // there was room for the request but none for a longer list
      }
      assertEquals(expected < 0 ? Memblock.NO_ADDRESS : address(expected), found);
      if (expected >= 0) {
        followStorage(expected, expected + s.units);
        for (int i = expected; i < expected + s.units; i++) {
          assertEquals(NONE, reserved[i]);
          reserved[i] = PLAIN;
        }
      }
    }

    private int expect(int units, long align, int min, int max, int node, boolean exact) {
      for (int flags : new int[] {Memblock.MIRROR, 0}) {
        for (int wanted : exact ? new int[] {node} : new int[] {node, Memblock.NO_NODE}) {
          for (int low : new int[] {min, 0}) {
            int found = scan(units, align, low, Math.min(max, end), wanted, flags);
            if (found >= 0) {
              return found;
            }
          }
        }
      }
      return -1;
    }

    private int scan(int units, long align, int min, int max, int node, int flags) {
      for (int k = 0; k <= max - units - min; k++) {
        int i = bottomUp ? min + k : max - units - k;
        if ((address(i) & (align - 1)) == 0 && fits(i, units, node, flags)) {
          return i;
        }
      }
      return -1;
    }

    private boolean fits(int from, int units, int node, int flags) {
      for (int i = from; i < from + units; i++) {
        if (memory[i] == NONE || reserved[i] != NONE || memory[i] != memory[from]) {
          return false;
        }
      }
      int have = RegionList.flagsOf(memory[from]);
      return (have & Memblock.NOMAP) == 0
          && (have & flags) == flags
          && (node == Memblock.NO_NODE || node == RegionList.nodeOf(memory[from]));
    }

    /// Takes over where the lists went: new storage must have been free and outside of the range
    /// being worked on; old storage is free again.
    private void followStorage(int avoidFrom, int avoidTo) {
      for (int list = 0; list < 2; list++) {
        RegionList each = list == 0 ? memblock.memory() : memblock.reserved();
        if (storageIndex(each) == storage[2 * list]) {
          continue;
        }
        if (storage[2 * list] != -1) {
          Arrays.fill(reserved, (int) storage[2 * list], (int) storage[2 * list + 1], NONE);
        }
      }
      for (int list = 0; list < 2; list++) {
        RegionList each = list == 0 ? memblock.memory() : memblock.reserved();
        long index = storageIndex(each);
        if (index == storage[2 * list]) {
          continue;
        }
        int to = (int) (index + (long) each.capacity() * RegionList.ENTRY_BYTES / unit);
        for (int i = (int) index; i < to; i++) {
          assertTrue(i < avoidFrom || i >= avoidTo, "a list grew into the range in hand");
          assertTrue(memory[i] != NONE && reserved[i] == NONE, "a list grew into used memory");
          assertEquals(0, RegionList.flagsOf(memory[i]) & Memblock.NOMAP);
          reserved[i] = PLAIN;
        }
        storage[2 * list] = index;
        storage[2 * list + 1] = to;
      }
    }

    private long storageIndex(RegionList list) {
      long at = memblock.storageOf(list);
      return at == Memblock.NO_ADDRESS ? -1 : (at - origin) / unit;
    }

    private boolean holdsStorage(int from, int to) {
      return (storage[0] < to && from < storage[1]) || (storage[2] < to && from < storage[3]);
    }

    void compare() {
      compare(memblock.memory(), memory);
      compare(memblock.reserved(), reserved);
      int cursor = 0;
      while (memblock.nextFree(address(cursor), Memblock.NO_NODE)) {
        int from = (int) ((memblock.freeBase() - origin) / unit);
        int to = (int) ((memblock.freeEnd() - origin) / unit);
        for (int i = cursor; i < to; i++) {
          assertEquals(i >= from, isFree(i), "free " + i);
        }
        assertEquals(RegionList.nodeOf(memory[from]), memblock.freeNode());
        cursor = to;
        if (cursor >= end) {
          break;
        }
      }
      for (int i = cursor; i < end; i++) {
        assertFalse(isFree(i));
      }
    }

    private boolean isFree(int i) {
      return memory[i] != NONE
          && reserved[i] == NONE
          && (RegionList.flagsOf(memory[i]) & Memblock.NOMAP) == 0;
    }

    private void compare(RegionList list, long[] model) {
      int cursor = 0;
      int regions = 0;
      long units = 0;
      while (cursor < end) {
        int to = cursor + 1;
        while (to < end && model[to] == model[cursor]) {
          to++;
        }
        if (model[cursor] != NONE) {
          assertTrue(regions < list.count(), "a region is missing");
          assertEquals(address(cursor), list.base(regions));
          assertEquals(address(to), list.end(regions));
          assertEquals(model[cursor], list.attributes(regions));
          regions++;
          units += to - cursor;
        }
        cursor = to;
      }
      assertEquals(regions, list.count());
      assertEquals(units * unit, list.totalBytes());
    }
  }
}
