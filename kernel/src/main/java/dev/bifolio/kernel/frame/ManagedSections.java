package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// How many frames of each part of a span have been handed over: what finds holes without reading
/// the descriptors in them.
///
/// Which single frame is managed follows from the descriptors (a block covers it); this is only the
/// map by which a walk skips parts that have nothing. Two levels, counts in memory, zero at first:
///
/// ```
///   section = 2^20 frames, 8 bytes   [ 2^20 ][ 70000 ][ 0 ][ 0 ]…
///                                               │
///   patch   = 2^10 frames, 4 bytes    not used  [1024][1024]…[368][0][0]…   not used
/// ```
///
/// The counts of the patches have a meaning only in a section that is partly managed: a section
/// handed over as one block touches none of them, so that a span of 64 TiB costs 128 KiB here.
/// Frames are never taken away, therefore counts only grow.
final class ManagedSections {
  static final int SECTION_ORDER = Pages.MAX_ORDER;
  static final int PATCH_ORDER = 10;

  private static final long SECTION_FRAMES = 1L << SECTION_ORDER;
  private static final long PATCH_FRAMES = 1L << PATCH_ORDER;

  private final FrameDescriptors frames;
  private long sections;
  private long firstSection;
  private long patches;
  private long firstPatch;

  ManagedSections(FrameDescriptors frames) {
    this.frames = frames;
  }

  /// Bytes needed for a span, a multiple of 64.
  static long metadataBytes(long startPfn, long endPfn) {
    return sectionBytes(startPfn, endPfn) + patchBytes(startPfn, endPfn);
  }

  private static long sectionBytes(long startPfn, long endPfn) {
    long count = ((endPfn - 1) >>> SECTION_ORDER) - (startPfn >>> SECTION_ORDER) + 1;
    return Pages.alignUp(count * Long.BYTES, 64);
  }

  private static long patchBytes(long startPfn, long endPfn) {
    long count = ((endPfn - 1) >>> PATCH_ORDER) - (startPfn >>> PATCH_ORDER) + 1;
    return Pages.alignUp(count * Integer.BYTES, 64);
  }

  void attach(long address, long startPfn, long endPfn) {
    sections = address;
    firstSection = startPfn >>> SECTION_ORDER;
    patches = address + sectionBytes(startPfn, endPfn);
    firstPatch = startPfn >>> PATCH_ORDER;
  }

  /// Counts a block that is handed over.
  void add(long pfn, int order) {
    long section = sectionAddress(pfn);
    Memory.putLong(section, Memory.getLong(section) + (1L << order));
    if (order == SECTION_ORDER) {
      return;
    }
    if (order <= PATCH_ORDER) {
      addToPatch(pfn, 1 << order);
    } else {
      for (long patch = pfn; patch < pfn + (1L << order); patch += PATCH_FRAMES) {
        addToPatch(patch, 1 << PATCH_ORDER);
      }
    }
  }

  /// Managed frames in the section that holds `pfn`.
  long inSection(long pfn) {
    return Memory.getLong(sectionAddress(pfn));
  }

  /// Counted frames in the patch that holds `pfn`; 0 also where the section was handed over whole.
  int inPatch(long pfn) {
    return Memory.getInt(patchAddress(pfn));
  }

  /// The first managed frame from `pfn` up to `limit`, or `limit`.
  ///
  /// If no block covers `pfn` itself, the next managed frame is the first of a block, and has a
  /// state; sections and patches in which nothing is managed are skipped.
  long nextManaged(long pfn, long limit) {
    if (pfn >= limit || frames.headOf(pfn) != FrameAllocator.NO_FRAME) {
      return Math.min(pfn, limit);
    }
    long frame = pfn;
    while (frame < limit) {
      long managed = inSection(frame);
      if (managed == 0) {
        frame = (frame | (SECTION_FRAMES - 1)) + 1;
      } else if (managed < SECTION_FRAMES && inPatch(frame) == 0) {
        frame = (frame | (PATCH_FRAMES - 1)) + 1;
      } else if (frames.state(frame) != FrameDescriptors.TAIL) {
        return frame;
      } else {
        frame++;
      }
    }
    return limit;
  }

  private void addToPatch(long pfn, int frameCount) {
    long address = patchAddress(pfn);
    Memory.putInt(address, Memory.getInt(address) + frameCount);
  }

  long sectionAddress(long pfn) {
    return sections + ((pfn >>> SECTION_ORDER) - firstSection) * Long.BYTES;
  }

  long patchAddress(long pfn) {
    return patches + ((pfn >>> PATCH_ORDER) - firstPatch) * Integer.BYTES;
  }
}
