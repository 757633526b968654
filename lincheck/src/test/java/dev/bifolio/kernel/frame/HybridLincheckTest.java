package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;

/// Structures of the hybrid allocator under Lincheck's model checker, over the heap twin of the
/// memory: random scenarios of a few operations in two threads, each in many interleavings.
///
/// Which frame an operation gets depends on the interleaving; whether it gets one must not. So what
/// is compared with a sequential specification is success, and after each interleaving it is
/// checked that no frame has two holders and none is lost. The short form runs as a test;
/// `dev/lincheck` runs more (system property `bifolio.lincheck`: scenarios, interleavings).
class HybridLincheckTest {
  private static void check(Class<?> structure, Class<?> specification) {
    String[] form = System.getProperty("bifolio.lincheck", "2,25").split(",", 2);
    long start = System.nanoTime();
    new ModelCheckingOptions()
        .threads(2)
        .actorsBefore(1)
        .actorsPerThread(3)
        .actorsAfter(1)
        .iterations(Integer.parseInt(form[0]))
        .invocationsPerIteration(Integer.parseInt(form[1]))
        .sequentialSpecification(specification)
        .minimizeFailedScenario(false)
        .check(structure);
    System.out.printf(
        "lincheck: %-14s %s scenarios of up to %s interleavings: ok, %.1f s%n",
        structure.getSimpleName(), form[0], form[1], (System.nanoTime() - start) / 1e9);
  }

  /// So many blocks, of which a thread gives back the last one that it took.
  public static class Blocks {
    private final int[] held = new int[6];
    private int free;

    /// Two blocks.
    public Blocks() {
      free = 2;
    }

    public boolean take(int thread) {
      if (free == 0) {
        return false;
      }
      free--;
      held[thread]++;
      return true;
    }

    public boolean give(int thread) {
      if (held[thread] == 0) {
        return false;
      }
      held[thread]--;
      free++;
      return true;
    }

    public void drain() {}
  }

  @Test
  void requestsThroughAClaimWordAreLinearizable() {
    check(ClaimWordSlot.class, Blocks.class);
  }

  /// One slot, two single frames.
  @Param(name = "thread", gen = ThreadIdGen.class)
  public static class ClaimWordSlot {
    private static final long[] PREPARED = Holders.prepare(1, 1);
    private final Holders holders = new Holders(PREPARED);

    @Operation
    public boolean take(@Param(name = "thread") int thread) {
      return holders.take(thread, 0, 0);
    }

    @Operation
    public boolean give(@Param(name = "thread") int thread) {
      return holders.give(thread);
    }

    @Operation
    public void drain() {
      holders.core.claims.drain(0);
    }

    @Validate
    public void conserved() {
      holders.check(2);
    }
  }

  @Test
  void requestsThroughTwoSlotsOfOneAreaAreLinearizable() {
    check(TwoSlots.class, Blocks.class);
  }

  /// Two slots that want the same two frames.
  @Param(name = "thread", gen = ThreadIdGen.class)
  public static class TwoSlots {
    private static final long[] PREPARED = Holders.prepare(1, 1);
    private final Holders holders = new Holders(PREPARED);

    @Operation
    public boolean take(@Param(name = "thread") int thread) {
      return holders.take(thread, thread & 1, 0);
    }

    @Operation
    public boolean give(@Param(name = "thread") int thread) {
      return holders.give(thread);
    }

    @Validate
    public void conserved() {
      holders.check(2);
    }
  }

  @Test
  void pairsInAFrameWordAreLinearizable() {
    check(FrameWord.class, Blocks.class);
  }

  /// Two pairs of one word, by claims for the length of an operation.
  @Param(name = "thread", gen = ThreadIdGen.class)
  public static class FrameWord {
    private static final long[] PREPARED = Holders.prepare(1, 2);
    private final Holders holders = new Holders(PREPARED);

    @Operation
    public boolean take(@Param(name = "thread") int thread) {
      return holders.take(thread, thread & 1, 1);
    }

    @Operation
    public boolean give(@Param(name = "thread") int thread) {
      return holders.give(thread);
    }

    @Validate
    public void conserved() {
      holders.check(4);
    }
  }

  /// A magazine may turn away who meets another there: only what is held counts.
  public static class Anything {
    public void take(int thread) {}

    public void give(int thread) {}

    public void drain() {}

    public void take(int thread, int order) {}
  }

  @Test
  void aMagazineLosesNothing() {
    check(Magazine.class, Anything.class);
  }

  /// One magazine of single frames, and requests that go past it.
  @Param(name = "thread", gen = ThreadIdGen.class)
  public static class Magazine {
    private static final long[] PREPARED = Holders.prepare(8, 2);
    private final Holders holders = new Holders(PREPARED);

    public Magazine() {
      for (int i = 0; i < 2; i++) {
        holders.take(0, 0, 0);
        holders.take(0, 0, 0);
        holders.core.callBack.all();
        holders.give(0);
      }
    }

    @Operation
    public void take(@Param(name = "thread") int thread) {
      long claim = holders.core.slots.claim(0);
      holders.keep(thread, holders.core.magazines.pop(claim, 0), 0);
    }

    @Operation
    public void give(@Param(name = "thread") int thread) {
      holders.give(thread);
    }

    @Operation
    public void drain() {
      holders.core.magazines.drain(holders.core.slots.claim(0));
    }

    @Validate
    public void conserved() {
      holders.check(4);
    }
  }

  /// One area: whole, or in two halves.
  public static class OneArea {
    private final int[] halves = new int[6];
    private int halvesTaken;
    private int owner = -1;

    public boolean takeWhole(int thread) {
      if (owner >= 0 || halvesTaken > 0) {
        return false;
      }
      owner = thread;
      return true;
    }

    public boolean takeHalf(int thread) {
      if (owner >= 0 || halvesTaken == 2) {
        return false;
      }
      halvesTaken++;
      halves[thread]++;
      return true;
    }

    public boolean give(int thread) {
      if (owner == thread) {
        owner = -1;
        return true;
      }
      if (halves[thread] == 0) {
        return false;
      }
      halves[thread]--;
      halvesTaken--;
      return true;
    }
  }

  @Test
  void lendingAnAreaAndTakingItBackIsLinearizable() {
    check(AreaLoan.class, OneArea.class);
  }

  /// An area that goes from level to level.
  @Param(name = "thread", gen = ThreadIdGen.class)
  public static class AreaLoan {
    private static final long[] PREPARED = Holders.prepare(1, 9);
    private final Holders holders = new Holders(PREPARED);

    @Operation
    public boolean takeWhole(@Param(name = "thread") int thread) {
      return holders.take(thread, 0, 9);
    }

    @Operation
    public boolean takeHalf(@Param(name = "thread") int thread) {
      return holders.take(thread, 0, 8);
    }

    @Operation
    public boolean give(@Param(name = "thread") int thread) {
      return holders.give(thread);
    }

    @Validate
    public void conserved() {
      holders.checkWhole();
    }
  }

  @Test
  void theWholeAllocatorLosesNothing() {
    check(WholeAllocator.class, Anything.class);
  }

  /// Orders 0 to 9, two kinds, drains.
  @Param(name = "thread", gen = ThreadIdGen.class)
  @Param(name = "order", gen = IntGen.class, conf = "0:9")
  public static class WholeAllocator {
    private static final long[] PREPARED = Holders.prepare(1, 9);
    private final Holders holders = new Holders(PREPARED);

    @Operation
    public void take(@Param(name = "thread") int thread, @Param(name = "order") int order) {
      holders.take(thread, thread & 1, order);
    }

    @Operation
    public void give(@Param(name = "thread") int thread) {
      holders.give(thread);
    }

    @Operation
    public void drain() {
      holders.core.callBack.all();
    }

    @Validate
    public void conserved() {
      holders.checkWhole();
    }
  }

  @Test
  void aLevelWithItsOpenWordIsLinearizable() {
    check(OpenWord.class, Blocks.class);
  }

  /// Two units, each in a word of its own, which belong to a level above when they are whole.
  @Param(name = "thread", gen = ThreadIdGen.class)
  public static class OpenWord {
    private final UnitLevel above = new UnitLevel(14, null);
    private final UnitLevel level = new UnitLevel(9, above);
    private final long[][] held = new long[6][8];
    private final int[] counts = new int[6];

    public OpenWord() {
      long bytes = UnitLevel.metadataBytes(14, 0, 2 << 14);
      Memory.renew((int) (bytes + UnitLevel.metadataBytes(9, 0, 2 << 14)));
      above.attach(0, 0, 2 << 14);
      level.attach(bytes, 0, 2 << 14);
      above.put(0, UnitWord.ALL_LENT);
      above.change(0, UnitWord.lend(0));
      above.change(1, UnitWord.lend(1));
      for (int word = 0; word < 2; word++) {
        for (int order = 4; order >= 0; order--) {
          level.take(order);
        }
      }
      level.drain();
    }

    @Operation
    public boolean take(@Param(name = "thread") int thread) {
      long unit = level.take(0);
      if (unit >= 0) {
        held[thread][counts[thread]++] = unit;
      }
      return unit >= 0;
    }

    @Operation
    public boolean give(@Param(name = "thread") int thread) {
      if (counts[thread] == 0) {
        return false;
      }
      if (!level.freeBlock(held[thread][--counts[thread]], 0)) {
        throw new IllegalStateException("a legal free was refused");
      }
      return true;
    }

    @Validate
    public void conserved() {
      long units = 0;
      for (int count : counts) {
        units += count;
      }
      level.drain();
      while (level.take(0) >= 0) {
        units++;
      }
      if (units != 2) {
        throw new IllegalStateException(units + " units of 2");
      }
    }
  }

  /// Items are in the set or not.
  public static class Items {
    public void put(int item) {}

    public void search() {}
  }

  @Test
  void aHintBitmapLeadsToEveryItem() {
    check(Hints.class, Items.class);
  }

  /// Two leaf words below different middle words. An item is taken out by who finds it.
  @Param(name = "item", gen = IntGen.class, conf = "0:1")
  public static class Hints {
    private final HintBitmap hints = new HintBitmap(1, 1);

    public Hints() {
      Memory.renew((int) HintBitmap.metadataBytes(1, 1, 8192) + 64);
      hints.attach(64, 8192, 32);
    }

    @Operation
    public void put(@Param(name = "item") int item) {
      Memory.putLong(item * 8L, 1);
      hints.set(0, 0, item * 5000L);
    }

    @Operation
    public void search() {
      long found = hints.find(0, 0);
      if (found >= 0) {
        long item = HintBitmap.itemOf(found);
        if (!Memory.compareAndSetLong(item / 5000 * 8, 1, 0)) {
          hints.clear(0, item);
          if (Memory.getLongVolatile(item / 5000 * 8) != 0) {
            hints.set(0, 0, item);
          }
        }
      }
    }

    @Validate
    public void found() {
      for (int turn = 0; turn < 4; turn++) {
        search();
      }
      if (Memory.getLong(0) != 0 || Memory.getLong(8) != 0) {
        throw new IllegalStateException("no hint leads to an item");
      }
    }
  }

  /// One frame that is freed twice.
  public static class Once {
    private boolean freed;

    public boolean free() {
      boolean first = !freed;
      freed = true;
      return first;
    }

    public void drain() {}
  }

  @Test
  void oneOfTwoFreesOfAFrameIsRefused() {
    check(DoubleFree.class, Once.class);
  }

  /// A frame of a claimed word, freed by whoever comes, while the word may be drained.
  public static class DoubleFree {
    private static final long[] PREPARED = Holders.prepare(1, 1);
    private final Holders holders = new Holders(PREPARED);
    private final long pfn;

    public DoubleFree() {
      pfn = holders.core.allocate(0, 0, 0);
    }

    @Operation
    public boolean free() {
      return holders.core.free(0, pfn, 0);
    }

    @Operation
    public void drain() {
      holders.core.claims.drain(0);
    }
  }
}
