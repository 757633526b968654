package dev.bifolio.stress;

import dev.bifolio.kernel.frame.FrameCache;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.unit.Pages;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ToLongFunction;

/// Threads that ask for and free frames of all orders at once, alone and many in one call, with
/// frees of others' frames, splits and drains, under an [OwnerTable]; every other one with a
/// [FrameCache] of his own. A single frame that is not found must not have been there
/// ([UsageBound]). Then the sums, the validator, and whether all of the memory comes together
/// again.
///
/// ```
///   dev/storm [OPERATIONS] [SEED]
/// ```
public final class Storm {
  private static final int CPUS = 4;
  static final int MAX_ORDER = 12;

  /// What the owner of a cache withholds from others at most.
  private static final int AREA_FRAMES = 512;

  private static final long MOST_OPERATIONS_A_STORM = 5_000_000;
  private static final int MOST_FAILURES = 5;

  private final Weather weather;
  private final HybridAllocator allocator;
  private final OwnerTable owners;
  private final UsageBound usage;

  /// A cache that lies about between two owners.
  private final AtomicReference<FrameCache> spare;

  private final List<Mailbox> mailboxes = new ArrayList<>();
  private final List<StormWorker> workers = new ArrayList<>();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final long wholeStartPfn;
  private final long endPfn;
  private final long[] freeBlocks;

  /// A storm over frames whose ends are unaligned and which have a hole.
  Storm(Arena arena, Weather weather, long seed) {
    this.weather = weather;
    int threadCount = weather.threadCount();
    int frameCount = weather.frameCount();
    long startPfn = 0x12345;
    long bytes = HybridAllocator.metadataBytes(startPfn, startPfn + frameCount, CPUS);
    long address = arena.allocate(bytes, HybridAllocator.METADATA_ALIGNMENT).address();
    allocator =
        new HybridAllocator(MAX_ORDER, CPUS, address, Pages.pfnToAddress(startPfn), frameCount);
    long hole = startPfn + frameCount / 3;
    allocator.addFrames(startPfn, hole);
    wholeStartPfn = hole + 77;
    endPfn = startPfn + frameCount;
    allocator.addFrames(wholeStartPfn, endPfn);
    owners = new OwnerTable(startPfn, frameCount);
    freeBlocks = freeBlocks();
    long withheld = (threadCount / 2 + 1L) * AREA_FRAMES;
    long managed = allocator.managedFrameCount();
    usage = new UsageBound(threadCount, managed - withheld);
    spare = new AtomicReference<>(allocator.openCache(0));
    for (int i = 0; i < threadCount; i++) {
      mailboxes.add(new Mailbox());
    }
    long limit = weather.framesEach(managed, withheld);
    for (int i = 0; i < threadCount; i++) {
      workers.add(new StormWorker(this, i, limit, seed, i % 2 == 1));
    }
  }

  HybridAllocator allocator() {
    return allocator;
  }

  OwnerTable owners() {
    return owners;
  }

  UsageBound usage() {
    return usage;
  }

  boolean singleFramesOnly() {
    return weather.single();
  }

  /// Puts down a cache and takes the one that lies there.
  FrameCache swap(FrameCache cache) {
    return spare.getAndSet(cache);
  }

  /// First frame behind the hole.
  long wholeStartPfn() {
    return wholeStartPfn;
  }

  long endPfn() {
    return endPfn;
  }

  Mailbox mailbox(int id) {
    return mailboxes.get(id);
  }

  int threadCount() {
    return workers.size();
  }

  private long[] freeBlocks() {
    long[] counts = new long[MAX_ORDER + 1];
    for (int order = 0; order <= MAX_ORDER; order++) {
      counts[order] = allocator.freeBlockCount(order);
    }
    return counts;
  }

  /// Runs the storm and checks everything.
  ///
  /// @return what happened, in a line
  String run(long operations) throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    long each = operations / workers.size();
    for (StormWorker worker : workers) {
      Thread.Builder builder = weather.virtual() ? Thread.ofVirtual() : Thread.ofPlatform();
      threads.add(builder.unstarted(() -> guard(() -> worker.run(each))));
    }
    for (Thread thread : threads) {
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    failIfAny();
    checkSums(owners.owned());
    for (StormWorker worker : workers) {
      guard(worker::clean);
    }
    guard(() -> spare.get().close());
    failIfAny();
    checkCounts();
    checkEnd();
    return sum(w -> w.served)
        + " requests served, "
        + sum(w -> w.exhausted)
        + " found nothing, "
        + sum(w -> w.refusedMistakes)
        + " mistakes refused";
  }

  private long sum(ToLongFunction<StormWorker> count) {
    return workers.stream().mapToLong(count).sum();
  }

  /// The allocator's statistics say what the threads know.
  private void checkCounts() {
    FrameStatistics statistics = allocator.statistics();
    check("allocations", sum(w -> w.served), statistics.allocations());
    check("failures", sum(w -> w.exhausted), statistics.failures());
    check("frees", sum(w -> w.freed), statistics.frees());
    check("refused frees", sum(w -> w.refusedMistakes), statistics.refusedFrees());
  }

  private static void check(String what, long known, long said) {
    if (known != said) {
      throw new AssertionError("statistics: " + said + " " + what + ", were " + known);
    }
  }

  private void guard(Runnable part) {
    try {
      part.run();
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
  }

  private void failIfAny() {
    if (failure.get() != null) {
      throw new AssertionError(failure.get().toString(), failure.get());
    }
  }

  private void checkSums(long owned) {
    long managed = allocator.managedFrameCount();
    long free = allocator.freeFrameCount();
    long cached = allocator.cachedFrameCount();
    if (free + cached + owned != managed) {
      throw new AssertionError(
          free + " free + " + cached + " cached + " + owned + " owned frames of " + managed);
    }
    allocator.assertValid();
  }

  private void checkEnd() {
    checkSums(0);
    allocator.drainCaches();
    long[] now = freeBlocks();
    for (int order = 0; order <= MAX_ORDER; order++) {
      if (now[order] != freeBlocks[order]) {
        throw new AssertionError(
            "free blocks of order " + order + ": " + freeBlocks[order] + " before, " + now[order]);
      }
    }
    // Found, too, and not only there.
    for (int order = MAX_ORDER; order >= 0; order--) {
      for (long i = 0; i < now[order]; i++) {
        if (allocator.tryAllocate(order, 0) == HybridAllocator.NO_FRAME) {
          throw new AssertionError("block " + i + " of order " + order + " is not found");
        }
      }
    }
    allocator.assertValid();
  }

  /// Storms of 2 to 16 threads, of platform and virtual ones, with little and too little memory.
  ///
  /// @param args the number of operations in all, and the seed
  public static void main(String[] args) throws InterruptedException {
    long operations = args.length > 0 ? Long.parseLong(args[0].replace("_", "")) : 10_000_000;
    long firstSeed = args.length > 1 ? Long.parseLong(args[1]) : 1;
    long began = System.nanoTime();
    long done = 0;
    int failures = 0;
    for (long seed = firstSeed; done < operations && failures < MOST_FAILURES; seed++) {
      long part =
          Math.min(
              operations - done,
              Math.min(operations / Weather.ALL.size() + 1, MOST_OPERATIONS_A_STORM));
      Weather weather = Weather.ALL.get((int) ((seed - firstSeed) % Weather.ALL.size()));
      failures += runOne(seed, weather, part) ? 0 : 1;
      done += part;
    }
    System.out.printf(
        "storm: %d operations in %.1f s, seeds from %d on: %d failures%n",
        done, (System.nanoTime() - began) / 1e9, firstSeed, failures);
    if (failures > 0) {
      System.exit(1);
    }
  }

  private static boolean runOne(long seed, Weather weather, long operations)
      throws InterruptedException {
    String name = "seed %d, %s: ".formatted(seed, weather);
    long start = System.nanoTime();
    try (Arena arena = Arena.ofShared()) {
      String result = new Storm(arena, weather, seed).run(operations);
      double seconds = (System.nanoTime() - start) / 1e9;
      System.out.printf("%s%d operations, %s, %.1f s%n", name, operations, result, seconds);
      return true;
    } catch (AssertionError e) {
      System.out.println(name + "FAILED: " + e.getMessage());
      return false;
    }
  }
}
