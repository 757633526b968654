package dev.bifolio.kernel.mmu;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.X86Format;
import org.jspecify.annotations.Nullable;

/// The memory management unit of one processor: turns virtual addresses into physical ones as the
/// hardware of four architectures does, from the bytes of page tables, and loads and stores there.
///
/// # Overview
///
/// ```
///   virtual address ── canonical? ── Tlb ── found and allowed ──────────────> physical address
///                          │          └─ else ─ walk: each level ─── allowed ────┘  │
///                          │                       │ sets accessed and dirty      └─ Tlb remembers
///                          └── fault               └── fault: MmuFault, as the architecture says it
/// ```
///
/// Its registers say where the roots are (CR3; TTBR0 and TTBR1; satp), which ASID the space has,
/// whether user or kernel is running, and which control bits are set. A fault is a value: a
/// negative code that [MmuFault] reads, never an exception, whatever the tables hold.
///
/// What the [Tlb] remembers is used without a look at the tables, even if it is out of date: to
/// flush is the duty of who changes them. Only before an access is refused are they walked again,
/// as x86 does; a page that allows more than before needs no flush.
///
/// With several processors each has its Mmu, and all of them one [ShootdownLog]. Each load and
/// store, and each walk, is an *access* in its sense: once a flush has returned, none is under way
/// that used what is flushed. [#access] only tells the physical address, which may be out of date
/// as soon as it has returned, unless the caller keeps the page from going.
///
/// A processor must have left a space ([#setSpace]) before the space's roots are freed.
///
/// One thread at a time. Cost: an address that the Tlb knows some nanoseconds; with a log, a fence
/// for each load, store and walk. No Java objects after the constructor.
///
/// Sources: those of [X86Walker], [Aarch64Walker] and [RiscvWalker].
public final class Mmu {
  /// An access that reads.
  public static final int LOAD = 0;

  /// An access that writes.
  public static final int STORE = 1;

  /// An access that executes.
  public static final int FETCH = 2;

  private static final int PAGE_SIZE = 4096;
  private static final int PAGE_MASK = PAGE_SIZE - 1;

  private final PageFormat format;
  private final HardwareWalker walker;
  private final MmuBus bus;
  private final @Nullable Tlb tlb;
  private final @Nullable ShootdownLog log;
  private final int cpu;
  private final WalkRecord record = new WalkRecord();
  private final long[] offsetMasks = new long[PageFormat.MAX_LEVELS + 1];
  private final long lowest;
  private final long addressCount;
  private final boolean hasAsids;
  private final boolean hasTwoRoots;

  private long root0;
  private long root1;
  private int asid;
  private boolean isUser;
  private int control;
  private long loadRights;
  private long storeRights;
  private long fetchRights;

  private long done;
  private long fault;
  private long faultAddress;
  private long walks;

  /// The unit of a processor that is alone.
  ///
  /// @param format of the tables
  /// @param bus the memory
  /// @param tlb what it remembers translations in; null to walk each time
  public Mmu(PageFormat format, MmuBus bus, @Nullable Tlb tlb) {
    this(format, bus, tlb, null, 0);
  }

  /// The unit of one processor of several. In the kernel's mode, with [MmuControl#usual].
  ///
  /// @param format of the tables
  /// @param bus the memory
  /// @param tlb what it remembers translations in; null to walk each time
  /// @param log by which others make it forget; null if nobody does
  /// @param cpu its number there
  public Mmu(
      PageFormat format, MmuBus bus, @Nullable Tlb tlb, @Nullable ShootdownLog log, int cpu) {
    if (cpu < 0 || cpu >= (log == null ? 1 : log.cpuCount())) {
      throw new IllegalArgumentException("the log has no CPU " + cpu);
    }
    this.format = format;
    this.bus = bus;
    this.tlb = tlb;
    this.log = log;
    this.cpu = cpu;
    walker =
        switch (format) {
          case X86Format _, I386Format _ -> new X86Walker(format, bus);
          case Aarch64Format _ -> new Aarch64Walker(format, bus);
          case RiscvFormat _ -> new RiscvWalker(format, bus);
        };
    for (int level = 1; level <= format.levels(); level++) {
      offsetMasks[level] = format.pageByteSize(level) - 1;
    }
    hasTwoRoots = format.rootCount() == 2;
    hasAsids = format.entryByteSize() == Long.BYTES;
    int bits =
        Long.numberOfTrailingZeros(format.pageByteSize(format.levels()))
            + Integer.numberOfTrailingZeros(format.entryCount());
    addressCount = 1L << (hasTwoRoots ? bits + 1 : bits);
    lowest = hasAsids ? -(addressCount >>> 1) : 0;
    done = log == null ? 0 : log.generation();
    control = MmuControl.usual(format);
    walker.configure(control);
    setUser(false);
  }

  // ---- Registers ----

  /// Goes to a space: loads CR3, or TTBR0 and TTBR1, or satp. What is remembered stays, under its
  /// ASID; who gives an ASID to another space flushes it first. On i386, which has no ASIDs, all is
  /// forgotten but what is global.
  ///
  /// @param space which has its roots
  /// @param spaceAsid 0 … [Tlb#ASID_COUNT] - 1; 0 on i386
  public void setSpace(AddressSpace space, int spaceAsid) {
    setRoots(space.rootAddress(0), space.rootAddress(format.rootCount() - 1), spaceAsid);
  }

  /// The same for tables that belong to no space.
  ///
  /// @param low physical address of the root, or of that of the lower half
  /// @param high physical address of the root of the upper half, where there are two
  /// @param spaceAsid as there
  public void setRoots(long low, long high, int spaceAsid) {
    if (spaceAsid < 0 || spaceAsid >= (hasAsids ? Tlb.ASID_COUNT : 1)) {
      throw new IllegalArgumentException(format + " has no ASID " + spaceAsid);
    }
    root0 = low;
    root1 = hasTwoRoots ? high : low;
    asid = spaceAsid;
    if (!hasAsids && tlb != null) {
      tlb.flushAll(false);
    }
  }

  /// Lets the user run, or the kernel.
  ///
  /// @param user true for the user
  public void setUser(boolean user) {
    isUser = user;
    loadRights = walker.mask(LOAD, user);
    storeRights = walker.mask(STORE, user);
    fetchRights = walker.mask(FETCH, user);
  }

  /// Sets control bits, in place of those there were. If a bit changes that decides what may be
  /// remembered, all is forgotten.
  ///
  /// @param bits of [MmuControl]
  /// @throws IllegalArgumentException if the architecture has not got one of them
  public void setControl(int bits) {
    if ((bits & ~MmuControl.all(format)) != 0) {
      throw new IllegalArgumentException(format + " has no control bits " + bits);
    }
    boolean forgets = ((control ^ bits) & ~MmuControl.AT_EACH_ACCESS) != 0;
    control = bits;
    walker.configure(bits);
    setUser(isUser);
    if (forgets && tlb != null) {
      tlb.flushAll(true);
    }
  }

  /// The control bits.
  ///
  /// @return of [MmuControl]
  public int control() {
    return control;
  }

  // ---- Translate ----

  /// The physical address for an access, which marks the page as accessed and, for a store, as
  /// dirty. There may be no memory there, but a device.
  ///
  /// @param virtualAddress any
  /// @param kind [#LOAD], [#STORE] or [#FETCH]
  /// @return the address, or the negative code of an [MmuFault]
  public long access(long virtualAddress, int kind) {
    if (isForeign(virtualAddress)) {
      return walker.fault(MmuFault.NOT_CANONICAL, 0, kind, isUser);
    }
    long word = remembered(virtualAddress, kind);
    if (word == 0) {
      enter();
      word = walk(virtualAddress, kind);
      leave();
    }
    return physical(word, virtualAddress);
  }

  private boolean isForeign(long virtualAddress) {
    return Long.compareUnsigned(virtualAddress - lowest, addressCount) >= 0;
  }

  private long physical(long word, long virtualAddress) {
    if (word < 0) {
      return word;
    }
    return Translation.page(word) | (virtualAddress & offsetMasks[Translation.level(word)]);
  }

  private long rights(int kind) {
    return kind == LOAD ? loadRights : kind == STORE ? storeRights : fetchRights;
  }

  /// What the buffer knows and the rights allow, or 0.
  private long remembered(long virtualAddress, int kind) {
    if (tlb == null) {
      return 0;
    }
    if (log != null && log.generation() != done) {
      done = log.catchUp(tlb, done);
    }
    long word = tlb.lookup(virtualAddress, asid);
    if (Translation.allows(rights(kind), word)) {
      return word;
    }
    if (word != 0) {
      tlb.drop(virtualAddress, asid);
    }
    return 0;
  }

  private long walk(long virtualAddress, int kind) {
    walks++;
    long root = virtualAddress < 0 ? root1 : root0;
    long word = walker.walk(root, virtualAddress, kind, isUser, null);
    if (word > 0 && tlb != null) {
      tlb.insert(virtualAddress, asid, word);
    }
    return word;
  }

  private void enter() {
    if (log != null) {
      log.enter(cpu);
    }
  }

  private void leave() {
    if (log != null) {
      log.leave(cpu);
    }
  }

  /// Walks for an access that does not happen: nothing is marked, and nothing remembered is used.
  ///
  /// @param virtualAddress any
  /// @param kind [#LOAD], [#STORE] or [#FETCH]
  /// @param visitor is shown each entry, from the root on
  /// @return what [#access] would return if nothing were remembered
  public long trace(long virtualAddress, int kind, WalkVisitor visitor) {
    if (isForeign(virtualAddress)) {
      return walker.fault(MmuFault.NOT_CANONICAL, 0, kind, isUser);
    }
    record.clear();
    enter();
    long root = virtualAddress < 0 ? root1 : root0;
    long word = walker.walk(root, virtualAddress, kind, isUser, record);
    leave();
    record.show(visitor);
    return physical(word, virtualAddress);
  }

  // ---- Load ----

  /// Loads 8 bytes, the lowest first, from any address.
  ///
  /// @param virtualAddress of the first
  /// @return the value; 0 if [#fault()] tells that it is none
  public long loadLong(long virtualAddress) {
    return load(virtualAddress, Long.BYTES);
  }

  /// Loads 4 bytes, the lowest first, from any address.
  ///
  /// @param virtualAddress of the first
  /// @return the value; 0 if [#fault()] tells that it is none
  public int loadInt(long virtualAddress) {
    return (int) load(virtualAddress, Integer.BYTES);
  }

  /// Loads a byte.
  ///
  /// @param virtualAddress any
  /// @return the value; 0 if [#fault()] tells that it is none
  public byte loadByte(long virtualAddress) {
    return (byte) load(virtualAddress, 1);
  }

  private long load(long virtualAddress, int bytes) {
    enter();
    int first = Math.min(bytes, PAGE_SIZE - (int) (virtualAddress & PAGE_MASK));
    fault = 0;
    long value = 0;
    long physical = locate(virtualAddress, LOAD, first);
    long rest = physical;
    if (first < bytes && physical >= 0) {
      rest = locate(virtualAddress + first, LOAD, bytes - first);
    }
    if (rest >= 0) {
      value = read(physical, first);
      if (first < bytes) {
        value |= read(rest, bytes - first) << (first * Byte.SIZE);
      }
    }
    leave();
    return value;
  }

  /// The physical address of bytes of one page that are memory, or a fault, which is noted.
  private long locate(long virtualAddress, int kind, int bytes) {
    long physical;
    if (isForeign(virtualAddress)) {
      physical = walker.fault(MmuFault.NOT_CANONICAL, 0, kind, isUser);
    } else {
      long word = remembered(virtualAddress, kind);
      word = word != 0 ? word : walk(virtualAddress, kind);
      physical = physical(word, virtualAddress);
      if (physical >= 0 && !bus.holds(physical, bytes)) {
        physical = walker.fault(MmuFault.OUTSIDE, Translation.level(word), kind, isUser);
      }
    }
    if (physical < 0) {
      fault = physical;
      faultAddress = virtualAddress;
    }
    return physical;
  }

  private long read(long physical, int bytes) {
    long at = physical + bus.physToVirt();
    if (bytes == Long.BYTES && (at & (Long.BYTES - 1)) == 0) {
      return Memory.getLong(at);
    }
    if (bytes == Integer.BYTES && (at & (Integer.BYTES - 1)) == 0) {
      return Memory.getInt(at) & 0xFFFF_FFFFL;
    }
    long value = 0;
    for (int i = bytes - 1; i >= 0; i--) {
      value = value << Byte.SIZE | (Memory.getByte(at + i) & 0xFF);
    }
    return value;
  }

  // ---- Store ----

  /// Stores 8 bytes, the lowest first, to any address: all of them or, if it faults, none.
  ///
  /// @param virtualAddress of the first
  /// @param value what is stored
  /// @return 0, or the negative code of an [MmuFault]
  public long storeLong(long virtualAddress, long value) {
    return store(virtualAddress, Long.BYTES, value);
  }

  /// Stores 4 bytes, the lowest first, to any address: all of them or, if it faults, none.
  ///
  /// @param virtualAddress of the first
  /// @param value what is stored
  /// @return 0, or the negative code of an [MmuFault]
  public long storeInt(long virtualAddress, int value) {
    return store(virtualAddress, Integer.BYTES, value);
  }

  /// Stores a byte.
  ///
  /// @param virtualAddress any
  /// @param value what is stored
  /// @return 0, or the negative code of an [MmuFault]
  public long storeByte(long virtualAddress, byte value) {
    return store(virtualAddress, 1, value);
  }

  private long store(long virtualAddress, int bytes, long value) {
    enter();
    int first = Math.min(bytes, PAGE_SIZE - (int) (virtualAddress & PAGE_MASK));
    fault = 0;
    long physical = locate(virtualAddress, STORE, first);
    long rest = physical;
    if (first < bytes && physical >= 0) {
      rest = locate(virtualAddress + first, STORE, bytes - first);
    }
    if (rest >= 0) {
      write(physical, first, value);
      if (first < bytes) {
        write(rest, bytes - first, value >>> (first * Byte.SIZE));
      }
    }
    leave();
    return fault;
  }

  private void write(long physical, int bytes, long value) {
    long at = physical + bus.physToVirt();
    if (bytes == Long.BYTES && (at & (Long.BYTES - 1)) == 0) {
      Memory.putLong(at, value);
    } else if (bytes == Integer.BYTES && (at & (Integer.BYTES - 1)) == 0) {
      Memory.putInt(at, (int) value);
    } else {
      for (int i = 0; i < bytes; i++) {
        Memory.putByte(at + i, (byte) (value >>> (i * Byte.SIZE)));
      }
    }
  }

  // ---- What happened ----

  /// The fault of the last load or store.
  ///
  /// @return the negative code of an [MmuFault], or 0 if it was served
  public long fault() {
    return fault;
  }

  /// The address of the last load or store that faulted: what CR2, FAR_EL1 or stval holds. If only
  /// the second of two pages is at fault, the first byte there.
  ///
  /// @return a virtual address
  public long faultAddress() {
    return faultAddress;
  }

  /// Walks for accesses.
  ///
  /// @return a count
  public long walks() {
    return walks;
  }
}
