package dev.bifolio.kernel.heap;

import static dev.bifolio.kernel.heap.VmallocWorld.PAGE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.TestTables;
import dev.bifolio.kernel.virtual.FaultOutcome;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.SplitMix64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Random requests against a map from addresses to what was stored there, through the tables and
/// through a processor that remembers translations.
class VmallocModelTest {
  private static final int STEPS = 150_000;
  private static final int FRAMES = 3000;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  /// What is allocated: the last word that was stored to each page, 0 for none.
  private static final class Entry {
    final long[] words;
    final boolean[] isMapped;

    Entry(int pageCount) {
      words = new long[pageCount];
      isMapped = new boolean[pageCount];
    }

    long end(long address) {
      return address + words.length * PAGE;
    }
  }

  private static final class Model {
    final VmallocWorld world;
    final Vmalloc vmalloc;
    final Mmu mmu;
    final SplitMix64 random;
    final TreeMap<Long, Entry> model = new TreeMap<>();
    long mapped;
    int refused;
    int large;

    Model(VmallocWorld world, long seed) {
      this.world = world;
      vmalloc = world.vmalloc;
      mmu = world.processor(0);
      random = new SplitMix64(seed);
    }

    void step() {
      boolean fails = random.oneIn(16);
      if (fails) {
        world.failAfter(random.below(random.oneIn(2) ? 4 : 700));
      }
      switch (random.below(8)) {
        case 0, 1 -> {
          if (model.size() < 60) {
            allocate(fails);
          } else {
            free();
          }
        }
        case 2 -> free();
        case 3 -> mistake();
        default -> touch(fails);
      }
      world.serve(Long.MAX_VALUE);
    }

    private int pageCount() {
      return random.oneIn(50) ? 1 + random.below(1200) : 1 + random.below(9);
    }

    private void allocate(boolean fails) {
      int count = pageCount();
      boolean isLazy = random.oneIn(2);
      int flags = (isLazy ? Vmalloc.LAZY : 0) | (random.oneIn(2) ? AllocationFlags.ZERO : 0);
      long bytes = count * PAGE - (random.oneIn(2) ? 0 : random.below(4096));
      long room = world.available();
      String before = world.state();
      long address = vmalloc.allocate(bytes, flags);
      if (address == Vmalloc.NO_MEMORY) {
        assertTrue((fails && !world.isFailureAhead()) || room < count + 8);
        assertEquals(before, world.state());
        refused++;
        return;
      }
      assertEquals(lowestPlace((count + 1) * PAGE), address);
      Entry entry = new Entry(count);
      model.put(address, entry);
      large += count > 512 && !isLazy ? 1 : 0;
      for (int page = 0; !isLazy && page < count; page++) {
        entry.isMapped[page] = true;
        mapped++;
        long word = address + page * PAGE + random.below(512) * 8L;
        if ((flags & AllocationFlags.ZERO) != 0) {
          assertEquals(0, mmu.loadLong(word));
        }
        store(address, entry, page);
      }
    }

    private long lowestPlace(long byteSize) {
      long place = vmalloc.base();
      for (Map.Entry<Long, Entry> each : model.entrySet()) {
        if (each.getKey() - place >= byteSize) {
          return place;
        }
        place = each.getValue().end(each.getKey()) + PAGE;
      }
      return place;
    }

    private void store(long address, Entry entry, int page) {
      long value = random.next() | 1;
      assertEquals(0, mmu.storeLong(address + page * PAGE, value));
      entry.words[page] = value;
    }

    private long any() {
      Long from = model.floorKey(vmalloc.base() + random.below(4000) * PAGE);
      return from == null ? -1 : from;
    }

    private void free() {
      long address = any();
      if (address == -1) {
        return;
      }
      checkAll(address, model.get(address));
      assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(address));
      for (boolean isMapped : model.remove(address).isMapped) {
        mapped -= isMapped ? 1 : 0;
      }
      assertEquals(mapped, vmalloc.mappedPages());
    }

    private void checkAll(long address, Entry entry) {
      assertEquals(entry.words.length * PAGE, vmalloc.sizeOf(address));
      for (int page = 0; page < entry.words.length; page++) {
        look(address + page * PAGE, entry, page);
      }
    }

    private void look(long at, Entry entry, int page) {
      long found = mmu.loadLong(at);
      assertEquals(entry.isMapped[page], mmu.fault() == 0);
      if (entry.isMapped[page]) {
        assertEquals(entry.words[page], found);
        assertEquals(entry.words[page], world.load(at));
      }
    }

    private void mistake() {
      long address = vmalloc.base() + random.below(4000) * PAGE + random.below(2) * 8L;
      Map.Entry<Long, Entry> below = model.floorEntry(address);
      boolean isInside = below != null && address < below.getValue().end(below.getKey()) + PAGE;
      if (isInside && below.getKey() == address) {
        return;
      }
      VmallocOutcome expected = isInside ? VmallocOutcome.INTERIOR : VmallocOutcome.NOT_ALLOCATED;
      assertEquals(expected, vmalloc.tryFree(address));
      assertEquals(0, vmalloc.sizeOf(address));
    }

    /// A load or a store through the processor, with the fault that it may take.
    private void touch(boolean fails) {
      long at = vmalloc.base() + random.below(4000) * PAGE;
      Map.Entry<Long, Entry> below = model.floorEntry(at);
      if (below == null || at >= below.getValue().end(below.getKey())) {
        mmu.loadLong(at);
        assertTrue(mmu.fault() != 0);
        assertEquals(FaultOutcome.SEGFAULT, vmalloc.fault(at + random.below(4096)));
        return;
      }
      Entry entry = below.getValue();
      int page = (int) ((at - below.getKey()) / PAGE);
      look(at, entry, page);
      long room = world.available();
      FaultOutcome outcome = vmalloc.fault(at + random.below(4096));
      if (outcome == FaultOutcome.NO_MEMORY) {
        assertTrue((fails && !world.isFailureAhead()) || room < 8);
        refused++;
      } else if (entry.isMapped[page]) {
        assertEquals(FaultOutcome.ALREADY, outcome);
      } else {
        assertEquals(FaultOutcome.MAPPED, outcome);
        entry.isMapped[page] = true;
        mapped++;
        assertEquals(0, mmu.loadLong(at + random.below(512) * 8L));
      }
      look(at, entry, page);
      if (entry.isMapped[page]) {
        store(below.getKey(), entry, page);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Tag("slow")
  @Behaviour("141")
  void randomRequestsDoWhatAMapDoes(PageFormat format) {
    try (VmallocWorld world = new VmallocWorld(format, FRAMES)) {
      world.drainPool();
      int atFirst = world.inUse();
      Model model = new Model(world, 1);
      for (int step = 0; step < STEPS; step++) {
        model.step();
      }
      assertTrue(model.refused > 100, "refused: " + model.refused);
      assertTrue(model.large > 20, "large: " + model.large);
      assertEquals(model.model.size(), world.vmalloc.areaCount());
      model.model.forEach((address, entry) -> {
        model.checkAll(address, entry);
        assertEquals(VmallocOutcome.FREED, world.vmalloc.tryFree(address));
      });
      assertEquals(atFirst, world.inUse());
      assertEquals(0, world.vmalloc.mappedPages());
      assertEquals(0, world.space.pageCount(1));
    }
  }
}
