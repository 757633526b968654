package dev.bifolio.kernel;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.reclaim.MovableBinding;
import dev.bifolio.kernel.reclaim.PageBacking;
import dev.bifolio.kernel.reclaim.PageCache;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.zone.AccountTree;
import dev.bifolio.kernel.zone.NumaPolicy;
import dev.bifolio.kernel.zone.NumaTopology;
import dev.bifolio.kernel.zone.StateDigest;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// A program for [DeterminismTest]: a seeded workload over a machine of two nodes and four CPUs
/// that runs short, with two page caches that are shrunk and moved, accounts, policies, emergency
/// requests and background steps. Prints a log with digests of the state.
final class ReplayWorkload {
  private static final int CPUS = 4;
  private static final int CACHE_PAGES = 16_384;

  private record Block(long pfn, int order) {}

  private final SplitMix64 random;
  private final Machine machine;
  private final StateDigest digest;
  private final AccountTree accounts;
  private final int[] accountOf = new int[3];
  private final NumaPolicy[] policies;
  private final PageCache[] caches = new PageCache[2];
  private final List<Window> windows = new ArrayList<>();
  private final List<Block> blocks = new ArrayList<>();
  private boolean isGrowing = true;
  private long results;

  private ReplayWorkload(long seed) throws Exception {
    random = new SplitMix64(seed);
    Cpu.simulate(0);
    MemoryMapBuilder map =
        Maps.e820(Architecture.X86_64)
            .ram(0, 64 * Maps.MIB, 0)
            .ram(64 * Maps.MIB, 64 * Maps.MIB, 1)
            .builder();
    for (int cpu = 0; cpu < CPUS; cpu++) {
      map.addCpu(cpu / 2);
    }
    BootOptions options =
        BootOptions.DEFAULTS
            .withCpuCount(CPUS)
            .withAccounts(8)
            .withMinFreeKib(2048)
            .withVerifiedMoves(true);
    machine = Machine.boot(map.build(), options, BootLog.SILENT);
    accounts = Objects.requireNonNull(machine.accounts());
    digest = new StateDigest(machine.zones(), accounts);
    for (int i = 0; i < accountOf.length; i++) {
      accountOf[i] = accounts.open(i == 2 ? accountOf[1] : 0, 6000 + 1000L * i, 100);
    }
    NumaTopology nodes = machine.frames().topology();
    policies =
        new NumaPolicy[] {
          NumaPolicy.local(),
          NumaPolicy.weightedInterleave(nodes, new int[] {0, 1}, new int[] {2, 1}),
          NumaPolicy.bind(nodes, 1),
          NumaPolicy.preferredMany(nodes, 1)
        };
    for (int node = 0; node < caches.length; node++) {
      caches[node] = cache(node);
    }
  }

  private PageCache cache(int node) throws Exception {
    Window window = Window.reserve(PageCache.byteSize(CACHE_PAGES));
    windows.add(window);
    MovableBinding binding = new MovableBinding(machine.reclaim().movable());
    FrameSource source =
        new FrameSource() {
          @Override
          public long allocate(int order, int flags) {
            return machine
                .frames()
                .tryAllocateNear(node, 1L << order, flags | AllocationFlags.EXACT_NODE);
          }

          @Override
          public void free(long pfn, int order) {
            machine.free(pfn, order);
          }
        };
    PageBacking backing =
        new PageBacking() {
          @Override
          public boolean read(int file, long page, long toAddress) {
            return true;
          }

          @Override
          public boolean write(int file, long page, long fromAddress) {
            return true;
          }
        };
    long offset = machine.physToVirt(0);
    PageCache cache =
        new PageCache(window.address(), CACHE_PAGES, node, source, backing, offset, binding);
    binding.register(cache);
    machine.reclaim().shrinkers().register(cache);
    return cache;
  }

  private void step() {
    int cpu = random.below(CPUS);
    Cpu.simulate(cpu);
    isGrowing ^= random.oneIn(2000);
    int dice = random.below(100);
    if (dice < 30) {
      touch(random.below(2));
    } else if (dice < (isGrowing ? 75 : 45)) {
      request(cpu);
    } else if (dice < 97 && !blocks.isEmpty()) {
      Block block = blocks.remove(random.below(blocks.size()));
      machine.free(block.pfn, block.order);
    } else {
      note(machine.step(1 + random.below(200)) ? 1 : 0);
    }
  }

  private void touch(int node) {
    int page = random.below(20_000);
    long pfn = caches[node].get(1, page);
    note(pfn);
    if (pfn >= 0) {
      caches[node].release(1, page, random.oneIn(4));
    }
  }

  private void request(int cpu) {
    int order = random.oneIn(50) ? 9 : random.below(6);
    int flags = random.oneIn(3) ? AllocationFlags.charge(accountOf[random.below(3)]) : 0;
    flags |= random.oneIn(8) ? AllocationFlags.EMERGENCY : 0;
    flags |= random.oneIn(8) ? AllocationFlags.NOWAIT : 0;
    flags |= random.oneIn(10) ? AllocationFlags.DMA : 0;
    long pfn =
        random.oneIn(2)
            ? machine.tryAllocate(order, flags)
            : machine.frames().tryAllocate(policies[random.below(4)], cpu, order, flags);
    note(pfn);
    if (pfn >= 0) {
      blocks.add(new Block(pfn, order));
    }
  }

  private void note(long result) {
    results = results * 31 + result;
  }

  private String line(int at) {
    return "%d results=%x state=%x free=%d charged=%d moved=%d evicted=%d pressure=%s"
        .formatted(
            at,
            results,
            digest.now(),
            machine.freeFrameCount(),
            accounts.usage(AccountTree.ROOT),
            machine.reclaim().migration().movedFrames(),
            caches[0].counters().evictions() + caches[1].counters().evictions(),
            machine.reclaim().pressure().worst());
  }

  /// Runs so many operations, with a line every thousand.
  ///
  /// @param args the seed and the count
  public static void main(String[] args) throws Exception {
    ReplayWorkload work = new ReplayWorkload(Long.parseLong(args[0]));
    int count = Integer.parseInt(args[1]);
    for (int i = 1; i <= count; i++) {
      work.step();
      if (i % 1000 == 0) {
        System.out.println(work.line(i));
      }
    }
    work.machine.assertValid();
    work.machine.close();
    work.windows.forEach(Window::close);
  }
}
