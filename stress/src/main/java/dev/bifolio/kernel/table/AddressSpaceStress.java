package dev.bifolio.kernel.table;

import dev.bifolio.kernel.frame.Allowed;
import dev.bifolio.kernel.platform.Memory;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races of lookups without the lock against changes, of two changes, and of a change against a
/// processor that sets bits in an entry.
///
/// Results: what each actor got (1 for what it may get), and whether all is well in the end (1).
public final class AddressSpaceStress {
  private AddressSpaceStress() {}

  /// A page that has all of its tables for itself.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ALookupBesideAnUnmapThatFreesTables extends OneSpace {
    public ALookupBesideAnUnmapThatFreesTables() {
      super(RiscvFormat.SV39);
      map(5 * PAGE, 0x7000, PAGE, 1);
    }

    @Actor
    public void look(III_Result r) {
      int good = YES;
      for (int turn = 0; turn < 32; turn++) {
        long found = space.translate(5 * PAGE);
        good &= yes(found == 0x7000 || found == AddressSpace.NOT_MAPPED);
      }
      r.r1 = good;
    }

    @Actor
    public void unmap(III_Result r) {
      FlushBatch batch = new FlushBatch(4, null);
      int good = YES;
      for (int turn = 0; turn < 4; turn++) {
        good &= yes(space.unmap(5 * PAGE, PAGE, batch) == UnmapOutcome.DONE);
        space.flushed(batch);
        good &= yes(space.map(5 * PAGE, 0x7000, PAGE, RW) == MapOutcome.MAPPED);
      }
      r.r2 = good;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(space.translate(5 * PAGE) == 0x7000 && hasTables(3));
    }
  }

  /// Two pages that come at once with their new table.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ALookupBesideAMapOfANewTable extends OneSpace {
    public ALookupBesideAMapOfANewTable() {
      super(RiscvFormat.SV39);
    }

    @Actor
    public void look(III_Result r) {
      int good = YES;
      for (int turn = 0; turn < 8; turn++) {
        long first = space.translate(0);
        long last = space.translate(511 * PAGE);
        good &=
            yes(
                first == AddressSpace.NOT_MAPPED
                    ? last == AddressSpace.NOT_MAPPED || last == 512 * PAGE
                    : first == PAGE && last == 512 * PAGE);
      }
      r.r1 = good;
    }

    @Actor
    public void map(III_Result r) {
      r.r2 = yes(space.map(0, PAGE, 512 * PAGE, RW, 1) == MapOutcome.MAPPED);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(space.translate(511 * PAGE) == 512 * PAGE && hasTables(3));
    }
  }

  /// A page that is taken away and put back as a table, for an architecture that breaks before it
  /// makes.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ALookupBesideASplit extends OneSpace {
    public ALookupBesideASplit() {
      super(Aarch64Format.INSTANCE);
      map(0, 0, 512 * PAGE, 2);
    }

    @Actor
    public void look(III_Result r) {
      int good = YES;
      for (int turn = 0; turn < 8; turn++) {
        good &= yes(space.translate(7 * PAGE) == 7 * PAGE);
      }
      r.r1 = good;
    }

    @Actor
    public void split(III_Result r) {
      r.r2 = yes(space.split(PAGE, 1, new FlushBatch(4, null)) == SplitOutcome.DONE);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(MappedPage.level(space.lookup(7 * PAGE)) == 1 && hasTables(5));
    }
  }

  /// A table that becomes a page, and is freed.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ALookupBesideACollapse extends OneSpace {
    public ALookupBesideACollapse() {
      super(RiscvFormat.SV39);
      map(0, 0, 512 * PAGE, 1);
    }

    @Actor
    public void look(III_Result r) {
      int good = YES;
      for (int turn = 0; turn < 16; turn++) {
        good &= yes(space.translate(7 * PAGE) == 7 * PAGE);
      }
      r.r1 = good;
    }

    @Actor
    public void collapse(III_Result r) {
      FlushBatch batch = new FlushBatch(4, null);
      r.r2 = yes(space.collapse(0, 2, batch) == CollapseOutcome.DONE);
      space.flushed(batch);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(MappedPage.level(space.lookup(7 * PAGE)) == 2 && hasTables(2));
    }
  }

  /// A page in the place of another, for an architecture that breaks before it makes.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ALookupBesideAReplacement extends OneSpace {
    private final long known;

    public ALookupBesideAReplacement() {
      super(Aarch64Format.INSTANCE);
      map(0, 0x7000, PAGE, 1);
      known = space.lookup(0);
    }

    @Actor
    public void look(III_Result r) {
      int good = YES;
      for (int turn = 0; turn < 4; turn++) {
        long found = space.translate(0);
        good &= yes(found == 0x7000 || found == 0x9000);
      }
      r.r1 = good;
    }

    @Actor
    public void replace(III_Result r) {
      ReplaceOutcome outcome = space.replace(0, known, 0x9000, RW, new FlushBatch(4, null));
      r.r2 = yes(outcome == ReplaceOutcome.DONE);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(space.translate(0) == 0x9000);
    }
  }

  /// Two faults at one address: one of them maps it.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoMapsOfOnePage extends OneSpace {
    public TwoMapsOfOnePage() {
      super(RiscvFormat.SV39);
      map(PAGE, 0x7000, PAGE, 1);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = yes(space.map(0, 0x8000, PAGE, RW) == MapOutcome.MAPPED);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = yes(space.map(0, 0x9000, PAGE, RW) == MapOutcome.MAPPED);
    }

    @Arbiter
    public void end(III_Result r) {
      long expected = r.r1 == YES ? 0x8000 : 0x9000;
      r.r3 = ended(space.translate(0) == expected && space.pageCount(1) == 2 && hasTables(3));
    }
  }

  /// The last page of a table goes while another one comes.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AMapBesideAnUnmapInOneTable extends OneSpace {
    public AMapBesideAnUnmapInOneTable() {
      super(RiscvFormat.SV39);
      map(PAGE, 0x7000, PAGE, 1);
    }

    @Actor
    public void map(III_Result r) {
      r.r1 = yes(space.map(0, 0x8000, PAGE, RW) == MapOutcome.MAPPED);
    }

    @Actor
    public void unmap(III_Result r) {
      FlushBatch batch = new FlushBatch(4, null);
      r.r2 = yes(space.unmap(PAGE, PAGE, batch) == UnmapOutcome.DONE);
      space.flushed(batch);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean good = space.translate(0) == 0x8000 && space.pageCount(1) == 1;
      r.r3 = ended(good && space.translate(PAGE) == AddressSpace.NOT_MAPPED && hasTables(3));
    }
  }

  /// A processor notes a store in an entry whose permissions change again and again.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AStoreBesideProtects extends OneSpace {
    private final long leaf;

    public AStoreBesideProtects() {
      super(RiscvFormat.SV39);
      map(0, 0x7000, PAGE, 1);
      leaf = leafAt(0);
    }

    @Actor
    public void store(III_Result r) {
      while (r.r1 == NO) {
        long entry = Memory.getLongVolatile(leaf);
        int flags = format.flags(1, entry) | PageFlags.DIRTY;
        r.r1 = yes(Memory.compareAndSetLong(leaf, entry, format.leaf(1, 0x7000, flags)));
      }
    }

    @Actor
    public void protect(III_Result r) {
      FlushBatch batch = new FlushBatch(4, null);
      int good = YES;
      for (int turn = 0; turn < 16; turn++) {
        int flags = turn % 2 == 0 ? PageFlags.READ : RW;
        good &= yes(space.protect(0, PAGE, flags, batch) == ProtectOutcome.DONE);
      }
      r.r2 = good;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(MappedPage.flags(space.lookup(0)) == (RW | PageFlags.DIRTY));
    }
  }

  /// A processor notes stores in entries that go: whoever is told of the pages hears of each store
  /// that it noted.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class StoresBesideUnmaps extends OneSpace implements PageReceiver {
    private static final int PAGES = 16;

    private final long leaf;
    private int noted;
    private int told;

    public StoresBesideUnmaps() {
      super(RiscvFormat.SV39);
      map(0, 0, (PAGES + 1) * PAGE, 1);
      leaf = leafAt(0);
    }

    @Override
    public void unmapped(long physicalAddress, int level, int flags) {
      told |= (flags & PageFlags.DIRTY) != 0 ? 1 << (int) (physicalAddress / PAGE) : 0;
    }

    @Actor
    public void store(III_Result r) {
      for (int page = 0; page < PAGES; page++) {
        long entry = format.leaf(1, page * PAGE, RW);
        long dirty = format.leaf(1, page * PAGE, RW | PageFlags.DIRTY);
        if (Memory.compareAndSetLong(leaf + page * (long) Long.BYTES, entry, dirty)) {
          noted |= 1 << page;
        }
      }
      r.r1 = YES;
    }

    @Actor
    public void unmap(III_Result r) {
      FlushBatch batch = new FlushBatch(4, null, this);
      r.r2 = yes(space.unmap(0, PAGES * PAGE, batch) == UnmapOutcome.DONE);
      space.flushed(batch);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean good = noted == told && space.pageCount(1) == 1;
      for (int page = 0; page < PAGES; page++) {
        good &= Memory.getLong(leaf + page * (long) Long.BYTES) == 0;
      }
      r.r3 = ended(good);
    }
  }
}
