package dev.bifolio.kernel.mmu;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// What a memory management unit finds behind its address lines: one run of memory, and nothing
/// else.
///
/// ```
///   physical   0 ──── nothing ────┤ base ── memory ── base + byteSize ├──── nothing ──── 2^physicalBits
/// ```
///
/// Nothing outside of the run is ever touched, whatever the tables say. Immutable, any thread.
///
/// @param base the physical address of the first byte, a multiple of 4096
/// @param byteSize a multiple of 4096, 4096 or more
/// @param physToVirt what is added to a physical address to get at it
/// @param physicalBits address lines: what an architecture calls MAXPHYADDR or the output size
public record MmuBus(long base, long byteSize, long physToVirt, int physicalBits) {
  /// Refuses what is no memory.
  ///
  /// @throws IllegalArgumentException if an address is misaligned, or beyond the address lines
  public MmuBus {
    if (((base | byteSize) & Pages.PAGE_MASK) != 0 || byteSize <= 0) {
      throw new IllegalArgumentException("memory begins and ends with a frame, and has one");
    }
    if (physicalBits < 32 || physicalBits > 56) {
      throw new IllegalArgumentException("there are 32 to 56 address lines, not " + physicalBits);
    }
    if (base < 0 || base > (1L << physicalBits) - byteSize) {
      throw new IllegalArgumentException("memory goes beyond the address lines");
    }
  }

  /// Whether there is memory for all of an access.
  boolean holds(long physical, long bytes) {
    return Long.compareUnsigned(physical - base, byteSize - bytes) <= 0;
  }

  long entry(long physical) {
    return Memory.getLongAcquire(physical + physToVirt);
  }

  long shortEntry(long physical) {
    return Memory.getIntAcquire(physical + physToVirt) & 0xFFFF_FFFFL;
  }

  boolean change(long physical, long from, long to) {
    return Memory.compareAndSetLong(physical + physToVirt, from, to);
  }

  boolean changeShort(long physical, long from, long to) {
    return Memory.compareAndSetInt(physical + physToVirt, (int) from, (int) to);
  }
}
