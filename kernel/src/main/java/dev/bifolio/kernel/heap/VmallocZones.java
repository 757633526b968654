package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.zone.ZonedFrames;

/// Frames of the zones of a machine for a [Vmalloc]. The word of each in [FrameInfo] says which
/// page it is; the account there is the zones' own.
///
/// For who has the lock of the [Vmalloc].
public final class VmallocZones implements VmallocFrames {
  private final ZonedFrames frames;
  private final int flags;
  private FrameInfo plane;

  /// Frames of zones.
  ///
  /// @param frames of the machine
  /// @param flags that each request has besides its own: HIGHMEM_OK where there is such memory,
  ///   since what is mapped anyhow needs no place in the direct map
  public VmallocZones(ZonedFrames frames, int flags) {
    this.frames = frames;
    this.flags = flags;
    plane = frames.zones().plane(0);
  }

  @Override
  public int take(long[] pfns, int wanted, int requestFlags, long firstPage) {
    int got = frames.allocateBulk(pfns, 0, wanted, requestFlags | flags);
    for (int i = 0; i < got; i++) {
      write(pfns[i], FrameInfo.KIND_VMALLOC, firstPage + i);
    }
    return got;
  }

  @Override
  public void give(long[] pfns, int count) {
    for (int i = 0; i < count; i++) {
      write(pfns[i], FrameInfo.KIND_NONE, 0);
    }
    frames.freeBulk(pfns, 0, count);
  }

  private void write(long pfn, int kind, long owner) {
    if (pfn < plane.startPfn() || pfn >= plane.endPfn()) {
      plane = planeOf(pfn);
    }
    int account = FrameInfo.accountOf(plane.get(pfn));
    plane.put(pfn, FrameInfo.word(kind, account, 0, owner));
  }

  private FrameInfo planeOf(long pfn) {
    FrameInfo info = frames.zones().infoOf(pfn);
    if (info == null) {
      throw new IllegalStateException("a frame of vmalloc outside of the machine's frames");
    }
    return info;
  }

  @Override
  public long mostFrames() {
    return frames.zones().managedFrames();
  }
}
