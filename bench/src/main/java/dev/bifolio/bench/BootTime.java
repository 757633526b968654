package dev.bifolio.bench;

import dev.bifolio.kernel.BootException;
import dev.bifolio.kernel.BootLog;
import dev.bifolio.kernel.BootOptions;
import dev.bifolio.kernel.Machine;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.unit.Pages;

/// The boot of a synthetic machine in this process, for the first time in its life.
final class BootTime {
  private BootTime() {}

  /// A machine with one range of RAM from 1 GiB up and a firmware region at its beginning.
  static MemoryMap synthetic(long byteSize) throws MemoryMapException {
    return new MemoryMapBuilder("synthetic")
        .addMemory(Pages.GIB, byteSize, 0, false, "memory", 0)
        .addReserved(
            Pages.GIB,
            2 * Pages.MIB,
            "firmware",
            ReservedRegion.Source.FIRMWARE,
            true,
            false,
            "firmware",
            0)
        .build();
  }

  /// Wall time of the boot alone.
  static long measureNanos(long byteSize) throws MemoryMapException, BootException {
    MemoryMap map = synthetic(byteSize);
    long begin = System.nanoTime();
    try (Machine machine = Machine.boot(map, BootOptions.DEFAULTS, BootLog.SILENT)) {
      long nanos = System.nanoTime() - begin;
      if (machine.freeFrameCount() < Pages.bytesToFramesDown(byteSize) / 2) {
        throw new IllegalStateException("the machine has less than half of its frames");
      }
      return nanos;
    }
  }
}
