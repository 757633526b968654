package dev.bifolio.lab;

import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.unit.Pages;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// How much memory the tables of a mapping take, level by level, as arithmetic.
///
/// ```
///   entries of a level  = bytes that are mapped / what an entry of the level spans, rounded up
///   tables of a level   = entries of the level above that are no pages
///                       = where the level above has pages: 1 if something smaller is left, else 0
///                       = elsewhere: its entries; 1 for the root
/// ```
///
/// That is for a range which begins where a root's entry does, virtual and physical; any other
/// takes up to one more table a level.
///
/// @param format of the tables
/// @param byteSize that is mapped, a multiple of the smallest page used
/// @param smallest level of pages
/// @param largest level of pages
record TableNeed(PageFormat format, long byteSize, int smallest, int largest) {
  /// For a size in bytes, which is rounded up to pages.
  ///
  /// @param page the only size of pages; null for the largest that fit
  /// @throws ScriptException if the format has no such pages, or one root cannot map so much
  static TableNeed of(PageFormat format, long byteSize, @Nullable String page)
      throws ScriptException {
    int level = page == null ? 1 : FormatText.level(format, page);
    int bits = FormatText.virtualBits(format);
    if (byteSize == 0 || Long.compareUnsigned(byteSize, 1L << bits) > 0) {
      throw new ScriptException(
          "%s is not what one root of %s can map: 1 B to %s"
              .formatted(Numbers.bytes(byteSize), format, Numbers.bytes(1L << bits)));
    }
    long pageByteSize = format.pageByteSize(level);
    long whole = (byteSize + pageByteSize - 1) & -pageByteSize;
    return new TableNeed(format, whole, level, page == null ? format.largestLeafLevel() : level);
  }

  /// Entries of a level, of which the last may be used in part.
  private long entries(int level) {
    long span = format.pageByteSize(level);
    return (byteSize + span - 1) / span;
  }

  /// Pages of a level.
  long pageCount(int level) {
    if (level < smallest || level > largest) {
      return 0;
    }
    long rest = level == largest ? byteSize : byteSize % format.pageByteSize(level + 1);
    return rest / format.pageByteSize(level);
  }

  /// Tables of a level.
  long tableCount(int level) {
    if (level == format.levels()) {
      return 1;
    }
    if (level < smallest) {
      return 0;
    }
    int above = level + 1;
    if (above > largest) {
      return entries(above);
    }
    return byteSize % format.pageByteSize(above) == 0 ? 0 : 1;
  }

  /// All tables, the root among them.
  long tableCount() {
    long count = 0;
    for (int level = 1; level <= format.levels(); level++) {
      count += tableCount(level);
    }
    return count;
  }

  private long byteSize(long tables) {
    return tables * Pages.PAGE_SIZE;
  }

  // ---- To be read ----

  /// Prints it with the formula of each level.
  void print(PrintWriter out) {
    String by =
        smallest == largest
            ? "by pages of " + Numbers.bytes(format.pageByteSize(smallest))
            : "by the largest pages that fit";
    out.println("%s: %s are mapped %s".formatted(format, Numbers.bytes(byteSize), by));
    out.println();
    out.println("level  an entry spans           pages          tables      memory");
    for (int level = format.levels(); level >= smallest; level--) {
      out.println(
          "%5d %15s %,15d %,15d %11s  %s"
              .formatted(
                  level,
                  Numbers.bytes(format.pageByteSize(level)),
                  pageCount(level),
                  tableCount(level),
                  Numbers.bytes(byteSize(tableCount(level))),
                  formula(level)));
    }
    out.println(
        "%5s %15s %15s %,15d %11s"
            .formatted("all", "", "", tableCount(), Numbers.bytes(byteSize(tableCount()))));
    out.println();
    out.println(
        "A range that begins elsewhere than an entry of the root may take one more table a level.");
  }

  private String formula(int level) {
    if (level == format.levels()) {
      return "the root";
    }
    int above = level + 1;
    String span = Numbers.bytes(format.pageByteSize(above));
    if (above > largest) {
      return Numbers.bytes(byteSize)
          + " / "
          + span
          + (byteSize % format.pageByteSize(above) == 0 ? "" : ", rounded up");
    }
    return tableCount(level) == 0
        ? "nothing is left of pages of " + span
        : "for the %s that pages of %s leave"
            .formatted(Numbers.bytes(byteSize % format.pageByteSize(above)), span);
  }

  /// The same as a JSON object.
  Map<String, @Nullable Object> json() {
    List<Object> levels = new ArrayList<>();
    for (int level = 1; level <= format.levels(); level++) {
      Map<String, @Nullable Object> row = new LinkedHashMap<>();
      row.put("level", level);
      row.put("pageSize", level <= format.largestLeafLevel() ? format.pageByteSize(level) : null);
      row.put("pages", pageCount(level));
      row.put("tables", tableCount(level));
      row.put("size", byteSize(tableCount(level)));
      levels.add(row);
    }
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("architecture", format.name());
    json.put("mapped", byteSize);
    json.put("tables", tableCount());
    json.put("size", byteSize(tableCount()));
    json.put("levels", levels);
    return json;
  }
}
