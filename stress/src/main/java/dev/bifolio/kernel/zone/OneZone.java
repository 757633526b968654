package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.frame.Race;
import dev.bifolio.kernel.platform.Memory;

/// A small machine for one race: 512 frames of one zone, two CPUs, two accounts, all of it real and
/// off the heap.
///
/// A test begins from a state that its constructor makes, lets two actors race, and asks in the
/// end, alone, whether anything is lost. What it answers is 1 for yes and 0 for no.
class OneZone extends Race {
  static final int FRAMES = 512;

  private static final int CPUS = 2;
  private static final int MAX_ACCOUNTS = 4;
  private static final int LINE = 64;

  final AccountTree accounts;

  /// Two accounts that may have all frames.
  final int first;

  final int second;
  final ZonedFrames frames;
  final Zone zone;
  private final FrameInfo info;

  OneZone() {
    long banks = HybridAllocator.metadataBytes(0, FRAMES, CPUS) + LINE - 1 & -LINE;
    long infos = banks + FrameInfo.byteSize(0, FRAMES);
    long hints = infos + ZoneBank.byteSize(CPUS);
    long peaks = hints + ZonedFrames.BYTE_SIZE;
    super(peaks + AccountTree.byteSize(MAX_ACCOUNTS));
    info = new FrameInfo(words + banks, 0, FRAMES);
    HybridAllocator allocator = new HybridAllocator(20, CPUS, words, 0, FRAMES);
    ZoneBank[] bank = {
      new ZoneBank(allocator, info, 0, ZoneType.NORMAL, FRAMES, CPUS, words + infos)
    };
    boolean[] types = new boolean[ZoneType.COUNT];
    types[ZoneType.NORMAL.index()] = true;
    NumaTopology topology =
        new NumaTopology(new int[] {0}, new boolean[] {true}, null, new int[] {});
    accounts = new AccountTree(words + peaks, MAX_ACCOUNTS);
    first = accounts.open(AccountTree.ROOT, FRAMES, 0);
    second = accounts.open(AccountTree.ROOT, FRAMES, 0);
    frames = new ZonedFrames(bank, topology, types, accounts, words + hints);
    frames.addFrames(0, FRAMES);
    zone = frames.zones().zone(0);
  }

  /// Whether a free was accepted.
  static int freed(long result) {
    return yes(result == 0);
  }

  final long take(int cpu, int order, int account) {
    return frames.tryAllocateOn(cpu, order, AllocationFlags.charge(account));
  }

  /// Takes a block that must be there.
  final long must(int order, int account) {
    long pfn = take(0, order, account);
    if (pfn < 0) {
      throw new IllegalStateException("nothing of order " + order);
    }
    return pfn;
  }

  final int accountAt(long pfn) {
    return FrameInfo.accountOf(info.getAcquire(pfn));
  }

  /// The end of a test: whether the accounts have been charged for so many frames, just these are
  /// not available, and all is well.
  final int ended(long firstFrames, long secondFrames) {
    boolean good =
        accounts.usage(first) == firstFrames
            && accounts.usage(second) == secondFrames
            && zone.memory.availableFrames() == FRAMES - firstFrames - secondFrames
            && zone.recount() == zone.availableFrames()
            && accounts.validate().isEmpty()
            && zone.memory.validate(true).problemCount() == 0;
    return ended(good);
  }

  // ---- The words of a gauge, as its overview shows them ----

  /// A gauge of its own over the frames of this zone, in memory that the test gives back.
  final FreeGauge gaugeAt(long address, boolean cpusAreTold) {
    return new FreeGauge(address, CPUS, cpusAreTold, zone.memory);
  }

  static long gaugeBytes() {
    return FreeGauge.byteSize(CPUS);
  }

  static long counterOf(long gauge) {
    return Memory.getLongVolatile(gauge + 2 * LINE) << 24 >> 24; // changes are counted above
  }

  static long poolOf(long gauge) {
    return Memory.getLongVolatile(gauge + 3 * LINE);
  }

  static long allowanceOf(long gauge, int cpu) {
    return Memory.getLongVolatile(gauge + (4 + cpu) * (long) LINE);
  }
}
