package dev.bifolio.kernel;

import dev.bifolio.kernel.mmu.MmuBus;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.reclaim.Balloon;
import dev.bifolio.kernel.reclaim.HostMemory;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.ZonedFrames;

/// The frames of a machine as pages of its window.
///
/// @param window of the machine
/// @param offset from physical addresses to virtual ones
record WindowPages(Window window, long offset) implements HostMemory {
  @Override
  public void discard(long startPfn, long frameCount) {
    long address = (startPfn << Pages.PAGE_SHIFT) + offset;
    window.discard(address, frameCount << Pages.PAGE_SHIFT);
  }

  /// A balloon over these pages.
  ///
  /// @param pfn where its list lies, all zero
  Balloon balloon(ZonedFrames frames, long pfn, int mostAreas) {
    return new Balloon(frames, this, (pfn << Pages.PAGE_SHIFT) + offset, mostAreas);
  }

  /// These pages as a processor with so many address lines sees them.
  MmuBus bus(int physicalBits) {
    long base = window.address() - offset;
    long byteSize = Math.min(window.byteSize(), (1L << physicalBits) - base);
    return new MmuBus(base, byteSize, offset, physicalBits);
  }

  /// The virtual address of a physical one.
  ///
  /// @throws IllegalArgumentException if it is outside of the window
  long physToVirt(long physicalAddress) {
    long address = physicalAddress + offset;
    if (Long.compareUnsigned(address - window.address(), window.byteSize()) >= 0) {
      throw new IllegalArgumentException(
          AddressRange.hex(physicalAddress) + " is outside of the machine's memory");
    }
    return address;
  }
}
