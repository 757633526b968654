package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.mmu.Tlb;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.virtual.AccessKind;
import dev.bifolio.kernel.virtual.AreaFlags;
import dev.bifolio.kernel.virtual.Asids;
import dev.bifolio.kernel.virtual.Backings;
import dev.bifolio.kernel.virtual.FaultOutcome;
import dev.bifolio.kernel.virtual.HugePolicy;
import dev.bifolio.kernel.virtual.InsertOutcome;
import dev.bifolio.kernel.virtual.UserSpace;
import dev.bifolio.kernel.virtual.VirtualAreas;
import java.util.ArrayList;
import java.util.List;

/// A machine that was booted and has user spaces, with processors that load and store in them.
final class UserRig implements AutoCloseable {
  static final long PAGE = 4096;
  static final long RAM = 64 * Maps.MIB;
  static final long BYTES = 128 * Maps.MIB;
  static final long BASE = 512 * Maps.MIB;
  static final int RW = AreaFlags.READ | AreaFlags.WRITE;

  final Machine machine;
  final UserSpaces spaces;
  final PageFormat format;
  final Backings backings = new Backings(4);
  final long huge;
  private final List<Long> atStart;
  private final long freeAtStart;
  private final long tablesAtStart;

  UserRig(Architecture architecture, UserSettings settings) throws BootException {
    this(boot(architecture), settings);
  }

  UserRig(Machine booted, UserSettings settings) {
    machine = booted;
    UserSpaces started = machine.startUserSpaces(settings, backings);
    assertNotNull(started);
    spaces = started;
    format = machine.kernelSpace().format();
    huge = format.pageByteSize(2);
    atStart = words();
    freeAtStart = free();
    tablesAtStart = tablesOut();
  }

  static Machine boot(Architecture architecture) throws BootException {
    return boot(architecture, BootOptions.AllocatorKind.HYBRID);
  }

  static Machine boot(Architecture architecture, BootOptions.AllocatorKind kind)
      throws BootException {
    BootOptions options =
        BootOptions.DEFAULTS.withHeadroom(Maps.MIB).withCpuCount(2).withAllocator(kind);
    return Machine.boot(Maps.e820(architecture).ram(RAM, BYTES).build(), options, BootLog.SILENT);
  }

  static UserSettings settings(int mostSpaces, int cpuCount, int asidBits) {
    return new UserSettings(mostSpaces, cpuCount, asidBits, HugePolicy.NEVER, 0);
  }

  static UserSettings hugeSettings(int mostSpaces) {
    return new UserSettings(mostSpaces, 2, 0, HugePolicy.ALWAYS, 0);
  }

  /// Numbers of at most so many bits, as far as an architecture has them.
  static int bits(Architecture architecture, int wanted) {
    return architecture == Architecture.I386 ? 0 : wanted;
  }

  // ---- Processors ----

  /// A processor with a translation buffer, which does what it is told when it changes spaces.
  final class Processor {
    final int cpu;
    final Tlb tlb = new Tlb(format, 16, 4);
    final Mmu mmu;
    private final boolean flushes;
    UserSpace space;
    int asid;
    int patience;

    private Processor(int cpu, boolean flushes) {
      this.cpu = cpu;
      this.flushes = flushes;
      mmu = new Mmu(format, machine.bus(), tlb, spaces.shootdowns(), cpu);
    }

    Processor run(UserSpace next) {
      long answer = spaces.enter(cpu, next);
      flushIf(answer);
      asid = (int) (answer & ~Asids.FLUSH);
      mmu.setSpace(next.tables(), asid);
      mmu.setUser(true);
      space = next;
      return this;
    }

    void leave() {
      mmu.setSpace(machine.kernelSpace(), 0);
      mmu.setUser(false);
      long answer = spaces.leave(cpu);
      assertEquals(0, answer & ~Asids.FLUSH);
      flushIf(answer);
    }

    private void flushIf(long answer) {
      if ((answer & Asids.FLUSH) != 0 && flushes) {
        tlb.flushAll(false);
      }
    }

    long load(long at) {
      while (true) {
        long value = mmu.loadLong(at);
        if (mmu.fault() == 0) {
          return value;
        }
        resolve(at, AccessKind.LOAD);
      }
    }

    void store(long at, long value) {
      while (mmu.storeLong(at, value) != 0) {
        resolve(at, AccessKind.STORE);
      }
    }

    /// While others have all memory for a moment, it is asked for again.
    private void resolve(long at, AccessKind kind) {
      FaultOutcome outcome = space.fault(at, kind);
      for (int turn = 0; outcome == FaultOutcome.NO_MEMORY && turn < patience; turn++) {
        Cpu.rest();
        outcome = space.fault(at, kind);
      }
      String told = kind + " at " + Long.toHexString(at) + ": " + outcome;
      assertTrue(outcome.isResolved(), told);
    }
  }

  Processor processor(int cpu) {
    return new Processor(cpu, true);
  }

  /// One that does not flush when it should.
  Processor forgetfulProcessor(int cpu) {
    return new Processor(cpu, false);
  }

  // ---- Spaces ----

  UserSpace open() {
    UserSpace space = spaces.open();
    assertNotNull(space);
    return space;
  }

  /// A space with pages that can be stored to from [#BASE] on.
  UserSpace openWith(long pages) {
    UserSpace space = open();
    map(space, BASE, pages * PAGE);
    return space;
  }

  static void map(UserSpace space, long at, long byteSize) {
    assertEquals(
        InsertOutcome.INSERTED, space.map(at, at + byteSize, RW, VirtualAreas.ANONYMOUS, 0));
  }

  // ---- What there is ----

  long free() {
    machine.drainCaches();
    return machine.freeFrameCount();
  }

  long tablesOut() {
    return machine.kernelTables().frames().outOfSource()
        + machine.kernelTables().frames().poolInUse();
  }

  /// The words of all frames.
  private List<Long> words() {
    List<Long> words = new ArrayList<>();
    for (long pfn = RAM >>> 12; pfn < (RAM + BYTES) >>> 12; pfn++) {
      FrameInfo info = machine.frameInfo(pfn);
      words.add(info == null ? -1 : info.get(pfn));
    }
    return words;
  }

  /// Nothing is open, and nothing is lost.
  void assertAsAtStart() {
    assertEquals(0, spaces.count());
    assertEquals(tablesAtStart, tablesOut());
    assertEquals(freeAtStart, free());
    assertEquals(atStart, words());
    machine.assertValid();
  }

  /// Takes all frames that a request gets that does not wait.
  List<Long> takeAll() {
    List<Long> taken = new ArrayList<>();
    for (long pfn = machine.tryAllocate(0, AllocationFlags.NOWAIT);
        pfn >= 0;
        pfn = machine.tryAllocate(0, AllocationFlags.NOWAIT)) {
      taken.add(pfn);
    }
    return taken;
  }

  void give(List<Long> taken, int count) {
    for (int i = 0; i < count; i++) {
      machine.free(taken.removeLast(), 0);
    }
  }

  @Override
  public void close() {
    machine.close();
  }
}
