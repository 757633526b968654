package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.table.PageReceiver;
import dev.bifolio.kernel.unit.Pages;

/// Gives up the frames of pages that no processor can reach any more. A small page is one sharer
/// less; a large one is never shared, and goes back as the block that it is.
///
/// @param memory whose frames they are
/// @param hugeOrder of the block behind a large page
record PageRelease(UserMemory memory, int hugeOrder) implements PageReceiver {
  @Override
  public void unmapped(long physicalAddress, int level, int flags) {
    long pfn = physicalAddress >>> Pages.PAGE_SHIFT;
    if (level == 1) {
      memory.release(pfn);
    } else {
      memory.frames().free(pfn, hugeOrder);
    }
  }
}
