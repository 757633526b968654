package dev.bifolio.lab;

import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/// Page tables as text for people: the tree, how much of what there is, and each translation step
/// by step.
final class TableText {
  private final TableMemory memory;
  private final PageFormat format;
  private final PrintWriter out;

  private TableText(TableMemory memory, PrintWriter out) {
    this.memory = memory;
    this.format = memory.format();
    this.out = out;
  }

  /// Prints all that a script made.
  static void print(PrintWriter out, TableMemory memory, TableRows rows, TableScript script) {
    TableText text = new TableText(memory, out);
    text.tree(rows);
    text.counts(rows);
    script.notes().forEach(text::note);
    script.translations().forEach(text::translation);
  }

  // ---- The tree ----

  private void tree(TableRows rows) {
    out.println(
        "%s: %d levels; %s, %s, from %s to %s"
            .formatted(
                format,
                format.levels(),
                plural(rows.tableCount(), "table"),
                Numbers.bytes(rows.tableCount() * Pages.PAGE_SIZE),
                AddressRange.hex(memory.base()),
                AddressRange.hex(rows.end() - 1)));
    out.println();
    for (int root = 0; root < format.rootCount(); root++) {
      String half = format.rootCount() == 1 ? "" : root == 0 ? ", lower half" : ", upper half";
      out.println(
          "root, level %d%s: table %s"
              .formatted(
                  format.levels(), half, AddressRange.hex(memory.space().rootAddress(root))));
      List<TableRows.Row> below = rows.root(root);
      if (below.isEmpty()) {
        out.println("  nothing");
      }
      below.forEach(row -> row(row, "  "));
    }
  }

  private void row(TableRows.Row row, String indent) {
    switch (row) {
      case TableRows.Branch branch -> {
        out.println(
            "%s[%d] %s  level %d: table %s"
                .formatted(
                    indent,
                    branch.index(),
                    AddressRange.hex(branch.virtualAddress()),
                    branch.level(),
                    AddressRange.hex(branch.table())));
        branch.rows().forEach(below -> row(below, indent + "  "));
      }
      case TableRows.Run run -> run(run, indent);
    }
  }

  private void run(TableRows.Run run, String indent) {
    long byteSize = format.pageByteSize(run.level());
    String tables =
        run.tableCount() == 0
            ? ""
            : run.tableCount() == 1
                ? ", full table " + AddressRange.hex(run.firstTable())
                : ", %s full tables from %s on"
                    .formatted(Numbers.count(run.tableCount()), AddressRange.hex(run.firstTable()));
    out.println(
        "%s[%s] %s -> %s  %s  %s x %s%s"
            .formatted(
                indent,
                run.first() == run.last()
                    ? String.valueOf(run.first())
                    : run.first() + ".." + run.last(),
                AddressRange.hex(run.virtualAddress()),
                AddressRange.hex(run.physicalAddress()),
                TableFlags.columns(run.flags()),
                Numbers.count(run.pageCount()),
                Numbers.bytes(byteSize),
                tables));
  }

  private void counts(TableRows rows) {
    out.println();
    out.println("level       tables           pages  of");
    for (int level = format.levels(); level >= 1; level--) {
      boolean hasPages = level <= format.largestLeafLevel();
      out.println(
          "%5d %,12d %15s  %s"
              .formatted(
                  level,
                  rows.tableCount(level),
                  hasPages ? Numbers.count(rows.pageCount(level)) : "-",
                  hasPages ? Numbers.bytes(format.pageByteSize(level)) : "")
              .stripTrailing());
    }
  }

  // ---- Notes ----

  private void note(TableScript.Note note) {
    String lines =
        note.count() == 1
            ? "on line " + note.line()
            : "on %s lines, first on line %d".formatted(Numbers.count(note.count()), note.line());
    out.println();
    out.println(
        "note: %s became %s %s: %s"
            .formatted(note.asked(), note.given(), lines, String.join("; ", reasons(note))));
  }

  /// Why a format made others of flags.
  private List<String> reasons(TableScript.Note note) {
    List<String> reasons = new ArrayList<>();
    if (gained(note, "x")) {
      reasons.add(format + " cannot keep a page from being executed");
    }
    if (gained(note, "r")) {
      reasons.add("what is mapped on " + format + " can be read");
    }
    if (note.asked().contains("d") && !note.given().contains("d")) {
      reasons.add("without Svpbmt the type of memory is the machine's (see --svpbmt)");
    }
    return reasons;
  }

  private static boolean gained(TableScript.Note note, String letter) {
    return note.given().contains(letter) && !note.asked().contains(letter);
  }

  // ---- Translations ----

  private void translation(TableWalk walk) {
    out.println();
    out.println(
        "line %d: translate %s".formatted(walk.line(), AddressRange.hex(walk.virtualAddress())));
    for (TableWalk.Step step : walk.steps()) {
      long at = step.table() + (long) step.index() * format.entryByteSize();
      out.println(
          "  level %d: table %s, entry %d at %s: %s, %s"
              .formatted(
                  step.level(),
                  AddressRange.hex(step.table()),
                  step.index(),
                  AddressRange.hex(at),
                  entry(step.entry()),
                  meaning(step)));
    }
    TableWalk.Fault fault = walk.fault();
    if (fault == null) {
      long page = walk.page(format);
      long offset = walk.offset(format);
      out.println(
          "  physical address %s = %s + offset %s"
              .formatted(
                  AddressRange.hex(page + offset),
                  AddressRange.hex(page),
                  AddressRange.hex(offset)));
    } else {
      out.println("  fault: " + cause(walk, fault));
    }
  }

  private String cause(TableWalk walk, TableWalk.Fault fault) {
    return switch (fault) {
      case NOT_CANONICAL -> "not canonical: " + FormatText.canonicalRule(format);
      case NOT_PRESENT -> {
        TableWalk.Step last = walk.last();
        yield "not present: nothing is mapped in %s from %s on"
            .formatted(
                Numbers.bytes(format.pageByteSize(last.level())),
                AddressRange.hex(walk.virtualAddress() - walk.offset(format)));
      }
    };
  }

  private String meaning(TableWalk.Step step) {
    if (!format.isPresent(step.entry())) {
      return "nothing";
    }
    if (!format.isLeaf(step.level(), step.entry())) {
      return "table " + AddressRange.hex(format.address(0, step.entry()));
    }
    return "page of %s at %s, %s"
        .formatted(
            Numbers.bytes(format.pageByteSize(step.level())),
            AddressRange.hex(format.address(step.level(), step.entry())),
            TableFlags.columns(format.flags(step.level(), step.entry())));
  }

  /// All digits of an entry, so that bits are where the manual has them.
  private String entry(long entry) {
    return "0x%0".concat(2 * format.entryByteSize() + "x").formatted(entry);
  }

  private static String plural(long count, String noun) {
    return Numbers.count(count) + " " + noun + (count == 1 ? "" : "s");
  }
}
