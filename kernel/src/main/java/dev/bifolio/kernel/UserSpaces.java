package dev.bifolio.kernel;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.mmu.ShootdownLog;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.KernelLayout;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.virtual.Asids;
import dev.bifolio.kernel.virtual.Backings;
import dev.bifolio.kernel.virtual.UserLayout;
import dev.bifolio.kernel.virtual.UserMemory;
import dev.bifolio.kernel.virtual.UserSpace;
import org.jspecify.annotations.Nullable;

/// The user spaces of a machine: opened and closed at any time, run by its processors, and worked
/// on in the background.
///
/// # Overview
///
/// A [UserSpace] knows nothing of other spaces, of processors, nor of where its frames come from. A
/// machine has many of them, over the same frames and the same kernel, and fewer numbers for them
/// than there are spaces. This class puts them together. All their words lie in frames that are
/// taken once; to open a space takes the frame of its root and no more.
///
/// ```
///   open ──> a free slot ──> root: user half empty, kernel half is the machine's
///   enter ─> Asids ──> number and whether to flush ──> the processor's registers
///   a change of tables ──> SpaceFlusher ──> ShootdownLog ──> each processor, before its next access
///   step ──> one open space after another: small pages become large ones
///   Shrinkers ──> HugePageShrinker ──> one after another: large ones of mostly zeros are split
///
///   a slot:   FREE ── open ──> OPENING ──> OPEN ── close ──> CLOSING ──> FREE
///                                 └─ no memory ─> FREE
///   words     0 lock of the state │ 8 state │ 16 lock of the work │ 24 done │ 32 number │ 64 tables │ 192 space
/// ```
///
/// - I1 A slot that is FREE has no frame, and its word of numbers is 0: who opens it next gets a
///   number of his own, since processors may know the old one still.
/// - I2 What the kernel maps later, every space sees: the entries of the root for stacks and
///   vmalloc have their tables before the first space is opened.
/// - I3 Background work is only in a space that is OPEN, and no space is given up while it is.
/// - I4 No processor runs a space that is being closed.
///
/// **Threads.** Any may call anything at any time; a space is closed by one thread that knows that
/// all others are done with it, and a processor's number is used by one at a time. Lock order: the
/// lock of the work, then that of the space ([UserSpace]) and what is below it. Work is begun only
/// if both are free, and never waited for but by [#close], which holds nothing then: so reclaim may
/// come here from any allocation, one under the lock of a space among them. The lock of the state
/// is held for some loads and stores, and nothing is called under it.
///
/// Cost: to find a space is a look at each before it. To enter one is a lock and [Asids#enter]. No
/// Java objects after the constructor.
///
/// Rejected: a space's words in frames of its own, which would be 4 KiB for 320 bytes; one lock for
/// all, under which a step that copies 512 pages keeps everybody from opening a space.
public final class UserSpaces {
  private static final long FREE = 0;
  private static final long OPENING = 1;
  private static final long OPEN = 2;
  private static final long CLOSING = 3;

  // Words.
  private static final int STEP_CURSOR = 0;
  private static final int SHRINK_CURSOR = 8;
  private static final int SLOTS = 64;

  // Words of a slot.
  private static final int STATE_LOCK = 0;
  private static final int STATE = 8;
  private static final int WORK_LOCK = 16;
  private static final int DONE = 24;
  private static final int ASID = 32;
  private static final int TABLES = 64;
  private static final int SPACE = TABLES + AddressSpace.BYTE_SIZE;
  private static final int SLOT_BYTES = SPACE + UserSpace.BYTE_SIZE;

  private static final int CPU_BYTES = 64;
  private static final int LARGE = 2;

  private final long address;
  private final UserSettings settings;
  private final AddressSpace kernel;
  private final UserMemory memory;
  private final Backings backings;
  private final Asids asids;
  private final ShootdownLog shootdowns;
  private final long running;
  private final UserSpace[] spaces;
  private final SpinLock[] stateLocks;
  private final SpinLock[] workLocks;

  /// No space is open.
  ///
  /// @param address of [#byteSize] zero bytes, a multiple of 64
  /// @param tables of the kernel
  /// @param memory of the machine
  UserSpaces(
      long address,
      UserSettings settings,
      KernelTables tables,
      UserMemory memory,
      Backings backings) {
    this.address = address;
    this.settings = settings;
    this.memory = memory;
    this.backings = backings;
    kernel = tables.space();
    int most = settings.mostSpaces();
    int cpus = settings.cpuCount();
    running = address + SLOTS + (long) most * SLOT_BYTES;
    long log = running + (long) cpus * CPU_BYTES;
    shootdowns = new ShootdownLog(log, cpus);
    asids = new Asids(log + ShootdownLog.byteSize(cpus), cpus, settings.asidBits());
    spaces = new UserSpace[most];
    stateLocks = new SpinLock[most];
    workLocks = new SpinLock[most];
    UserLayout layout = new UserLayout(kernel.format());
    for (int slot = 0; slot < most; slot++) {
      long words = slotAt(slot);
      stateLocks[slot] = new SpinLock(words + STATE_LOCK);
      workLocks[slot] = new SpinLock(words + WORK_LOCK);
      spaces[slot] =
          new UserSpace(
              words + SPACE,
              layout,
              memory,
              backings,
              new AddressSpace(kernel.format(), tables.frames(), words + TABLES),
              settings.hugePolicy(),
              settings.mostHoles(),
              new SpaceFlusher(shootdowns, asids, words + ASID));
    }
  }

  /// Bytes of memory that they need.
  static long byteSize(UserSettings settings) {
    int cpus = settings.cpuCount();
    return SLOTS
        + (long) settings.mostSpaces() * SLOT_BYTES
        + (long) cpus * CPU_BYTES
        + ShootdownLog.byteSize(cpus)
        + Asids.byteSize(cpus, settings.asidBits());
  }

  /// Takes the words out of a machine's frames, and pins the kernel's entries. See
  /// [Machine#startUserSpaces].
  static @Nullable UserSpaces start(
      Machine machine, KernelTables tables, UserSettings settings, Backings backings) {
    PageFormat format = tables.space().format();
    if (settings.asidBits() > Asids.mostBits(format)) {
      throw new IllegalArgumentException(
          format + " has no numbers of " + settings.asidBits() + " bits");
    }
    long frameCount = Pages.bytesToFramesUp(byteSize(settings));
    long pfn = machine.tryAllocateFrames(frameCount, AllocationFlags.LONG | AllocationFlags.ZERO);
    if (pfn < 0) {
      return null;
    }
    long words = machine.physToVirt(Pages.pfnToAddress(pfn));
    long physToVirt = words - Pages.pfnToAddress(pfn);
    UserMemory memory =
        new UserMemory(
            new MachineFrames(machine),
            AllocationFlags.NONE,
            AllocationFlags.NOWAIT,
            new InfoSharers(machine),
            physToVirt);
    UserSpaces spaces = new UserSpaces(words, settings, tables, memory, backings);
    KernelLayout layout = tables.layout();
    long first = layout.stackBase(0);
    if (tables.space().pin(first, layout.vmallocEnd() - first)
        && machine.reclaim().shrinkers().register(new HugePageShrinker(spaces)) >= 0) {
      return spaces;
    }
    machine.freeFrames(pfn, frameCount);
    return null;
  }

  // ---- Open and close ----

  /// Opens a space with nothing in it but the kernel's half.
  ///
  /// @return the space, which may have been another's before; null, and nothing has changed, if as
  ///   many are open as may be or there is no memory for its root
  public @Nullable UserSpace open() {
    int slot = take();
    if (slot < 0) {
      return null;
    }
    if (!spaces[slot].tables().open(kernel)) {
      setState(slot, FREE);
      return null;
    }
    Memory.putLong(slotAt(slot) + DONE, 0);
    setState(slot, OPEN);
    return spaces[slot];
  }

  private int take() {
    for (int slot = 0; slot < spaces.length; slot++) {
      if (state(slot) == FREE) {
        stateLocks[slot].lock();
        boolean isFree = state(slot) == FREE;
        if (isFree) {
          setState(slot, OPENING);
        }
        stateLocks[slot].unlock();
        if (isFree) {
          return slot;
        }
      }
    }
    return -1;
  }

  /// Closes a space: all that it has goes back. Nobody uses it any more, nor the reference to it.
  ///
  /// @param space of [#open]
  /// @throws IllegalArgumentException if it is none of these
  /// @throws IllegalStateException if it is not open, or a processor runs it; nothing has changed
  public void close(UserSpace space) {
    int slot = find(space);
    stateLocks[slot].lock();
    try {
      requireOpen(slot);
      for (int cpu = 0; cpu < settings.cpuCount(); cpu++) {
        if (Memory.getLongVolatile(runningAt(cpu)) == slot + 1L) {
          throw new IllegalStateException("processor " + cpu + " runs the space to close");
        }
      }
      setState(slot, CLOSING);
    } finally {
      stateLocks[slot].unlock();
    }
    workLocks[slot].lock(); // whoever comes to work there later sees that it is not open
    workLocks[slot].unlock();
    space.close();
    Memory.putLong(slotAt(slot) + ASID, 0);
    setState(slot, FREE);
  }

  private int find(UserSpace space) {
    for (int slot = 0; slot < spaces.length; slot++) {
      if (spaces[slot] == space) {
        return slot;
      }
    }
    throw new IllegalArgumentException("that is no space of this machine");
  }

  private void requireOpen(int slot) {
    if (state(slot) != OPEN) {
      throw new IllegalStateException("the space is not open");
    }
  }

  private long slotAt(int slot) {
    return address + SLOTS + (long) slot * SLOT_BYTES;
  }

  private long state(int slot) {
    return Memory.getLongVolatile(slotAt(slot) + STATE);
  }

  private void setState(int slot, long state) {
    Memory.putLongRelease(slotAt(slot) + STATE, state);
  }

  // ---- Processors ----

  /// A processor begins to run a space, in place of what it ran before. It flushes if it is told
  /// to, all that is not global, and then loads its registers: the root of [UserSpace#tables()] and
  /// the number.
  ///
  /// @param cpu 0 … [UserSettings#cpuCount()] - 1
  /// @param space of [#open]
  /// @return the number, and [Asids#FLUSH] if it has to flush
  /// @throws IllegalArgumentException if there is no such processor or space
  /// @throws IllegalStateException if the space is not open
  public long enter(int cpu, UserSpace space) {
    long at = runningAt(cpu);
    int slot = find(space);
    stateLocks[slot].lock();
    try {
      requireOpen(slot);
      Memory.putLongRelease(at, slot + 1L);
    } finally {
      stateLocks[slot].unlock();
    }
    return asids.enter(cpu, slotAt(slot) + ASID);
  }

  /// A processor has gone back to the kernel's own space, whose number is 0: it has loaded its
  /// registers. It flushes then if it is told to, all that is not global.
  ///
  /// @param cpu 0 … [UserSettings#cpuCount()] - 1
  /// @return [Asids#FLUSH] where no numbers tell spaces apart, else 0
  /// @throws IllegalArgumentException if there is no such processor
  public long leave(int cpu) {
    Memory.putLongRelease(runningAt(cpu), 0);
    return settings.asidBits() == 0 ? Asids.FLUSH : 0;
  }

  private long runningAt(int cpu) {
    if (cpu < 0 || cpu >= settings.cpuCount()) {
      throw new IllegalArgumentException("there is no processor " + cpu);
    }
    return running + (long) cpu * CPU_BYTES;
  }

  // ---- In the background ----

  /// Makes large pages of small ones in one of the open spaces, another one each time, until all
  /// have been looked through. A space that somebody uses has its turn later.
  ///
  /// @param budget pages to look at, 1 or more; what is begun is finished
  /// @return whether there is more to look at in this round
  boolean step(long budget) {
    boolean hasStepped = false;
    for (int i = 0; i < spaces.length && !hasStepped; i++) {
      int slot = next(STEP_CURSOR);
      hasStepped = isDue(slot) && stepIn(slot, budget);
    }
    for (int slot = 0; slot < spaces.length; slot++) {
      if (isDue(slot)) {
        return true;
      }
    }
    for (int slot = 0; slot < spaces.length; slot++) {
      Memory.putLongRelease(slotAt(slot) + DONE, 0);
    }
    return false;
  }

  private boolean isDue(int slot) {
    return state(slot) == OPEN && Memory.getLongVolatile(slotAt(slot) + DONE) == 0;
  }

  /// Whose turn it is.
  private int next(int cursor) {
    return (int) (Memory.getAndAddLong(address + cursor, 1) % spaces.length);
  }

  /// Gives a space its turn, unless somebody works there.
  private boolean stepIn(int slot, long budget) {
    if (!workLocks[slot].tryLock()) {
      return false;
    }
    try {
      boolean isOpen = state(slot) == OPEN;
      if (isOpen && !spaces[slot].step(budget)) {
        Memory.putLongRelease(slotAt(slot) + DONE, 1);
      }
      return isOpen;
    } finally {
      workLocks[slot].unlock();
    }
  }

  // ---- Under pressure ----

  /// Splits large pages that are mostly zeros, one space after another, and frees the zeros.
  ///
  /// @param wantedFrames how many frames should be freed
  /// @return how many were; -1 if there were none because somebody used a space
  long shrink(long wantedFrames) {
    long freed = 0;
    boolean wasBusy = false;
    for (int i = 0; i < spaces.length && freed < wantedFrames; i++) {
      int slot = next(SHRINK_CURSOR);
      long got = state(slot) == OPEN ? shrinkIn(slot, wantedFrames - freed) : 0;
      wasBusy |= got < 0;
      freed += Math.max(got, 0);
    }
    return freed == 0 && wasBusy ? -1 : freed;
  }

  private long shrinkIn(int slot, long wantedFrames) {
    if (!workLocks[slot].tryLock()) {
      return -1;
    }
    try {
      return state(slot) == OPEN ? spaces[slot].shrink(wantedFrames) : 0;
    } finally {
      workLocks[slot].unlock();
    }
  }

  /// Frames behind large pages.
  long hugeFrames() {
    long pages = 0;
    for (UserSpace space : spaces) {
      pages += space.tables().pageCount(LARGE);
    }
    return pages * framesOfHugePage();
  }

  long framesOfHugePage() {
    return kernel.format().pageByteSize(LARGE) >>> Pages.PAGE_SHIFT;
  }

  // ---- What there is ----

  /// How many spaces are open, or about to be opened or closed.
  ///
  /// @return 0 … [UserSettings#mostSpaces()]
  public int count() {
    int count = 0;
    for (int slot = 0; slot < spaces.length; slot++) {
      count += state(slot) == FREE ? 0 : 1;
    }
    return count;
  }

  /// As they were started.
  ///
  /// @return the settings
  public UserSettings settings() {
    return settings;
  }

  /// What the spaces have in common, for backings that are to be theirs.
  ///
  /// @return frames, sharers, and the way to their bytes
  public UserMemory memory() {
    return memory;
  }

  /// What areas may name.
  ///
  /// @return as given
  public Backings backings() {
    return backings;
  }

  /// Who gives numbers to spaces.
  ///
  /// @return with its counters
  public Asids asids() {
    return asids;
  }

  /// By which all processors learn what to forget: each [Mmu][dev.bifolio.kernel.mmu.Mmu] that runs
  /// these spaces has it, with its own number.
  ///
  /// @return the log of as many processors as there are
  public ShootdownLog shootdowns() {
    return shootdowns;
  }
}
