package dev.bifolio.kernel;

import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.zone.ZoneSet;
import dev.bifolio.kernel.zone.ZonedFrames;

/// How many frames of a machine are in which state, over all its zones, and whether that is so.
/// Every method throws IllegalStateException once the machine is closed.
public sealed interface FrameCounts permits Machine {
  /// The largest order of a block, inclusive.
  ///
  /// @return 0 … 20
  int maxOrder();

  /// The zones that have memory.
  ///
  /// @return all of them
  ZoneSet zones();

  /// The frames of all zones.
  ///
  /// @return the same for as long as the machine runs
  ZonedFrames frames();

  /// Frames handed over to the frame allocators.
  ///
  /// @return a count
  /// @throws IllegalStateException after [#close()]
  default long managedFrameCount() {
    return zones().managedFrames();
  }

  /// Frames that are free now, without those that wait in caches, see
  /// [FrameAllocator#freeFrameCount]. Free, cached and used frames are the managed ones. With the
  /// hybrid allocator a walk.
  ///
  /// @return a count
  /// @throws IllegalStateException after [#close()]
  default long freeFrameCount() {
    return zones().freeFrames(-1);
  }

  /// Frames of a node that are free now.
  ///
  /// @param node its id
  /// @return a count; 0 if there is no such node with RAM
  /// @throws IllegalStateException after [#close()]
  default long freeFrameCount(int node) {
    int index = frames().topology().indexOf(node);
    return index < 0 ? 0 : zones().freeFrames(index);
  }

  /// Frames that wait in caches: neither free nor used, called back before a request fails.
  ///
  /// @return a count; 0 for an allocator without caches
  /// @throws IllegalStateException after [#close()]
  default long cachedFrameCount() {
    return zones().cachedFrames(-1);
  }

  /// Empties the caches of all banks, see [FrameAllocator#drainCaches].
  ///
  /// @return how many frames it gave back; 0 for an allocator without caches
  /// @throws IllegalStateException after [#close()]
  default long drainCaches() {
    return zones().drainCaches();
  }

  /// Free blocks of one order.
  ///
  /// @param order 0 … [#maxOrder()]
  /// @return a count
  /// @throws FrameRequestException if there is no such order
  /// @throws IllegalStateException after [#close()]
  default long freeBlockCount(int order) {
    requireOrder(order);
    return zones().freeBlocks(-1, order);
  }

  /// Free blocks of one order in a node.
  ///
  /// @param node its id
  /// @param order 0 … [#maxOrder()]
  /// @return a count; 0 if there is no such node with RAM
  /// @throws FrameRequestException if there is no such order
  /// @throws IllegalStateException after [#close()]
  default long freeBlockCount(int node, int order) {
    requireOrder(order);
    int index = frames().topology().indexOf(node);
    return index < 0 ? 0 : zones().freeBlocks(index, order);
  }

  /// The counters of all banks together. With the hybrid allocator they are a walk, and exact when
  /// nobody allocates or frees.
  ///
  /// @return a snapshot
  /// @throws IllegalStateException after [#close()]
  default FrameStatistics statistics() {
    return zones().statistics();
  }

  /// Sets the request counters to zero and the peak to the present use.
  ///
  /// @throws IllegalStateException after [#close()]
  default void resetCounters() {
    zones().resetCounters();
  }

  /// Walks the metadata of all banks and reports what contradicts something else. Needs quiescence:
  /// with the hybrid allocator nobody may allocate or free meanwhile. Takes the classic allocator a
  /// second for about 100 GiB.
  ///
  /// @return the report
  /// @throws IllegalStateException after [#close()]
  default ValidationReport validate() {
    return zones().validate(true);
  }

  /// [#validate()] without a look inside large blocks, see [FrameAllocator#validateBlocks()].
  ///
  /// @return the report
  /// @throws IllegalStateException after [#close()]
  default ValidationReport validateBlocks() {
    return zones().validate(false);
  }

  /// [#validate()], as an assertion.
  ///
  /// @throws AssertionError with the report if anything is wrong
  /// @throws IllegalStateException after [#close()]
  default void assertValid() {
    ValidationReport found = validate();
    if (!found.isValid()) {
      throw new AssertionError(found.problems());
    }
  }

  private void requireOrder(int order) {
    if (order < 0 || order > maxOrder()) {
      ZoneSet _ = zones(); // a closed machine says so first
      throw new FrameRequestException(
          FrameError.INVALID_ORDER, "expected 0 … " + maxOrder() + ", found " + order);
    }
  }
}
