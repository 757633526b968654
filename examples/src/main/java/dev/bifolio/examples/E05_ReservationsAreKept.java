package dev.bifolio.examples;

import dev.bifolio.kernel.BootException;
import dev.bifolio.kernel.BootLog;
import dev.bifolio.kernel.BootOptions;
import dev.bifolio.kernel.BootReport;
import dev.bifolio.kernel.Machine;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;

/// Lesson 5: whoever asks for all of memory gets all but what is not his.
///
/// We describe a machine by hand, with a reservation that ends in the middle of a frame, take every
/// frame that it will give, one by one, and look whether one of them holds a reserved byte.
public final class E05_ReservationsAreKept {
  private static final long BASE = 0x8000_0000L;

  private E05_ReservationsAreKept() {}

  /// Runs the lesson.
  ///
  /// @param arguments none
  /// @throws MemoryMapException never: the map is sound
  /// @throws BootException never: a machine can be made of it
  public static void main(String[] arguments) throws MemoryMapException, BootException {
    MemoryMapBuilder builder =
        new MemoryMapBuilder("by hand").addMemory(BASE, 64 * Pages.MIB, 0, false, "RAM", 0);
    reserve(builder, BASE, 0x20_0000, "firmware");
    // 1,000 bytes: less than a frame, but the frame cannot be handed out.
    reserve(builder, BASE + 32 * Pages.MIB + 100, 1000, "a log of the boot loader");
    MemoryMap map = builder.build();

    // No watermarks: what a machine keeps for emergencies is another lesson, the seventh.
    BootOptions options = BootOptions.DEFAULTS.withMinFreeKib(0);
    try (Machine machine = Machine.boot(map, options, BootLog.SILENT)) {
      BootReport report = machine.report();
      BootReport.Frames frames = report.frames();
      IO.println("Every frame is accounted for:");
      IO.println("  present   " + frames.present());
      IO.println("- reserved  " + frames.reserved());
      IO.println("- mem_map   " + frames.memMap());
      IO.println("= managed   " + frames.managed());
      IO.println("- heap      " + frames.heap());
      IO.println("= free      " + frames.free());

      long taken = 0;
      long violations = 0;
      for (long pfn = take(machine); pfn != FrameAllocator.NO_FRAME; pfn = take(machine)) {
        taken++;
        AddressRange frame = new AddressRange(Pages.pfnToAddress(pfn), Pages.PAGE_SIZE);
        violations += overlapsAny(frame, report.reservations()) ? 1 : 0;
      }
      IO.println("We took " + taken + " frames, until there were none.");
      IO.println(violations + " of them hold a byte of somebody else:");
      for (ReservedRegion reserved : report.reservations()) {
        IO.println("  " + reserved.range() + " " + reserved.name());
      }
    }
  }

  private static void reserve(MemoryMapBuilder builder, long base, long byteSize, String name)
      throws MemoryMapException {
    builder.addReserved(
        base, byteSize, name, ReservedRegion.Source.FIRMWARE, false, false, "by hand", 0);
  }

  private static long take(Machine machine) {
    return machine.allocate(0, AllocationFlags.NONE);
  }

  private static boolean overlapsAny(AddressRange frame, ReservedRegion[] reservations) {
    for (ReservedRegion reserved : reservations) {
      if (frame.overlaps(reserved.range())) {
        return true;
      }
    }
    return false;
  }
}
