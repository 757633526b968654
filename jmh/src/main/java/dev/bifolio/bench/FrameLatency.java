package dev.bifolio.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// What single calls cost: the subjects of the suite under JMH, one thread, one allocator a fork.
///
/// The pairs find the memory empty. A random replacement finds half of it in use, and pays for the
/// cache misses of its table of slots (1 MiB).
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class FrameLatency {
  private static final int FRAME_COUNT = 1 << 18;
  private static final int SLOT_COUNT = FRAME_COUNT / 2;

  /// Whose calls.
  @Param({"hybrid", "hybrid-owned-cache", "classic", "linux-like", "glibc", "jemalloc", "mimalloc"})
  public String allocator = "";

  private Subject subject;
  private final long[] slots = new long[SLOT_COUNT];
  private final Draws draws = new Draws(1);
  private int filled;

  /// Builds the allocator.
  @Setup
  public void create() {
    Subject.Kind kind = Subject.Kind.named(allocator);
    if (kind == null) {
      throw new IllegalArgumentException("no allocator '" + allocator + "'");
    }
    subject = kind.create(FRAME_COUNT);
  }

  /// Returns its memory.
  @TearDown
  public void close() {
    for (int i = 0; i < filled; i++) {
      subject.free(slots[i], 0);
    }
    filled = 0;
    subject.close();
  }

  /// A single frame. With an owned cache, a pair of the cache's.
  @Benchmark
  public long pairOrder0() {
    long pfn = subject.allocate(0);
    subject.free(pfn, 0);
    return pfn;
  }

  /// 8 frames.
  @Benchmark
  public long pairOrder3() {
    long pfn = subject.allocate(3);
    subject.free(pfn, 3);
    return pfn;
  }

  /// 512 frames, 2 MiB.
  @Benchmark
  public long pairOrder9() {
    long pfn = subject.allocate(9);
    subject.free(pfn, 9);
    return pfn;
  }

  /// A random one of 2^17 frames freed, another allocated in its place.
  @Benchmark
  public long randomReplace() {
    if (filled == 0) {
      fill();
    }
    int slot = draws.below(SLOT_COUNT);
    subject.free(slots[slot], 0);
    long pfn = subject.allocate(0);
    slots[slot] = pfn;
    return pfn;
  }

  private void fill() {
    while (filled < SLOT_COUNT) {
      slots[filled++] = subject.allocate(0);
    }
  }
}
