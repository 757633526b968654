package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.BuddyAllocator;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Zones for tests, of parts that are wholly free at first, if they are not to be empty: each part
/// is a bank.
final class TestZones implements AutoCloseable {
  static final int MAX_ORDER = 20;

  /// A bank to be.
  record Part(int nid, ZoneType type, long startPfn, long frameCount) {}

  private final List<Window> windows = new ArrayList<>();
  private final ZonedFrames frames;
  private final @Nullable AccountTree accounts;

  /// What a test may choose.
  static final class Plan {
    private final List<Part> parts = new ArrayList<>();
    private final TreeSet<Integer> nids = new TreeSet<>();
    private final TreeSet<Integer> withoutRam = new TreeSet<>();
    private int cpuCount = 1;
    private boolean classic;
    private boolean charged;
    private boolean empty;
    private int @Nullable [][] distances;
    private int[] cpuNids = {};
    private final boolean[] types = new boolean[ZoneType.COUNT];

    Plan part(int nid, ZoneType type, long startPfn, long frameCount) {
      parts.add(new Part(nid, type, startPfn, frameCount));
      nids.add(nid);
      types[type.index()] = true;
      return this;
    }

    Plan node(int nid) {
      nids.add(nid);
      return this;
    }

    /// A node whose memory is all of devices, so that no order of nodes has it.
    Plan withoutRam(int nid) {
      withoutRam.add(nid);
      return this;
    }

    Plan cpus(int... nidOfCpu) {
      cpuNids = nidOfCpu;
      cpuCount = Math.max(1, nidOfCpu.length);
      return this;
    }

    Plan cpuCount(int count) {
      cpuCount = count;
      return this;
    }

    Plan distances(int[][] table) {
      distances = table;
      return this;
    }

    Plan classic(boolean value) {
      classic = value;
      return this;
    }

    Plan charged() {
      charged = true;
      return this;
    }

    /// Hands no frames over.
    Plan empty() {
      empty = true;
      return this;
    }

    TestZones build() {
      return new TestZones(this);
    }
  }

  /// The beginning of a plan.
  static Plan plan() {
    return new Plan();
  }

  private TestZones(Plan plan) {
    plan.parts.sort(Comparator.comparingLong(Part::startPfn));
    int[] nids = plan.nids.stream().mapToInt(i -> i).toArray();
    boolean[] hasMemory = new boolean[nids.length];
    ZoneBank[] banks = new ZoneBank[plan.parts.size()];
    for (int b = 0; b < banks.length; b++) {
      Part part = plan.parts.get(b);
      int node = Arrays.binarySearch(nids, part.nid);
      hasMemory[node] = !plan.withoutRam.contains(part.nid);
      long end = part.startPfn + part.frameCount;
      FrameAllocator allocator = allocator(plan, part);
      FrameInfo info =
          new FrameInfo(zeros(FrameInfo.byteSize(part.startPfn, end)), part.startPfn, end);
      banks[b] =
          new ZoneBank(
              allocator,
              info,
              node,
              part.type,
              part.frameCount,
              plan.cpuCount,
              zeros(ZoneBank.byteSize(plan.cpuCount)));
    }
    NumaTopology topology = new NumaTopology(nids, hasMemory, plan.distances, plan.cpuNids);
    accounts = plan.charged ? new AccountTree(zeros(AccountTree.byteSize(64)), 64) : null;
    frames = new ZonedFrames(banks, topology, plan.types, accounts, zeros(ZonedFrames.BYTE_SIZE));
    if (plan.empty) {
      return;
    }
    for (Part part : plan.parts) {
      frames.addFrames(part.startPfn, part.startPfn + part.frameCount);
    }
  }

  private FrameAllocator allocator(Plan plan, Part part) {
    long end = part.startPfn + part.frameCount;
    long start = part.startPfn << 12;
    if (plan.classic) {
      long address = zeros(BuddyAllocator.metadataBytes(part.startPfn, end));
      return new BuddyAllocator(MAX_ORDER, address, start, part.frameCount);
    }
    long address = zeros(HybridAllocator.metadataBytes(part.startPfn, end, plan.cpuCount));
    return new HybridAllocator(MAX_ORDER, plan.cpuCount, address, start, part.frameCount);
  }

  private long zeros(long byteSize) {
    try {
      Window window = Window.reserve(byteSize);
      windows.add(window);
      return window.address();
    } catch (WindowException e) {
      throw new AssertionError(e);
    }
  }

  ZonedFrames frames() {
    return frames;
  }

  AccountTree accounts() {
    if (accounts == null) {
      throw new AssertionError("no accounts in this plan");
    }
    return accounts;
  }

  Zone zone(int nid, ZoneType type) {
    Zone zone = frames.zones().at(frames.topology().indexOf(nid), type);
    if (zone == null) {
      throw new AssertionError("node " + nid + " has no " + type);
    }
    return zone;
  }

  @Override
  public void close() {
    windows.forEach(Window::close);
    windows.clear();
  }
}
