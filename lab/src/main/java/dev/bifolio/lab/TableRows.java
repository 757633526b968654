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
    int index = 0;
    while (index < format.entryCount()) {
      long entry = memory.entry(table, index);
      long at = start + index * format.pageByteSize(level);
      if (!format.isPresent(entry)) {
        index++;
      } else if (format.isLeaf(level, entry)) {
        Run run = run(table, level, index, at, entry);
        rows.add(run);
        index = run.last + 1;
      } else {
        add(rows, below(level, index, at, format.address(0, entry)));
        index++;
      }
    }
    return rows;
  }

  /// As many pages as go on from one.
  private Run run(long table, int level, int first, long at, long entry) {
    long physical = format.address(level, entry);
    int flags = format.flags(level, entry);
    int last = first;
    while (last + 1 < format.entryCount()) {
      long next = memory.entry(table, last + 1);
      long wanted = physical + (last + 1 - first) * format.pageByteSize(level);
      if (!format.isPresent(next)
          || !format.isLeaf(level, next)
          || format.address(level, next) != wanted
          || format.flags(level, next) != flags) {
        break;
      }
      last++;
    }
    int count = last + 1 - first;
    pages[level] += count;
    long va = FormatText.canonical(format, at);
    return new Run(first, last, va, physical, level, count, flags, 0, 0);
  }

  /// The row of an entry that names a table: a run, if the table is full of one.
  private Row below(int level, int index, long at, long child) {
    List<Row> rows = rows(child, level - 1, at);
    long va = FormatText.canonical(format, at);
    if (rows.size() == 1
        && rows.getFirst() instanceof Run run
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
    return new Branch(index, va, level - 1, child, rows);
  }

  /// Adds the row of a table, to the last one if it goes on there.
  private void add(List<Row> rows, Row row) {
    if (row instanceof Run next
        && !rows.isEmpty()
        && rows.getLast() instanceof Run run
        && run.last + 1 == next.first
        && run.level == next.level
        && run.flags == next.flags
        && run.tableCount != 0
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
