package dev.bifolio.kernel;

import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.ValidationReport;
import org.jspecify.annotations.Nullable;

/// A booted machine (signatures only so far).
@SuppressWarnings({"unused", "DoNotCallSuggester"}) // a skeleton, replaced by the next commit
public final class Machine implements AutoCloseable {
  private Machine() {}

  /// Boots a machine.
  ///
  /// @param map what the firmware says
  /// @param options what the caller adds
  /// @param log told of each step
  /// @return the machine
  /// @throws BootException if no machine can be made of the map
  public static Machine boot(MemoryMap map, BootOptions options, BootLog log) throws BootException {
    throw new BootException("not yet");
  }

  /// See [FrameAllocator][dev.bifolio.kernel.frame.FrameAllocator].
  ///
  /// @param order the order
  /// @param flags the flags
  /// @return the head frame or NO_FRAME
  public long allocate(int order, int flags) {
    throw new IllegalStateException();
  }

  /// See [FrameAllocator][dev.bifolio.kernel.frame.FrameAllocator].
  ///
  /// @param pfn the frame
  /// @param order the order
  public void free(long pfn, int order) {
    throw new IllegalStateException();
  }

  /// See [FrameAllocator][dev.bifolio.kernel.frame.FrameAllocator].
  ///
  /// @param frameCount the count
  /// @param flags the flags
  /// @return the first frame or NO_FRAME
  public long allocateFrames(long frameCount, int flags) {
    throw new IllegalStateException();
  }

  /// See [FrameAllocator][dev.bifolio.kernel.frame.FrameAllocator].
  ///
  /// @param pfn the frame
  /// @param frameCount the count
  public void freeFrames(long pfn, long frameCount) {
    throw new IllegalStateException();
  }

  /// See [FrameAllocator][dev.bifolio.kernel.frame.FrameAllocator].
  ///
  /// @param order the order
  /// @param flags the flags
  /// @return the head frame or a code
  public long tryAllocate(int order, int flags) {
    throw new IllegalStateException();
  }

  /// See [FrameAllocator][dev.bifolio.kernel.frame.FrameAllocator].
  ///
  /// @param pfn the frame
  /// @param order the order
  /// @return 0 or a code
  public long tryFree(long pfn, int order) {
    throw new IllegalStateException();
  }

  /// See [FrameAllocator][dev.bifolio.kernel.frame.FrameAllocator].
  ///
  /// @param frameCount the count
  /// @param flags the flags
  /// @return the first frame or a code
  public long tryAllocateFrames(long frameCount, int flags) {
    throw new IllegalStateException();
  }

  /// See [FrameAllocator][dev.bifolio.kernel.frame.FrameAllocator].
  ///
  /// @param pfn the frame
  /// @param frameCount the count
  /// @return 0 or a code
  public long tryFreeFrames(long pfn, long frameCount) {
    throw new IllegalStateException();
  }

  /// See [FrameAllocator][dev.bifolio.kernel.frame.FrameAllocator].
  ///
  /// @param pfn the frame
  /// @param order the order
  public void splitBlock(long pfn, int order) {
    throw new IllegalStateException();
  }

  /// What the boot built.
  ///
  /// @return the report
  public BootReport report() {
    throw new IllegalStateException();
  }

  /// Largest order.
  ///
  /// @return 0 … 20
  public int maxOrder() {
    throw new IllegalStateException();
  }

  /// Frames handed over.
  ///
  /// @return a count
  public long managedFrameCount() {
    throw new IllegalStateException();
  }

  /// Free frames.
  ///
  /// @return a count
  public long freeFrameCount() {
    throw new IllegalStateException();
  }

  /// Free frames of a node.
  ///
  /// @param node its id
  /// @return a count
  public long freeFrameCount(int node) {
    throw new IllegalStateException();
  }

  /// Free blocks.
  ///
  /// @param order the order
  /// @return a count
  public long freeBlockCount(int order) {
    throw new IllegalStateException();
  }

  /// Free blocks of a node.
  ///
  /// @param node its id
  /// @param order the order
  /// @return a count
  public long freeBlockCount(int node, int order) {
    throw new IllegalStateException();
  }

  /// Counters.
  ///
  /// @return a snapshot
  public FrameStatistics statistics() {
    throw new IllegalStateException();
  }

  /// Resets the counters.
  public void resetCounters() {
    throw new IllegalStateException();
  }

  /// Validates.
  ///
  /// @return the report
  public ValidationReport validate() {
    throw new IllegalStateException();
  }

  /// The virtual address of a physical one.
  ///
  /// @param physicalAddress within the machine's window
  /// @return an address for [Memory][dev.bifolio.kernel.platform.Memory]
  public long physToVirt(long physicalAddress) {
    throw new IllegalStateException();
  }

  /// The plane of words for the layers above that holds a frame.
  ///
  /// @param pfn a frame
  /// @return the plane, or null if no bank of RAM spans the frame
  public @Nullable FrameInfo frameInfo(long pfn) {
    throw new IllegalStateException();
  }

  /// Gives the frames back that only the initial RAM disk and the boot information held.
  ///
  /// @return how many frames became free
  public long releaseBootInfo() {
    throw new IllegalStateException();
  }

  /// Ends the machine.
  @Override
  public void close() {}
}
