package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.CollapseOutcome;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.ReplaceOutcome;
import dev.bifolio.kernel.table.SplitOutcome;
import dev.bifolio.kernel.unit.Pages;

/// Large pages that nobody asked for by name: 2 MiB (4 MiB on an i386) of anonymous memory behind
/// one entry.
///
/// ```
///   touch      first access in a whole aligned piece of an area: one block, zeroed, if there is one
///   collapse   512 small pages of one piece ──copied──> one block
///   split      one block ──> 512 single frames, before a part of it is unmapped, altered or shared
///   shrink     split a block that is mostly zeros, and give the zeros back
/// ```
///
/// - I1 A large page is a block that nobody shares; it goes back as one block, or, once it is
///   split, frame by frame.
/// - I2 While pages are copied, nobody can store to them: they allow none, all processors have
///   flushed, and the faults of those who try wait for the space's lock.
///
/// For who has the lock of the space alone; [#touch] for who shares it.
///
/// Sources: J. Navarro, S. Iyer, P. Druschel, A. Cox, Practical, transparent operating system
/// support for superpages, 2002; Linux `mm/huge_memory.c`, `mm/khugepaged.c`.
final class HugePages {
  /// Bytes of memory that it needs.
  static final int BYTE_SIZE = 16;

  private static final int COLLAPSE_CURSOR = 0;
  private static final int SHRINK_CURSOR = 8;
  private static final int LEVEL = 2;
  private static final long NO_PIECE = -1;

  private final long address;
  private final AddressSpace space;
  private final VirtualAreas areas;
  private final UserMemory memory;
  private final HugePolicy policy;
  private final int mostHoles;
  private final FlushBatch batch;
  private final PageRuns runs;
  private final long byteSize;
  private final int order;

  /// Large pages of a space.
  ///
  /// @param address of [#BYTE_SIZE] zero bytes
  /// @param mostHoles how many pages of a piece may be missing when it is collapsed
  /// @param batch of who has the lock alone
  HugePages(
      long address,
      AddressSpace space,
      VirtualAreas areas,
      UserMemory memory,
      HugePolicy policy,
      int mostHoles,
      FlushBatch batch) {
    this.address = address;
    this.space = space;
    this.areas = areas;
    this.memory = memory;
    this.policy = policy;
    this.mostHoles = mostHoles;
    this.batch = batch;
    runs = new PageRuns(space);
    byteSize = space.format().pageByteSize(LEVEL);
    order = orderOf(space);
  }

  /// The order of the block behind a large page.
  static int orderOf(AddressSpace space) {
    return Pages.framesToOrderUp(space.format().pageByteSize(LEVEL) >>> Pages.PAGE_SHIFT);
  }

  // ---- First touch ----

  /// Maps a large page around an address that is not mapped.
  ///
  /// @return false, and nothing has changed, if there is to be none, or cannot
  boolean touch(long area, long page) {
    int flags = areas.flags(area);
    long start = page & -byteSize;
    if (!allows(flags)
        || start < areas.start(area)
        || start > areas.end(area) - byteSize
        || space.tableAt(start, 1) != AddressSpace.NOT_MAPPED) {
      return false;
    }
    long pfn = memory.frames().allocate(order, memory.hugeRequestFlags());
    if (pfn < 0) {
      return false;
    }
    memory.zero(pfn, order);
    int pageFlags = AreaFlags.toWritablePage(flags);
    if (space.mapExact(start, Pages.pfnToAddress(pfn), byteSize, pageFlags, LEVEL)
        == MapOutcome.MAPPED) {
      return true;
    }
    memory.frames().free(pfn, order);
    return false;
  }

  private boolean allows(int areaFlags) {
    return policy.allows(areaFlags) && (areaFlags & AreaFlags.GROWS_DOWN) == 0;
  }

  // ---- Splitting ----

  /// Makes sure that no large page goes over the ends of a range.
  ///
  /// @return false if there is no memory for the tables; nothing looks different then
  boolean splitAtEnds(long start, long end) {
    return splitAround(start) && splitAround(end);
  }

  private boolean splitAround(long border) {
    long word = (border & (byteSize - 1)) == 0 ? AddressSpace.NOT_MAPPED : space.lookup(border);
    return word == AddressSpace.NOT_MAPPED || MappedPage.level(word) == 1 || split(border, word);
  }

  private boolean split(long at, long word) {
    if (space.split(at, 1, batch) != SplitOutcome.DONE) {
      return false;
    }
    memory.frames().split(MappedPage.physicalAddress(word) >>> Pages.PAGE_SHIFT, order);
    return true;
  }

  /// Splits all large pages.
  ///
  /// @return false if there is no memory for the tables; some are split then, which shows nowhere
  boolean splitAll() {
    for (long at = findPage(areas.floor()); at != NO_PIECE; at = findPage(at + byteSize)) {
      if (!split(at, space.lookup(at))) {
        return false;
      }
    }
    return true;
  }

  /// The next large page from an address on.
  private long findPage(long from) {
    long at = from;
    while (runs.next(at, areas.ceiling())) {
      if (MappedPage.level(runs.first()) == LEVEL) {
        return runs.start();
      }
      at = runs.end();
    }
    return NO_PIECE;
  }

  // ---- Collapsing ----

  /// Looks for pieces of small pages that could be one, from where it stopped the last time.
  ///
  /// @param budget pages to look at, 1 or more; what is begun is finished
  /// @return whether there is more to look at in this round
  boolean step(long budget) {
    long at = Memory.getLong(address + COLLAPSE_CURSOR);
    long looked = 0;
    while (looked < budget) {
      long piece = findPiece(at);
      if (piece == NO_PIECE) {
        Memory.putLong(address + COLLAPSE_CURSOR, 0);
        return false;
      }
      looked += tryCollapse(piece);
      at = piece + byteSize;
    }
    Memory.putLong(address + COLLAPSE_CURSOR, at);
    return true;
  }

  private long findPiece(long from) {
    for (long area = areas.firstAbove(from);
        area != VirtualAreas.NO_AREA;
        area = areas.next(area)) {
      long start = Pages.alignUp(Math.max(from, areas.start(area)), byteSize);
      if (areas.backing(area) == VirtualAreas.ANONYMOUS
          && allows(areas.flags(area))
          && start <= areas.end(area) - byteSize) {
        return start;
      }
    }
    return NO_PIECE;
  }

  /// Collapses a piece if it is worth it and can be done.
  ///
  /// @return how many pages it has looked at
  private long tryCollapse(long piece) {
    if (space.tableAt(piece, 1) == AddressSpace.NOT_MAPPED) {
      return 1;
    }
    long holes = 0;
    for (long at = piece; at < piece + byteSize; at += Pages.PAGE_SIZE) {
      long word = space.lookup(at);
      boolean isHole = word == AddressSpace.NOT_MAPPED;
      holes += isHole ? 1 : 0;
      if (holes > mostHoles || (!isHole && isShared(word))) {
        return ((at - piece) >>> Pages.PAGE_SHIFT) + 1;
      }
    }
    long pages = byteSize >>> Pages.PAGE_SHIFT;
    long block = holes == pages ? -1 : memory.frames().allocate(order, memory.hugeRequestFlags());
    if (block >= 0) {
      collapse(piece, block);
    }
    return pages;
  }

  private boolean isShared(long word) {
    return memory.sharers().count(MappedPage.physicalAddress(word) >>> Pages.PAGE_SHIFT) != 1;
  }

  private void collapse(long piece, long block) {
    int flags = AreaFlags.toWritablePage(areas.flags(areas.find(piece)));
    runs.forbidStores(piece, piece + byteSize, batch);
    for (long at = piece; at < piece + byteSize; at += Pages.PAGE_SIZE) {
      long pfn = block + ((at - piece) >>> Pages.PAGE_SHIFT);
      long word = space.lookup(at);
      if (word == AddressSpace.NOT_MAPPED) {
        memory.zero(pfn, 0);
        expect(
            space.map(at, Pages.pfnToAddress(pfn), Pages.PAGE_SIZE, flags, 1) == MapOutcome.MAPPED);
      } else {
        memory.copy(MappedPage.physicalAddress(word) >>> Pages.PAGE_SHIFT, pfn);
        expect(
            space.replace(at, word, Pages.pfnToAddress(pfn), flags, batch) == ReplaceOutcome.DONE);
      }
    }
    finish();
    expect(space.collapse(piece, LEVEL, batch) == CollapseOutcome.DONE);
    finish();
  }

  /// What takes no memory and is nobody else's cannot fail.
  private static void expect(boolean isDone) {
    if (!isDone) {
      throw new IllegalStateException("a page changed under the lock of its space");
    }
  }

  private void finish() {
    batch.flush();
    space.flushed(batch);
  }

  // ---- Under pressure ----

  /// Splits large pages at least half of which is zeros, and frees the zeros.
  ///
  /// @param wantedFrames how many frames should be freed
  /// @return how many were
  long shrink(long wantedFrames) {
    long from = Math.max(areas.floor(), Memory.getLong(address + SHRINK_CURSOR));
    long freed = shrink(from, areas.ceiling(), wantedFrames);
    return freed < wantedFrames ? freed + shrink(areas.floor(), from, wantedFrames - freed) : freed;
  }

  /// Those that begin in a range.
  private long shrink(long from, long to, long wantedFrames) {
    long freed = 0;
    long at = findPage(from);
    while (at != NO_PIECE && at < to && freed < wantedFrames) {
      freed += tryShrink(at);
      Memory.putLong(address + SHRINK_CURSOR, at + byteSize);
      at = findPage(at + byteSize);
    }
    return freed;
  }

  private long tryShrink(long piece) {
    long word = space.lookup(piece);
    long block = MappedPage.physicalAddress(word) >>> Pages.PAGE_SHIFT;
    long zeros = 0;
    for (long frame = 0; frame < 1L << order; frame++) {
      zeros += memory.isZero(block + frame) ? 1 : 0;
    }
    if (zeros < 1L << (order - 1) || !split(piece, word)) {
      return 0;
    }
    // Only now that nobody stores is what we see what there is.
    runs.forbidStores(piece, piece + byteSize, batch);
    long freed = 0;
    for (long frame = 0; frame < 1L << order; frame++) {
      if (memory.isZero(block + frame)) {
        space.unmapAny(piece + frame * Pages.PAGE_SIZE, Pages.PAGE_SIZE, true, batch);
        freed++;
      }
    }
    for (long at = piece; runs.next(at, piece + byteSize); at = runs.end()) {
      space.protect(runs.start(), runs.end() - runs.start(), MappedPage.flags(word), batch);
    }
    finish();
    return freed;
  }
}
