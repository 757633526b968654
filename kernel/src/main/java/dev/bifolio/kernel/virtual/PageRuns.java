package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;

/// Goes through what is mapped of a range in runs of pages of one size that allow the same,
/// wherever they lie.
///
/// ```
///   rw rw rw -  -  r  r  rw │  2 MiB rw  │          four runs; tables that are not there are passed
///   ├──────┤       ├──┤  ├┤ ├────────────┤          over at once
/// ```
///
/// For who has the lock of the space alone, so that nothing but accessed and dirty bits changes
/// meanwhile.
final class PageRuns {
  private static final long USED = PageFlags.ACCESSED | PageFlags.DIRTY;

  private final AddressSpace space;
  private final PageFormat format;
  private long start;
  private long end;
  private long first;

  PageRuns(AddressSpace space) {
    this.space = space;
    this.format = space.format();
  }

  /// Looks for the next run.
  ///
  /// @param from the first address, a multiple of 4096
  /// @param to exclusive
  /// @return false if nothing is mapped there
  boolean next(long from, long to) {
    for (long at = from; at < to; ) {
      long word = space.lookup(at);
      if (word != AddressSpace.NOT_MAPPED) {
        extend(at, word, to);
        return true;
      }
      at = behindHole(at);
    }
    return false;
  }

  private void extend(long at, long word, long to) {
    start = at;
    first = word;
    long same = kind(word);
    end = pageEnd(at, word);
    while (end < to) {
      long next = space.lookup(end);
      if (next == AddressSpace.NOT_MAPPED || kind(next) != same) {
        break;
      }
      end = pageEnd(end, next);
    }
    end = Math.min(end, to);
  }

  /// All of a page but where it lies, and what the processor notes.
  private static long kind(long word) {
    return word & ~USED & ~MappedPage.physicalAddress(word);
  }

  private long pageEnd(long at, long word) {
    long byteSize = format.pageByteSize(MappedPage.level(word));
    return (at & -byteSize) + byteSize;
  }

  /// The first address that might be mapped behind one that is not.
  private long behindHole(long at) {
    int level = 1;
    while (level < format.levels() && space.tableAt(at, level) == AddressSpace.NOT_MAPPED) {
      level++;
    }
    long byteSize = format.pageByteSize(level);
    return (at & -byteSize) + byteSize;
  }

  /// Takes stores away from a range; when it returns, none is under way. No large page goes over
  /// its ends.
  ///
  /// @param batch of who has the lock
  void forbidStores(long from, long to, FlushBatch batch) {
    for (long at = from; next(at, to); at = end) {
      int flags = MappedPage.flags(first);
      if ((flags & PageFlags.WRITE) != 0) {
        space.protect(start, end - start, flags & ~PageFlags.WRITE, batch);
      }
    }
    batch.flush();
    space.flushed(batch);
  }

  /// The first address of the run; inside its first page if the range began there.
  long start() {
    return start;
  }

  /// The exclusive end of the run.
  long end() {
    return end;
  }

  /// Its first page, a word of [MappedPage].
  long first() {
    return first;
  }
}
