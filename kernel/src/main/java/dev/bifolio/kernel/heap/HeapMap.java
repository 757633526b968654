package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.frame.FrameInfo;

/// Where the heap's frames lie among pointers, and what their [FrameInfo] says.
///
/// ```
///   frame 0x40123 ──<< 12, + directBase──> pointer 0xffff_8880_4012_3000 ──+ toHost──> the JVM's address
///         └── FrameInfo: kind SLAB, owner = the slab's record
/// ```
///
/// A pointer is an address of the kernel's direct map: physical address plus a constant. Where its
/// bytes are for this JVM is another constant away. So every conversion is an addition.
///
/// Immutable; any thread; no Java objects after construction.
public final class HeapMap {
  private final long directBase;
  private final long toHost;

  /// As most pointers are of the first plane, no request walks the others for them.
  private final FrameInfo first;

  private final FrameInfo[] planes;

  /// A map of frames that planes describe.
  ///
  /// @param directBase the pointer of physical address 0
  /// @param toHost what is added to a pointer to get the address at which this JVM has the byte
  /// @param planes of all frames that the heap may get, a few
  public HeapMap(long directBase, long toHost, FrameInfo... planes) {
    if ((directBase & 0xFFF) != 0) {
      throw new IllegalArgumentException("the direct map does not begin with a page");
    }
    this.directBase = directBase;
    this.toHost = toHost;
    this.planes = planes.clone();
    first = planes.length > 0 ? planes[0] : new FrameInfo(0, 0, 0);
  }

  /// The pointer of a frame's first byte.
  ///
  /// @param pfn a frame
  /// @return a pointer, a multiple of 4096
  public long pointerOf(long pfn) {
    return directBase + (pfn << 12);
  }

  /// The frame in which a pointer points, if it points into the direct map at all.
  ///
  /// @param pointer any
  /// @return a frame number, which no plane need have
  public long pfnOf(long pointer) {
    return (pointer - directBase) >>> 12;
  }

  /// Where this JVM has the byte of a pointer.
  ///
  /// @param pointer of the heap
  /// @return an address for `Memory`
  public long hostOf(long pointer) {
    return pointer + toHost;
  }

  /// What is noted of a frame.
  ///
  /// @param pfn any
  /// @return its word; 0, which means nothing, if no plane has the frame
  long infoOf(long pfn) {
    if (pfn >= first.startPfn() && pfn < first.endPfn()) {
      return first.getAcquire(pfn);
    }
    for (FrameInfo plane : planes) {
      if (pfn >= plane.startPfn() && pfn < plane.endPfn()) {
        return plane.getAcquire(pfn);
      }
    }
    return 0;
  }

  /// Whether all frames of a run have words.
  boolean describes(long pfn, long frameCount) {
    for (FrameInfo plane : planes) {
      if (pfn >= plane.startPfn() && pfn + frameCount <= plane.endPfn()) {
        return true;
      }
    }
    return false;
  }

  /// Notes what frames are for. Who is charged and the share count stay.
  ///
  /// @param kind of [FrameInfo]; KIND_NONE when the frames are given back
  /// @param owner an index of that kind
  void note(long pfn, long frameCount, int kind, long owner) {
    for (FrameInfo plane : planes) {
      if (pfn >= plane.startPfn() && pfn + frameCount <= plane.endPfn()) {
        for (long frame = pfn; frame < pfn + frameCount; frame++) {
          note(plane, frame, kind, owner);
        }
      }
    }
  }

  private static void note(FrameInfo plane, long pfn, int kind, long owner) {
    while (true) {
      long word = plane.getAcquire(pfn);
      int account = FrameInfo.accountOf(word);
      long next = FrameInfo.word(kind, account, FrameInfo.sharesOf(word), owner);
      if (plane.compareAndSet(pfn, word, next)) {
        return;
      }
    }
  }
}
