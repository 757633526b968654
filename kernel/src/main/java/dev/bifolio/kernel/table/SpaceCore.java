package dev.bifolio.kernel.table;

import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// What an [AddressSpace] does, behind its outcomes: checks the range, takes the lock, has one of
/// the walks go through the tables.
final class SpaceCore {
  private static final int USED = PageFlags.ACCESSED | PageFlags.DIRTY;

  final PageFormat format;
  final SpaceWords words;
  final TableReader reader;
  private final SpinLock lock;
  private final TableTree tree;
  private final TableMapper mapper;
  private final TableChanger changer;
  private final TableReplacer replacer;
  private final TableCollapser collapser;
  private final TableCopier copier;
  private final TableWalker walker;
  private @Nullable SpaceCore kernel;

  SpaceCore(PageFormat format, TableFrames frames, long address) {
    this.format = format;
    words = new SpaceWords(format, address);
    lock = new SpinLock(address + SpaceWords.LOCK);
    tree = new TableTree(format, frames);
    reader = new TableReader(tree, words);
    mapper = new TableMapper(tree, words);
    changer = new TableChanger(tree, words);
    replacer = new TableReplacer(tree, words);
    collapser = new TableCollapser(tree, words);
    copier = new TableCopier(tree, changer);
    walker = new TableWalker(tree);
  }

  // ---- Open and destroy ----

  /// Allocates roots of its own.
  boolean open(int roots) {
    if (words.isOpen()) {
      throw new IllegalStateException("the space is open");
    }
    if (!tree.stockUp(roots)) {
      return false;
    }
    for (int root = 0; root < roots; root++) {
      words.setRoot(root, tree.takeFromStock());
    }
    words.addTables(roots);
    return true;
  }

  /// Whether user spaces can have it as their kernel's.
  boolean isKernel() {
    return words.isOpen() && kernel == null;
  }

  /// Takes the kernel's half over.
  void share(SpaceCore kernelSpace) {
    kernelSpace.lock.lock();
    try {
      kernelSpace.words.addSharing(1);
      if (format.rootCount() > 1) {
        words.setRoot(1, kernelSpace.words.root(1));
      }
      long from = kernelSpace.words.root(0);
      for (int index = format.kernelIndex(); index < format.entryCount(); index++) {
        tree.set(words.root(0), index, tree.get(from, index));
      }
    } finally {
      kernelSpace.lock.unlock();
    }
    kernel = kernelSpace;
  }

  private void release() {
    lock.lock();
    words.addSharing(-1);
    lock.unlock();
  }

  boolean pin(long first, long last) {
    requireOpen();
    if (kernel != null) {
      throw new IllegalStateException("the kernel half is another space's");
    }
    if (format.rootCount() > 1) {
      return true;
    }
    lock.lock();
    try {
      if (words.sharing() != 0) {
        throw new IllegalStateException("user spaces have copies of the root already");
      }
      return pinLocked(format.index(format.levels(), first), format.index(format.levels(), last));
    } finally {
      lock.unlock();
    }
  }

  private boolean pinLocked(int from, int to) {
    long root = words.root(0);
    int missing = 0;
    for (int index = from; index <= to; index++) {
      missing += format.isPresent(tree.get(root, index)) ? 0 : 1;
    }
    if (!tree.stockUp(missing)) {
      return false;
    }
    for (int index = from; index <= to; index++) {
      if (!format.isPresent(tree.get(root, index))) {
        tree.set(root, index, format.table(tree.takeFromStock()));
      }
      words.pin(index);
    }
    words.addTables(missing);
    return true;
  }

  void destroy(FlushBatch batch) {
    lock.lock();
    try {
      if (words.sharing() != 0 || !words.isOpen()) {
        throw new IllegalStateException("the space is shared with user spaces, or not open");
      }
      words.unpinAll();
      int roots = kernel == null ? format.rootCount() : 1;
      for (int root = 0; root < roots; root++) {
        unmapEntries(root, 0, format.kernelIndex(), batch);
        if (kernel == null) {
          unmapEntries(root, format.kernelIndex(), format.entryCount(), batch);
        }
        batch.retire(tree, words.root(root));
      }
      words.addTables(-roots);
      words.clearRoots();
    } finally {
      lock.unlock();
    }
    SpaceCore shared = kernel;
    if (shared != null) {
      shared.release();
      kernel = null;
    }
  }

  private void unmapEntries(int root, int from, int to, FlushBatch batch) {
    if (from < to) {
      long last = format.startOf(root, to - 1) + format.pageByteSize(format.levels()) - 1;
      changer.beginUnmap(false, false);
      changer.change(words.root(root), format.startOf(root, from), last, batch);
    }
  }

  // ---- Ranges ----

  /// Whether a range is legal, and this space's own.
  ///
  /// @param addresses all that have to be multiples of the unit, or-ed
  private TableResult check(long virtualAddress, long byteSize, long addresses, long unit) {
    requireOpen();
    if (((addresses | byteSize) & (unit - 1)) != 0 || byteSize == 0) {
      return TableResult.MISALIGNED;
    }
    long last = virtualAddress + byteSize - 1;
    if (byteSize < 0 || !isOneRange(virtualAddress, last)) {
      return TableResult.NOT_CANONICAL;
    }
    return kernel != null && (format.isKernelHalf(virtualAddress) || format.isKernelHalf(last))
        ? TableResult.KERNEL_HALF
        : TableResult.DONE;
  }

  private void requireOpen() {
    if (!words.isOpen()) {
      throw new IllegalStateException("the space is not open");
    }
  }

  private TableResult checkPage(long virtualAddress) {
    return check(virtualAddress & -Pages.PAGE_SIZE, Pages.PAGE_SIZE, 0, Pages.PAGE_SIZE);
  }

  /// Whether a range has one root and only addresses that the format has.
  boolean isOneRange(long first, long last) {
    return Long.compareUnsigned(first, last) <= 0
        && format.isCanonical(first)
        && format.isCanonical(last)
        && first < 0 == last < 0;
  }

  private long root(long virtualAddress) {
    return words.root(format.rootOf(virtualAddress));
  }

  // ---- Operations ----

  TableResult map(
      long virtualAddress,
      long physicalAddress,
      long byteSize,
      int flags,
      int level,
      boolean isExact) {
    long unit = isExact ? format.pageByteSize(level) : Pages.PAGE_SIZE;
    TableResult result = check(virtualAddress, byteSize, virtualAddress | physicalAddress, unit);
    if (result != TableResult.DONE) {
      return result;
    }
    long end = 1L << format.physicalBits();
    if (Long.compareUnsigned(physicalAddress, end) >= 0
        || Long.compareUnsigned(byteSize, end - physicalAddress) > 0) {
      return TableResult.TOO_HIGH;
    }
    long last = virtualAddress + byteSize - 1;
    long distance = physicalAddress - virtualAddress;
    lock.lock();
    try {
      return mapper.map(
          root(virtualAddress), virtualAddress, last, distance, level, isExact, flags);
    } finally {
      lock.unlock();
    }
  }

  TableResult mapFrames(long virtualAddress, long[] pfns, int offset, int count, int flags) {
    long byteSize = Pages.framesToBytes(count);
    TableResult result = check(virtualAddress, byteSize, virtualAddress, Pages.PAGE_SIZE);
    if (result != TableResult.DONE) {
      return result;
    }
    long endPfn = 1L << (format.physicalBits() - Pages.PAGE_SHIFT);
    for (int i = offset; i < offset + count; i++) {
      if (Long.compareUnsigned(pfns[i], endPfn) >= 0) {
        return TableResult.TOO_HIGH;
      }
    }
    long last = virtualAddress + byteSize - 1;
    lock.lock();
    try {
      return mapper.mapFrames(root(virtualAddress), virtualAddress, last, pfns, offset, flags);
    } finally {
      lock.unlock();
    }
  }

  TableResult unmap(
      long virtualAddress, long byteSize, boolean wantsAll, boolean keepsTables, FlushBatch batch) {
    TableResult result = check(virtualAddress, byteSize, virtualAddress, Pages.PAGE_SIZE);
    if (result != TableResult.DONE) {
      return result;
    }
    lock.lock();
    try {
      long last = virtualAddress + byteSize - 1;
      return changer.unmap(
          root(virtualAddress), virtualAddress, last, wantsAll, keepsTables, batch);
    } finally {
      lock.unlock();
    }
  }

  TableResult protect(long virtualAddress, long byteSize, int flags, FlushBatch batch) {
    TableResult result = check(virtualAddress, byteSize, virtualAddress, Pages.PAGE_SIZE);
    if (result != TableResult.DONE) {
      return result;
    }
    lock.lock();
    try {
      changer.beginProtect(flags);
      return changeLocked(virtualAddress, byteSize, batch);
    } finally {
      lock.unlock();
    }
  }

  private TableResult changeLocked(long virtualAddress, long byteSize, FlushBatch batch) {
    long last = virtualAddress + byteSize - 1;
    return changer.change(root(virtualAddress), virtualAddress, last, batch);
  }

  TableResult split(long virtualAddress, int level, FlushBatch batch) {
    TableResult result = checkPage(virtualAddress);
    if (result != TableResult.DONE) {
      return result;
    }
    lock.lock();
    try {
      long page = reader.lookup(virtualAddress);
      if (page == AddressSpace.NOT_MAPPED) {
        return TableResult.NOT_MAPPED;
      }
      if (MappedPage.level(page) <= level) {
        return TableResult.DONE;
      }
      long byteSize = format.pageByteSize(level);
      changer.beginSplit(true, level);
      return changeLocked(virtualAddress & -byteSize, byteSize, batch);
    } finally {
      lock.unlock();
    }
  }

  TableResult collapse(long virtualAddress, int level, FlushBatch batch) {
    TableResult result = checkPage(virtualAddress);
    if (result != TableResult.DONE) {
      return result;
    }
    lock.lock();
    try {
      return collapser.collapse(root(virtualAddress), virtualAddress, level, batch);
    } finally {
      lock.unlock();
    }
  }

  TableResult replace(
      long virtualAddress, long expected, long physicalAddress, int flags, FlushBatch batch) {
    TableResult result = checkPage(virtualAddress);
    if (result != TableResult.DONE) {
      return result;
    }
    lock.lock();
    try {
      return replacer.replace(
          root(virtualAddress), virtualAddress, expected, physicalAddress, flags, batch);
    } finally {
      lock.unlock();
    }
  }

  long clearUsed(long virtualAddress, int bits, FlushBatch batch) {
    if (checkPage(virtualAddress) != TableResult.DONE) {
      return AddressSpace.NOT_MAPPED;
    }
    lock.lock();
    try {
      return replacer.clearUsed(root(virtualAddress), virtualAddress, bits & USED, batch);
    } finally {
      lock.unlock();
    }
  }

  TableResult copyTo(
      SpaceCore target,
      long virtualAddress,
      long byteSize,
      CopyMode mode,
      @Nullable FrameSharers sharers,
      FlushBatch batch) {
    TableResult result = check(virtualAddress, byteSize, virtualAddress, Pages.PAGE_SIZE);
    if (result == TableResult.DONE) {
      result = target.check(virtualAddress, byteSize, virtualAddress, Pages.PAGE_SIZE);
    }
    if (result != TableResult.DONE) {
      return result;
    }
    long last = virtualAddress + byteSize - 1;
    lock.lock();
    target.lock.lock();
    try {
      return copier.copy(root(virtualAddress), virtualAddress, last, target, mode, sharers, batch);
    } finally {
      target.lock.unlock();
      lock.unlock();
    }
  }

  // ---- For a copy that holds the lock ----

  /// A part of a copy into this space.
  TableResult mapLocked(long first, long last, long distance, int largestLevel, int flags) {
    return mapper.map(root(first), first, last, distance, largestLevel, false, flags);
  }

  /// Takes a part of a copy back.
  void unmapLocked(long first, long last, FlushBatch batch) {
    changer.beginUnmap(false, false);
    changer.change(root(first), first, last, batch);
  }

  void flushedLocked(FlushBatch batch) {
    words.skip();
    batch.clear(tree);
  }

  // ---- Look ----

  /// The space whose tables an address goes through; null if no address is like this.
  @Nullable SpaceCore ownerOf(long virtualAddress) {
    if (!format.isCanonical(virtualAddress)) {
      return null;
    }
    SpaceCore shared = kernel;
    return shared != null && format.isKernelHalf(virtualAddress) ? shared : this;
  }

  TableResult walk(long virtualAddress, long byteSize, TableVisitor visitor) {
    TableResult result = check(virtualAddress, byteSize, 0, 1);
    if (result != TableResult.DONE) {
      return result;
    }
    long last = virtualAddress + byteSize - 1;
    lock.lock();
    try {
      long start = format.startOf(format.rootOf(virtualAddress), 0);
      walker.walk(root(virtualAddress), format.levels(), start, virtualAddress, last, visitor);
    } finally {
      lock.unlock();
    }
    return result;
  }

  long flushed(FlushBatch batch) {
    lock.lock();
    try {
      words.skip();
      return batch.clear(tree);
    } finally {
      lock.unlock();
    }
  }
}
