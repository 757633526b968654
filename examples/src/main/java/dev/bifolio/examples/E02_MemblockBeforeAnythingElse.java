package dev.bifolio.examples;

import dev.bifolio.kernel.boot.Memblock;
import dev.bifolio.kernel.boot.RegionList;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;

/// Lesson 2: before there is an allocator, two lists of ranges will do.
///
/// A frame allocator needs memory for its own tables. Who allocates that? *Memblock*: a list of
/// what is memory and a list of what is taken. To allocate is to find a gap and to write it into
/// the second list. The lists can even grow: in memory that they find in themselves.
public final class E02_MemblockBeforeAnythingElse {
  private static final long RAM_BASE = 0x4000_0000L;
  private static final long RAM_BYTES = 64 * Pages.MIB;

  private E02_MemblockBeforeAnythingElse() {}

  /// Runs the lesson.
  ///
  /// @param arguments none
  /// @throws WindowException if this system reserves no memory
  public static void main(String[] arguments) throws WindowException {
    // A window stands for the RAM, and a small one for a kernel's static data. Neither costs
    // memory before it is written to.
    try (Window ram = Window.reserve(RAM_BYTES);
        Window statics = Window.reserve(Memblock.storageByteSize(4))) {
      // Room for four ranges in each list, so that we soon see them grow.
      Memblock early = new Memblock(statics.address(), 4, ram.address() - RAM_BASE);

      early.add(RAM_BASE, RAM_BYTES);
      early.reserve(RAM_BASE + Pages.MIB, 3 * Pages.MIB);
      IO.println("64 MiB of RAM, and the kernel's image in it:");
      print(early);

      // Alignment and size are free to choose; the search begins at the top.
      long table = early.allocate(100_000, 64);
      IO.println("100,000 bytes for a table were found at " + AddressRange.hex(table) + ":");
      print(early);

      // Firmware reserves what it likes. A list that is full doubles, and the new list's memory
      // is one more range that is taken.
      IO.println("Firmware reserves pages here and there:");
      for (int i = 0; i < 6; i++) {
        early.reserve(RAM_BASE + (16L + 2L * i) * Pages.MIB, Pages.PAGE_SIZE);
        RegionList taken = early.reserved();
        IO.println("  " + taken.count() + " ranges taken, room for " + taken.capacity());
      }

      // What a boot would hand over to the frame allocator is the difference of the lists.
      IO.println("Free are then:");
      long freeBytes = 0;
      for (long at = 0; early.nextFree(at, Memblock.NO_NODE); at = early.freeEnd()) {
        AddressRange gap = AddressRange.ofBounds(early.freeBase(), early.freeEnd());
        freeBytes += gap.byteSize();
        IO.println("  " + gap);
      }
      long takenBytes = early.reserved().totalBytes();
      IO.println(freeBytes + " bytes free + " + takenBytes + " taken = " + RAM_BYTES + " of RAM");
    }
  }

  private static void print(Memblock early) {
    print("  memory  ", early.memory());
    print("  taken   ", early.reserved());
  }

  private static void print(String label, RegionList list) {
    for (int i = 0; i < list.count(); i++) {
      IO.println(label + AddressRange.ofBounds(list.base(i), list.end(i)));
    }
  }
}
