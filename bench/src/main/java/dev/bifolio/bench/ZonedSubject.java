package dev.bifolio.bench;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.AccountTree;
import dev.bifolio.kernel.zone.NumaTopology;
import dev.bifolio.kernel.zone.Watermarks;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneBank;
import dev.bifolio.kernel.zone.ZoneType;
import dev.bifolio.kernel.zone.ZonedFrames;
import org.jspecify.annotations.Nullable;

/// The hybrid allocator of [HybridSubject] behind zones of one node, called as a machine calls
/// them. Nobody reclaims.
final class ZonedSubject extends Subject {
  private static final int LINE = 64;
  private static final int ACCOUNTS = 16;

  private final Window window;
  private final long metadataBytes;
  private final ZonedFrames frames;
  private final int flags;
  private long next;

  private ZonedSubject(Kind kind, Window window, long frameCount) {
    this.window = window;
    next = window.address();
    int parts = partCount(kind);
    long each = frameCount / parts;
    ZoneBank[] banks = new ZoneBank[parts];
    boolean[] types = new boolean[ZoneType.COUNT];
    for (int part = 0; part < parts; part++) {
      ZoneType type = part == parts - 1 ? ZoneType.NORMAL : ZoneType.DMA32;
      types[type.index()] = true;
      banks[part] = bank(type, START_PFN + part * each, each);
    }
    AccountTree accounts = accountsFor(kind);
    NumaTopology topology =
        new NumaTopology(new int[] {0}, new boolean[] {true}, null, new int[Cpu.count()]);
    frames = new ZonedFrames(banks, topology, types, accounts, take(ZonedFrames.BYTE_SIZE));
    metadataBytes = next - window.address();
    flags =
        accounts == null
            ? AllocationFlags.NONE
            : AllocationFlags.charge(accounts.open(AccountTree.ROOT, AccountTree.NO_LIMIT, 0));
    for (int part = 0; part < parts; part++) {
      frames.addFrames(START_PFN + part * each, START_PFN + (part + 1) * each);
    }
    setWatermarks(kind);
  }

  private static int partCount(Kind kind) {
    return kind == Kind.TWO_ZONES ? 2 : 1;
  }

  private ZoneBank bank(ZoneType type, long startPfn, long frameCount) {
    long endPfn = startPfn + frameCount;
    int cpus = Cpu.count();
    HybridAllocator allocator =
        new HybridAllocator(
            Pages.MAX_ORDER,
            cpus,
            take(HybridAllocator.metadataBytes(startPfn, endPfn, cpus)),
            Pages.pfnToAddress(startPfn),
            frameCount);
    FrameInfo info = new FrameInfo(take(FrameInfo.byteSize(startPfn, endPfn)), startPfn, endPfn);
    return new ZoneBank(allocator, info, 0, type, frameCount, cpus, take(ZoneBank.byteSize(cpus)));
  }

  private @Nullable AccountTree accountsFor(Kind kind) {
    return kind == Kind.ZONE_CHARGED
        ? new AccountTree(take(AccountTree.byteSize(ACCOUNTS)), ACCOUNTS)
        : null;
  }

  /// By Linux' rule, but where the exact counter is to be measured: there high is all of memory,
  /// which it can never lie well above.
  private void setWatermarks(Kind kind) {
    if (kind == Kind.ZONE_NEAR) {
      Zone zone = frames.zones().zone(0);
      zone.setWatermarks(0, 0, zone.managedFrames());
    } else {
      new Watermarks(frames.zones()).apply();
    }
  }

  private long take(long byteSize) {
    long address = next;
    next += Pages.alignUp(byteSize, LINE);
    return address;
  }

  /// The zones of a kind.
  static ZonedSubject create(Kind kind, long frameCount) {
    try {
      return new ZonedSubject(kind, Window.reserve(byteSize(kind, frameCount)), frameCount);
    } catch (WindowException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  /// At least what the constructor takes.
  private static long byteSize(Kind kind, long frameCount) {
    long endPfn = START_PFN + frameCount;
    int cpus = Cpu.count();
    long each =
        HybridAllocator.metadataBytes(START_PFN, endPfn, cpus)
            + FrameInfo.byteSize(START_PFN, endPfn)
            + ZoneBank.byteSize(cpus)
            + 3 * LINE;
    return partCount(kind) * each
        + ZonedFrames.BYTE_SIZE
        + AccountTree.byteSize(ACCOUNTS)
        + 2 * LINE;
  }

  /// What is measured.
  ZonedFrames frames() {
    return frames;
  }

  /// The flags are a constant where the bare allocator's are.
  @Override
  long allocate(int order) {
    return flags == AllocationFlags.NONE
        ? frames.tryAllocate(order, AllocationFlags.NONE)
        : frames.tryAllocate(order, flags);
  }

  @Override
  void free(long pfn, int order) {
    frames.free(pfn, order);
  }

  @Override
  void drain() {
    frames.zones().drainCaches();
  }

  @Override
  int maxOrder() {
    return frames.maxOrder();
  }

  /// With the words for the layers above, of which accounts and movable frames use one a block.
  @Override
  long metadataBytes() {
    return metadataBytes;
  }

  @Override
  public void close() {
    window.close();
  }
}
