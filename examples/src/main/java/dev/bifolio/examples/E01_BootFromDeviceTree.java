package dev.bifolio.examples;

import dev.bifolio.kernel.BootException;
import dev.bifolio.kernel.BootLog;
import dev.bifolio.kernel.BootOptions;
import dev.bifolio.kernel.BootReport;
import dev.bifolio.kernel.Machine;
import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.FdtReader;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/// Lesson 1: a machine is made of what the firmware says.
///
/// A boot loader hands a kernel a *device tree*: a small file that names the RAM and whatever in it
/// is taken. We read one, boot a machine from it, and use a piece of its memory, which is real: you
/// can write to it.
public final class E01_BootFromDeviceTree {
  private E01_BootFromDeviceTree() {}

  /// Runs the lesson.
  ///
  /// @param arguments none
  /// @throws IOException if the tree cannot be read from the class path
  /// @throws MemoryMapException if it is no sound device tree
  /// @throws BootException if no machine can be made of it
  public static void main(String[] arguments)
      throws IOException, MemoryMapException, BootException {
    // The bytes come from outside. Everything in them is checked before it is believed; what is
    // wrong with them would be a MemoryMapException with the place in the file.
    MemoryMap map = FdtReader.read(ByteView.of(smallBoard()));

    IO.println("The tree says:");
    for (int i = 0; i < map.memoryCount(); i++) {
      IO.println("  RAM       " + map.memory(i).range());
    }
    for (int i = 0; i < map.reservedCount(); i++) {
      IO.println("  reserved  " + map.reserved(i).range() + " " + map.reserved(i).name());
    }
    for (int i = 0; i < map.dynamicReservationCount(); i++) {
      IO.println("  wanted    a place for " + map.dynamicReservation(i).name());
    }

    // The boot tells its steps to a log, one line each.
    IO.println("The boot:");
    BootLog log = line -> IO.println("  " + line);
    try (Machine machine = Machine.boot(map, BootOptions.DEFAULTS, log)) {
      BootReport.Frames frames = machine.report().frames();
      IO.println("Of " + frames.present() + " frames " + frames.free() + " are free.");

      // Order 9 is 2^9 frames of 4 KiB: 2 MiB, at a multiple of 2 MiB.
      long pfn = machine.allocate(9, AllocationFlags.ZERO);
      long physical = Pages.pfnToAddress(pfn);
      IO.println("2 MiB were found at " + AddressRange.hex(physical) + ".");

      // A frame number names memory of the machine; this is where our process sees that memory.
      long virtual = machine.physToVirt(physical);
      IO.println("The first word is " + Memory.getLong(virtual) + ", as was asked for.");
      Memory.putLong(virtual, 42);
      IO.println("We write to it, and read " + Memory.getLong(virtual) + ".");

      machine.free(pfn, 9);
      IO.println("Given back, " + machine.freeFrameCount() + " frames are free again.");
    }
  }

  private static byte[] smallBoard() throws IOException {
    try (InputStream in = E01_BootFromDeviceTree.class.getResourceAsStream("small-board.dtb")) {
      return Objects.requireNonNull(in, "small-board.dtb is not on the class path").readAllBytes();
    }
  }
}
