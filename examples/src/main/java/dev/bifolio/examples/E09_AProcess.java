package dev.bifolio.examples;

import dev.bifolio.kernel.BootException;
import dev.bifolio.kernel.BootLog;
import dev.bifolio.kernel.BootOptions;
import dev.bifolio.kernel.Machine;
import dev.bifolio.kernel.UserSettings;
import dev.bifolio.kernel.UserSpaces;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.mmu.MmuFault;
import dev.bifolio.kernel.mmu.Tlb;
import dev.bifolio.kernel.virtual.AccessKind;
import dev.bifolio.kernel.virtual.AreaFlags;
import dev.bifolio.kernel.virtual.Asids;
import dev.bifolio.kernel.virtual.Backings;
import dev.bifolio.kernel.virtual.FaultOutcome;
import dev.bifolio.kernel.virtual.HugePolicy;
import dev.bifolio.kernel.virtual.UserSpace;
import dev.bifolio.kernel.virtual.VirtualAreas;

/// Lesson 9: the memory of a process, which is there when it is touched.
///
/// To map is to promise. Nothing is taken until an access finds no page: the processor *faults*,
/// and whoever resolves the fault brings a frame of zeros, and lets the processor try again:
///
/// ```
///   store ──> no page ──> fault ──> the area says: memory, may be stored to ──> a frame ──> store
/// ```
///
/// To fork is to promise twice. Parent and child have the same frames, and neither may store; who
/// stores first faults, and gets a copy. So a process of 64 MiB is forked by some tables, and only
/// what is written afterwards is there twice.
public final class E09_AProcess {
  private static final long RAM = 64L << 20;
  private static final long RAM_BYTES = 256L << 20;
  private static final long PAGE = 4096;
  private static final long AREA_BYTES = 64L << 20;
  private static final int TOUCHED_PAGES = 100;

  private final Machine machine;
  private final UserSpaces spaces;
  private final Tlb tlb;
  private final Mmu mmu;
  private final long atFirst;
  private UserSpace running;
  private int faults;

  private E09_AProcess(Machine machine, UserSpaces spaces) {
    this.machine = machine;
    this.spaces = spaces;
    tlb = new Tlb(machine.kernelSpace().format(), 64, 4);
    mmu = new Mmu(machine.kernelSpace().format(), machine.bus(), tlb, spaces.shootdowns(), 0);
    atFirst = free();
    running = open();
  }

  /// Runs the lesson.
  ///
  /// @param arguments none
  /// @throws MemoryMapException if the map is not sound
  /// @throws BootException if no machine can be made of it
  public static void main(String[] arguments) throws MemoryMapException, BootException {
    MemoryMapBuilder builder = new MemoryMapBuilder("by hand");
    builder.architecture(Architecture.RISCV64);
    builder.addMemory(RAM, RAM_BYTES, 0, false, "RAM", 0);
    UserSettings settings = new UserSettings(4, 1, 8, HugePolicy.NEVER, 0);
    try (Machine machine =
        Machine.boot(builder.build(), BootOptions.DEFAULTS.withCpuCount(1), BootLog.SILENT)) {
      UserSpaces spaces = machine.startUserSpaces(settings, new Backings(1));
      if (spaces == null) {
        throw new IllegalStateException("there is no memory for processes");
      }
      new E09_AProcess(machine, spaces).tell();
    }
  }

  private UserSpace open() {
    UserSpace space = spaces.open();
    if (space == null) {
      throw new IllegalStateException("there is no memory for a process");
    }
    return space;
  }

  private void tell() {
    UserSpace parent = running;
    run(parent);
    long free = free();
    int access = AreaFlags.READ | AreaFlags.WRITE;
    long start = parent.mapAnywhere(AREA_BYTES, 0, 0, access, VirtualAreas.ANONYMOUS, 0);
    IO.println(
        "64 MiB are mapped, and %d frames are gone: words of areas.".formatted(free - free()));
    for (int page = 0; page < TOUCHED_PAGES; page++) {
      store(start + page * PAGE, page + 1);
    }
    IO.println("A store to each of %d pages: %d faults,".formatted(TOUCHED_PAGES, faults));
    IO.println("  and %d frames are gone, some of them tables.".formatted(free - free()));

    long before = free();
    UserSpace child = open();
    IO.println(
        "Fork: " + parent.forkInto(child) + ", by " + (before - free()) + " frames of tables.");
    tellCopies(child, start);

    run(parent);
    IO.println("The parent still has " + load(start) + ".");
    mmu.storeLong(start + AREA_BYTES, 1);
    FaultOutcome outcome = parent.fault(start + AREA_BYTES, AccessKind.STORE);
    IO.println("Behind the area: " + MmuFault.of(mmu.fault()) + ", and then " + outcome + ".");
    leave();
    spaces.close(parent);
    spaces.close(child);
    IO.println(free() == atFirst ? "All frames are back." : "FRAMES ARE MISSING");
  }

  private void tellCopies(UserSpace child, long start) {
    run(child);
    long before = free();
    IO.println(
        "The child reads " + load(start) + ", and has copied " + (before - free()) + " pages.");
    store(start, 4711);
    IO.println("It stores, and has copied " + (before - free()) + ".");
  }

  private long free() {
    return machine.freeFrameCount() + machine.cachedFrameCount();
  }

  /// The processor begins to run a process.
  private void run(UserSpace space) {
    long answer = spaces.enter(0, space);
    if ((answer & Asids.FLUSH) != 0) {
      tlb.flushAll(false);
    }
    mmu.setSpace(space.tables(), (int) (answer & ~Asids.FLUSH));
    mmu.setUser(true);
    running = space;
  }

  private void leave() {
    mmu.setSpace(machine.kernelSpace(), 0);
    mmu.setUser(false);
    long _ = spaces.leave(0); // with numbers for spaces, nothing is to be flushed
  }

  /// A store of the process: again after each fault that could be resolved.
  private void store(long address, long value) {
    while (mmu.storeLong(address, value) != 0) {
      resolve(address, AccessKind.STORE);
    }
  }

  private long load(long address) {
    long value = mmu.loadLong(address);
    while (mmu.fault() != 0) {
      resolve(address, AccessKind.LOAD);
      value = mmu.loadLong(address);
    }
    return value;
  }

  private void resolve(long address, AccessKind kind) {
    faults++;
    FaultOutcome outcome = running.fault(address, kind);
    if (!outcome.isResolved()) {
      throw new IllegalStateException("the process is killed: " + outcome);
    }
  }
}
