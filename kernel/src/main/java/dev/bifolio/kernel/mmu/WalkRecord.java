package dev.bifolio.kernel.mmu;

import dev.bifolio.kernel.table.PageFormat;

/// Keeps the steps of one walk, to be shown when the access is over: who is shown them may do what
/// an access must not.
final class WalkRecord implements WalkVisitor {
  private final int[] levels = new int[PageFormat.MAX_LEVELS];
  private final long[] tables = new long[PageFormat.MAX_LEVELS];
  private final int[] indices = new int[PageFormat.MAX_LEVELS];
  private final long[] entries = new long[PageFormat.MAX_LEVELS];
  private int count;

  @Override
  public void step(int level, long table, int index, long entry) {
    levels[count] = level;
    tables[count] = table;
    indices[count] = index;
    entries[count++] = entry;
  }

  void clear() {
    count = 0;
  }

  void show(WalkVisitor visitor) {
    for (int step = 0; step < count; step++) {
      visitor.step(levels[step], tables[step], indices[step], entries[step]);
    }
  }
}
