package dev.bifolio.kernel.boot;

import dev.bifolio.kernel.firmware.NodeIds;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.unit.SortedRanges;

/// How a machine's RAM is cut into banks, and where in RAM the metadata of each bank lie.
///
/// # Overview
///
/// Frame metadata are arrays indexed by frame number, so a span costs metadata for its holes too.
/// Virtual holes are free, but mem_map is taken from RAM, and there every byte counts: a machine
/// with 2 GiB at 0 and 10 GiB at 512 GiB would need 12 GiB of mem_map for its hole alone. Hence
/// *banks* (ADR 0003): RAM of one node and one type of zone without a hole of [#BANK_HOLE_BYTES] or
/// more, and without memory of another node or type in between. So each allocator belongs to one
/// zone, and what lies outside a zone is never in its allocators.
///
/// ```
///  RAM      ███ ████|██        ██████    ▓▓▓▓▓▓▓▓▓▓▓
///  node      0   0  | 0          0            1
///  zone       DMA   |         DMA32         DMA32
///  banks   └ bank 0 ┴ 1┘     └ bank 2 ┘└─ bank 3 ──┘
///                   │  hole ≥ 128 MiB      │
///  mem_map     [header][bank 0][1][bank 2]   [bank 3]        one stolen range a node
/// ```
///
/// Device memory ([BankCuts]) is cut into banks like RAM, but neither handed out by memblock nor
/// counted as RAM; its metadata lie in RAM. So it is with the headroom, whose banks are the last.
///
/// The sections of all banks of a node lie one after the other, each at a multiple of 64 bytes, in
/// one range of whole frames that is stolen from that node, from the top of what is not to be
/// emptied one day, or from any node if its own has no such hole. In front of the first node's
/// sections there are words for the machine.
///
/// - I1 Banks are sorted by frame number and disjoint; each begins and ends with RAM, or with
///   device memory, or is headroom as a whole.
/// - I2 Every frame of RAM lies in one bank, of its own node and type.
/// - I3 Sections are disjoint, 64-byte aligned, and lie in reserved RAM that was free before.
///
/// One thread, at boot. O(n) in the regions of memory; created once, a few arrays.
public final class BankPlan {
  /// A hole of this many bytes begins a new bank: 128 MiB, whose metadata would take 768 KiB.
  public static final long BANK_HOLE_BYTES = 128 * Pages.MIB;

  private static final long SECTION_ALIGNMENT = 64;

  private final BankCuts cuts;
  private final long[] startPfn;
  private final long[] endPfn;
  private final long[] presentFrames;
  private final int[] node;
  private final int[] zoneType;
  private final int firstHeadroom;
  private int count;
  private long headerByteSize;
  private final long[] sectionByteSize;
  private final long[] sectionAddress;
  private final NodeIds nodes;
  private final long[] nodeAddress;
  private final long[] nodeByteSize;

  /// Cuts RAM and device memory into banks.
  ///
  /// @param memory whole frames of RAM, each region with its node
  /// @param cuts where one type of zone ends and the next begins
  public BankPlan(RegionList memory, BankCuts cuts) {
    this.cuts = cuts;
    long added = cuts.headroomStartPfn();
    int headroomPieces = pieceCount(cuts.headroomNode(), added, cuts.headroomEndPfn(), cuts);
    int most = pieceCount(memory, cuts) + cuts.deviceCount() + headroomPieces;
    startPfn = new long[most];
    endPfn = new long[most];
    presentFrames = new long[most];
    node = new int[most];
    zoneType = new int[most];
    int device = 0;
    for (int i = 0; i < memory.count(); i++) {
      long start = memory.base(i) >>> Pages.PAGE_SHIFT;
      for (; device < cuts.deviceCount() && cuts.deviceStartPfn(device) < start; device++) {
        addDevice(device);
      }
      addRegion(memory.node(i), start, memory.end(i) >>> Pages.PAGE_SHIFT);
    }
    for (; device < cuts.deviceCount(); device++) {
      addDevice(device);
    }
    firstHeadroom = count;
    addRegion(cuts.headroomNode(), added, cuts.headroomEndPfn());
    sectionByteSize = new long[count];
    sectionAddress = new long[count];
    nodes = new NodeIds(node, count);
    nodeAddress = new long[nodes.count()];
    nodeByteSize = new long[nodes.count()];
  }

  private static int pieceCount(RegionList memory, BankCuts cuts) {
    int pieces = 0;
    for (int i = 0; i < memory.count(); i++) {
      long start = memory.base(i) >>> Pages.PAGE_SHIFT;
      pieces += pieceCount(memory.node(i), start, memory.end(i) >>> Pages.PAGE_SHIFT, cuts);
    }
    return pieces;
  }

  private static int pieceCount(int id, long start, long end, BankCuts cuts) {
    int pieces = 0;
    for (long at = start; at < end; pieces++) {
      at = cuts.borderAfter(id, at);
    }
    return pieces;
  }

  private void addRegion(int id, long start, long end) {
    long at = start;
    while (at < end) {
      long border = Math.min(end, cuts.borderAfter(id, at));
      add(id, cuts.typeAt(id, at), at, border);
      at = border;
    }
  }

  private void addDevice(int device) {
    long start = cuts.deviceStartPfn(device);
    add(cuts.deviceNode(device), cuts.deviceType(), start, cuts.deviceEndPfn(device));
  }

  /// Adds memory behind all that was added before.
  private void add(int id, int type, long start, long end) {
    boolean joins =
        count > 0
            && start != cuts.headroomStartPfn()
            && node[count - 1] == id
            && zoneType[count - 1] == type
            && start - endPfn[count - 1] < BANK_HOLE_BYTES >>> Pages.PAGE_SHIFT;
    if (!joins) {
      startPfn[count] = start;
      node[count] = id;
      zoneType[count] = type;
      count++;
    }
    endPfn[count - 1] = end;
    presentFrames[count - 1] += end - start;
  }

  /// How many banks there are.
  ///
  /// @return 0 or more
  public int count() {
    return count;
  }

  /// First frame of a bank.
  ///
  /// @param bank 0 … [#count()] - 1
  /// @return a pfn
  public long startPfn(int bank) {
    return startPfn[bank];
  }

  /// Behind the last frame of a bank.
  ///
  /// @param bank 0 … [#count()] - 1
  /// @return a pfn
  public long endPfn(int bank) {
    return endPfn[bank];
  }

  /// Frames of RAM, of device memory or of headroom in a bank; small holes are not counted.
  ///
  /// @param bank 0 … [#count()] - 1
  /// @return a count
  public long presentFrames(int bank) {
    return presentFrames[bank];
  }

  /// The type of zone that a bank is part of.
  ///
  /// @param bank 0 … [#count()] - 1
  /// @return as [BankCuts] numbers them
  public int zoneType(int bank) {
    return zoneType[bank];
  }

  /// Whether a bank is device memory, which is no RAM.
  ///
  /// @param bank 0 … [#count()] - 1
  /// @return true if it is
  public boolean isDevice(int bank) {
    return zoneType[bank] == cuts.deviceType();
  }

  /// Whether a bank is headroom: no memory yet.
  ///
  /// @param bank 0 … [#count()] - 1
  /// @return true if it is
  public boolean isHeadroom(int bank) {
    return bank >= firstHeadroom;
  }

  /// The node of a bank, as an index.
  ///
  /// @param bank 0 … [#count()] - 1
  /// @return 0 … [#nodeCount()] - 1
  public int nodeIndex(int bank) {
    return nodeIndexOf(node[bank]);
  }

  /// The index of a node.
  ///
  /// @param id a NUMA node
  /// @return 0 … [#nodeCount()] - 1, negative if there is no such node with memory
  public int nodeIndexOf(int id) {
    return nodes.indexOf(id);
  }

  /// How many nodes have RAM or device memory.
  ///
  /// @return 0 or more
  public int nodeCount() {
    return nodes.count();
  }

  /// The id of a node.
  ///
  /// @param nodeIndex 0 … [#nodeCount()] - 1, in ascending order of ids
  /// @return its id
  public int nodeId(int nodeIndex) {
    return nodes.id(nodeIndex);
  }

  /// Says how many bytes of metadata a bank needs.
  ///
  /// @param bank 0 … [#count()] - 1
  /// @param byteSize bytes, rounded up to a multiple of 64
  public void setSectionByteSize(int bank, long byteSize) {
    sectionByteSize[bank] = Pages.alignUp(byteSize, SECTION_ALIGNMENT);
  }

  /// Says how many bytes the machine needs for itself.
  ///
  /// @param byteSize bytes, rounded up to a multiple of 64
  public void setHeaderByteSize(long byteSize) {
    headerByteSize = Pages.alignUp(byteSize, SECTION_ALIGNMENT);
  }

  /// Bytes of mem_map for all banks, before it is placed or after.
  ///
  /// @return a multiple of the page size
  public long totalByteSize() {
    sumUp();
    long total = 0;
    for (long bytes : nodeByteSize) {
      total += bytes;
    }
    return total;
  }

  /// Steals the ranges from a memblock.
  ///
  /// @param memblock where all reservations have been made
  /// @return the index of the first node for whose banks there is no room, or -1 if all is placed
  public int place(Memblock memblock) {
    sumUp();
    long[] lowest = new long[nodes.count()];
    long[] behind = new long[nodes.count()];
    for (int b = count - 1; b >= 0; b--) {
      if (!isDevice(b) && !isHeadroom(b) && cuts.isForMetadata(zoneType[b])) {
        int n = nodeIndex(b);
        lowest[n] = startPfn[b] << Pages.PAGE_SHIFT;
        behind[n] = behind[n] == 0 ? endPfn[b] << Pages.PAGE_SHIFT : behind[n];
      }
    }
    for (int n = 0; n < nodes.count(); n++) {
      nodeAddress[n] = steal(memblock, nodes.id(n), nodeByteSize[n], lowest[n], behind[n]);
      if (nodeAddress[n] == Memblock.NO_ADDRESS) {
        return n;
      }
    }
    long[] next = nodeAddress.clone();
    next[0] += headerByteSize;
    for (int b = 0; b < count; b++) {
      int n = nodeIndex(b);
      sectionAddress[b] = next[n];
      next[n] += sectionByteSize[b];
    }
    return -1;
  }

  /// Looks between the ends of a node's own RAM first: with thousands of nodes, a search that walks
  /// all of RAM for each is quadratic.
  private static long steal(Memblock memblock, int node, long byteSize, long low, long high) {
    int mode = Memblock.RAW | Memblock.EXACT_NODE;
    long found = memblock.allocate(byteSize, Pages.PAGE_SIZE, low, high, node, mode);
    return found != Memblock.NO_ADDRESS
        ? found
        : memblock.allocate(
            byteSize, Pages.PAGE_SIZE, 0, Memblock.NO_LIMIT, Memblock.NO_NODE, Memblock.RAW);
  }

  private void sumUp() {
    for (int n = 0; n < nodes.count(); n++) {
      nodeByteSize[n] = n == 0 ? headerByteSize : 0;
    }
    for (int b = 0; b < count; b++) {
      nodeByteSize[nodeIndex(b)] += sectionByteSize[b];
    }
    for (int n = 0; n < nodes.count(); n++) {
      nodeByteSize[n] = Pages.alignUp(nodeByteSize[n]);
    }
  }

  /// Where the machine's own words lie, once placed.
  ///
  /// @return the physical address of the bytes of [#setHeaderByteSize]
  public long headerAddress() {
    return nodeAddress[0];
  }

  /// Where the metadata of a bank lie, once placed.
  ///
  /// @param bank 0 … [#count()] - 1
  /// @return a physical address, a multiple of 64
  public long sectionAddress(int bank) {
    return sectionAddress[bank];
  }

  /// Bytes of mem_map for a node's banks, before it is placed or after.
  ///
  /// @param nodeIndex 0 … [#nodeCount()] - 1
  /// @return a multiple of the page size
  public long nodeByteSize(int nodeIndex) {
    return nodeByteSize[nodeIndex];
  }

  /// The range stolen for a node, once placed.
  ///
  /// @param nodeIndex 0 … [#nodeCount()] - 1
  /// @return whole frames
  public AddressRange nodeRange(int nodeIndex) {
    return new AddressRange(nodeAddress[nodeIndex], nodeByteSize[nodeIndex]);
  }

  /// The bank that spans a frame.
  ///
  /// @param pfn any
  /// @return 0 … [#count()] - 1, or -1 if there is none
  public int bankOf(long pfn) {
    return SortedRanges.indexOf(startPfn, endPfn, count, pfn);
  }
}
