package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.unit.Pages;

/// The pages of one backing that are in memory, for all spaces that map it.
///
/// ```
///            take                                take: one sharer more
///   (absent) ────> READING ──read──> PRESENT ◄──────┐
///       ^             │ failed        │    │ └──────┘      dirty: a mapping was written to
///       └─────────────┘               │    └─dirty──> WRITING ──written, or failed: dirty again──> PRESENT
///       └────────── dropped ──────────┘
///
///   word of a page   │ 63 … 12  frame │ 3 WRITING │ 2 READING │ 1 DIRTY │ 0 PRESENT │
/// ```
///
/// - I1 A page has one frame at most. The backing is one of the frame's sharers, each mapping is
///   another, so the frame stays as long as anybody has it.
/// - I2 A page is dirty from the moment at which a mapping tells that it was written, until a write
///   has succeeded that began later.
/// - I3 The lock is not held while the store is at work, nor while a frame for a page is sought. It
///   is while one for the index is: so [#shrink], which reclaim may call then, does not wait for
///   it.
///
/// Any thread. READING and WRITING stand for "another thread works on it": who wants the page
/// waits. Lock order: a space's lock, then this one, then the zones'.
///
/// Cost: a page that is there is a lock and four loads. No Java objects after the constructor.
///
/// Source: Linux `mm/filemap.c`, `mm/page-writeback.c`.
public final class BackedPages {
  /// Bytes of memory that it needs beside its frames.
  public static final int BYTE_SIZE = 32;

  /// Bytes of a backing that can be mapped.
  public static final long MOST_BYTES = BackingIndex.MOST_PAGES << Pages.PAGE_SHIFT;

  /// There is no frame for the page, or it has too many sharers.
  public static final long NO_FRAME = UserMemory.NO_FRAME;

  /// The store could not read the page.
  public static final long READ_FAILED = -2;

  private static final long RACED = -3;
  private static final long TOO_MANY = -4;

  private static final int ROOT = 8;
  private static final int PAGES = 16;

  private static final long PRESENT = 1;
  private static final long DIRTY = 2;
  private static final long READING = 4;
  private static final long WRITING = 8;

  private final long address;
  private final SpinLock lock;
  private final BackingIndex index;
  private final UserMemory memory;
  private final PageStore store;

  /// No page in memory.
  ///
  /// @param address of [#BYTE_SIZE] zero bytes, a multiple of 8
  /// @param memory where frames come from
  /// @param store where pages come from
  public BackedPages(long address, UserMemory memory, PageStore store) {
    this.address = address;
    this.memory = memory;
    this.store = store;
    lock = new SpinLock(address);
    index = new BackingIndex(address + ROOT, memory);
  }

  // ---- Mappings ----

  /// The frame of a page, which is read if it is not there, with one sharer more: the caller.
  ///
  /// @param page of the backing, 0 … [#MOST_BYTES] / 4096 - 1
  /// @return its frame, or [#NO_FRAME] or [#READ_FAILED], and nothing has changed
  public long take(long page) {
    for (int turn = 0; ; turn++) {
      long found = find(page);
      if (found == UserMemory.NO_FRAME) {
        found = read(page);
      }
      if (found != RACED) {
        return found == TOO_MANY ? NO_FRAME : found;
      }
      Cpu.await(turn);
    }
  }

  /// The frame of a page that is there; NO_FRAME if it is not, RACED if it is being read.
  private long find(long page) {
    lock.lock();
    try {
      long at = index.find(page);
      long word = at == BackingIndex.NOTHING ? 0 : Memory.getLong(at);
      if ((word & READING) != 0) {
        return RACED;
      }
      if (word == 0) {
        return NO_FRAME;
      }
      long pfn = Pages.addressToPfn(word);
      return memory.sharers().add(pfn) ? pfn : TOO_MANY;
    } finally {
      lock.unlock();
    }
  }

  private long read(long page) {
    long claimed = claim(page);
    if (claimed != PRESENT) {
      return claimed;
    }
    long pfn = NO_FRAME;
    boolean isRead = false;
    try {
      pfn = memory.allocate();
      isRead = pfn != NO_FRAME && store.readPage(page << Pages.PAGE_SHIFT, memory.addressOf(pfn));
    } finally {
      isRead = endRead(page, pfn, isRead);
    }
    return isRead ? pfn : pfn == NO_FRAME ? NO_FRAME : READ_FAILED;
  }

  /// Makes a page READING that has no word.
  private long claim(long page) {
    lock.lock();
    try {
      long at = index.make(page);
      if (at == BackingIndex.NOTHING) {
        return NO_FRAME;
      }
      if (Memory.getLong(at) != 0) {
        return RACED;
      }
      Memory.putLong(at, READING);
      return PRESENT;
    } finally {
      lock.unlock();
    }
  }

  private boolean endRead(long page, long pfn, boolean isRead) {
    boolean isShared = isRead && memory.sharers().add(pfn);
    lock.lock();
    try {
      long at = index.find(page);
      Memory.putLong(at, isShared ? Pages.pfnToAddress(pfn) | PRESENT : 0);
      if (isShared) {
        count(1);
      } else {
        index.prune(page);
      }
    } finally {
      lock.unlock();
    }
    if (!isShared && pfn != NO_FRAME) {
      memory.release(pfn);
    }
    return isShared;
  }

  /// Says that a page was written through a mapping.
  ///
  /// @param page of the backing; one that is not there, because it was dropped, is passed over
  public void markDirty(long page) {
    lock.lock();
    try {
      long at = index.find(page);
      if (at != BackingIndex.NOTHING && (Memory.getLong(at) & PRESENT) != 0) {
        Memory.putLong(at, Memory.getLong(at) | DIRTY);
      }
    } finally {
      lock.unlock();
    }
  }

  // ---- The store ----

  /// Writes the pages of a range back that are dirty now.
  ///
  /// @param firstPage of the backing
  /// @param endPage exclusive
  /// @return how many could not be written and stay dirty
  public long writeBack(long firstPage, long endPage) {
    long failed = 0;
    long page = nextPage(firstPage);
    for (int turn = 0; page < endPage; ) {
      long word = beginWrite(page);
      if (word == RACED) {
        Cpu.await(turn++);
        continue;
      }
      turn = 0;
      if (word != 0 && !write(page, Pages.addressToPfn(word))) {
        failed++;
      }
      page = nextPage(page + 1);
    }
    return failed;
  }

  private boolean write(long page, long pfn) {
    boolean isWritten = false;
    try {
      isWritten = store.writePage(page << Pages.PAGE_SHIFT, memory.addressOf(pfn));
    } finally {
      endWrite(page, isWritten);
    }
    return isWritten;
  }

  private long nextPage(long from) {
    lock.lock();
    try {
      return index.next(from);
    } finally {
      lock.unlock();
    }
  }

  /// The word of a page that is WRITING from then on; 0 if it is not dirty, RACED if another thread
  /// writes it.
  private long beginWrite(long page) {
    lock.lock();
    try {
      long at = index.find(page);
      long word = at == BackingIndex.NOTHING ? 0 : Memory.getLong(at);
      if ((word & WRITING) != 0) {
        return RACED;
      }
      if ((word & DIRTY) == 0) {
        return 0;
      }
      Memory.putLong(at, (word & ~DIRTY) | WRITING);
      return word;
    } finally {
      lock.unlock();
    }
  }

  private void endWrite(long page, boolean isWritten) {
    lock.lock();
    try {
      long at = index.find(page);
      long word = Memory.getLong(at) & ~WRITING;
      Memory.putLong(at, isWritten ? word : word | DIRTY);
    } finally {
      lock.unlock();
    }
  }

  // ---- Giving up ----

  /// Gives up pages that nobody maps and that are not dirty.
  ///
  /// @param wantedFrames how many at most
  /// @return how many frames were freed, those of the pages alone; as many as it came to before it
  ///   found somebody else at work
  public long shrink(long wantedFrames) {
    long freed = 0;
    long page = 0;
    while (freed < wantedFrames && page < BackingIndex.MOST_PAGES && lock.tryLock()) {
      try {
        page = index.next(page);
        if (page < BackingIndex.MOST_PAGES) {
          freed += dropIfUnused(page) ? 1 : 0;
          page++;
        }
      } finally {
        lock.unlock();
      }
    }
    return freed;
  }

  private boolean dropIfUnused(long page) {
    long at = index.find(page);
    long word = Memory.getLong(at);
    boolean isUnused =
        (word & Pages.PAGE_MASK) == PRESENT
            && memory.sharers().count(Pages.addressToPfn(word)) == 1;
    if (isUnused) {
      drop(page, at, word);
    }
    return isUnused;
  }

  /// Forgets all pages, dirty ones too; frames that are mapped stay with their mappings. While
  /// nobody reads or writes them.
  ///
  /// @return how many dirty pages were forgotten
  public long dropAll() {
    long lost = 0;
    lock.lock();
    try {
      for (long page = index.next(0); page < BackingIndex.MOST_PAGES; page = index.next(page)) {
        long at = index.find(page);
        long word = Memory.getLong(at);
        if ((word & (READING | WRITING)) != 0) {
          throw new IllegalStateException("page " + page + " is being read or written");
        }
        lost += (word & DIRTY) != 0 ? 1 : 0;
        drop(page, at, word);
      }
    } finally {
      lock.unlock();
    }
    return lost;
  }

  private void drop(long page, long at, long word) {
    Memory.putLong(at, 0);
    count(-1);
    memory.release(Pages.addressToPfn(word));
    index.prune(page);
  }

  private void count(long delta) {
    Memory.putLongRelease(address + PAGES, Memory.getLong(address + PAGES) + delta);
  }

  /// Pages that are in memory.
  ///
  /// @return a count
  public long pageCount() {
    return Memory.getLongAcquire(address + PAGES);
  }
}
