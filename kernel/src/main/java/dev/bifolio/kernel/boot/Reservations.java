package dev.bifolio.kernel.boot;

import dev.bifolio.kernel.firmware.DynamicReservation;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;

/// The reservations of one boot: what was stated, and what boot finds a place for.
///
/// A map says what the firmware says; here policy is applied. The numbered table is in the
/// description of this [package][dev.bifolio.kernel.boot]; rules 4 to 9 are carried out by this
/// class. It keeps a list of all that was reserved, by whom, for the report.
///
/// One thread, at boot. A static reservation costs one change of a memblock list; a dynamic one a
/// search. The ranges of a map are limited to 2^16, so nothing here is.
public final class Reservations {
  private static final long PAGE_BLOCK_BYTES = 2 * Pages.MIB;

  private final Memblock memblock;
  private ReservedRegion[] made = new ReservedRegion[16];
  private int madeCount;
  private String[] warnings = new String[4];
  private int warningCount;

  /// No reservations yet.
  ///
  /// @param memblock with all RAM added
  public Reservations(Memblock memblock) {
    this.memblock = memblock;
  }

  /// Makes a reservation that states its place. One that may not be mapped is only noted until
  /// [#markUnmapped()].
  ///
  /// @param region bytes, in RAM or not, overlapping others or not
  public void reserve(ReservedRegion region) {
    if (!region.noMap()) {
      memblock.reserve(region.range().base(), region.range().byteSize());
    }
    note(region);
  }

  /// Marks what may not be mapped, to the byte: of each such reservation the part that no other
  /// reservation holds, since what the kernel itself uses must stay mapped. To be called once, when
  /// all others have been made.
  public void markUnmapped() {
    FreeSpace space = new FreeSpace(memblock.memory(), memblock.reserved());
    long done = 0;
    // In order, and of each only what is behind those before: nested ranges cost no second walk.
    for (ReservedRegion region : sorted()) {
      if (region.noMap()) {
        long end = endOf(region.range());
        markUnmapped(space, RegionList.max(region.range().base(), done), end);
        done = RegionList.max(done, end);
      }
    }
  }

  private void markUnmapped(FreeSpace space, long base, long end) {
    long at = base;
    while (RegionList.isBelow(at, end) && space.next(at, end, Memblock.NO_NODE)) {
      at = space.foundEnd();
      memblock.mark(space.foundBase(), at - space.foundBase(), Memblock.NOMAP);
    }
  }

  /// Plays the boot loader for something whose place nobody stated: finds one, from the top down.
  ///
  /// @param byteSize bytes, 1 or more
  /// @param name what it is
  /// @param source who asks
  /// @return false if there is no room; a warning says so
  public boolean place(long byteSize, String name, ReservedRegion.Source source) {
    long base = memblock.allocateRaw(byteSize, Pages.PAGE_SIZE);
    if (base == Memblock.NO_ADDRESS) {
      warn("no room for " + name + " of " + byteSize + " bytes; left out");
      return false;
    }
    note(new ReservedRegion(new AddressRange(base, byteSize), name, source, false, false));
    return true;
  }

  /// Finds a place for something that a kernel has in its image, as low as it can be.
  ///
  /// @param byteSize bytes, 1 or more
  /// @param min never below, unsigned
  /// @param max never at or above, unsigned; [Memblock#NO_LIMIT] for none
  /// @param name what it is
  /// @return its physical address, a multiple of 4096; [Memblock#NO_ADDRESS] if there is no room
  public long placeLow(long byteSize, long min, long max, String name) {
    boolean before = memblock.isBottomUp();
    memblock.setBottomUp(true);
    long base = memblock.allocateWithin(byteSize, Pages.PAGE_SIZE, min, max);
    memblock.setBottomUp(before);
    if (base != Memblock.NO_ADDRESS) {
      AddressRange range = new AddressRange(base, byteSize);
      note(new ReservedRegion(range, name, ReservedRegion.Source.KERNEL, false, false));
    }
    return base;
  }

  /// Finds a place for a dynamic reservation: the highest in the first of its ranges that has room,
  /// with its alignment, but at least whole frames.
  ///
  /// @param wanted what the firmware asks for
  /// @return false if there is no such place; a warning says so
  public boolean place(DynamicReservation wanted) {
    long alignment = Math.max(Pages.PAGE_SIZE, Long.highestOneBit(wanted.byteAlignment()));
    if (wanted.reusable() && !wanted.noMap()) {
      // Movable data will live there: whole page blocks, as Linux asks of such an area.
      alignment = Math.max(alignment, PAGE_BLOCK_BYTES);
    }
    if (wanted.byteAlignment() < 0) {
      alignment = Long.MIN_VALUE; // 2^63, unsigned
    }
    long base = Memblock.NO_ADDRESS;
    AddressRange[] ranges = wanted.allowedRanges();
    if (ranges.length == 0) {
      base = memblock.allocateRaw(wanted.byteSize(), alignment);
    }
    for (int i = 0; i < ranges.length && base == Memblock.NO_ADDRESS; i++) {
      long end = endOf(ranges[i]);
      base = memblock.allocateWithin(wanted.byteSize(), alignment, ranges[i].base(), end);
    }
    if (base == Memblock.NO_ADDRESS) {
      warn(
          "no room for the reservation "
              + wanted.name()
              + " of "
              + AddressRange.hex(wanted.byteSize())
              + " bytes; left out");
      return false;
    }
    if (wanted.noMap()) {
      memblock.mark(base, wanted.byteSize(), Memblock.NOMAP);
    }
    note(
        new ReservedRegion(
            new AddressRange(base, wanted.byteSize()),
            wanted.name(),
            ReservedRegion.Source.RESERVED_MEMORY,
            wanted.noMap(),
            wanted.reusable()));
    return true;
  }

  /// How many reservations have been made.
  ///
  /// @return 0 or more
  public int count() {
    return madeCount;
  }

  /// A reservation, in the order in which they were made.
  ///
  /// @param index 0 … [#count()] - 1
  /// @return what was reserved
  public ReservedRegion get(int index) {
    return made[index];
  }

  /// How many warnings there are.
  ///
  /// @return 0 or more
  public int warningCount() {
    return warningCount;
  }

  /// A warning.
  ///
  /// @param index 0 … [#warningCount()] - 1
  /// @return one line
  public String warning(int index) {
    return warnings[index];
  }

  /// All reservations, sorted by base; equal bases stay in the order in which they were made.
  ///
  /// @return a new array
  public ReservedRegion[] sorted() {
    ReservedRegion[] from = new ReservedRegion[madeCount];
    System.arraycopy(made, 0, from, 0, madeCount);
    ReservedRegion[] to = new ReservedRegion[madeCount];
    for (int width = 1; width < madeCount; width *= 2) {
      for (int left = 0; left < madeCount; left += 2 * width) {
        merge(from, to, left, width);
      }
      ReservedRegion[] swap = from;
      from = to;
      to = swap;
    }
    return from;
  }

  private static void merge(ReservedRegion[] from, ReservedRegion[] to, int left, int width) {
    int middle = Math.min(left + width, from.length);
    int end = Math.min(left + 2 * width, from.length);
    int i = left;
    int j = middle;
    for (int k = left; k < end; k++) {
      boolean takeLeft =
          i < middle
              && (j >= end || !RegionList.isBelow(from[j].range().base(), from[i].range().base()));
      to[k] = takeLeft ? from[i++] : from[j++];
    }
  }

  private void note(ReservedRegion region) {
    if (madeCount == made.length) {
      ReservedRegion[] more = new ReservedRegion[2 * madeCount];
      System.arraycopy(made, 0, more, 0, madeCount);
      made = more;
    }
    made[madeCount++] = region;
  }

  private void warn(String text) {
    if (warningCount == warnings.length) {
      String[] more = new String[2 * warningCount];
      System.arraycopy(warnings, 0, more, 0, warningCount);
      warnings = more;
    }
    warnings[warningCount++] = text;
  }

  private static long endOf(AddressRange range) {
    return RegionList.clippedEnd(range.base(), range.byteSize());
  }
}
