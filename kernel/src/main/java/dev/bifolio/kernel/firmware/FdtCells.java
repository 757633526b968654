package dev.bifolio.kernel.firmware;

/// How many cells the children of a node use for an address and for a size.
///
/// @param address 1 … 4 in a usable tree
/// @param size 1 … 4 where ranges have a size
record FdtCells(long address, long size) {
  private static final int MAX_CELLS = 4;
  private static final int DEFAULT_ADDRESS = 2;
  private static final int DEFAULT_SIZE = 1;

  /// The counts that a node states for its children; 2 and 1 where it states none, as the
  /// specification says (s. 2.3.5). A statement that is not one cell leaves a warning.
  static FdtCells of(FdtTree tree, int node, MemoryMapBuilder map) {
    return new FdtCells(
        count(tree, node, "#address-cells", DEFAULT_ADDRESS, map),
        count(tree, node, "#size-cells", DEFAULT_SIZE, map));
  }

  private static long count(FdtTree tree, int node, String name, int absent, MemoryMapBuilder map) {
    FdtValue value = tree.property(node, name);
    if (value == null) {
      return absent;
    }
    if (value.byteSize() != 4) {
      map.addWarning(tree.path(node) + ": " + name + " is not one cell; " + absent + " is taken");
      return absent;
    }
    return value.cell(0);
  }

  /// Whether ranges with these counts can be read.
  boolean areUsable() {
    return address >= 1 && address <= MAX_CELLS && size >= 1 && size <= MAX_CELLS;
  }

  int addressCells() {
    return (int) address;
  }

  int sizeCells() {
    return (int) size;
  }

  @Override
  public String toString() {
    return "#address-cells " + address + " and #size-cells " + size;
  }
}
