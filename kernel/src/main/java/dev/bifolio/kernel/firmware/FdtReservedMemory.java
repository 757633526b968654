package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.unit.AddressRange;
import org.jspecify.annotations.Nullable;

/// The children of a `/reserved-memory` node: places that are taken, and sizes that await a place.
///
/// A child with `reg` is static, whatever else it has; one with `size` alone is dynamic. Addresses
/// count on the node's own bus: `ranges` says where its windows lie for the root. An address is
/// moved with the window that holds it; a range that leaves the window at its end keeps its size,
/// with a warning, because reserving too much is the safe side. Source: Devicetree Specification
/// 0.4, s. 3.5 and 2.3.8.
final class FdtReservedMemory {
  /// Real trees have one window at most, and an address is looked up in all of them.
  private static final int MAX_WINDOWS = 64;

  private final FdtTree tree;
  private final int node;
  private final MemoryMapBuilder map;
  private final String path;
  private final FdtCells cells;
  private final FdtCells rootCells;

  // Windows: [own base, base for the root, bytes] each; null if addresses are the root's.
  private long @Nullable [] windows;
  private int leftWindow;
  private int outsideWindows;

  /// Prepares for one node.
  ///
  /// @param rootCells the root's, which the caller keeps: there may be thousands of such nodes, and
  ///   finding that the root states no cells is a walk over all of them
  FdtReservedMemory(FdtTree tree, int node, FdtCells rootCells, MemoryMapBuilder map) {
    this.tree = tree;
    this.node = node;
    this.map = map;
    this.path = tree.path(node);
    this.cells = FdtCells.of(tree, node, map);
    this.rootCells = rootCells;
  }

  void read() throws MemoryMapException {
    int child = tree.firstChild(node);
    if (child == FdtTree.NO_NODE) {
      return;
    }
    readWindows();
    while (child != FdtTree.NO_NODE) {
      if (FdtReader.isAvailable(tree, child)) {
        readChild(child);
      }
      child = tree.nextSibling(child);
    }
  }

  private void readWindows() {
    FdtValue value = tree.property(node, "ranges");
    if (value == null) {
      map.addWarning(path + ": no ranges; its addresses are taken for those of the root");
      return;
    }
    if (value.byteSize() == 0) {
      return;
    }
    if (!cells.areUsable() || !rootCells.areUsable()) {
      map.addWarning(path + ": ranges cannot be read; addresses are taken for those of the root");
      return;
    }
    int own = cells.addressCells();
    int outer = rootCells.addressCells();
    int entry = own + outer + cells.sizeCells();
    int count = Math.min(value.cellCount() / entry, MAX_WINDOWS);
    long[] found = new long[3 * count];
    for (int i = 0; i < count; i++) {
      int at = i * entry;
      if (value.fits(at, own)
          && value.fits(at + own, outer)
          && value.fits(at + own + outer, cells.sizeCells())) {
        found[3 * i] = value.number(at, own);
        found[3 * i + 1] = value.number(at + own, outer);
        found[3 * i + 2] = value.number(at + own + outer, cells.sizeCells());
      } else {
        map.addWarning(path + ": entry " + i + " of ranges does not fit 64 bits; left out");
      }
    }
    if (value.byteSize() != 4 * entry * count) {
      map.addWarning(path + ": only the first " + count + " entries of ranges are used");
    }
    windows = found;
  }

  private void readChild(int child) throws MemoryMapException {
    String childPath = path + "/" + tree.name(child);
    FdtValue reg = tree.property(child, "reg");
    FdtValue byteSize = tree.property(child, "size");
    if (reg != null) {
      readStatic(child, childPath, reg);
    } else if (byteSize != null) {
      readDynamic(child, childPath, byteSize);
    } else {
      map.addWarning(childPath + ": neither reg nor size; left out");
    }
  }

  private void readStatic(int child, String childPath, FdtValue reg) throws MemoryMapException {
    if (!cells.areUsable()) {
      map.addWarning(childPath + ": reg cannot be read with " + cells + "; left out");
      return;
    }
    FdtRanges ranges = new FdtRanges(reg, cells);
    String name = tree.name(child);
    boolean noMap = tree.has(child, "no-map");
    boolean reusable = tree.has(child, "reusable");
    int tooLarge = 0;
    int empty = ranges.count() == 0 ? 1 : 0;
    for (int i = 0; i < ranges.count(); i++) {
      if (!ranges.fits(i)) {
        tooLarge++;
      } else if (ranges.byteSize(i) == 0) {
        empty++;
      } else if (isInWindow(ranges.base(i), ranges.byteSize(i))) {
        map.addReserved(
            moved(ranges.base(i)),
            ranges.byteSize(i),
            name,
            ReservedRegion.Source.RESERVED_MEMORY,
            noMap,
            reusable,
            childPath,
            ranges.offset(i));
      }
    }
    if (empty > 0) {
      map.addWarning(childPath + ": empty reservation left out");
    }
    FdtReader.warnOfEntries(map, childPath, "reg", ranges, tooLarge);
    warnOfWindows(childPath);
  }

  private void readDynamic(int child, String childPath, FdtValue byteSize)
      throws MemoryMapException {
    if (!byteSize.isNumber() || byteSize.number() == 0) {
      map.addWarning(childPath + ": size is not a number above 0; left out");
      return;
    }
    AddressRange[] allowed = allowedRanges(child, childPath);
    if (allowed == null) {
      map.addWarning(childPath + ": none of alloc-ranges can be used; left out");
      return;
    }
    map.addDynamicReservation(
        new DynamicReservation(
            tree.name(child),
            byteSize.number(),
            byteAlignment(child, childPath),
            allowed,
            tree.has(child, "no-map"),
            tree.has(child, "reusable"),
            tree.has(child, "linux,cma-default")),
        childPath,
        tree.offset(child));
  }

  private long byteAlignment(int child, String childPath) {
    FdtValue value = tree.property(child, "alignment");
    if (value == null) {
      return 0;
    }
    if (!value.isNumber() || Long.compareUnsigned(value.number(), Long.MIN_VALUE) > 0) {
      map.addWarning(childPath + ": alignment is not a number up to 2^63; ignored");
      return 0;
    }
    long alignment = value.number();
    if ((alignment & (alignment - 1)) == 0) {
      return alignment;
    }
    long larger = Long.highestOneBit(alignment) << 1;
    map.addWarning(
        childPath
            + ": alignment "
            + AddressRange.hex(alignment)
            + " is not a power of two; "
            + AddressRange.hex(larger)
            + " is taken");
    return larger;
  }

  /// Where a dynamic reservation may lie: empty for anywhere, null if what is stated is no use.
  private AddressRange @Nullable [] allowedRanges(int child, String childPath)
      throws MemoryMapException {
    FdtValue value = tree.property(child, "alloc-ranges");
    if (value == null) {
      return new AddressRange[0];
    }
    if (!cells.areUsable()) {
      return null;
    }
    FdtRanges ranges = new FdtRanges(value, cells);
    if (ranges.count() > MemoryMap.MAX_REGIONS) {
      throw new MemoryMapException(
          childPath, value.offset(), "more than " + MemoryMap.MAX_REGIONS + " alloc-ranges");
    }
    AddressRange[] found = new AddressRange[ranges.count()];
    int count = 0;
    int tooLarge = 0;
    for (int i = 0; i < ranges.count(); i++) {
      if (!ranges.fits(i)) {
        tooLarge++;
      } else if (ranges.byteSize(i) != 0 && isInWindow(ranges.base(i), ranges.byteSize(i))) {
        found[count++] = AddressRange.clipped(moved(ranges.base(i)), ranges.byteSize(i));
      }
    }
    FdtReader.warnOfEntries(map, childPath, "alloc-ranges", ranges, tooLarge);
    warnOfWindows(childPath);
    AddressRange[] result = new AddressRange[count];
    System.arraycopy(found, 0, result, 0, count);
    return count == 0 ? null : result;
  }

  /// Whether the root sees a range; counts what it does not see, for [#warnOfWindows].
  private boolean isInWindow(long base, long byteSize) {
    if (windows == null) {
      return true;
    }
    int window = windowOf(base);
    if (window < 0) {
      outsideWindows++;
      return false;
    }
    long room = windows[window + 2] - (base - windows[window]);
    if (Long.compareUnsigned(byteSize, room) > 0) {
      leftWindow++;
    }
    return true;
  }

  private long moved(long base) {
    if (windows == null) {
      return base;
    }
    int window = windowOf(base);
    return base - windows[window] + windows[window + 1];
  }

  private int windowOf(long base) {
    for (int i = 0; windows != null && i < windows.length; i += 3) {
      if (Long.compareUnsigned(base - windows[i], windows[i + 2]) < 0) {
        return i;
      }
    }
    return -1;
  }

  private void warnOfWindows(String childPath) {
    if (outsideWindows > 0) {
      map.addWarning(
          childPath + ": " + outsideWindows + " ranges lie in no window of ranges; left out");
    }
    if (leftWindow > 0) {
      map.addWarning(
          childPath + ": " + leftWindow + " ranges pass the end of their window; not cut");
    }
    outsideWindows = 0;
    leftWindow = 0;
  }
}
