package dev.bifolio.lab;

import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayList;
import java.util.List;

/// The tables of a space as rows to print: what is alike in a row of entries is one row.
///
/// Pages that follow each other in virtual and physical memory and allow the same are one [Run]; so
/// is a table that is full of such pages, and a row of such tables. So 256 MiB in pages of 4 KiB
/// are one row, and not 65,536.
final class TableRows {
  /// One row.
  sealed interface Row permits Run, Branch {}

  /// Entries that map one run of memory.
  ///
  /// @param first index
  /// @param last index
  /// @param virtualAddress of the first page
  /// @param physicalAddress of the first page
  /// @param level of the pages
  /// @param pageCount of them
  /// @param flags of each
  /// @param tableCount how many tables are between these entries and the pages
  /// @param firstTable the physical address of the first of these, if there are any
  record Run(
      int first,
      int last,
      long virtualAddress,
      long physicalAddress,
      int level,
      long pageCount,
      int flags,
      long tableCount,
      long firstTable)
      implements Row {}

  /// An entry that names a table.
  ///
  /// @param index of the entry
  /// @param virtualAddress the first that goes through it
  /// @param level of the table
  /// @param table its physical address
  /// @param rows what it holds
  record Branch(int index, long virtualAddress, int level, long table, List<Row> rows)
      implements Row {}

  private final TableMemory memory;
  private final PageFormat format;
  private final long[] tables = new long[PageFormat.MAX_LEVELS + 1];
  private final long[] pages = new long[PageFormat.MAX_LEVELS + 1];
  private final List<List<Row>> roots = new ArrayList<>();
  private long end;

  /// Reads all tables.
  TableRows(TableMemory memory) {
    this.memory = memory;
    this.format = memory.format();
    for (int root = 0; root < format.rootCount(); root++) {
      long start = root == 0 ? 0 : -1L << FormatText.virtualBits(format);
      roots.add(rows(memory.space().rootAddress(root), format.levels(), start));
    }
  }

  /// What a root holds.
  List<Row> root(int root) {
    return roots.get(root);
  }

  /// Tables of a level.
  long tableCount(int level) {
    return tables[level];
  }

  /// All tables.
  long tableCount() {
    long count = 0;
    for (long ofLevel : tables) {
      count += ofLevel;
    }
    return count;
  }

  /// Pages of a level.
  long pageCount(int level) {
    return pages[level];
  }

  /// The physical address behind the last table.
  long end() {
    return end;
  }

  private List<Row> rows(long table, int level, long start) {
    tables[level]++;
    end = Math.max(end, table + Pages.PAGE_SIZE);
    List<Row> rows = new ArrayList<>();
    for (int index = 0; index < format.entryCount(); index++) {
      long entry = memory.entry(table, index);
      if (format.isPresent(entry)) {
        add(rows, row(level, index, start + index * format.pageByteSize(level), entry));
      }
    }
    return rows;
  }

  private Row row(int level, int index, long at, long entry) {
    long va = FormatText.canonical(format, at);
    if (format.isLeaf(level, entry)) {
      pages[level]++;
      long pa = format.address(level, entry);
      return new Run(index, index, va, pa, level, 1, format.flags(level, entry), 0, 0);
    }
    long child = format.address(0, entry);
    List<Row> below = rows(child, level - 1, at);
    if (below.size() == 1
        && below.getFirst() instanceof Run run
        && run.last - run.first == format.entryCount() - 1) {
      return new Run(
          index,
          index,
          va,
          run.physicalAddress,
          run.level,
          run.pageCount,
          run.flags,
          run.tableCount + 1,
          child);
    }
    return new Branch(index, va, level - 1, child, below);
  }

  /// Adds a row, to the last one if it goes on there.
  private void add(List<Row> rows, Row row) {
    if (row instanceof Run next
        && !rows.isEmpty()
        && rows.getLast() instanceof Run run
        && run.last + 1 == next.first
        && run.level == next.level
        && run.flags == next.flags
        && (run.tableCount == 0) == (next.tableCount == 0)
        && run.physicalAddress + run.pageCount * format.pageByteSize(run.level)
            == next.physicalAddress) {
      Run longer =
          new Run(
              run.first,
              next.last,
              run.virtualAddress,
              run.physicalAddress,
              run.level,
              run.pageCount + next.pageCount,
              run.flags,
              run.tableCount + next.tableCount,
              run.firstTable);
      rows.set(rows.size() - 1, longer);
    } else {
      rows.add(row);
    }
  }
}
