package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;

/// Checks the invariants I1 … I6 of a [BuddyAllocator] by walking everything twice: the descriptors
/// in the order of their frames, and each free list along its links.
///
/// ```
///   descriptors   [HEAD ....][FREE ..][FREE][HEAD]   hole   [FREE ........]
///     one walk:    length and alignment, nothing inside a block, buddies joined, frames per section
///   free lists    order 0: FREE <-> FREE <-> …
///     other walk:  state, order, links in both directions, number of blocks
///   then the sums of both are compared with each other and with the counters
/// ```
///
/// Reads every descriptor of each section that has managed frames, 16 bytes a frame, unless it is
/// told to leave out the inside of large blocks. Nothing is written, and nothing read is trusted: a
/// wild link or length is reported, not followed.
final class BuddyValidator {
  /// Problems that are told in words; the others are only counted.
  private static final int TOLD = 20;

  private final FrameDescriptors frames;
  private final FreeAreas areas;
  private final ManagedSections sections;
  private final FrameCounters counters;
  private final int maxOrder;

  /// Whether patches that lie wholly inside one block are read as well.
  private final boolean inside;

  private final StringBuilder problems = new StringBuilder();
  private final long[] blocksSeen = new long[Pages.MAX_ORDER + 1];
  private long problemCount;
  private long checkedFrames;
  private long managedSeen;
  private long freeSeen;

  /// Managed frames seen in the section and the patch that the walk is in.
  private long inSection;

  private long inPatch;

  BuddyValidator(
      FrameDescriptors frames,
      FreeAreas areas,
      ManagedSections sections,
      FrameCounters counters,
      int maxOrder,
      boolean inside) {
    this.frames = frames;
    this.areas = areas;
    this.sections = sections;
    this.counters = counters;
    this.maxOrder = maxOrder;
    this.inside = inside;
  }

  ValidationReport validate() {
    walkDescriptors();
    if (frames.endPfn() > frames.startPfn()) {
      for (int order = 0; order <= maxOrder; order++) {
        walkList(order);
      }
    }
    compareCounters();
    return new ValidationReport(checkedFrames, problemCount, problems.toString());
  }

  private void walkDescriptors() {
    long end = frames.endPfn();
    long blockEnd = frames.startPfn();
    for (long pfn = frames.startPfn(); pfn < end; ) {
      long sectionEnd = Math.min(end, (pfn | ((1L << ManagedSections.SECTION_ORDER) - 1)) + 1);
      if (sections.inSection(pfn) == 0) {
        pfn = sectionEnd;
        continue;
      }
      inSection = 0;
      for (long patch = pfn; patch < sectionEnd; ) {
        long patchEnd =
            Math.min(sectionEnd, (patch | ((1L << ManagedSections.PATCH_ORDER) - 1)) + 1);
        blockEnd = walkPatch(patch, patchEnd, blockEnd);
        comparePatch(patch);
        patch = patchEnd;
      }
      if (sections.inSection(pfn) != inSection) {
        report(pfn, "section counts " + sections.inSection(pfn) + " frames, blocks " + inSection);
      }
      pfn = sectionEnd;
    }
  }

  /// Looks at each descriptor of a patch.
  ///
  /// @param blockEnd where the block that reaches into the patch ends
  /// @return where the last block that begins in the patch ends
  private long walkPatch(long startPfn, long endPfn, long blockEnd) {
    long coveredTo = blockEnd;
    if (!inside && coveredTo >= endPfn) {
      notePatch(endPfn - startPfn);
      return coveredTo;
    }
    long covered = 0;
    for (long pfn = startPfn; pfn < endPfn; pfn++) {
      if (!frames.isBlank(pfn)) {
        if (pfn < coveredTo) {
          report(pfn, "state or link inside a block (I3)");
        } else {
          coveredTo = checkBlock(pfn);
        }
      }
      if (pfn < coveredTo) {
        covered++;
      }
    }
    checkedFrames += endPfn - startPfn;
    notePatch(covered);
    return coveredTo;
  }

  private void notePatch(long coveredFrames) {
    inPatch = coveredFrames;
    inSection += coveredFrames;
    managedSeen += coveredFrames;
  }

  private void comparePatch(long pfn) {
    int counted = sections.inPatch(pfn);
    boolean handedOverWhole =
        counted == 0 && sections.inSection(pfn) == 1L << ManagedSections.SECTION_ORDER;
    if (counted != inPatch && !handedOverWhole) {
      report(pfn, "patch counts " + counted + " frames, blocks cover " + inPatch);
    }
  }

  /// Checks the block that begins at `pfn`.
  ///
  /// @return its end; `pfn` if it is none
  private long checkBlock(long pfn) {
    long frameCount = frames.frameCount(pfn);
    int state = frames.state(pfn);
    if (state != FrameDescriptors.FREE && state != FrameDescriptors.HEAD) {
      report(pfn, "state " + state + " with length " + frameCount + " is none that exists");
      return pfn;
    }
    if (frameCount == 0
        || frameCount > Pages.orderToFrames(maxOrder)
        || frameCount > frames.endPfn() - pfn) {
      report(pfn, "length of " + frameCount + " frames is impossible here (I1)");
      return pfn;
    }
    int order = Pages.framesToOrderUp(frameCount);
    if ((pfn & (Pages.orderToFrames(order) - 1)) != 0) {
      report(pfn, "block of " + frameCount + " frames is not aligned to order " + order + " (I2)");
    }
    if (state == FrameDescriptors.FREE) {
      checkFree(pfn, frameCount, order);
    } else if (!frames.isAllocatedRun(pfn, frameCount) || frames.prevLink(pfn) != 0) {
      report(pfn, "allocated run has links");
    }
    return pfn + frameCount;
  }

  private void checkFree(long pfn, long frameCount, int order) {
    if (frameCount != Pages.orderToFrames(order)) {
      report(pfn, "free block of " + frameCount + " frames, no power of two (I2)");
    }
    blocksSeen[order]++;
    freeSeen += frameCount;
    long buddy = Pages.buddyOf(pfn, order);
    if (order < maxOrder && buddy > pfn && frames.isFreeBlock(buddy, order)) {
      report(pfn, "is free and its buddy " + AddressRange.hex(buddy) + " too (I5)");
    }
  }

  private void walkList(int order) {
    long expected = areas.blockCount(order);
    long firstLink = areas.firstLink(order);
    if (expected != blocksSeen[order]) {
      report(
          FrameAllocator.NO_FRAME,
          "list " + order + " counts " + expected + " blocks, descriptors " + blocksSeen[order]);
    }
    long walked = 0;
    for (long link = firstLink; link != 0 && walked <= blocksSeen[order]; walked++) {
      long pfn = frames.pfnOf(link);
      if (!frames.isFreeBlock(pfn, order)) {
        report(pfn, "is in list " + order + " but no free block of that order (I4)");
        return;
      }
      long nextLink = frames.nextLink(pfn);
      long next = frames.pfnOf(nextLink);
      if (!frames.spans(next) || frames.prevLink(next) != link) {
        report(pfn, "links to " + AddressRange.hex(next) + ", which does not link back (I4)");
        return;
      }
      link = nextLink == firstLink ? 0 : nextLink;
    }
    if (walked != blocksSeen[order]) {
      report(
          FrameAllocator.NO_FRAME,
          "list " + order + " holds " + walked + " blocks, descriptors " + blocksSeen[order]);
    }
  }

  private void compareCounters() {
    compare("managed frames", counters.totalFrames(), managedSeen);
    compare("free frames", counters.freeFrames(), freeSeen);
    FrameStatistics statistics = counters.snapshot();
    if (statistics.peakUsedFrames() < statistics.usedFrames()) {
      report(FrameAllocator.NO_FRAME, "the peak of use is below the present use");
    }
    if (statistics.allocations() + statistics.failures() != statistics.requests()) {
      report(FrameAllocator.NO_FRAME, "requests are not the sum of served and failed ones");
    }
  }

  private void compare(String what, long counted, long seen) {
    if (counted != seen) {
      report(
          FrameAllocator.NO_FRAME,
          what + ": the counters say " + counted + ", the blocks " + seen + " (I6)");
    }
  }

  private void report(long pfn, String problem) {
    problemCount++;
    if (problemCount <= TOLD) {
      if (pfn != FrameAllocator.NO_FRAME) {
        problems.append("frame ").append(AddressRange.hex(pfn)).append(": ");
      }
      problems.append(problem).append('\n');
    } else if (problemCount == TOLD + 1) {
      problems.append("further problems are only counted\n");
    }
  }
}
