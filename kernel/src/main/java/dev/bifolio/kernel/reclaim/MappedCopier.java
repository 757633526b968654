package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// Copies frames of memory that is mapped as a whole, at a fixed distance from its physical
/// addresses. No Java objects.
///
/// @param physicalToVirtual what is added to a physical address, in bytes; may wrap around
public record MappedCopier(long physicalToVirtual) implements FrameCopier {
  @Override
  public void copy(long fromPfn, long toPfn, long frameCount) {
    Memory.copy(addressOf(fromPfn), addressOf(toPfn), Pages.framesToBytes(frameCount));
  }

  @Override
  public boolean isSame(long aPfn, long bPfn, long frameCount) {
    long a = addressOf(aPfn);
    long b = addressOf(bPfn);
    long byteSize = Pages.framesToBytes(frameCount);
    for (long offset = 0; offset < byteSize; offset += Long.BYTES) {
      if (Memory.getLong(a + offset) != Memory.getLong(b + offset)) {
        return false;
      }
    }
    return true;
  }

  private long addressOf(long pfn) {
    return Pages.pfnToAddress(pfn) + physicalToVirtual;
  }
}
