package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.unit.ArrayEntries;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;

/// The concurrent allocator: lock-free words of 32 units at every level, caches for each CPU, best
/// fit. Any number of threads, virtual ones too. The overview comment of `HybridCore` explains it.
///
/// ```
/// FrameAllocator frames = new HybridAllocator(20, Cpu.count(), metadata, startAddress, frameCount);
/// frames.addFrames(startPfn, startPfn + frameCount);
/// long pfn = frames.allocate(0, AllocationFlags.MOVABLE);
/// ```
public final class HybridAllocator implements FrameAllocator {
  /// The longest span of one allocator, in frames: 64 TiB.
  public static final long MAX_SPAN_FRAMES = 1L << 34;

  /// What the metadata's address must be a multiple of, in bytes.
  public static final long METADATA_ALIGNMENT = 64;

  /// For how many CPUs there may be caches.
  public static final int MAX_CPU_COUNT = 4096;

  private static final int UNINITIALIZED = -1;

  private final int maxOrder;
  final HybridCore core;
  final HybridPlaces places;
  final HybridCounts counts;
  final BulkRequests bulk;
  private long startPfn;
  private long endPfn;
  private int usableOrder = UNINITIALIZED;

  /// An allocator that refuses every request until [#initialize(long, long, long)].
  ///
  /// @param maxOrder the largest order of a block, 0 … 20
  /// @param cpuCount for how many CPUs there are caches, 1 … [#MAX_CPU_COUNT]; others share them
  /// @throws FrameRequestException with INVALID_ORDER if there is no such order
  /// @throws IllegalArgumentException if `cpuCount` is below 1
  public HybridAllocator(int maxOrder, int cpuCount) {
    if (maxOrder < 0 || maxOrder > Pages.MAX_ORDER) {
      throw FrameMistakes.order(FrameError.INVALID_ORDER, maxOrder, Pages.MAX_ORDER);
    }
    this.maxOrder = maxOrder;
    core = new HybridCore(HybridMistakes.requireCpus(cpuCount));
    places = new HybridPlaces(core);
    counts = new HybridCounts(core);
    bulk = new BulkRequests(core);
  }

  /// An initialised allocator, still without frames.
  ///
  /// @param maxOrder as for the other constructor
  /// @param cpuCount as for the other constructor
  /// @param metadataAddress as for [#initialize(long, long, long)]
  /// @param startAddress as for [#initialize(long, long, long)]
  /// @param frameCount as for [#initialize(long, long, long)]
  /// @throws FrameRequestException as [#initialize(long, long, long)] does
  public HybridAllocator(
      int maxOrder, int cpuCount, long metadataAddress, long startAddress, long frameCount) {
    this(maxOrder, cpuCount);
    initialize(metadataAddress, startAddress, frameCount);
  }

  /// Bytes of metadata for a span of frames, a multiple of 64.
  ///
  /// @param startPfn first frame, 0 or more
  /// @param endPfn exclusive end, at most [#MAX_SPAN_FRAMES] above it
  /// @param cpuCount as for the constructors
  /// @return a byte size; about 2.25 bits for each frame, and for each CPU 3 to 20 KiB, which make
  ///   no more than 2.5 bits a frame from 8 GiB and 512 MiB a CPU on
  /// @throws FrameRequestException with OUT_OF_RANGE for any other span
  /// @throws IllegalArgumentException for any other `cpuCount`
  public static long metadataBytes(long startPfn, long endPfn, int cpuCount) {
    HybridMistakes.requireSpan(startPfn, endPfn - startPfn);
    return HybridCore.metadataBytes(startPfn, endPfn, HybridMistakes.requireCpus(cpuCount));
  }

  /// Gives the allocator its metadata and says which frames it describes. None of them is managed
  /// before [#addFrames(long, long)]. Writes nothing to the metadata.
  ///
  /// @param metadataAddress of [#metadataBytes(long, long, int)] zero bytes, a multiple of
  ///   [#METADATA_ALIGNMENT]
  /// @param startAddress physical address of the span's first frame, a multiple of the page size
  /// @param frameCount frames in the span, 1 … [#MAX_SPAN_FRAMES]
  /// @throws FrameRequestException with UNALIGNED, OUT_OF_RANGE or ZERO_ALLOCATION for a bad span
  /// @throws IllegalArgumentException if the metadata are misaligned
  /// @throws IllegalStateException if it is initialised already
  public void initialize(long metadataAddress, long startAddress, long frameCount) {
    if (usableOrder != UNINITIALIZED) {
      throw new IllegalStateException("this allocator is initialised already");
    }
    long firstPfn = FrameMistakes.requireStart(startAddress, frameCount);
    HybridMistakes.requireSpan(firstPfn, frameCount);
    FrameMistakes.requireMetadata(metadataAddress);
    startPfn = firstPfn;
    endPfn = firstPfn + frameCount;
    core.attach(metadataAddress, startPfn, endPfn);
    usableOrder = maxOrder;
  }

  private boolean isInitialized() {
    return usableOrder != UNINITIALIZED;
  }

  private void requireInitialized() {
    if (!isInitialized()) {
      throw FrameMistakes.uninitialised();
    }
  }

  // ---- Allocation ----

  @Override
  public long tryAllocate(int order, int flags) {
    if (order < Slots.CACHED_ORDERS || order > usableOrder) {
      return tryAllocateOn(Cpu.current(), order, flags);
    }
    long pfn = core.allocateLarge(order, flags);
    return pfn >= 0 ? pfn : exhausted(order);
  }

  /// [#tryAllocate] on the caches of a certain CPU, for replay and tests.
  ///
  /// @param cpu any number; there are caches for a few, which the others share
  /// @param order 0 … [#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @return the head frame, or the code of a FrameError
  public long tryAllocateOn(int cpu, int order, int flags) {
    if (order < 0 || order > usableOrder) {
      return refuse(isInitialized() ? FrameError.INVALID_ORDER : FrameError.NOT_INITIALIZED);
    }
    long pfn = core.allocate(cpu, order, flags);
    return pfn >= 0 ? pfn : exhaustedAll(order);
  }

  @Override
  public long tryAllocateFrames(long frameCount, int flags) {
    if (!isInitialized()) {
      return refuse(FrameError.NOT_INITIALIZED);
    }
    if (frameCount <= 0) {
      return refuse(FrameError.ZERO_ALLOCATION);
    }
    if (frameCount > Pages.orderToFrames(maxOrder)) {
      return refuse(FrameError.TOO_LARGE);
    }
    int order = Pages.framesToOrderUp(frameCount);
    int cpu = Cpu.current();
    if (frameCount == Pages.orderToFrames(order)) {
      return tryAllocateOn(cpu, order, flags);
    }
    long pfn = core.allocateRun(cpu, frameCount, flags);
    return pfn >= 0 ? pfn : exhausted(order);
  }

  @Override
  public long tryAllocateFramesWithin(
      long frameCount, int flags, long alignmentFrames, long maxPfn, long boundaryFrames) {
    if (!isInitialized()) {
      return refuse(FrameError.NOT_INITIALIZED);
    }
    long mistake = PlacedRequests.mistakeIn(frameCount, alignmentFrames, boundaryFrames, maxOrder);
    if (mistake != 0) {
      return refuse(FrameError.of(mistake));
    }
    long last = Math.min(maxPfn, endPfn - 1);
    int cpu = Cpu.current();
    long pfn = places.allocateBelow(cpu, frameCount, flags, alignmentFrames, startPfn, last);
    return pfn >= 0 ? pfn : exhausted(Pages.framesToOrderUp(frameCount));
  }

  @Override
  public long tryAllocateRange(long startPfn, long frameCount, int flags) {
    if (!isInitialized() || frameCount < 1) {
      return refuse(isInitialized() ? FrameError.ZERO_ALLOCATION : FrameError.NOT_INITIALIZED);
    }
    if (!places.isManaged(startPfn, frameCount)) {
      return refuse(FrameError.OUT_OF_RANGE);
    }
    if (places.allocateRange(Cpu.current(), startPfn, frameCount, flags, maxOrder)) {
      return startPfn;
    }
    return exhausted(Math.min(Pages.framesToOrderUp(frameCount), maxOrder));
  }

  private long refuse(FrameError error) {
    counts.refused();
    return error.code();
  }

  private long exhaustedAll(int order) {
    if (order == 0) {
      counts.sawAllUsed();
    }
    return exhausted(order);
  }

  private long exhausted(int order) {
    counts.failed(order);
    return NO_FRAME;
  }

  // ---- Free ----

  @Override
  public long tryFree(long pfn, int order) {
    if (order < Slots.CACHED_ORDERS || order > usableOrder) {
      return tryFreeOn(HybridCore.CURRENT_CPU, pfn, order);
    }
    return core.freeLarge(pfn, order) ? 0 : refuseFree(pfn, Pages.orderToFrames(order));
  }

  /// [#tryFree] into the caches of a certain CPU, for replay and tests.
  ///
  /// @param cpu any number, as there; -1 for the CPU that the caller runs on
  /// @param pfn the head frame
  /// @param order the order it was allocated with
  /// @return 0, or the code of a FrameError
  public long tryFreeOn(int cpu, long pfn, int order) {
    if (order < 0 || order > usableOrder) {
      return refuseFree(isInitialized() ? FrameError.INVALID_ORDER : FrameError.NOT_INITIALIZED);
    }
    return core.free(cpu, pfn, order) ? 0 : refuseFree(pfn, Pages.orderToFrames(order));
  }

  @Override
  public long tryFreeFrames(long pfn, long frameCount) {
    if (!isInitialized()) {
      return refuseFree(FrameError.NOT_INITIALIZED);
    }
    if (Long.bitCount(frameCount) == 1 && frameCount > 0) {
      int order = Pages.framesToOrderUp(frameCount);
      boolean freed = order <= maxOrder && core.free(HybridCore.CURRENT_CPU, pfn, order);
      return freed ? 0 : refuseFree(pfn, frameCount);
    }
    boolean legal = frameCount > 0 && frameCount <= Pages.orderToFrames(maxOrder);
    return legal && core.freeRun(pfn, frameCount) ? 0 : refuseFree(pfn, frameCount);
  }

  @Override
  public int allocateBulk(long[] pfns, int offset, int count, int flags) {
    ArrayEntries.require(pfns.length, offset, count);
    requireInitialized();
    int got = bulk.allocate(Cpu.current(), pfns, offset, count, flags);
    if (got < count) {
      exhaustedAll(0);
    }
    return got;
  }

  @Override
  public void freeBulk(long[] pfns, int offset, int count) {
    ArrayEntries.require(pfns.length, offset, count);
    bulk.free(this, pfns, offset, offset + count);
  }

  @Override
  public long tryFreeRange(long startPfn, long frameCount) {
    if (!isInitialized() || frameCount < 1) {
      return refuseFree(isInitialized() ? FrameError.ZERO_ALLOCATION : FrameError.NOT_INITIALIZED);
    }
    FrameError mistake = places.freeRange(HybridCore.CURRENT_CPU, startPfn, frameCount, maxOrder);
    return mistake == null ? 0 : refuseFree(mistake);
  }

  private long refuseFree(long pfn, long frameCount) {
    return refuseFree(places.errorOf(pfn, frameCount));
  }

  private long refuseFree(FrameError error) {
    counts.refusedFree();
    return error.code();
  }

  @Override
  public void free(long pfn, int order) {
    long result = tryFree(pfn, order);
    if (result == FrameError.INVALID_ORDER.code()) {
      throw FrameMistakes.order(FrameError.INVALID_ORDER, order, maxOrder);
    }
    if (result != 0) {
      throw mistake(FrameError.of(result), pfn, Pages.orderToFrames(order));
    }
  }

  @Override
  public void freeFrames(long pfn, long frameCount) {
    long result = tryFreeFrames(pfn, frameCount);
    if (result != 0) {
      throw mistake(FrameError.of(result), pfn, frameCount);
    }
  }

  @Override
  public void splitBlock(long pfn, int order) {
    if (isInitialized() && (order < 0 || order > maxOrder)) {
      throw FrameMistakes.order(FrameError.INVALID_ORDER, order, maxOrder);
    }
    splitFrames(pfn, Pages.orderToFrames(order));
  }

  @Override
  public void splitFrames(long pfn, long frameCount) {
    requireInitialized();
    if (!core.split(pfn, frameCount)) {
      throw mistake(places.errorOf(pfn, frameCount), pfn, frameCount);
    }
    counts.split(frameCount);
  }

  FrameRequestException mistake(FrameError error, long pfn, long frameCount) {
    return isInitialized()
        ? HybridMistakes.run(error, pfn, frameCount, core.states, startPfn, endPfn)
        : FrameMistakes.uninitialised();
  }

  // ---- Memory handed over ----

  /// {@inheritDoc}
  ///
  /// Nobody may allocate or free meanwhile.
  @Override
  public long addFrames(long startPfn, long endPfn) {
    requireInitialized();
    if (startPfn >= endPfn) {
      return 0;
    }
    if (startPfn < this.startPfn || endPfn > this.endPfn) {
      throw FrameMistakes.outside(startPfn, endPfn, this.startPfn, this.endPfn);
    }
    long takenBackBefore = counts.takenBackUnits();
    long added = places.add(startPfn, endPfn);
    counts.added(added, takenBackBefore);
    return added;
  }

  /// {@inheritDoc}
  ///
  /// Nobody may allocate or free meanwhile.
  @Override
  public void reset() {
    if (isInitialized()) {
      core.callBack.all();
      places.freeAll(startPfn, endPfn);
      core.callBack.all();
      counts.resetRequests(census());
    }
  }

  // ---- What there is ----

  @Override
  public int maxOrder() {
    return maxOrder;
  }

  @Override
  public long startPfn() {
    return startPfn;
  }

  @Override
  public long endPfn() {
    return endPfn;
  }

  @Override
  public boolean isManaged(long pfn) {
    return isInitialized() && places.isManaged(pfn, 1);
  }

  @Override
  public long managedFrameCount() {
    return isInitialized() ? counts.managedFrames() : 0;
  }

  /// {@inheritDoc}
  ///
  /// Walks; exact when nobody allocates or frees.
  @Override
  public long freeFrameCount() {
    return isInitialized() ? census().freeFrames() : 0;
  }

  @Override
  public long cachedFrameCount() {
    return isInitialized() ? census().cachedFrames() : 0;
  }

  @Override
  public long drainCaches() {
    if (!isInitialized()) {
      return 0;
    }
    long before = counts.wentHome();
    core.callBack.all();
    return counts.wentHome() - before;
  }

  /// Opens a cache of single frames for one owner. There are two for each CPU, and two more.
  ///
  /// @param flags [AllocationFlags]: what the frames are for
  /// @return a new cache, to be closed by its owner
  /// @throws FrameRequestException if it is not initialised
  /// @throws IllegalStateException if all caches are in use
  public FrameCache openCache(int flags) {
    requireInitialized();
    return FrameCache.open(this, core, flags);
  }

  /// What the caches did since the beginning: those of the CPUs and those of owners.
  ///
  /// @return a snapshot; all zero before it is initialised
  public CacheStatistics cacheStatistics() {
    return isInitialized() ? counts.caches() : new CacheStatistics(0, 0, 0, 0);
  }

  @Override
  public long freeBlockCount(int order) {
    FrameMistakes.requireOrder(order, maxOrder);
    return isInitialized() ? census().freeBlocks(order) : 0;
  }

  @Override
  public long freeRunCount() {
    return isInitialized() ? census().freeRuns() : 0;
  }

  @Override
  public int largestFreeOrder() {
    return isInitialized() ? census().largestFreeOrder() : -1;
  }

  @Override
  public Fragmentation fragmentation() {
    return isInitialized() ? census().fragmentation() : FrameAllocator.super.fragmentation();
  }

  private FrameCensus census() {
    return new FrameCensus(core.states, maxOrder, startPfn, endPfn);
  }

  @Override
  public long allocationCount(int order, int kind) {
    FrameMistakes.requireOrder(order, maxOrder);
    return isInitialized() ? counts.allocations(order, FrameMistakes.legalKind(kind)) : 0;
  }

  @Override
  public long freeCount(int order) {
    FrameMistakes.requireOrder(order, maxOrder);
    return isInitialized() ? counts.frees(order, census()) : 0;
  }

  @Override
  public long failureCount(int order) {
    FrameMistakes.requireOrder(order, maxOrder);
    return isInitialized() ? counts.failures(order) : 0;
  }

  @Override
  public FrameStatistics statistics() {
    return isInitialized() ? counts.snapshot(census()) : FrameStatistics.of(0, 0);
  }

  @Override
  public void resetCounters() {
    if (isInitialized()) {
      counts.resetRequests(census());
    }
  }

  @Override
  public ValidationReport validate() {
    return validate(true);
  }

  /// {@inheritDoc}
  ///
  /// Areas that say that nothing is free in them are taken at their word.
  @Override
  public ValidationReport validateBlocks() {
    return validate(false);
  }

  private ValidationReport validate(boolean inside) {
    return isInitialized()
        ? new HybridValidator(core, counts, startPfn, endPfn, inside).validate()
        : new ValidationReport(0, 0, "");
  }
}
