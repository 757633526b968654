package dev.bifolio.kernel.table;

import java.util.ArrayList;
import java.util.List;

/// Writes down what a walk shows, a line for each table and page.
final class Lines implements TableVisitor {
  /// Such as `table 2 at 0` and `page 1 at 3000 is 5000 rw-------`.
  final List<String> lines = new ArrayList<>();

  /// Physical addresses of the tables.
  final List<Long> tables = new ArrayList<>();

  private final PageFormat format;

  Lines(PageFormat format) {
    this.format = format;
  }

  @Override
  public void table(int level, long virtualAddress, long physicalAddress) {
    lines.add("table " + level + " at " + Long.toHexString(virtualAddress));
    tables.add(physicalAddress);
  }

  @Override
  public void page(int level, long virtualAddress, long physicalAddress, int flags) {
    lines.add(page(format, level, virtualAddress, physicalAddress, flags));
  }

  static String page(PageFormat format, int level, long at, long physical, int flags) {
    String allows = PageFlags.toString(format.expressible(flags));
    return "page "
        + level
        + " at "
        + Long.toHexString(at)
        + " is "
        + Long.toHexString(physical)
        + " "
        + allows;
  }
}
