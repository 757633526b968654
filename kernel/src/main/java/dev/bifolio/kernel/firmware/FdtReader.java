package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.unit.AddressRange;
import org.jspecify.annotations.Nullable;

/// Reads a flattened device tree (DTB), versions 2 to 17, and says what it states of memory.
///
/// Problem: the tree describes a whole machine; memory is spread over five places of it, each with
/// its own unit of measure.
///
/// ```
///  header
///  reservation block      base, size pairs of 64 bits                      -> reserved
///  /                      #address-cells, #size-cells: the unit of
///  |- memory@…            device_type "memory": reg, numa-node-id          -> memory
///  |- reserved-memory     own cells, ranges; children with reg or size     -> reserved, dynamic
///  |- chosen              initrd bounds, bootargs                          -> initrd, command line
///  |- cpus                compatible, riscv,isa                            -> architecture
///  |                      mmu-type of each core                            -> virtual bits
///  |                      numa-node-id of each core in use                 -> CPUs
///  |- any bus             dma-ranges                                       -> DMA limit
///  `- distance-map        triplets of nodes and distance                   -> distances
/// ```
///
/// I1: what cannot be read as a tree is refused ([FdtTree]); what is a tree gives a map, and
/// whatever of it cannot be used leaves a warning. I2: nothing is subtracted from memory, and
/// neither the initial RAM disk nor the tree itself becomes a reservation: that is for a boot to
/// decide. I3: time is linear in the bytes of the tree, but for sorting.
///
/// What counts as memory follows Linux 7.2: children of the root of any name whose `device_type` is
/// `memory`, unless `status` is anything but `ok` or `okay`; `linux,usable-memory` stands in for
/// `reg`. Better than Linux: all `reg` entries of a reservation count, a reservation block of
/// `/reserved-memory` without `ranges` or with other cells than the root counts too. Sources:
/// Devicetree Specification 0.4, s. 3.4, 3.5, 5.3; `drivers/of/fdt.c` of Linux.
public final class FdtReader {
  static final String RESERVATION_RECORD = "reservation block";

  /// Node ids from here on are not used; Linux has no more either.
  static final int MAX_NUMA_NODES = 1024;

  private static final int RESERVATION_BYTES = 16;
  private static final long NO_NUMA_NODE = 0xFFFF_FFFFL;

  private final ByteView bytes;
  private final FdtTree tree;
  private final MemoryMapBuilder map;
  private final FdtCells rootCells;

  private FdtReader(ByteView bytes, FdtTree tree) {
    this.bytes = bytes;
    this.tree = tree;
    this.map = new MemoryMapBuilder("fdt");
    this.rootCells = FdtCells.of(tree, FdtTree.ROOT, map);
  }

  /// Whether data begin like a flattened device tree.
  ///
  /// @param bytes a view that has the data at address 0
  /// @return true if the first 4 bytes are the magic number
  public static boolean hasMagic(ByteView bytes) {
    return bytes.isReadable(0, 4)
        && bytes.byteAt(0) == 0xd0
        && bytes.byteAt(1) == 0x0d
        && bytes.byteAt(2) == 0xfe
        && bytes.byteAt(3) == 0xed;
  }

  /// Reads a tree. Linear in its bytes; allocates 20 bytes for each of its nodes and the map.
  ///
  /// @param bytes a view that has the tree at address 0; bytes behind the tree are not looked at
  /// @return what it says, with a warning for each thing that could not be used
  /// @throws MemoryMapException if it is not a tree, if it is larger than
  ///   [MemoryMap#MAX_FILE_BYTES], or if it has more than 2^18 nodes or 2^16 ranges of a kind; the
  ///   offset counts from the start of the tree
  public static MemoryMap read(ByteView bytes) throws MemoryMapException {
    return new FdtReader(bytes, FdtTree.open(bytes)).readAll();
  }

  private MemoryMap readAll() throws MemoryMapException {
    if (tree.deeperNodesLeftOut()) {
      map.addWarning("nodes deeper than " + FdtTree.MAX_DEPTH + " are not looked at");
    }
    readReservationBlock();
    readMemory();
    readReservedMemory();
    readChosen();
    FdtCpus cpus = new FdtCpus(tree, map);
    cpus.readNodes();
    new FdtDistances(tree, map).read();
    map.architecture(cpus.architecture());
    map.virtualBits(cpus.virtualBits());
    map.dmaLimit(new FdtDma(tree, map).limit());
    return map.build();
  }

  private void readReservationBlock() throws MemoryMapException {
    int limit = tree.header().totalBytes();
    int at = tree.header().reservationOffset();
    while (RESERVATION_BYTES <= limit - at) {
      long base = bytes.u64be(RESERVATION_RECORD, at);
      long byteSize = bytes.u64be(RESERVATION_RECORD, at + 8);
      if (byteSize == 0) {
        if (base != 0) {
          map.addWarning(
              RESERVATION_RECORD + ": ends with an empty entry at " + AddressRange.hex(base));
        }
        return;
      }
      map.addReserved(
          base,
          byteSize,
          "",
          ReservedRegion.Source.MEMRESERVE,
          false,
          false,
          RESERVATION_RECORD,
          at);
      at += RESERVATION_BYTES;
    }
    throw new MemoryMapException(RESERVATION_RECORD, at, "ends without an empty entry");
  }

  private void readMemory() throws MemoryMapException {
    int firstMisplaced = FdtTree.NO_NODE;
    int misplaced = 0;
    for (int node = 0; node < tree.nodeCount(); node++) {
      FdtValue type = tree.property(node, "device_type");
      if (type == null || !type.is("memory") || !isAvailable(tree, node)) {
        continue;
      }
      if (tree.parent(node) == FdtTree.ROOT) {
        readMemoryNode(node);
      } else if (misplaced++ == 0) {
        firstMisplaced = node;
      }
    }
    if (misplaced > 0) {
      // One path only: a hostile tree has room for 200,000 such nodes, each at a long path.
      map.addWarning(
          tree.path(firstMisplaced)
              + ": memory is looked for below the root only; left out"
              + (misplaced == 1 ? "" : ", and so are " + (misplaced - 1) + " other nodes"));
    }
  }

  private void readMemoryNode(int node) throws MemoryMapException {
    String path = tree.path(node);
    FdtValue value = tree.property(node, "linux,usable-memory");
    if (value == null) {
      value = tree.property(node, "reg");
    }
    if (value == null) {
      map.addWarning(path + ": memory without reg; left out");
      return;
    }
    if (!rootCells.areUsable()) {
      map.addWarning(path + ": memory cannot be read with " + rootCells + "; left out");
      return;
    }
    FdtRanges ranges = new FdtRanges(value, rootCells);
    int numaNode = numaNode(tree, node, map);
    if (numaNode != MemoryRegion.NO_NODE) {
      map.addNode(numaNode);
    }
    boolean hotpluggable = tree.has(node, "hotpluggable");
    int tooLarge = 0;
    for (int i = 0; i < ranges.count(); i++) {
      if (ranges.fits(i)) {
        map.addMemory(
            ranges.base(i), ranges.byteSize(i), numaNode, hotpluggable, path, ranges.offset(i));
      } else {
        tooLarge++;
      }
    }
    warnOfEntries(map, path, "reg", ranges, tooLarge);
  }

  /// The NUMA node that a node of the tree belongs to, or [MemoryRegion#NO_NODE]; an id that cannot
  /// be used leaves a warning.
  static int numaNode(FdtTree tree, int node, MemoryMapBuilder map) {
    FdtValue value = tree.property(node, "numa-node-id");
    if (value == null) {
      return MemoryRegion.NO_NODE;
    }
    if (value.byteSize() != 4
        || (value.cell(0) >= MAX_NUMA_NODES && value.cell(0) != NO_NUMA_NODE)) {
      map.addWarning(
          tree.path(node) + ": numa-node-id is not a number below " + MAX_NUMA_NODES + "; ignored");
      return MemoryRegion.NO_NODE;
    }
    return (int) value.cell(0);
  }

  private void readReservedMemory() throws MemoryMapException {
    int node = tree.firstChild(FdtTree.ROOT);
    while (node != FdtTree.NO_NODE) {
      if (tree.isNamed(node, "reserved-memory")) {
        new FdtReservedMemory(tree, node, rootCells, map).read();
      }
      node = tree.nextSibling(node);
    }
  }

  private void readChosen() {
    int chosen = tree.child(FdtTree.ROOT, "chosen");
    if (chosen == FdtTree.NO_NODE) {
      return;
    }
    FdtValue line = tree.property(chosen, "bootargs");
    if (line != null) {
      map.commandLine(line.text(0, line.byteSize()));
    }
    if (tree.has(chosen, "linux,usable-memory-range")) {
      map.addWarning("/chosen: linux,usable-memory-range does not limit this map");
    }
    FdtValue start = tree.property(chosen, "linux,initrd-start");
    FdtValue end = tree.property(chosen, "linux,initrd-end");
    if (start != null || end != null) {
      readInitrd(start, end);
    }
  }

  private void readInitrd(@Nullable FdtValue start, @Nullable FdtValue end) {
    String problem = null;
    if (start == null || end == null) {
      problem = start == null ? "no linux,initrd-start" : "no linux,initrd-end";
    } else if (!start.isNumber() || !end.isNumber()) {
      problem = "linux,initrd-start or linux,initrd-end is not a number of 32 or 64 bits";
    } else if (Long.compareUnsigned(end.number(), start.number()) <= 0) {
      problem =
          "initrd ends at "
              + AddressRange.hex(end.number())
              + ", not behind its start "
              + AddressRange.hex(start.number());
    } else {
      map.initrd(AddressRange.ofBounds(start.number(), end.number()));
    }
    if (problem != null) {
      map.addWarning("/chosen: " + problem + "; no initrd");
    }
  }

  /// Whether a node is in use: `status` is absent, `ok` or `okay`.
  static boolean isAvailable(FdtTree tree, int node) {
    FdtValue status = tree.property(node, "status");
    return status == null || status.is("okay") || status.is("ok");
  }

  /// Says what of a property's entries could not be used.
  static void warnOfEntries(
      MemoryMapBuilder map, String path, String property, FdtRanges ranges, int tooLarge) {
    if (tooLarge > 0) {
      map.addWarning(
          path + ": " + tooLarge + " entries of " + property + " do not fit 64 bits; left out");
    }
    if (ranges.hasRest()) {
      map.addWarning(
          path
              + ": "
              + property
              + " has "
              + ranges.value().byteSize()
              + " bytes, not a whole number of entries; the rest is left out");
    }
  }
}
