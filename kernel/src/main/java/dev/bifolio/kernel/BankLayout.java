package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.BankPlan;
import dev.bifolio.kernel.frame.BuddyAllocator;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.reclaim.HotMemory;
import dev.bifolio.kernel.reclaim.MemoryReclaim;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.AccountTree;
import dev.bifolio.kernel.zone.NumaTopology;
import dev.bifolio.kernel.zone.ZoneBank;
import dev.bifolio.kernel.zone.ZoneType;
import dev.bifolio.kernel.zone.ZonedFrames;
import org.jspecify.annotations.Nullable;

/// What lies in the metadata section of a bank, by the kind of its allocator, and how allocators
/// are made of it.
///
/// ```
///   hybrid    [ allocator: words, bins, caches ][ bank's and zone's words ][ FrameInfo: 8 a frame ]
///   classic   [ allocator: 16 a frame          ][ bank's and zone's words ][ FrameInfo: 8 a frame ]
/// ```
///
/// Caches are for CPUs, not for memory, so many small banks would have more caches than frames:
/// each CPU has caches in a bank only for every [#FRAMES_PER_CPU] frames that it has, and one has
/// always.
final class BankLayout {
  /// 16 MiB: the caches of a CPU take less than a thousandth of that.
  private static final long FRAMES_PER_CPU = 4096;

  private static final long WORDS_ALIGNMENT = 64;

  /// By [ZoneType#index()].
  private static final ZoneType[] TYPES = ZoneType.values();

  private final BootOptions options;
  private final int cpuCount;

  BankLayout(BootOptions options) {
    this.options = options;
    cpuCount = options.cpuCount() == 0 ? Cpu.count() : options.cpuCount();
  }

  private boolean isHybrid() {
    return options.allocator() == BootOptions.AllocatorKind.HYBRID;
  }

  private int cpuCount(BankPlan plan, int bank) {
    long frames = plan.endPfn(bank) - plan.startPfn(bank);
    return Math.clamp(frames / FRAMES_PER_CPU, 1, cpuCount);
  }

  // ---- Sizes ----

  private long allocatorBytes(BankPlan plan, int bank) {
    long start = plan.startPfn(bank);
    long end = plan.endPfn(bank);
    long bytes =
        switch (options.allocator()) {
          case HYBRID -> HybridAllocator.metadataBytes(start, end, cpuCount(plan, bank));
          case CLASSIC -> BuddyAllocator.metadataBytes(start, end);
        };
    return Pages.alignUp(bytes, WORDS_ALIGNMENT);
  }

  private long infoOffset(BankPlan plan, int bank) {
    return allocatorBytes(plan, bank) + ZoneBank.byteSize(cpuCount(plan, bank));
  }

  private static long infoBytes(BankPlan plan, int bank) {
    return FrameInfo.byteSize(plan.startPfn(bank), plan.endPfn(bank));
  }

  long sectionBytes(BankPlan plan, int bank) {
    return infoOffset(plan, bank) + infoBytes(plan, bank);
  }

  BootReport.Allocator report(BankPlan plan) {
    long allocatorBytes = 0;
    long infoBytes = 0;
    long zoneBytes = headerBytes(plan);
    for (int b = 0; b < plan.count(); b++) {
      allocatorBytes += allocatorBytes(plan, b);
      zoneBytes += ZoneBank.byteSize(cpuCount(plan, b));
      infoBytes += infoBytes(plan, b);
    }
    return new BootReport.Allocator(
        options.allocator(), isHybrid() ? cpuCount : 0, allocatorBytes, zoneBytes, infoBytes);
  }

  /// One line for the log.
  ///
  /// @param frameCount of RAM and headroom
  String describe(BankPlan plan, long frameCount) {
    BootReport.Allocator all = report(plan);
    long centibits = all.centibitsPerFrame(frameCount);
    return "allocator: "
        + (isHybrid() ? "hybrid, caches for " + cpuCount : "classic, no caches")
        + (isHybrid() ? (cpuCount == 1 ? " CPU" : " CPUs") : "")
        + ", "
        + BootNotes.bytes(all.byteSize())
        + ", "
        + centibits / 100
        + (centibits % 100 < 10 ? ".0" : ".")
        + centibits % 100
        + " bits a frame; zones: "
        + BootNotes.bytes(all.zoneByteSize())
        + "; FrameInfo: "
        + BootNotes.bytes(all.infoByteSize());
  }

  // ---- Building ----

  /// The banks of a plan, with the topology's numbers of their nodes.
  ZoneBank[] buildBanks(BankPlan plan, NumaTopology topology, long offset) {
    ZoneBank[] banks = new ZoneBank[plan.count()];
    for (int b = 0; b < banks.length; b++) {
      long start = plan.startPfn(b);
      long end = plan.endPfn(b);
      long address = plan.sectionAddress(b) + offset;
      FrameInfo info = new FrameInfo(address + infoOffset(plan, b), start, end);
      banks[b] =
          new ZoneBank(
              allocator(plan, b, address),
              info,
              topology.indexOf(plan.nodeId(plan.nodeIndex(b))),
              TYPES[plan.zoneType(b)],
              plan.presentFrames(b),
              cpuCount(plan, b),
              address + allocatorBytes(plan, b));
    }
    return banks;
  }

  private FrameAllocator allocator(BankPlan plan, int bank, long address) {
    long start = plan.startPfn(bank) << Pages.PAGE_SHIFT;
    long frames = plan.endPfn(bank) - plan.startPfn(bank);
    return switch (options.allocator()) {
      case HYBRID ->
          new HybridAllocator(options.maxOrder(), cpuCount(plan, bank), address, start, frames);
      case CLASSIC -> new BuddyAllocator(options.maxOrder(), address, start, frames);
    };
  }

  // ---- The machine's own words ----

  /// Bytes in front of the first section: the zones' common words, reclaim's, the accounts', those
  /// of hot memory and of page tables.
  long headerBytes(BankPlan plan) {
    return tableOffset(plan) + TableStep.WORD_BYTES;
  }

  /// Where page tables have their words, from the header's address on.
  long tableOffset(BankPlan plan) {
    return hotOffset(plan) + HotMemory.BYTE_SIZE;
  }

  /// Where what is offline is written down, from the header's address on.
  long hotOffset(BankPlan plan) {
    int accounts = options.accountCount();
    return accountsOffset(plan) + (accounts == 0 ? 0 : AccountTree.byteSize(accounts));
  }

  /// Where reclaim has its words, from the header's address on.
  static long reclaimOffset() {
    return ZonedFrames.BYTE_SIZE;
  }

  private static long accountsOffset(BankPlan plan) {
    return reclaimOffset() + MemoryReclaim.byteSize(zoneCount(plan));
  }

  /// How many zones have memory. Banks of one zone need not be neighbours.
  private static int zoneCount(BankPlan plan) {
    boolean[] seen = new boolean[plan.nodeCount() * ZoneType.COUNT];
    int count = 0;
    for (int b = 0; b < plan.count(); b++) {
      int zone = plan.nodeIndex(b) * ZoneType.COUNT + plan.zoneType(b);
      count += seen[zone] ? 0 : 1;
      seen[zone] = true;
    }
    return count;
  }

  /// The accounts, null if nobody asked for any.
  @Nullable AccountTree buildAccounts(BankPlan plan, long headerAddress) {
    int accounts = options.accountCount();
    return accounts == 0 ? null : new AccountTree(headerAddress + accountsOffset(plan), accounts);
  }
}
