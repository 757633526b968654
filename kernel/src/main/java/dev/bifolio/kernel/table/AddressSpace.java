package dev.bifolio.kernel.table;

import dev.bifolio.kernel.unit.ArrayEntries;
import org.jspecify.annotations.Nullable;

/// The page tables of one space of virtual addresses.
///
/// # Overview
///
/// ```
///   map, unmap, protect     one writer at a time, under the space's lock:
///   split, collapse         first walk: is it legal, how many tables does it take?
///   replace, copyTo         all of these are allocated, or nothing has changed
///                           second walk: cannot fail
///   lookup, translate       any number of readers, without the lock
///   flushed                 frees the tables that a change has emptied
/// ```
///
/// A change says in a [FlushBatch] what processors have to forget. Its tables, and the pages that
/// are gone, wait there until [#flushed].
///
/// - I1 The bytes of the tables are all that says what is mapped; counters follow them.
/// - I2 A table below a root has a present entry, unless who unmapped wanted it kept, or it is
///   pinned or shared with user spaces.
/// - I3 A table is freed after the processors have flushed, and after the sequence has changed by
///   which readers without the lock notice it.
/// - I4 Bits that a processor sets in an entry, accessed and dirty, are never lost: entries that it
///   may use change by compare-and-set, and are read to the last when they are taken away.
///
/// *Kernel and user.* The upper half belongs to the kernel in every space. A user space
/// ([#open(AddressSpace)]) has copies of the root entries of that half, or shares the second root
/// where the format has one; it cannot change them. While there are user spaces the kernel's space
/// refuses what would change one of these entries, so tables that it will need later are made
/// before ([#pin]).
///
/// All but [#lookup], [#translate] and [#tableAt] is refused with an `IllegalStateException` while
/// the space is not open.
///
/// Lock order: the lock of a space (of two spaces, that of the source of a copy first), then that
/// of a zone, then what the frame allocator takes.
///
/// Cost: a single page is a lock, a load and a store a level. No Java objects after the
/// constructor.
///
/// Sources: Intel SDM 3A, 5.10.5 (propagation of paging-structure changes); Arm DDI 0487, D8.16;
/// RISC-V privileged architecture, 4.2.1 (SFENCE.VMA).
public final class AddressSpace {
  /// Bytes of memory that it needs.
  public static final int BYTE_SIZE = SpaceWords.BYTE_SIZE;

  /// Not mapped.
  public static final long NOT_MAPPED = -1;

  private final PageFormat format;
  private final SpaceCore core;

  /// A space without tables, until it is opened.
  ///
  /// @param format how its tables are written
  /// @param frames where they come from
  /// @param address of [#BYTE_SIZE] zero bytes, a multiple of 8
  public AddressSpace(PageFormat format, TableFrames frames, long address) {
    this.format = format;
    core = new SpaceCore(format, frames, address);
  }

  // ---- Open and destroy ----

  /// Opens a space of its own, both halves: the kernel's, or one that has no kernel. While nobody
  /// else uses it.
  ///
  /// @return false, and nothing has changed, if there is no memory for the roots
  /// @throws IllegalStateException if it is open
  public boolean open() {
    return core.open(format.rootCount());
  }

  /// Opens a user space, whose upper half is the kernel's. While nobody else uses it; others may
  /// use the kernel's meanwhile.
  ///
  /// @param kernelSpace open, of the same format, with a kernel half of its own
  /// @return false, and nothing has changed, if there is no memory for the root
  /// @throws IllegalArgumentException if it is not like that
  /// @throws IllegalStateException if it is open
  public boolean open(AddressSpace kernelSpace) {
    if (kernelSpace.format != format || !kernelSpace.core.isKernel()) {
      throw new IllegalArgumentException("that is no kernel's space of format " + format);
    }
    if (!core.open(1)) {
      return false;
    }
    core.share(kernelSpace.core);
    return true;
  }

  /// Makes tables below the root for a range of the kernel half, and keeps them when they become
  /// empty, so that user spaces that are opened later see what will be mapped there. Nothing to do
  /// where the kernel has a root of its own, or where a page takes the whole entry of the root.
  ///
  /// @param virtualAddress the first
  /// @param byteSize 1 or more
  /// @return false, and nothing has changed, if there is no memory for them
  /// @throws IllegalArgumentException if some of it is not in the kernel half
  /// @throws IllegalStateException if there are user spaces already, or this is one
  public boolean pin(long virtualAddress, long byteSize) {
    long last = virtualAddress + byteSize - 1;
    if (byteSize <= 0
        || !core.isOneRange(virtualAddress, last)
        || !format.isKernelHalf(virtualAddress)) {
      throw new IllegalArgumentException("the range to pin is not the kernel's");
    }
    return core.pin(virtualAddress, last);
  }

  /// Unmaps all that is the space's own, and takes its roots away: it may be opened again. The
  /// tables wait in the batch, as ever. While nobody else uses the space.
  ///
  /// @param batch is told what is to be flushed
  /// @throws IllegalStateException if user spaces share it, or it is not open
  public void destroy(FlushBatch batch) {
    core.destroy(batch);
  }

  // ---- Map ----

  /// Maps a range by the largest pages that fit, virtual and physical. Where an unmap has kept an
  /// empty table, pages are no larger than its entries.
  ///
  /// @param virtualAddress the first, a multiple of 4096
  /// @param physicalAddress to which it is mapped, a multiple of 4096
  /// @param byteSize a multiple of 4096, 4096 or more
  /// @param flags [PageFlags]
  /// @return what came of it
  /// @throws IllegalArgumentException if the flags mean nothing
  public MapOutcome map(long virtualAddress, long physicalAddress, long byteSize, int flags) {
    return map(virtualAddress, physicalAddress, byteSize, flags, format.largestLeafLevel());
  }

  /// Maps a range by pages up to a size.
  ///
  /// @param virtualAddress as there
  /// @param physicalAddress as there
  /// @param byteSize as there
  /// @param flags as there
  /// @param largestLevel of pages, 1 … [PageFormat#largestLeafLevel()]
  /// @return what came of it
  /// @throws IllegalArgumentException if the flags mean nothing, or there are no such pages
  public MapOutcome map(
      long virtualAddress, long physicalAddress, long byteSize, int flags, int largestLevel) {
    requireLeafLevel(largestLevel);
    int legal = PageFlags.require(flags);
    return MapOutcome.of(
        core.map(virtualAddress, physicalAddress, byteSize, legal, largestLevel, false));
  }

  /// Maps a range by pages of one size.
  ///
  /// @param virtualAddress the first, a multiple of that size
  /// @param physicalAddress to which it is mapped, a multiple of that size
  /// @param byteSize a multiple of that size, not 0
  /// @param flags [PageFlags]
  /// @param level of the pages, 1 … [PageFormat#largestLeafLevel()]
  /// @return what came of it
  /// @throws IllegalArgumentException if the flags mean nothing, or there are no such pages
  public MapOutcome mapExact(
      long virtualAddress, long physicalAddress, long byteSize, int flags, int level) {
    requireLeafLevel(level);
    int legal = PageFlags.require(flags);
    return MapOutcome.of(core.map(virtualAddress, physicalAddress, byteSize, legal, level, true));
  }

  /// Maps frames, wherever they lie, to consecutive pages of 4 KiB: all of them or none.
  ///
  /// @param virtualAddress the first, a multiple of 4096
  /// @param pfns the frames, left as they are; nobody changes them meanwhile
  /// @param offset index of the first entry
  /// @param count entries to map, 1 or more
  /// @param flags [PageFlags]
  /// @return what came of it
  /// @throws IllegalArgumentException if the flags mean nothing
  /// @throws IndexOutOfBoundsException if the array has not all of the entries
  public MapOutcome mapFrames(long virtualAddress, long[] pfns, int offset, int count, int flags) {
    ArrayEntries.require(pfns.length, offset, count);
    int legal = PageFlags.require(flags);
    return MapOutcome.of(core.mapFrames(virtualAddress, pfns, offset, count, legal));
  }

  private void requireLeafLevel(int level) {
    if (level < 1 || level > format.largestLeafLevel()) {
      throw new IllegalArgumentException(format + " has no pages of level " + level);
    }
  }

  // ---- Unmap and protect ----

  /// Unmaps a range. A page of which only a part is meant is split first; tables that become empty
  /// are taken out of the tree, and freed by [#flushed].
  ///
  /// @param virtualAddress the first, a multiple of 4096
  /// @param byteSize a multiple of 4096, 4096 or more
  /// @param batch is told what is to be flushed
  /// @return what came of it; NOT_MAPPED if any page of the range was not
  public UnmapOutcome unmap(long virtualAddress, long byteSize, FlushBatch batch) {
    return UnmapOutcome.of(core.unmap(virtualAddress, byteSize, true, false, batch));
  }

  /// Unmaps what is mapped of a range.
  ///
  /// @param virtualAddress as there
  /// @param byteSize as there
  /// @param keepsTables whether tables stay that become empty: for who will map there again soon
  /// @param batch as there
  /// @return what came of it, never NOT_MAPPED
  public UnmapOutcome unmapAny(
      long virtualAddress, long byteSize, boolean keepsTables, FlushBatch batch) {
    return UnmapOutcome.of(core.unmap(virtualAddress, byteSize, false, keepsTables, batch));
  }

  /// Changes what a range allows. Each page keeps what it says of accesses and stores so far.
  ///
  /// @param virtualAddress the first, a multiple of 4096
  /// @param byteSize a multiple of 4096, 4096 or more
  /// @param flags [PageFlags]
  /// @param batch is told what is to be flushed
  /// @return what came of it; NOT_MAPPED if any page of the range is not
  /// @throws IllegalArgumentException if the flags mean nothing
  public ProtectOutcome protect(long virtualAddress, long byteSize, int flags, FlushBatch batch) {
    int legal = PageFlags.require(flags);
    return ProtectOutcome.of(core.protect(virtualAddress, byteSize, legal, batch));
  }

  // ---- Other sizes ----

  /// Splits the page of an address until the piece with the address is of a size. All translate as
  /// before and allow what they allowed.
  ///
  /// @param virtualAddress any
  /// @param level 1 … [PageFormat#largestLeafLevel()]
  /// @param batch is told what is to be flushed
  /// @return what came of it
  /// @throws IllegalArgumentException if there are no such pages
  public SplitOutcome split(long virtualAddress, int level, FlushBatch batch) {
    requireLeafLevel(level);
    return SplitOutcome.of(core.split(virtualAddress, level, batch));
  }

  /// Makes the pages around an address one of a size, if they are one run of memory and allow the
  /// same. It was accessed if one of them was, and written if one was.
  ///
  /// @param virtualAddress any
  /// @param level 2 … [PageFormat#largestLeafLevel()]
  /// @param batch is told what is to be flushed
  /// @return what came of it
  /// @throws IllegalArgumentException if there are no such pages
  public CollapseOutcome collapse(long virtualAddress, int level, FlushBatch batch) {
    requireLeafLevel(level);
    return CollapseOutcome.of(core.collapse(virtualAddress, level, batch));
  }

  // ---- One page ----

  /// Puts a page in the place of another of the same size, if that still is what the caller knows.
  /// With the same frame, what it says of accesses and stores so far is kept.
  ///
  /// @param virtualAddress any of the page
  /// @param expected what [#lookup] said; whether it was accessed or written may have changed
  /// @param physicalAddress a multiple of its size
  /// @param flags [PageFlags]
  /// @param batch is told what is to be flushed; its receiver of the old page, if it is another
  /// @return what came of it
  /// @throws IllegalArgumentException if the flags mean nothing
  public ReplaceOutcome replace(
      long virtualAddress, long expected, long physicalAddress, int flags, FlushBatch batch) {
    int legal = PageFlags.require(flags);
    return ReplaceOutcome.of(core.replace(virtualAddress, expected, physicalAddress, legal, batch));
  }

  /// Clears what processors have noted of a page: that it was accessed, or written. Not of a page
  /// at the top of the kernel half that user spaces have copies of: processors note it in the
  /// copies.
  ///
  /// @param virtualAddress any of the page
  /// @param bits [PageFlags#ACCESSED], [PageFlags#DIRTY] or both
  /// @param batch is told what is to be flushed, since a processor that knows a page as written
  ///   does not note it again
  /// @return the page before, as [#lookup] does, or [#NOT_MAPPED]
  public long clearUsed(long virtualAddress, int bits, FlushBatch batch) {
    return core.clearUsed(virtualAddress, bits, batch);
  }

  // ---- Copy ----

  /// Maps in another space what is mapped of a range here, at the same addresses. All of it or
  /// nothing; only tables that stood empty in the target may be gone when it fails.
  ///
  /// @param target a space of the same format, which no processor uses yet
  /// @param virtualAddress the first, a multiple of 4096
  /// @param byteSize a multiple of 4096, 4096 or more
  /// @param mode what becomes of the pages
  /// @param sharers counts who has a frame, but for an alias
  /// @param batch is told what is to be flushed of this space
  /// @return what came of it
  /// @throws IllegalArgumentException if the mode wants sharers and there are none, or the reverse,
  ///   or the target is this space or has another format
  public CopyOutcome copyTo(
      AddressSpace target,
      long virtualAddress,
      long byteSize,
      CopyMode mode,
      @Nullable FrameSharers sharers,
      FlushBatch batch) {
    if (target == this || target.format != format) {
      throw new IllegalArgumentException("a copy goes into another space of the same format");
    }
    if ((mode == CopyMode.ALIAS) != (sharers == null)) {
      throw new IllegalArgumentException(mode + " and its sharers do not fit");
    }
    return CopyOutcome.of(core.copyTo(target.core, virtualAddress, byteSize, mode, sharers, batch));
  }

  // ---- Look ----

  /// The physical address behind a virtual one, whatever it allows. Without the lock.
  ///
  /// @param virtualAddress any
  /// @return the address, or [#NOT_MAPPED]
  public long translate(long virtualAddress) {
    SpaceCore owner = core.ownerOf(virtualAddress);
    return owner == null ? NOT_MAPPED : owner.reader.translate(virtualAddress);
  }

  /// The page behind an address. Without the lock.
  ///
  /// @param virtualAddress any
  /// @return a word of [MappedPage], or [#NOT_MAPPED]
  public long lookup(long virtualAddress) {
    SpaceCore owner = core.ownerOf(virtualAddress);
    return owner == null ? NOT_MAPPED : owner.reader.lookup(virtualAddress);
  }

  /// The table of a level on the way to an address. Without the lock.
  ///
  /// @param virtualAddress any
  /// @param level 1 … [PageFormat#levels()]
  /// @return its physical address, or [#NOT_MAPPED] if there is none
  public long tableAt(long virtualAddress, int level) {
    SpaceCore owner = core.ownerOf(virtualAddress);
    return owner == null ? NOT_MAPPED : owner.reader.tableAt(virtualAddress, level);
  }

  /// Shows what is mapped of a range.
  ///
  /// @param virtualAddress the first
  /// @param byteSize 1 or more; the range has one root and is this space's own
  /// @param visitor is told of each table and page
  /// @throws IllegalArgumentException if the range is not one
  public void walk(long virtualAddress, long byteSize, TableVisitor visitor) {
    TableResult result = core.walk(virtualAddress, byteSize, visitor);
    if (result != TableResult.DONE) {
      throw new IllegalArgumentException("the range to walk is " + result);
    }
  }

  // ---- What there is ----

  /// Says that all processors have flushed what a batch names: the tables that waited for it are
  /// freed, its receiver is told of the pages, and the batch is empty.
  ///
  /// @param batch from changes of this space
  /// @return how many tables were freed
  public long flushed(FlushBatch batch) {
    return core.flushed(batch);
  }

  /// How the tables are written.
  ///
  /// @return as given
  public PageFormat format() {
    return format;
  }

  /// The physical address of a root.
  ///
  /// @param root 0 … [PageFormat#rootCount()] - 1
  /// @return what the processor's register is to be loaded with
  public long rootAddress(int root) {
    if (root < 0 || root >= format.rootCount()) {
      throw new IllegalArgumentException(format + " has no root " + root);
    }
    return core.words.root(root);
  }

  /// Tables in the tree, roots included, that are this space's own.
  ///
  /// @return a count
  public long tableCount() {
    return core.words.tables();
  }

  /// Pages of a size that are mapped.
  ///
  /// @param level 1 … [PageFormat#largestLeafLevel()]
  /// @return a count
  public long pageCount(int level) {
    return core.words.pages(level);
  }
}
