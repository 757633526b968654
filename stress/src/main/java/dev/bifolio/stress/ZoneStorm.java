package dev.bifolio.stress;

import dev.bifolio.kernel.BootException;
import dev.bifolio.kernel.BootLog;
import dev.bifolio.kernel.BootOptions;
import dev.bifolio.kernel.Machine;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.reclaim.EvacuationOutcome;
import dev.bifolio.kernel.zone.AccountTree;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneBank;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/// Threads over a machine of 256 MiB and two nodes that is too small for them, while memory is
/// reclaimed, compacted and emptied of its movable frames, under an [OwnerTable]: see
/// [ZoneStormWorker]. Then every frame is there again, every account empty, every word zero.
///
/// ```
///   dev/storm zones [OPERATIONS] [SEED]
/// ```
public final class ZoneStorm implements AutoCloseable {
  static final int ITEMS_EACH = 2500;
  static final int PAGES = 20_000;
  private static final long MIB = 1L << 20;
  private static final int FRAMES = 65_536;
  private static final int ACCOUNTS = 5;
  private static final int RANGE_OWNER = 3_000_000;
  private static final long MOST_OPERATIONS_A_STORM = 4_000_000;

  private final Machine machine;
  private final AccountTree accounts;
  private final int[] accountOf = new int[ACCOUNTS];
  private final OwnerTable owners = new OwnerTable(0, FRAMES);
  private final StormItems items;
  private final StormPages[] pages = new StormPages[2];
  private final List<ZoneStormWorker> workers = new ArrayList<>();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final AtomicBoolean isOver = new AtomicBoolean();
  private final AtomicLong pressureChanges = new AtomicLong();
  private final boolean[] isOfBoot = new boolean[FRAMES];
  private final long[] wordsAtStart = new long[FRAMES];
  private final long freeAtStart;
  private final SplitMix64 background;
  private long ranges;
  private long rangesInVain;

  ZoneStorm(int threadCount, long seed) throws MemoryMapException, BootException, WindowException {
    MemoryMapBuilder map = new MemoryMapBuilder("e820").architecture(Architecture.X86_64);
    map.addMemory(0, 128 * MIB, 0, false, "storm", 0);
    map.addMemory(128 * MIB, 128 * MIB, 1, false, "storm", 0);
    for (int cpu = 0; cpu < 4; cpu++) {
      map.addCpu(cpu % 2);
    }
    BootOptions options =
        BootOptions.DEFAULTS
            .withCpuCount(4)
            .withAccounts(16)
            .withMinFreeKib(4096)
            .withVerifiedMoves(true);
    machine = Machine.boot(map.build(), options, BootLog.SILENT);
    machine.drainCaches();
    freeAtStart = machine.freeFrameCount();
    for (int z = 0; z < machine.zones().count(); z++) {
      for (int bank = 0; bank < machine.zones().zone(z).bankCount(); bank++) {
        noteBoot(new FrameMap(machine.zones().zone(z).bank(bank).allocator()));
      }
    }
    accounts = Objects.requireNonNull(machine.accounts());
    for (int i = 0; i < ACCOUNTS; i++) {
      accountOf[i] = accounts.open(i < 3 ? 0 : accountOf[i - 2], 3000 + 2000L * i, 50);
    }
    items = new StormItems(machine, owners, threadCount * ITEMS_EACH);
    for (int node = 0; node < pages.length; node++) {
      pages[node] = new StormPages(machine, owners, node, 16_384, PAGES);
    }
    machine.reclaim().pressure().register((_, _, _) -> pressureChanges.incrementAndGet());
    background = new SplitMix64(~seed);
    for (int i = 0; i < threadCount; i++) {
      workers.add(new ZoneStormWorker(this, i, threadCount, seed));
    }
  }

  private void noteBoot(FrameMap map) {
    for (long pfn = map.allocator().startPfn(); pfn < map.allocator().endPfn(); pfn++) {
      isOfBoot[(int) pfn] = map.stateAt(pfn) != FrameMap.FREE;
      wordsAtStart[(int) pfn] = wordOf(pfn);
    }
  }

  Machine machine() {
    return machine;
  }

  OwnerTable owners() {
    return owners;
  }

  StormItems items() {
    return items;
  }

  StormPages pages(int node) {
    return pages[node];
  }

  int account(SplitMix64 random) {
    return accountOf[random.below(ACCOUNTS)];
  }

  boolean hasFailed() {
    return failure.get() != null;
  }

  @Override
  public void close() {
    for (StormPages each : pages) {
      each.close();
    }
    machine.close();
  }

  /// Runs the storm and checks everything; every other thread is a virtual one.
  ///
  /// @return what happened, in a line
  String run(long operations) throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    long each = operations / workers.size();
    for (int i = 0; i < workers.size(); i++) {
      ZoneStormWorker worker = workers.get(i);
      Thread.Builder builder = i % 2 == 0 ? Thread.ofPlatform() : Thread.ofVirtual();
      threads.add(builder.start(() -> guard(() -> worker.run(each))));
    }
    Thread steps = Thread.ofPlatform().start(() -> guard(this::background));
    for (Thread thread : threads) {
      thread.join();
    }
    isOver.set(true);
    steps.join();
    guard(this::settle);
    failIfAny();
    checkSums();
    workers.forEach(worker -> guard(worker::clean));
    guard(() -> {
      pages[0].drop();
      pages[1].drop();
    });
    failIfAny();
    checkEnd();
    return result();
  }

  /// Steps, and now and then a range that is emptied.
  private void background() {
    while (!isOver.get() && !hasFailed()) {
      boolean more = machine.step(1 + background.below(512));
      if (background.oneIn(8)) {
        range();
      }
      if (!more) {
        Cpu.relax(Integer.MAX_VALUE); // gives way
      }
    }
  }

  /// Has the background finish what it began: a unit that is being emptied is its own until then.
  private void settle() {
    for (int i = 0; machine.step(4096); i++) {
      if (i == 10_000) {
        throw new AssertionError("the background does not come to rest");
      }
    }
  }

  private void range() {
    long count = 1L << background.below(10);
    long start = background.below(FRAMES / (int) count) * count;
    if (machine.reclaim().takeRange(start, count) == EvacuationOutcome.EMPTIED) {
      owners.take(RANGE_OWNER, start, count);
      ranges++;
      owners.leave(RANGE_OWNER, start, count);
      long result = machine.tryFreeRange(start, count);
      if (result != 0) {
        throw new AssertionError("the range at 0x" + Long.toHexString(start) + ": " + result);
      }
    } else {
      rangesInVain++;
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
    Throwable found = failure.get();
    if (found != null) {
      throw new AssertionError(found.toString(), found);
    }
    check("copies that differ", 0, machine.reclaim().migration().mismatches());
    check("owners who threw", 0, machine.reclaim().migration().problems());
  }

  private static void check(String what, long expected, long found) {
    if (expected != found) {
      throw new AssertionError(what + ": expected " + expected + ", found " + found);
    }
  }

  private void checkSums() {
    long there = machine.freeFrameCount() + machine.cachedFrameCount() + owners.owned();
    check("free, cached and owned frames" + strays(), freeAtStart, there);
    machine.assertValid();
  }

  /// The first frames that are in use without an owner in the table, those of the boot apart.
  private String strays() {
    StringBuilder text = new StringBuilder();
    for (int z = 0; z < machine.zones().count(); z++) {
      Zone zone = machine.zones().zone(z);
      for (int bank = 0; bank < zone.bankCount(); bank++) {
        strays(zone.bank(bank), text);
      }
    }
    return text.toString();
  }

  private void strays(ZoneBank bank, StringBuilder text) {
    FrameMap map = new FrameMap(bank.allocator());
    for (long pfn = map.allocator().startPfn(); pfn < map.allocator().endPfn(); pfn++) {
      boolean isUsed = map.stateAt(pfn) == FrameMap.HEAD || map.stateAt(pfn) == FrameMap.TAIL;
      if (isUsed != (owners.isOwned(pfn) || isOfBoot[(int) pfn]) && text.length() < 400) {
        text.append(
            ", 0x%x is %d with word %x".formatted(pfn, map.stateAt(pfn), bank.info().get(pfn)));
      }
    }
  }

  private void checkEnd() {
    check("owned frames", 0, owners.owned());
    checkSums();
    for (int account : accountOf) {
      check("usage of account " + account, 0, accounts.usage(account));
    }
    check("usage of all accounts", 0, accounts.usage(AccountTree.ROOT));
    for (int z = 0; z < machine.zones().count(); z++) {
      Zone zone = machine.zones().zone(z);
      String name = "available by the counter in " + zone;
      check(name, zone.freeFrames() + zone.cachedFrames(), zone.availableFrames());
    }
    machine.drainCaches();
    check("free frames", freeAtStart, machine.freeFrameCount());
    for (long pfn = 0; pfn < FRAMES; pfn++) {
      check("word of frame " + pfn, wordsAtStart[(int) pfn], wordOf(pfn));
    }
    machine.assertValid();
  }

  private long wordOf(long pfn) {
    FrameInfo plane = machine.frameInfo(pfn);
    return plane == null ? 0 : plane.get(pfn);
  }

  private String result() {
    long events = 0;
    long emergencies = 0;
    for (int z = 0; z < machine.zones().count(); z++) {
      events += machine.zones().zone(z).eventCount(Zone.Event.DIRECT_RECLAIM);
      emergencies += machine.zones().zone(z).eventCount(Zone.Event.EMERGENCY_REQUEST);
    }
    return "%d served, %d found nothing, %d by the reserve, %d direct reclaims, %d items and %d pages moved, %d refused, %d pages evicted, %d ranges emptied and %d not, %d changes of pressure"
        .formatted(
            workers.stream().mapToLong(w -> w.served).sum(),
            workers.stream().mapToLong(w -> w.exhausted).sum(),
            emergencies,
            events,
            items.moves.get(),
            pages[0].moves.get() + pages[1].moves.get(),
            items.refusals.get(),
            pages[0].cache.counters().evictions() + pages[1].cache.counters().evictions(),
            ranges,
            rangesInVain,
            pressureChanges.get());
  }

  long moves() {
    return items.moves.get();
  }

  long evictions() {
    return pages[0].cache.counters().evictions() + pages[1].cache.counters().evictions();
  }

  /// Storms of 2 to 8 threads.
  ///
  /// @param args the number of operations in all, and the seed
  public static void main(String[] args) throws Exception {
    long operations = args.length > 0 ? Long.parseLong(args[0].replace("_", "")) : 4_000_000;
    long firstSeed = args.length > 1 ? Long.parseLong(args[1]) : 1;
    int failures = 0;
    long done = 0;
    for (long seed = firstSeed; done < operations && failures == 0; seed++) {
      long part =
          Math.min(operations - done, Math.min(operations / 4 + 1, MOST_OPERATIONS_A_STORM));
      int threads = 2 + 2 * (int) (seed % 4);
      long start = System.nanoTime();
      try (ZoneStorm storm = new ZoneStorm(threads, seed)) {
        System.out.printf("seed %d, %d threads: %d operations, ", seed, threads, part);
        String result = storm.run(part);
        System.out.printf("%s, %.1f s%n", result, (System.nanoTime() - start) / 1e9);
      } catch (AssertionError e) {
        System.out.println("FAILED: " + e.getMessage());
        e.printStackTrace();
        failures++;
      }
      done += part;
    }
    System.out.printf("zone storm: %d operations, %d failures%n", done, failures);
    if (failures > 0) {
      System.exit(1);
    }
  }
}
