package dev.bifolio.bench;

import dev.bifolio.kernel.frame.FrameAllocator;

/// An allocator under test: N = 2^log2frames managed frames, all free at first.
///
/// A class and not an interface, with one loaded subclass in a JVM of the suite: the compiler then
/// knows the only implementation and calls it directly, without even a check of its type. Therefore
/// [Kind] creates a subject through a static method of the subclass, which alone names it.
///
/// One thread.
abstract class Subject implements AutoCloseable {
  /// No frame could be had.
  static final long NO_FRAME = FrameAllocator.NO_FRAME;

  /// The first managed frame; aligned for every order.
  static final long START_PFN = 1L << 20;

  /// The allocators that can be compared.
  enum Kind {
    /// The classic buddy allocator, called directly.
    CLASSIC("classic"),
    /// The model of buddy lists with per-CPU lists.
    LINUX_LIKE("linux-like");

    private final String csvName;

    Kind(String csvName) {
      this.csvName = csvName;
    }

    /// The name in the first column.
    String csvName() {
      return csvName;
    }

    /// Builds the allocator; its frames are free afterwards.
    Subject create(long frameCount) {
      return switch (this) {
        case CLASSIC -> ClassicSubject.create(frameCount);
        case LINUX_LIKE -> LinuxLikeSubject.create(frameCount);
      };
    }

    @Override
    public String toString() {
      return csvName;
    }
  }

  /// A block of 2^order frames, or [#NO_FRAME].
  abstract long allocate(int order);

  /// Gives a block back.
  abstract void free(long pfn, int order);

  /// Gives back what per-CPU lists hold, so that free blocks are as large as they can be.
  abstract void drain();

  /// The largest order that can be asked for.
  abstract int maxOrder();

  /// Bytes of metadata for all frames.
  abstract long metadataBytes();

  /// Returns the metadata's memory.
  @Override
  public abstract void close();
}
