package dev.bifolio.kernel.mmu;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import dev.bifolio.kernel.frame.Blocks;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.PageFlags;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJJ_Result;

/// Races of accesses through page tables with who changes them and has them forgotten.
public final class ShootdownStress {
  private ShootdownStress() {}

  /// A processor whose buffer knows one page, and the tables that map it to one of two frames.
  static class OneProcessor {
    static final long VA = 0x12_3000;
    static final long OLD = 42;
    static final long NEW = 43;
    static final long FOREIGN = -1;

    private static final I386Format FORMAT = I386Format.INSTANCE;
    private static final long PAGE = 4096;
    private static final int RIGHTS = PageFlags.READ | PageFlags.WRITE | PageFlags.ACCESSED;

    private final long block = Blocks.take(6 * PAGE);
    private final long memory = (block + PAGE - 1) & -PAGE;
    private final long logAddress = Blocks.take(ShootdownLog.byteSize(1));
    final ShootdownLog log = new ShootdownLog(logAddress, 1);
    final Shootdown shootdown = new Shootdown(log, 0);
    final Mmu mmu;

    OneProcessor(int flags) {
      MmuBus bus = new MmuBus(0, 5 * PAGE, memory, 32);
      mmu = new Mmu(FORMAT, bus, new Tlb(FORMAT, 1, 1), log, 0);
      mmu.setRoots(0, 0, 0);
      setInt(FORMAT.index(2, VA) * 4L, (int) FORMAT.table(PAGE));
      map(2, flags);
      setFrame(2, OLD);
      setFrame(3, NEW);
    }

    final void map(int frame, int flags) {
      setEntry((int) FORMAT.leaf(1, frame * PAGE, RIGHTS | flags));
    }

    private long entry() {
      return PAGE + FORMAT.index(1, VA) * 4L;
    }

    final void setEntry(int entry) {
      setInt(entry(), entry);
    }

    final int entryNow() {
      return Memory.getIntAcquire(memory + entry());
    }

    private void setInt(long at, int value) {
      Memory.putIntRelease(memory + at, value);
    }

    final void setFrame(int frame, long value) {
      Memory.putLongRelease(memory + frame * PAGE, value);
    }

    final long frame(int frame) {
      return Memory.getLongAcquire(memory + frame * PAGE);
    }

    final void ended() {
      Blocks.giveBack(block);
      Blocks.giveBack(logAddress);
    }
  }

  /// One that knows the page and may store there.
  static class WarmProcessor extends OneProcessor {
    WarmProcessor() {
      super(PageFlags.DIRTY);
      mmu.loadLong(VA);
    }
  }

  /// A load sees what was there or what is, never what the frame holds once it is somebody else's.
  @JCStressTest
  @Outcome(
      id = {"42, 1, 43", "43, 1, 43"},
      expect = ACCEPTABLE,
      desc = "before or after")
  @State
  public static class ALoadBesideAFlush extends WarmProcessor {
    @Actor
    public void load(JJJ_Result r) {
      r.r1 = mmu.loadLong(VA);
    }

    @Actor
    public void move(JJJ_Result r) {
      map(3, PageFlags.DIRTY);
      shootdown.flushPage(VA);
      setFrame(2, FOREIGN);
      r.r2 = 1;
    }

    @Arbiter
    public void end(JJJ_Result r) {
      r.r3 = mmu.loadLong(VA);
      ended();
    }
  }

  /// The same for who loads again and again, so that the flush meets any moment of an access.
  @JCStressTest
  @Outcome(
      id = {"0, 1, 43"},
      expect = ACCEPTABLE,
      desc = "never a foreign value")
  @State
  public static class LoadsBesideAFlush extends WarmProcessor {
    private static final int LOADS = 20;

    @Actor
    public void load(JJJ_Result r) {
      long foreign = 0;
      for (int i = 0; i < LOADS; i++) {
        foreign += mmu.loadLong(VA) == FOREIGN ? 1 : 0;
      }
      r.r1 = foreign;
    }

    @Actor
    public void move(JJJ_Result r) {
      map(3, PageFlags.DIRTY);
      shootdown.flushAll(true);
      setFrame(2, FOREIGN);
      r.r2 = 1;
    }

    @Arbiter
    public void end(JJJ_Result r) {
      r.r3 = mmu.loadLong(VA);
      ended();
    }
  }

  /// A store is over when the flush has returned, or does not happen: who unmaps sees all of it.
  @JCStressTest
  @Outcome(id = "1, 7, 7", expect = ACCEPTABLE, desc = "before the flush")
  @Outcome(id = "0, 42, 42", expect = ACCEPTABLE, desc = "a fault")
  @State
  public static class AStoreBesideAnUnmap extends WarmProcessor {
    @Actor
    public void store(JJJ_Result r) {
      r.r1 = mmu.storeLong(VA, 7) == 0 ? 1 : 0;
    }

    @Actor
    public void unmap(JJJ_Result r) {
      setEntry(0);
      shootdown.flushPage(VA);
      r.r2 = frame(2);
    }

    @Arbiter
    public void end(JJJ_Result r) {
      r.r3 = frame(2);
      ended();
    }
  }

  /// The dirty bit is set in the entry that was walked, and brings none back that is gone.
  @JCStressTest
  @Outcome(
      id = {"1, 1, 0", "0, 1, 0"},
      expect = ACCEPTABLE,
      desc = "stored or not, it is gone")
  @State
  public static class ADirtyBitBesideAnUnmap extends OneProcessor {
    public ADirtyBitBesideAnUnmap() {
      super(0);
    }

    @Actor
    public void store(JJJ_Result r) {
      r.r1 = mmu.storeLong(VA, 7) == 0 ? 1 : 0;
    }

    @Actor
    public void unmap(JJJ_Result r) {
      setEntry(0);
      r.r2 = 1;
    }

    @Arbiter
    public void end(JJJ_Result r) {
      r.r3 = entryNow();
      ended();
    }
  }

  /// Two who flush at once: both requests are in the log, and both are obeyed.
  @JCStressTest
  @Outcome(id = "1, 1, 2", expect = ACCEPTABLE, desc = "both")
  @State
  public static class TwoFlushes extends OneProcessor {
    private final Tlb tlb = new Tlb(I386Format.INSTANCE, 1, 2);

    public TwoFlushes() {
      super(0);
      tlb.insert(0, 0, Translation.of(0, 1, Translation.LOAD, false));
      tlb.insert(4096, 0, Translation.of(0, 1, Translation.LOAD, false));
    }

    @Actor
    public void one(JJJ_Result r) {
      shootdown.flushPage(0);
      r.r1 = 1;
    }

    @Actor
    public void other(JJJ_Result r) {
      shootdown.flushPage(4096);
      r.r2 = 1;
    }

    @Arbiter
    public void end(JJJ_Result r) {
      long done = log.catchUp(tlb, 0);
      r.r3 = tlb.pageCount() == 0 ? done : -1;
      ended();
    }
  }
}
