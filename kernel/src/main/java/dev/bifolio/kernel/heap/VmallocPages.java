package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.KernelLayout;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.PageReceiver;
import dev.bifolio.kernel.unit.Pages;

/// The frames that a [Vmalloc] has in hand: on their way from the allocator into the tables, or
/// back.
///
/// ```
///   VmallocFrames ── take ──> 512 entries ── map ──> page tables
///                 <── give ── 512 entries <─ unmapped ── a batch whose pages have been flushed
/// ```
///
/// For who has the lock of the [Vmalloc].
final class VmallocPages implements PageReceiver {
  /// Frames that it has in hand at most.
  static final int MOST = 512;

  private final VmallocFrames frames;
  private final long physToVirt;
  private final long[] pfns = new long[MOST];
  private int count;
  private long gone;

  VmallocPages(VmallocFrames frames, long physToVirt) {
    this.frames = frames;
    this.physToVirt = physToVirt;
  }

  /// Takes frames, and fills them with zeros if that is wanted.
  ///
  /// @param wanted 1 … [#MOST]
  /// @param flags of the request
  /// @param firstPage what they will be
  /// @return false, and nothing has changed, if there are not so many
  boolean take(int wanted, int flags, long firstPage) {
    count = frames.take(pfns, wanted, flags & ~AllocationFlags.ZERO, firstPage);
    if (count < wanted) {
      giveBack();
      return false;
    }
    for (int i = 0; i < count && (flags & AllocationFlags.ZERO) != 0; i++) {
      Memory.fill(Pages.pfnToAddress(pfns[i]) + physToVirt, Pages.PAGE_SIZE, (byte) 0);
    }
    return true;
  }

  /// Maps what was taken, or gives it back.
  MapOutcome map(AddressSpace space, long virtualAddress) {
    MapOutcome outcome = space.mapFrames(virtualAddress, pfns, 0, count, KernelLayout.DATA);
    if (outcome == MapOutcome.MAPPED) {
      count = 0;
    } else {
      giveBack();
    }
    return outcome;
  }

  @Override
  public void unmapped(long physicalAddress, int level, int flags) {
    gone++;
    pfns[count++] = physicalAddress >>> Pages.PAGE_SHIFT;
    if (count == MOST) {
      giveBack();
    }
  }

  /// Gives back the rest of what was unmapped.
  ///
  /// @return how many pages were, since the last time
  long settle() {
    giveBack();
    long pages = gone;
    gone = 0;
    return pages;
  }

  private void giveBack() {
    int given = count;
    count = 0;
    if (given > 0) {
      frames.give(pfns, given);
    }
  }
}
