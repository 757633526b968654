package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.CopyMode;
import dev.bifolio.kernel.table.CopyOutcome;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.FrameSharers;

/// Copies areas and pages of one space into another: what a fork does once all its pages are small.
///
/// ```
///   areas    one by one; should a node be missing, those that are there are taken back
///   pages    in one copy, which happens or does not, with a sharer more for each frame
/// ```
///
/// Pages of shared areas lose stores too, which they get again by a fault: so one copy does for all
/// of them, and there is nothing to take back when the second of two would fail. For who has the
/// locks of both spaces alone, and flushes what the batch names.
///
/// @param space the tables
/// @param areas what they are for
/// @param batch of who has the lock
record SpaceCopy(AddressSpace space, VirtualAreas areas, FlushBatch batch) {
  /// Copies all there is.
  ///
  /// @param child with nothing in it, of the same floor and ceiling
  /// @param sharers counts who has a frame
  ForkOutcome copyTo(SpaceCopy child, FrameSharers sharers) {
    if (!copyAreas(child.areas)) {
      return ForkOutcome.NO_MEMORY;
    }
    ForkOutcome outcome = copyPages(child.space, sharers);
    if (outcome != ForkOutcome.FORKED) {
      child.areas.clear();
    }
    return outcome;
  }

  private boolean copyAreas(VirtualAreas to) {
    for (long area = areas.firstAbove(0); area != VirtualAreas.NO_AREA; area = areas.next(area)) {
      InsertOutcome outcome =
          to.insert(
              areas.start(area),
              areas.end(area),
              areas.flags(area),
              areas.backing(area),
              areas.offset(area));
      if (outcome != InsertOutcome.INSERTED) {
        to.clear();
        return false;
      }
    }
    return true;
  }

  private ForkOutcome copyPages(AddressSpace to, FrameSharers sharers) {
    long byteSize = areas.ceiling() - areas.floor();
    CopyOutcome outcome =
        space.copyTo(to, areas.floor(), byteSize, CopyMode.COPY_ON_WRITE, sharers, batch);
    return switch (outcome) {
      case DONE -> ForkOutcome.FORKED;
      case TOO_MANY_SHARERS -> ForkOutcome.TOO_MANY_SHARERS;
      case NO_TABLE -> ForkOutcome.NO_MEMORY;
      default -> throw new IllegalStateException("pages could not be copied: " + outcome.name());
    };
  }
}
