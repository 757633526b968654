package dev.bifolio.lab;

import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.unit.AddressRange;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Page tables as the JSON object that the command line promises. `root1` is null where there is
/// one root. A translation without a page has a `pageSize` of 0, no `flags`, and a `fault`.
final class TablesJson {
  private TablesJson() {}

  /// One line of JSON.
  static String line(TableMemory memory, TableRows rows, TableScript script) {
    PageFormat format = memory.format();
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("architecture", format.name());
    json.put("root", AddressRange.hex(memory.space().rootAddress(0)));
    json.put(
        "root1", format.rootCount() == 1 ? null : AddressRange.hex(memory.space().rootAddress(1)));
    json.put("imageBase", AddressRange.hex(memory.base()));
    json.put("imageSize", rows.end() - memory.base());
    json.put("tables", rows.tableCount());
    json.put("pages", pages(format, rows));
    List<Object> translations = new ArrayList<>();
    for (TableWalk walk : script.translations()) {
      translations.add(translation(format, walk));
    }
    json.put("translations", translations);
    json.put("notes", notes(script));
    return MapJson.line(json);
  }

  /// A script that is refused.
  static String refusal(String file, InputException e) {
    Map<String, @Nullable Object> json = MapJson.error(file, e);
    json.put("line", e instanceof TableScriptException refused ? refused.line() : null);
    return MapJson.line(json);
  }

  /// Pages of each size, by the names that a script has for them.
  private static Map<String, @Nullable Object> pages(PageFormat format, TableRows rows) {
    Map<String, @Nullable Object> pages = new LinkedHashMap<>();
    for (int level = 1; level <= format.largestLeafLevel(); level++) {
      pages.put(FormatText.pageSize(format, level), rows.pageCount(level));
    }
    return pages;
  }

  private static Map<String, @Nullable Object> translation(PageFormat format, TableWalk walk) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    TableWalk.Fault fault = walk.fault();
    boolean isMapped = fault == null;
    row.put("va", AddressRange.hex(walk.virtualAddress()));
    row.put("pa", isMapped ? AddressRange.hex(walk.page(format) + walk.offset(format)) : null);
    row.put("pageSize", isMapped ? format.pageByteSize(walk.last().level()) : 0);
    row.put("flags", isMapped ? TableFlags.letters(walk.flags(format)) : "");
    row.put("fault", fault == null ? null : fault.label());
    return row;
  }

  private static List<Object> notes(TableScript script) {
    List<Object> notes = new ArrayList<>();
    for (TableScript.Note note : script.notes()) {
      Map<String, @Nullable Object> row = new LinkedHashMap<>();
      row.put("asked", note.asked());
      row.put("given", note.given());
      row.put("line", note.line());
      row.put("lines", note.count());
      notes.add(row);
    }
    return notes;
  }
}
