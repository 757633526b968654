package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// Pages of files in frames: read once, found again, written back, and given up by second chance
/// when memory is wanted for something else.
///
/// ```
///            get                                      the hand goes round over the entries
///   (absent) ────> READING ──read──> READY  pins 1             ┌──── hand
///       ^             │ failed         │  ^                    v
///       └─────────────┘         release│  │get        ┌───┬───┬───┬───┬───┐
///                                      v  │           │ P │ r │ - │ d │ r │
///       ┌──────────evicted───────── READY, pins 0     └───┴───┴───┴───┴───┘
///       v                              │  ^            P pinned: passed over
///   (absent)                      dirty│  │written,    r referenced: the bit is cleared, passed over
///                                      v  │or failed   d dirty: written first; then as below
///                                    WRITING           - neither: evicted
/// ```
///
/// **Invariants.** I1: a page is in the index at most once, so a frame belongs to one page. I2: the
/// frame of a page with pins does not change and is not given up. I3: a page whose bytes differ
/// from the backing's is dirty, WRITING, or pinned by who changed it; it is never given up but by
/// [#drop]. I4: the lock is not held while the frame source or the backing runs: either may call
/// [#shrink], or ask for memory that is then reclaimed here. I5: pages = frames this cache has, but
/// for those that a call under way carries between the source and the index.
///
/// **Threads.** Any thread. One spin lock guards the index ([PageIndex]), for tens of loads and
/// stores at a time: the hand ([PageEviction]) lets go of it every few dozen entries. READING and
/// WRITING stand for "another thread works on this page without the lock": who wants it waits,
/// spinning first and then resting, a quarter of a second at most. A page that is being written can
/// be released, and changed by who had it pinned before: it is dirty then and will be written
/// again.
///
/// **Moving.** With a [FrameBinding] ([MovableBinding]) the frames are marked as movable. It is
/// called under the lock, so a page is pinned in the index exactly while its frame is pinned there;
/// a frame that a migration has cannot be pinned, so nobody changes bytes that are being copied:
/// who wants the page lets the lock go, which the migration may wait for, and looks again. A hit
/// counts as a use of the frame, so pages that are hit often go to fast memory.
///
/// **Failures.** A read that fails gives the frame back, and says so. A write that fails keeps the
/// page, dirty, and counts; an eviction gives up after 8 of them. What the backing throws goes to
/// the caller, and leaves the page as after a failure.
///
/// Cost: a hit is a lock and some ten loads; no Java objects. An eviction at most two rounds over
/// the entries that were ever used.
///
/// **Rejected.** Least recently used: a list that every hit writes. Reading under the lock: one
/// slow page would stop all. A lock for each page: two words more an entry, for a wait that is the
/// backing's anyway.
///
/// Sources: F. J. Corbató, A Paging Experiment with the Multics System, 1968 (the hand and the
/// bit); Linux `mm/filemap.c`, `mm/vmscan.c` (locked and under-writeback pages, pinned ones kept).
public final class PageCache implements Shrinker, MovableOwner {
  /// No frame was to be had, and nothing could be evicted.
  public static final long NO_FRAME = -1;

  /// The backing could not read the page.
  public static final long READ_FAILED = -2;

  /// Others were at work on the page for too long.
  public static final long BUSY = -3;

  private static final int WAIT_TURNS = 5000;
  private static final int FLAGS = AllocationFlags.MOVABLE;
  private static final long RACED = -4;
  private static final long HEADER_BYTES = 64;

  private final PageCacheCounters counters;
  private final SpinLock lock;
  private final PageIndex index;
  private final PageEviction eviction;
  private final int nid;
  private final FrameSource source;
  private final PageBacking backing;
  private final long physToVirt;
  private final @Nullable FrameBinding binding;

  /// An empty cache whose seed follows from its capacity and node: for callers who choose their
  /// page numbers themselves.
  ///
  /// @param address of [#byteSize] zero bytes, a multiple of 8
  /// @param capacity pages it can have, 1 … 2^28
  /// @param nid the node its frames come from, -1 if from any
  /// @param source where frames come from
  /// @param backing where pages come from
  /// @param physToVirt what is added to a physical address for the address of its bytes
  /// @param binding marks the frames as movable, null if they are not
  /// @throws IllegalArgumentException if the capacity or the address is not legal
  public PageCache(
      long address,
      int capacity,
      int nid,
      FrameSource source,
      PageBacking backing,
      long physToVirt,
      @Nullable FrameBinding binding) {
    this(
        address,
        capacity,
        nid,
        source,
        backing,
        physToVirt,
        binding,
        PageIndex.defaultSeed(capacity, nid));
  }

  /// An empty cache with a seed.
  ///
  /// @param address of [#byteSize] zero bytes, a multiple of 8
  /// @param capacity pages it can have, 1 … 2^28
  /// @param nid the node its frames come from, -1 if from any
  /// @param source where frames come from
  /// @param backing where pages come from
  /// @param physToVirt what is added to a physical address for the address of its bytes
  /// @param binding marks the frames as movable, null if they are not
  /// @param seed any; secret and random if others choose the page numbers, since who knows it can
  ///   choose pages that take long to find. It changes nothing but that
  /// @throws IllegalArgumentException if the capacity or the address is not legal
  public PageCache(
      long address,
      int capacity,
      int nid,
      FrameSource source,
      PageBacking backing,
      long physToVirt,
      @Nullable FrameBinding binding,
      long seed) {
    this.index = new PageIndex(address + HEADER_BYTES, PageIndex.legalCapacity(capacity), seed);
    this.counters = new PageCacheCounters(PageIndex.legalAddress(address), index);
    this.lock = new SpinLock(address);
    this.eviction = new PageEviction(lock, index, counters, backing, physToVirt, binding);
    this.nid = nid;
    this.source = source;
    this.backing = backing;
    this.physToVirt = physToVirt;
    this.binding = binding;
  }

  /// The memory that a cache needs beside its frames.
  ///
  /// @param capacity pages, 1 … 2^28
  /// @return bytes
  /// @throws IllegalArgumentException if the capacity is not legal
  public static long byteSize(int capacity) {
    return HEADER_BYTES + PageIndex.byteSize(PageIndex.legalCapacity(capacity));
  }

  /// The frame of a page, which is read if it is not there, and stays until it is released.
  ///
  /// @param file the file
  /// @param page the page of it
  /// @return its frame, pinned; or [#NO_FRAME], [#READ_FAILED] or [#BUSY], with nothing pinned
  public long get(int file, long page) {
    for (int turn = 0; turn < WAIT_TURNS; turn++) {
      long frame = find(file, page);
      if (frame == NO_FRAME) {
        frame = read(file, page);
      }
      if (frame != RACED) {
        return frame;
      }
      ShrinkCalls.pause(turn);
    }
    return BUSY;
  }

  /// The frame of a page that is there, pinned; NO_FRAME if it is not there, RACED if others have
  /// it.
  private long find(int file, long page) {
    lock.lock();
    try {
      int entry = index.find(file, page);
      if (entry < 0) {
        return NO_FRAME;
      }
      if (index.state(entry) != PageIndex.READY
          || index.pins(entry) == PageIndex.MOST_PINS
          || !(binding == null || binding.pin(index.frame(entry), entry))) {
        return RACED;
      }
      index.pin(entry);
      index.setReferenced(entry, true);
      counters.count(PageCacheCounters.HITS);
      return index.frame(entry);
    } finally {
      lock.unlock();
    }
  }

  private long read(int file, long page) {
    long frame = index.pageCount() < index.capacity() ? source.allocate(0, FLAGS) : NO_FRAME;
    if (frame < 0) {
      frame = eviction.evict();
      if (frame < 0) {
        return NO_FRAME;
      }
    }
    long entry = NO_FRAME;
    try {
      entry = insert(file, page, frame);
    } finally {
      if (entry < 0) {
        source.free(frame, 0);
      }
    }
    if (entry < 0) {
      return entry;
    }
    boolean isRead = false;
    try {
      if (backing.read(file, page, bytesOf(frame))) {
        adopt(frame, entry);
        isRead = true;
      }
    } finally {
      endRead((int) entry, isRead);
    }
    return isRead ? frame : READ_FAILED;
  }

  private void adopt(long frame, long entry) {
    if (binding != null) {
      binding.adopt(frame, entry);
    }
  }

  /// An entry for a page that is READING from then on; NO_FRAME or RACED.
  private long insert(int file, long page, long frame) {
    for (int turn = 0; turn < WAIT_TURNS; turn++) {
      lock.lock();
      try {
        if (index.find(file, page) >= 0) {
          return RACED;
        }
        int entry = index.insert(file, page, frame);
        if (entry >= 0) {
          counters.count(PageCacheCounters.MISSES);
          return entry;
        }
      } finally {
        lock.unlock();
      }
      // Others have taken the last entry meanwhile.
      long other = eviction.evict();
      if (other < 0) {
        return NO_FRAME;
      }
      source.free(other, 0);
    }
    return NO_FRAME;
  }

  private void endRead(int entry, boolean isRead) {
    long frame;
    lock.lock();
    try {
      frame = index.frame(entry);
      if (isRead) {
        index.setState(entry, PageIndex.READY);
        index.setReferenced(entry, true);
        return;
      }
      index.remove(entry);
      counters.count(PageCacheCounters.FAILED_READS);
    } finally {
      lock.unlock();
    }
    source.free(frame, 0);
  }

  /// Ends the use of a page that [#get] returned.
  ///
  /// @param file the file
  /// @param page the page of it
  /// @param dirty whether its bytes were changed
  /// @throws IllegalArgumentException if nobody has the page
  public void release(int file, long page, boolean dirty) {
    lock.lock();
    try {
      int entry = index.find(file, page);
      if (entry < 0 || index.state(entry) == PageIndex.READING || index.pins(entry) == 0) {
        throw new IllegalArgumentException(
            "file " + file + ", page " + page + ": expected a page in use, found none");
      }
      if (dirty) {
        index.setDirty(entry, true);
      }
      index.unpin(entry);
      if (binding != null) {
        binding.unpin(index.frame(entry), entry);
      }
    } finally {
      lock.unlock();
    }
  }

  /// Writes all pages back that are dirty now. Pages in use are written as they are; if they are
  /// changed meanwhile they are dirty again when they are released.
  ///
  /// @return pages that could not be written and stay dirty; those included that another thread was
  ///   writing for too long
  public long sync() {
    long failed = 0;
    for (int entry = 0; entry < index.entryCount(); entry++) {
      int outcome = eviction.trySync(entry);
      for (int turn = 0; outcome == PageIndex.WRITING && turn < WAIT_TURNS; turn++) {
        ShrinkCalls.pause(turn);
        outcome = eviction.trySync(entry);
      }
      failed += outcome == PageIndex.READY ? 0 : 1;
    }
    return failed;
  }

  /// Forgets the pages of a file, changed or not: call [#sync] before, if changes are to be kept.
  ///
  /// @param file the file
  /// @return pages that stay, because somebody uses, reads, writes or moves them
  public long drop(int file) {
    long kept = 0;
    for (int entry = 0; entry < index.entryCount(); entry++) {
      long frame = NO_FRAME;
      lock.lock();
      try {
        if (index.state(entry) == PageIndex.FREE || index.file(entry) != file) {
          continue;
        }
        if (index.state(entry) == PageIndex.READY && index.pins(entry) == 0) {
          frame = eviction.giveUp(entry);
        }
      } finally {
        lock.unlock();
      }
      if (frame >= 0) {
        source.free(frame, 0);
      } else {
        kept++;
      }
    }
    return kept;
  }

  @Override
  public String name() {
    return "page cache";
  }

  @Override
  public int cost() {
    return 2; // a page is read again from its backing, which is slow
  }

  @Override
  public long countFrames(int nid) {
    return isOf(nid) ? Math.max(0, index.pageCount() - index.heldCount()) : 0;
  }

  @Override
  public long shrink(int nid, long wantedFrames) {
    long freed = 0;
    while (isOf(nid) && freed < wantedFrames) {
      long frame = eviction.evict();
      if (frame < 0) {
        break;
      }
      source.free(frame, 0);
      freed++;
    }
    return freed;
  }

  private boolean isOf(int wanted) {
    return wanted < 0 || nid < 0 || wanted == nid;
  }

  @Override
  public boolean relocate(long item, long fromPfn, long toPfn) {
    if (item < 0 || item >= index.capacity()) {
      return false;
    }
    int entry = (int) item;
    lock.lock();
    try {
      boolean mayMove =
          index.state(entry) == PageIndex.READY
              && index.pins(entry) == 0
              && index.frame(entry) == fromPfn;
      if (mayMove) {
        index.setFrame(entry, toPfn);
      }
      return mayMove;
    } finally {
      lock.unlock();
    }
  }

  /// Where the bytes of a frame are.
  ///
  /// @param pfn the frame
  /// @return an address
  public long bytesOf(long pfn) {
    return Pages.pfnToAddress(pfn) + physToVirt;
  }

  /// What it did.
  ///
  /// @return live counters
  public PageCacheCounters counters() {
    return counters;
  }
}
