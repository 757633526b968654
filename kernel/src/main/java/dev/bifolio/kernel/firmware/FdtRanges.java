package dev.bifolio.kernel.firmware;

/// The entries of a property made of address and size pairs, such as `reg`.
///
/// @param value the property
/// @param cells usable counts
record FdtRanges(FdtValue value, FdtCells cells) {
  /// How many whole entries there are.
  int count() {
    return value.cellCount() / entryCells();
  }

  /// Whether bytes are left behind the last whole entry.
  boolean hasRest() {
    return value.byteSize() % (4 * entryCells()) != 0;
  }

  /// Whether base and size of an entry fit 64 bits.
  boolean fits(int index) {
    int at = index * entryCells();
    return value.fits(at, cells.addressCells())
        && value.fits(at + cells.addressCells(), cells.sizeCells());
  }

  /// The base of an entry, unsigned.
  long base(int index) {
    return value.number(index * entryCells(), cells.addressCells());
  }

  /// The size of an entry, unsigned.
  long byteSize(int index) {
    return value.number(index * entryCells() + cells.addressCells(), cells.sizeCells());
  }

  /// Where an entry lies in the tree.
  int offset(int index) {
    return value.offset() + 4 * index * entryCells();
  }

  private int entryCells() {
    return cells.addressCells() + cells.sizeCells();
  }
}
