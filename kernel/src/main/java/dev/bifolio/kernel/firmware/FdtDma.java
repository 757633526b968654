package dev.bifolio.kernel.firmware;

import org.jspecify.annotations.Nullable;

/// What the narrowest bus of a device tree reaches, from the `dma-ranges` of its nodes.
///
/// A bus whose devices see only windows of memory has a `dma-ranges` with entries; each maps bus
/// addresses to addresses of the bus above it:
///
/// ```
///   /soc   #address-cells 1, #size-cells 1      below a root with #address-cells 2
///   dma-ranges = < 0xc0000000   0x0 0x00000000   0x40000000 >
///                  bus address  address above    bytes              -> up to 1 GiB
/// ```
///
/// As in Linux (of_dma_get_max_cpu_address): of each bus the highest end counts, of all buses the
/// lowest; a bus without the property, or with an empty one, reaches what the bus above it reaches;
/// what is disabled does not count, nor what is below it. Addresses are translated bus by bus up to
/// the root; an entry that a bus above has no window for is left out.
///
/// Cost: linear in the tree's nodes, for hostile trees too, since of the entries of a property the
/// first [#MAX_ENTRIES] count, and of such buses the first [#MAX_BUSES]; real trees have 3 of each.
final class FdtDma {
  static final int MAX_ENTRIES = 16;
  static final int MAX_BUSES = 1024;

  private static final long UNREACHED = -1;
  private static final int MAX_CELLS = 4;
  private static final int DEFAULT_ADDRESS_CELLS = 2;

  private final FdtTree tree;
  private final MemoryMapBuilder map;

  FdtDma(FdtTree tree, MemoryMapBuilder map) {
    this.tree = tree;
    this.map = map;
  }

  /// The address behind the last byte that all reach, or [MemoryMap#NO_DMA_LIMIT].
  long limit() {
    long limit = MemoryMap.NO_DMA_LIMIT;
    int buses = 0;
    int node = FdtTree.ROOT;
    while (node < tree.nodeCount()) {
      if (node != FdtTree.ROOT && !FdtReader.isAvailable(tree, node)) {
        node = tree.after(node);
        continue;
      }
      Windows windows = Windows.of(tree, node);
      if (windows != null && buses++ < MAX_BUSES) {
        limit = Math.min(limit, end(node, windows));
      }
      node++;
    }
    if (buses > MAX_BUSES) {
      map.addWarning("dma-ranges: only " + MAX_BUSES + " buses of " + buses + " count");
    }
    return limit;
  }

  /// The highest end that a bus reaches.
  private long end(int node, Windows windows) {
    long end = 0;
    for (int i = 0; i < windows.count(); i++) {
      long address = translated(node, windows.above(i));
      long byteSize = windows.byteSize(i);
      if (address < 0 || byteSize <= 0) {
        end = byteSize < 0 ? MemoryMap.NO_DMA_LIMIT : end;
        continue;
      }
      end =
          Math.max(end, address > Long.MAX_VALUE - byteSize ? Long.MAX_VALUE : address + byteSize);
    }
    return end == 0 ? MemoryMap.NO_DMA_LIMIT : end;
  }

  /// An address of the bus above a node, as one of the root.
  private long translated(int node, long address) {
    long at = address;
    for (int bus = tree.parent(node); bus > FdtTree.ROOT && at >= 0; bus = tree.parent(bus)) {
      Windows windows = Windows.of(tree, bus);
      at = windows == null ? at : windows.translated(at);
    }
    return at;
  }

  /// The entries of one property.
  private record Windows(FdtValue value, int busCells, int aboveCells, int sizeCells) {
    static @Nullable Windows of(FdtTree tree, int node) {
      FdtValue value = tree.property(node, "dma-ranges");
      if (value == null || value.byteSize() == 0) {
        return null;
      }
      int parent = node == FdtTree.ROOT ? node : tree.parent(node);
      int bus = cells(tree, node, "#address-cells", DEFAULT_ADDRESS_CELLS);
      int above = cells(tree, parent, "#address-cells", DEFAULT_ADDRESS_CELLS);
      int size = cells(tree, node, "#size-cells", 1);
      return bus == 0 || above == 0 || size == 0 ? null : new Windows(value, bus, above, size);
    }

    private static int cells(FdtTree tree, int node, String name, int absent) {
      FdtValue value = tree.property(node, name);
      if (value == null || value.byteSize() != 4) {
        return absent;
      }
      return value.cell(0) <= MAX_CELLS ? (int) value.cell(0) : 0;
    }

    int count() {
      return Math.min(MAX_ENTRIES, value.cellCount() / (busCells + aboveCells + sizeCells));
    }

    private int first(int entry) {
      return entry * (busCells + aboveCells + sizeCells);
    }

    private long bus(int entry) {
      return value.number(first(entry), busCells);
    }

    long above(int entry) {
      return value.number(first(entry) + busCells, aboveCells);
    }

    /// Negative for 2^63 or more, which is everything.
    long byteSize(int entry) {
      return value.number(first(entry) + busCells + aboveCells, sizeCells);
    }

    long translated(long address) {
      for (int i = 0; i < count(); i++) {
        long offset = address - bus(i);
        if (Long.compareUnsigned(offset, byteSize(i)) < 0) {
          return above(i) + offset;
        }
      }
      return UNREACHED;
    }
  }
}
