package dev.bifolio.kernel.table;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;

/// Where a kernel's things lie among the virtual addresses of a format.
///
/// # Overview
///
/// ```
///   0                                                              the highest address
///   ├ guard ┤ user ─ ─ ─ ┤ hole ├ direct map ┤ stacks ┤ vmalloc ┤ text ┤
///                                 │                               └─ the image, by sections
///                                 └─ address - directMapBase + physicalBase = physical address
/// ```
///
/// |             | direct map           | bytes   | stacks, vmalloc      | kernel text          |
/// |-------------|----------------------|---------|----------------------|----------------------|
/// | i386        | `0xC0000000`         | 896 MiB | `0xF8800000`         | in the direct map    |
/// | x86_64      | `0xFFFF888000000000` | 64 TiB  | `0xFFFFC90000000000` | `0xFFFFFFFF80000000` |
/// | x86_64-la57 | `0xFF11000000000000` | 32 PiB  | `0xFFA0000000000000` | `0xFFFFFFFF80000000` |
/// | aarch64     | `0xFFFF000000000000` | 128 TiB | `0xFFFF8000C0000000` | `0xFFFF800080000000` |
/// | sv39        | `0xFFFFFFD600000000` | 128 GiB | `0xFFFFFFC600000000` | `0xFFFFFFFF80000000` |
/// | sv48        | `0xFFFFAF8000000000` | 64 TiB  | `0xFFFF8F8000000000` | `0xFFFFFFFF80000000` |
/// | sv57        | `0xFF60000000000000` | 32 PiB  | `0xFF20000000000000` | `0xFFFFFFFF80000000` |
///
/// The direct map begins with the physical address 0; only where RAM ends too high for that, and
/// not on x86, with the GiB in which RAM begins. (Linux begins with the first RAM on AArch64 and
/// RISC-V always. The addresses differ by a constant.)
///
/// - I1 A frame has one address in the direct map, and an address there one frame: a subtraction.
/// - I2 Nothing may be written and executed, under no address ([DirectMap] takes care of the alias
///   of the text); on i386, which can keep nothing from being executed, no text can be written.
/// - I3 A *guard* is never mapped: page 0, [#STACK_BYTE_SIZE] below each stack, and as much behind
///   the last one. No frame and no table is spent on one.
///
/// Immutable; only arithmetic, and calls of [AddressSpace#map]. Any thread.
///
/// Sources: Linux, Documentation/arch/x86/x86_64/mm.rst, Documentation/arch/arm64/memory.rst,
/// Documentation/arch/riscv/vm-layout.rst; for i386, arch/x86/include/asm/page_32_types.h and
/// pgtable_32_areas.h (lowmem of 896 MiB, a hole of 8 MiB, vmalloc).
public final class KernelLayout {
  /// What the tables of a boot allow: all, since nothing is known yet. Not global, so that a change
  /// of the root flushes them.
  public static final int BOOT =
      PageFlags.READ | PageFlags.WRITE | PageFlags.EXECUTE | PageFlags.ACCESSED | PageFlags.DIRTY;

  /// What instructions allow.
  public static final int TEXT =
      PageFlags.READ | PageFlags.EXECUTE | PageFlags.GLOBAL | PageFlags.ACCESSED;

  /// What data allow that are only read.
  public static final int RODATA = PageFlags.READ | PageFlags.GLOBAL | PageFlags.ACCESSED;

  /// What all other memory allows. Said to be dirty, so that no processor has to say it.
  public static final int DATA =
      PageFlags.READ | PageFlags.WRITE | PageFlags.GLOBAL | PageFlags.ACCESSED | PageFlags.DIRTY;

  /// Bytes of a kernel stack, and of the guard below it.
  public static final long STACK_BYTE_SIZE = 16 * Pages.KIB;

  private static final long SLOT_BYTES = 2 * STACK_BYTE_SIZE;
  private static final long MOST_STACKS = 8192;

  /// One of so many bytes of vmalloc is for stacks, at most.
  private static final long STACK_SHARE = 16;

  /// The constants of the table above.
  private enum Places {
    I386(0xC000_0000L, 896 * Pages.MIB, 0xF880_0000L, 0xFF7F_E000L, 0, 0),
    X86_64(
        0xFFFF_8880_0000_0000L,
        64 * Pages.TIB,
        0xFFFF_C900_0000_0000L,
        0xFFFF_E900_0000_0000L,
        0xFFFF_FFFF_8000_0000L,
        512 * Pages.MIB),
    X86_64_LA57(
        0xFF11_0000_0000_0000L,
        32 * 1024 * Pages.TIB,
        0xFFA0_0000_0000_0000L,
        0xFFD2_0000_0000_0000L,
        0xFFFF_FFFF_8000_0000L,
        512 * Pages.MIB),
    AARCH64(
        0xFFFF_0000_0000_0000L,
        128 * Pages.TIB,
        0xFFFF_8000_C000_0000L,
        0xFFFF_FBFF_F000_0000L,
        0xFFFF_8000_8000_0000L,
        Pages.GIB),
    SV39(
        0xFFFF_FFD6_0000_0000L,
        128 * Pages.GIB,
        0xFFFF_FFC6_0000_0000L,
        0xFFFF_FFD6_0000_0000L,
        0xFFFF_FFFF_8000_0000L,
        2 * Pages.GIB),
    SV48(
        0xFFFF_AF80_0000_0000L,
        64 * Pages.TIB,
        0xFFFF_8F80_0000_0000L,
        0xFFFF_AF80_0000_0000L,
        0xFFFF_FFFF_8000_0000L,
        2 * Pages.GIB),
    SV57(
        0xFF60_0000_0000_0000L,
        32 * 1024 * Pages.TIB,
        0xFF20_0000_0000_0000L,
        0xFF60_0000_0000_0000L,
        0xFFFF_FFFF_8000_0000L,
        2 * Pages.GIB);

    private final long direct;
    private final long directBytes;
    private final long vmalloc;
    private final long vmallocEnd;
    private final long text;
    private final long textBytes;

    Places(
        long direct, long directBytes, long vmalloc, long vmallocEnd, long text, long textBytes) {
      this.direct = direct;
      this.directBytes = directBytes;
      this.vmalloc = vmalloc;
      this.vmallocEnd = vmallocEnd;
      this.text = text;
      this.textBytes = textBytes;
    }

    static Places of(PageFormat format) {
      return switch (format) {
        case I386Format _ -> I386;
        case X86Format x86 -> x86.levels() == 4 ? X86_64 : X86_64_LA57;
        case Aarch64Format _ -> AARCH64;
        case RiscvFormat riscv ->
            switch (riscv.levels()) {
              case 3 -> SV39;
              case 4 -> SV48;
              default -> SV57;
            };
      };
    }
  }

  private final PageFormat format;
  private final Places places;
  private final long physicalBase;
  private final long physicalEnd;
  private final int stackCount;

  private KernelLayout(PageFormat format, Places places, long physicalBase) {
    this.format = format;
    this.places = places;
    this.physicalBase = physicalBase;
    long limit = 1L << format.physicalBits();
    physicalEnd =
        physicalBase
            + Math.min(places.directBytes, physicalBase < limit ? limit - physicalBase : 0);
    long stackBytes = (places.vmallocEnd - places.vmalloc) / STACK_SHARE;
    stackCount = (int) Math.min(MOST_STACKS, stackBytes / SLOT_BYTES - 1);
  }

  /// The layout for a machine.
  ///
  /// @param format of its tables
  /// @param ramBase its first byte of RAM
  /// @param ramEnd behind its last byte of RAM, up to which the direct map is to reach
  /// @return the layout; whether it reaches so far, [#physicalEnd()] tells
  /// @throws IllegalArgumentException if that is no range below 2^63
  public static KernelLayout of(PageFormat format, long ramBase, long ramEnd) {
    if (ramBase < 0 || ramEnd <= ramBase) {
      throw new IllegalArgumentException("no RAM from " + ramBase + " to " + ramEnd);
    }
    Places places = Places.of(format);
    boolean isX86 = format instanceof X86Format || format instanceof I386Format;
    boolean fromZero = isX86 || ramEnd <= places.directBytes;
    return new KernelLayout(format, places, fromZero ? 0 : Pages.alignDown(ramBase, Pages.GIB));
  }

  /// How the tables are written.
  ///
  /// @return as given
  public PageFormat format() {
    return format;
  }

  // ---- The direct map ----

  /// Where the direct map begins.
  ///
  /// @return a virtual address
  public long directMapBase() {
    return places.direct;
  }

  /// What the first address of the direct map is mapped to, if it is RAM.
  ///
  /// @return a physical address
  public long physicalBase() {
    return physicalBase;
  }

  /// How far the direct map reaches.
  ///
  /// @return the physical address behind the last that has an address there
  public long physicalEnd() {
    return physicalEnd;
  }

  /// Whether the direct map has an address for a physical one, mapped or not.
  ///
  /// @param physicalAddress any
  /// @return true from [#physicalBase()] to [#physicalEnd()], exclusive
  public boolean reaches(long physicalAddress) {
    return physicalAddress >= physicalBase && physicalAddress < physicalEnd;
  }

  /// A physical address as the kernel sees it.
  ///
  /// @param physicalAddress within reach
  /// @return its address in the direct map
  /// @throws IllegalArgumentException if the direct map does not reach it
  public long directMapAddress(long physicalAddress) {
    if (!reaches(physicalAddress)) {
      throw new IllegalArgumentException(
          AddressRange.hex(physicalAddress) + " is beyond the direct map of " + format);
    }
    return physicalAddress - physicalBase + places.direct;
  }

  /// What an address of the direct map is mapped to, if it is RAM.
  ///
  /// @param virtualAddress in the direct map
  /// @return a physical address
  /// @throws IllegalArgumentException if it is not in the direct map
  public long physicalAddress(long virtualAddress) {
    long physicalAddress = virtualAddress - places.direct + physicalBase;
    if (!reaches(physicalAddress)) {
      throw new IllegalArgumentException(
          AddressRange.hex(virtualAddress) + " is not in the direct map of " + format);
    }
    return physicalAddress;
  }

  // ---- The kernel image ----

  /// Whether the image has addresses of its own, besides those in the direct map.
  ///
  /// @return false on i386
  public boolean hasText() {
    return places.textBytes != 0;
  }

  /// Whether there is room for an image.
  ///
  /// @param image in physical memory
  /// @return false if it is too large, or beyond the direct map
  public boolean hasRoomFor(KernelSections image) {
    boolean isReached = reaches(image.textBase()) && reaches(image.end() - 1);
    long last = textOffset(image.textBase()) + image.end() - image.textBase();
    return isReached && (!hasText() || last <= places.textBytes);
  }

  /// Where the kernel has a byte of its image. An image keeps its place within a page of level 2,
  /// so that such pages can map it.
  ///
  /// @param imageBase where the image begins in physical memory
  /// @param physicalAddress of the byte
  /// @return its virtual address
  public long textAddress(long imageBase, long physicalAddress) {
    return hasText()
        ? places.text + textOffset(imageBase) + (physicalAddress - imageBase)
        : directMapAddress(physicalAddress);
  }

  private long textOffset(long imageBase) {
    return imageBase & (format.pageByteSize(2) - 1);
  }

  /// Maps the image at addresses of its own, each section with what it needs and no more. Does
  /// nothing where it has none.
  ///
  /// @param space to map it in
  /// @param image there is room for
  /// @return what came of it; unless MAPPED, some of the sections may be mapped
  public MapOutcome mapText(AddressSpace space, KernelSections image) {
    if (!hasText()) {
      return MapOutcome.MAPPED;
    }
    long base = image.textBase();
    MapOutcome outcome = mapSection(space, base, base, image.rodataBase(), TEXT);
    if (outcome == MapOutcome.MAPPED) {
      outcome = mapSection(space, base, image.rodataBase(), image.dataBase(), RODATA);
    }
    if (outcome == MapOutcome.MAPPED) {
      outcome = mapSection(space, base, image.dataBase(), image.end(), DATA);
    }
    return outcome;
  }

  private MapOutcome mapSection(
      AddressSpace space, long imageBase, long start, long end, int flags) {
    return start == end
        ? MapOutcome.MAPPED
        : space.map(textAddress(imageBase, start), start, end - start, flags);
  }

  // ---- The boot ----

  /// Maps a range to its own addresses, so that the processor finds its next instruction when
  /// translation begins. Begin and end are rounded outward to pages.
  ///
  /// @param space to map it in
  /// @param range bytes of physical memory
  /// @param flags [PageFlags]
  /// @return what came of it
  public static MapOutcome mapIdentity(AddressSpace space, AddressRange range, int flags) {
    long start = Pages.alignDown(range.base());
    long end = range.endTouchedPfn() << Pages.PAGE_SHIFT;
    return space.map(start, start, end - start, flags);
  }

  /// Temporary tables: a range where it is, and again where the kernel will run. On i386 that is
  /// the *boot directory*, of pages of 4 MiB alone and from the address 0 on, so that it needs no
  /// table but itself.
  ///
  /// @param space an empty one, all of which goes when the permanent tables are there
  /// @param range the pages that run and are written until then
  /// @return what came of it; unless MAPPED, some of it may be mapped
  public MapOutcome mapBoot(AddressSpace space, AddressRange range) {
    AddressRange pages = range;
    if (format instanceof I386Format) {
      pages = AddressRange.ofBounds(0, Pages.alignUp(range.end(), format.pageByteSize(2)));
    }
    MapOutcome outcome = mapIdentity(space, pages, BOOT);
    return outcome == MapOutcome.MAPPED
        ? space.map(textAddress(pages.base(), pages.base()), pages.base(), pages.byteSize(), BOOT)
        : outcome;
  }

  // ---- Stacks, guards, vmalloc ----

  /// How many kernel stacks there is room for.
  ///
  /// @return a count
  public int stackCount() {
    return stackCount;
  }

  /// Where a kernel stack begins; it grows down to this address.
  ///
  /// @param stack 0 … [#stackCount()] - 1
  /// @return its lowest virtual address; [#STACK_BYTE_SIZE] below and above it are guards
  /// @throws IllegalArgumentException if there is no such stack
  public long stackBase(int stack) {
    if (stack < 0 || stack >= stackCount) {
      throw new IllegalArgumentException("stack " + stack + " is not 0 … " + (stackCount - 1));
    }
    return places.vmalloc + stack * SLOT_BYTES + STACK_BYTE_SIZE;
  }

  /// Where addresses begin for whatever wants consecutive pages.
  ///
  /// @return a virtual address, behind the stacks and their guards
  public long vmallocBase() {
    return places.vmalloc + stackCount * SLOT_BYTES + STACK_BYTE_SIZE;
  }

  /// Where these addresses end.
  ///
  /// @return a virtual address, exclusive
  public long vmallocEnd() {
    return places.vmallocEnd;
  }

  /// Whether the page of an address is a guard: one that nobody may map.
  ///
  /// @param virtualAddress any
  /// @return true for page 0, and for what lies around stacks
  public boolean isGuard(long virtualAddress) {
    long offset = virtualAddress - places.vmalloc;
    boolean isAtStacks = offset >= 0 && offset < vmallocBase() - places.vmalloc;
    return Long.compareUnsigned(virtualAddress, Pages.PAGE_SIZE) < 0
        || (isAtStacks && offset % SLOT_BYTES < STACK_BYTE_SIZE);
  }
}
