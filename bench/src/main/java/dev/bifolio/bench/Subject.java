package dev.bifolio.bench;

import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.platform.Cpu;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// An allocator under test: N = 2^log2frames managed frames, all free at first.
///
/// A class and not an interface, with one loaded subclass in a JVM of the suite: the compiler then
/// knows the only implementation and calls it directly, without even a check of its type. Therefore
/// [Kind] creates a subject through a static method of the subclass, which alone names it.
///
/// One thread, unless it was created with [Kind#createShared].
abstract class Subject implements AutoCloseable {
  /// No frame could be had.
  static final long NO_FRAME = FrameAllocator.NO_FRAME;

  /// The first managed frame; aligned for every order.
  static final long START_PFN = 1L << 20;

  /// The allocators that can be compared.
  enum Kind {
    /// The hybrid allocator, called directly.
    HYBRID("hybrid", 34),
    /// The same, its single frames through a cache that each thread owns.
    HYBRID_OWNED_CACHE("hybrid-owned-cache", 34),
    /// The classic buddy allocator, called directly; for threads, with one lock around it.
    CLASSIC("classic", 28),
    /// The model of buddy lists with per-CPU lists.
    LINUX_LIKE("linux-like", 24),
    /// Exact best fit: what placement could be.
    BEST_FIT("best-fit", 24),
    /// The C library's `aligned_alloc`.
    GLIBC("glibc", 21),
    /// jemalloc's.
    JEMALLOC("jemalloc", 21),
    /// mimalloc's.
    MIMALLOC("mimalloc", 21),
    /// The hybrid allocator through one zone of one node, watermarks by rule.
    ZONE("zone", 34),
    /// The same where watermarks are near, so that there is an exact counter.
    ZONE_NEAR("zone-near", 34),
    /// The same, each block charged to an account.
    ZONE_CHARGED("zone-charged", 34),
    /// Two zones of one node, half of the frames each; requests prefer the second.
    TWO_ZONES("two-zones", 34);

    /// A table with a slot for every frame has at most 2^24.
    static final int TABLE_LOG2_FRAMES = 24;

    /// What a peer that writes into the memory which it hands out gets: 1 GiB. At 8 GiB each would
    /// fill 8 GiB of real memory, and those of one workload are measured at the same time.
    private static final int TOUCHED_LOG2_FRAMES = 18;

    private final String csvName;
    private final int mostLog2Frames;

    Kind(String csvName, int mostLog2Frames) {
      this.csvName = csvName;
      this.mostLog2Frames = mostLog2Frames;
    }

    /// The name in the first column.
    String csvName() {
      return csvName;
    }

    /// The kind of a name.
    ///
    /// @return null if there is none
    static @Nullable Kind named(String name) {
      for (Kind kind : values()) {
        if (kind.csvName.equals(name)) {
          return kind;
        }
      }
      return null;
    }

    /// Builds the allocator for one thread; its frames are free afterwards.
    Subject create(long frameCount) {
      return switch (this) {
        case HYBRID -> HybridSubject.create(frameCount);
        case HYBRID_OWNED_CACHE -> OwnedCacheSubject.create(frameCount);
        case CLASSIC -> ClassicSubject.create(frameCount);
        case LINUX_LIKE -> LinuxLikeSubject.create(frameCount);
        case BEST_FIT -> BestFitSubject.create(frameCount);
        case GLIBC, JEMALLOC, MIMALLOC -> NativeSubject.create(this);
        case ZONE, ZONE_NEAR, ZONE_CHARGED, TWO_ZONES -> ZonedSubject.create(this, frameCount);
      };
    }

    /// Builds the allocator for any number of threads, each of which asks for its own [#handle()].
    Subject createShared(long frameCount) {
      return switch (this) {
        case HYBRID -> HybridSubject.create(frameCount);
        case HYBRID_OWNED_CACHE -> OwnedCacheSubject.create(frameCount);
        case CLASSIC -> LockedClassicSubject.create(frameCount);
        case LINUX_LIKE -> LinuxLikeSubject.createShared(frameCount);
        case BEST_FIT -> throw new IllegalStateException(lack(Need.SPEED, 0));
        case GLIBC, JEMALLOC, MIMALLOC -> NativeSubject.create(this);
        case ZONE, ZONE_NEAR, ZONE_CHARGED, TWO_ZONES -> ZonedSubject.create(this, frameCount);
      };
    }

    /// Whether it is a library of the operating system's, which may be absent.
    boolean isNative() {
      return this == GLIBC || this == JEMALLOC || this == MIMALLOC;
    }

    /// Whether it is not an allocator but what stands above one.
    boolean isZoned() {
      return this == ZONE || this == ZONE_NEAR || this == ZONE_CHARGED || this == TWO_ZONES;
    }

    /// The allocators, which `bench frames` compares.
    static List<Kind> allocators() {
      return Arrays.stream(values()).filter(kind -> !kind.isZoned()).toList();
    }

    /// One allocator and what stands above it, which `bench zones` compares.
    static List<Kind> zones() {
      return Arrays.stream(values()).filter(kind -> kind == HYBRID || kind.isZoned()).toList();
    }

    /// The size it is measured at where `log2frames` is asked for: its own limit, if that is less.
    int log2framesFor(int log2frames) {
      // jemalloc keeps what it must know aside: frames that nobody writes to cost nothing.
      return this == GLIBC || this == MIMALLOC
          ? Math.min(log2frames, TOUCHED_LOG2_FRAMES)
          : log2frames;
    }

    /// Why it is measured at another size than was asked for, or null if it is not.
    @Nullable String sizeNote(int log2frames) {
      int own = log2framesFor(log2frames);
      return own == log2frames || obstacle(log2frames) != null
          ? null
          : csvName
              + ": measured with 2^"
              + own
              + " frames: it writes into the memory that it hands out, which takes real memory";
    }

    /// Why it cannot be measured at a size at all, or null if it can.
    @Nullable String obstacle(int log2frames) {
      if (log2frames <= mostLog2Frames) {
        return null;
      }
      return switch (this) {
        case LINUX_LIKE -> "its descriptors, all written at the start, take 64 bytes a frame";
        case BEST_FIT -> "it is a reference for fragmentation, which needs a table of all frames";
        case GLIBC, JEMALLOC, MIMALLOC -> "it has no metadata without memory";
        case HYBRID, HYBRID_OWNED_CACHE, CLASSIC, ZONE, ZONE_NEAR, ZONE_CHARGED, TWO_ZONES ->
            "more than 2^" + mostLog2Frames + " frames are not measured";
      };
    }

    /// What the allocator, or the machine, lacks of what a workload needs.
    ///
    /// @return a reason, or null if it lacks nothing
    @Nullable String lack(Need need, int log2frames) {
      return switch (need) {
        case SPEED ->
            this == BEST_FIT ? "it searches exactly, however long that takes; frag only" : null;
        case PLACEMENT, METADATA, LIMIT -> isNative() ? lackOfNative(need) : null;
        case BULK -> this == HYBRID || this == CLASSIC ? null : "it has no bulk calls";
        case LIFETIMES ->
            this == HYBRID || this == HYBRID_OWNED_CACHE
                ? null
                : "it does not take the lifetime of a frame";
        case MOVABLE_FRAMES -> this == ZONE ? null : "nothing above it moves frames";
        case WHOLE_TABLE ->
            log2frames > TABLE_LOG2_FRAMES
                ? "a slot for every frame is more memory than frames without content are worth"
                : null;
        case TWO_PROCESSORS -> Cpu.count() < 2 ? "it needs two processors" : null;
      };
    }

    private static String lackOfNative(Need need) {
      return switch (need) {
        case PLACEMENT ->
            "its blocks lie where it likes: there are no areas of one memory to count";
        case METADATA -> "it is not built for a number of frames";
        default -> "it has no last frame: it asks the operating system for more";
      };
    }

    @Override
    public String toString() {
      return csvName;
    }
  }

  /// A block of 2^order frames, or [#NO_FRAME].
  abstract long allocate(int order);

  /// The same, told what will become of it: the bits of [dev.bifolio.kernel.frame.AllocationFlags].
  long allocate(int order, int flags) {
    throw new UnsupportedOperationException(Need.LIFETIMES.name());
  }

  /// Gives a block back.
  abstract void free(long pfn, int order);

  /// Up to `count` single frames into a part of an array.
  ///
  /// @return how many
  int allocateBulk(long[] pfns, int offset, int count) {
    throw new UnsupportedOperationException(Need.BULK.name());
  }

  /// Gives single frames back.
  void freeBulk(long[] pfns, int offset, int count) {
    throw new UnsupportedOperationException(Need.BULK.name());
  }

  /// What one thread of several uses in place of this: the same memory, with the thread's own cache
  /// if it has any.
  Subject handle() {
    return this;
  }

  /// Ends the use of a [#handle()]. The shared subject stays open.
  void closeHandle() {
    // It is the shared subject itself.
  }

  /// Gives back what per-CPU lists hold, so that free blocks are as large as they can be.
  abstract void drain();

  /// The largest order that can be asked for.
  abstract int maxOrder();

  /// Bytes of metadata for all frames.
  abstract long metadataBytes();

  /// Whether blocks that are still allocated outlive [#close()], so that they must be freed first.
  boolean outlivesClosing() {
    return false;
  }

  /// Returns the metadata's memory.
  @Override
  public abstract void close();
}
