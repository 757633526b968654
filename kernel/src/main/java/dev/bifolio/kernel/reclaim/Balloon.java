package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZonedFrames;

/// Gives memory back to the host while the machine has more than it needs, area by area, and takes
/// it again.
///
/// ```
///   inflate   allocate 512 frames ─> count them offline ─> discard ─> push
///   deflate                   free <─ count them online <──────────── pop
///
///   address   [ lock │ areas held │ first frame │ first frame │ … ]
/// ```
///
/// The areas are whichever the allocator has; where there are free frames enough, but no free area,
/// the request has the zone compacted, as any request of this size. It never falls below min, so a
/// machine under load is not squeezed. Frames in the balloon are neither managed nor used; unlike
/// [HotMemory] the watermarks stay as they are, for the memory may come back any moment.
///
/// - I1 An area is in the list if and only if the balloon has it.
/// - I2 What comes back reads as zero.
///
/// Any thread. Nothing is called while the lock is held. No Java objects.
///
/// Rejected: a list through the words of the areas' frames (touches a page of FrameInfo for each).
///
/// Source: Waldspurger, Memory Resource Management in VMware ESX Server, OSDI 2002.
public final class Balloon {
  private static final long HELD = Long.BYTES;
  private static final long LIST = 2L * Long.BYTES;
  private static final long AREA_FRAMES = 1L << Pages.HUGE_ORDER;
  private static final long NONE = -1;

  /// Where memory that may come and go is looked for first.
  private static final int FLAGS = AllocationFlags.MOVABLE | AllocationFlags.MOVABLE_ZONE;

  private final ZonedFrames frames;
  private final HostMemory host;
  private final SpinLock lock;
  private final long address;
  private final int capacity;

  /// An empty balloon.
  ///
  /// @param frames where areas are from; blocks of an area must be legal there
  /// @param host who gets them
  /// @param address of [#byteSize(int)] zero bytes, a multiple of 8
  /// @param mostAreas how many it can hold, 1 or more
  /// @throws IllegalArgumentException if it is to hold nothing
  public Balloon(ZonedFrames frames, HostMemory host, long address, int mostAreas) {
    this.frames = frames;
    this.host = host;
    this.address = address;
    capacity = requireAny(mostAreas);
    lock = new SpinLock(address);
  }

  /// Bytes of memory that it needs.
  ///
  /// @param mostAreas how many it can hold, 1 or more
  /// @return a multiple of 8
  /// @throws IllegalArgumentException if it is to hold nothing
  public static long byteSize(int mostAreas) {
    return LIST + requireAny(mostAreas) * (long) Long.BYTES;
  }

  private static int requireAny(int mostAreas) {
    if (mostAreas < 1) {
      throw new IllegalArgumentException("a balloon of " + mostAreas + " areas");
    }
    return mostAreas;
  }

  /// How many areas it can hold.
  ///
  /// @return a count
  public int mostAreas() {
    return capacity;
  }

  /// How many areas it holds.
  ///
  /// @return 0 … [#mostAreas()]
  public int areas() {
    return (int) Memory.getLongVolatile(address + HELD);
  }

  /// Gives areas to the host.
  ///
  /// @param wanted how many more, 0 or more
  /// @return how many it got; fewer if it is full or the machine has no more to spare
  public int inflate(int wanted) {
    int got = 0;
    while (got < wanted && areas() < capacity && inflateOne()) {
      got++;
    }
    return got;
  }

  private boolean inflateOne() {
    long pfn = frames.tryAllocate(Pages.HUGE_ORDER, FLAGS);
    if (pfn < 0) {
      return false;
    }
    host.discard(pfn, AREA_FRAMES);
    count(pfn, AREA_FRAMES);
    if (push(pfn)) {
      return true;
    }
    giveBack(pfn); // another thread was faster
    return false;
  }

  /// Takes areas from the host again.
  ///
  /// @param wanted how many, 0 or more
  /// @return how many there were
  public int deflate(int wanted) {
    int given = 0;
    for (; given < wanted; given++) {
      long pfn = pop();
      if (pfn < 0) {
        break;
      }
      giveBack(pfn);
    }
    return given;
  }

  private void giveBack(long pfn) {
    count(pfn, -AREA_FRAMES);
    frames.free(pfn, Pages.HUGE_ORDER);
  }

  private void count(long pfn, long offline) {
    Zone zone = frames.zones().ofFrame(pfn);
    if (zone != null) {
      zone.addOffline(offline);
    }
  }

  // ---- The list ----

  private boolean push(long pfn) {
    lock.lock();
    int held = areas();
    boolean fits = held < capacity;
    if (fits) {
      Memory.putLong(address + LIST + (long) held * Long.BYTES, pfn);
      Memory.putLongRelease(address + HELD, held + 1L);
    }
    lock.unlock();
    return fits;
  }

  private long pop() {
    lock.lock();
    int held = areas();
    long pfn = NONE;
    if (held > 0) {
      pfn = Memory.getLong(address + LIST + (held - 1L) * Long.BYTES);
      Memory.putLongRelease(address + HELD, held - 1L);
    }
    lock.unlock();
    return pfn;
  }
}
