package dev.bifolio.lab;

import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.TableCount;
import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.TypeConversionException;

/// Runs a script of `bifolio tables`, line by line, on the tables of a space.
///
/// ```
///   map VA PA LENGTH FLAGS [SIZE]     by the largest pages that fit, or only by those of a size
///   unmap VA LENGTH                   all of it must be mapped; larger pages are split
///   protect VA LENGTH FLAGS
///   split VA SIZE                     the page at VA, until it is of a size
///   collapse VA SIZE                  the pages around VA become one
///   translate VA
///   # a comment, also behind a command
/// ```
///
/// The first line that is refused ends it. What a script costs is bounded: its bytes by who reads
/// it, tables by [TableMemory], entries that are touched by [#MAX_WORK], translations by
/// [#MAX_TRANSLATIONS].
final class TableScript {
  /// Entries that all lines together may touch: some ten seconds.
  static final long MAX_WORK = 1L << 28;

  /// Translations of one script, each of which is kept until the end.
  static final int MAX_TRANSLATIONS = 1 << 18;

  /// Characters of a word: more than any number has.
  private static final int MAX_WORD = 40;

  /// What a format made of flags.
  ///
  /// @param asked letters
  /// @param given letters
  /// @param line where it happened first
  /// @param count on how many lines
  record Note(String asked, String given, int line, int count) {}

  private final TableMemory memory;
  private final AddressSpace space;
  private final PageFormat format;
  private final FlushBatch batch = new FlushBatch(FlushBatch.DEFAULT_LIMIT, null);
  private final List<TableWalk> translations = new ArrayList<>();
  private final Map<String, Note> notes = new LinkedHashMap<>();
  private final TableRefusal refusal;
  private long workLeft = MAX_WORK;
  private int line;

  TableScript(TableMemory memory) {
    this.memory = memory;
    this.space = memory.space();
    this.format = memory.format();
    refusal = new TableRefusal(memory);
  }

  /// Runs a whole script.
  ///
  /// @throws InputException at the first line that is refused, with its number
  void run(String text) throws InputException {
    int at = 0;
    while (at < text.length()) {
      int end = text.indexOf('\n', at);
      end = end < 0 ? text.length() : end;
      line++;
      try {
        runLine(text.substring(at, end));
      } catch (ScriptException | TypeConversionException e) {
        throw new TableScriptException(line, at, String.valueOf(e.getMessage()));
      }
      at = end + 1;
    }
  }

  /// The translations that were asked for.
  List<TableWalk> translations() {
    return translations;
  }

  /// Where flags became others, since the format has no such.
  List<Note> notes() {
    return List.copyOf(notes.values());
  }

  // ---- One line ----

  private void runLine(String text) throws ScriptException {
    int comment = text.indexOf('#');
    String command = (comment < 0 ? text : text.substring(0, comment)).strip();
    if (command.isEmpty()) {
      return;
    }
    String[] words = command.split("\\s+");
    for (String word : words) {
      if (word.length() > MAX_WORD) {
        throw new ScriptException(
            "'%s…' is too long for any word".formatted(word.substring(0, MAX_WORD)));
      }
    }
    switch (words[0]) {
      case "map" -> map(words);
      case "unmap" -> {
        requireWords(words, 3, 3, "unmap VA LENGTH");
        long va = Numbers.parse(words[1]);
        long byteSize = Numbers.parse(words[2]);
        refusal.ofUnmap(space.unmap(va, byteSize, batch), va, byteSize);
        done(byteSize);
      }
      case "protect" -> {
        requireWords(words, 4, 4, "protect VA LENGTH FLAGS");
        long va = Numbers.parse(words[1]);
        long byteSize = Numbers.parse(words[2]);
        int flags = TableFlags.parse(words[3]);
        refusal.ofProtect(space.protect(va, byteSize, flags, batch), va, byteSize);
        note(flags);
        done(byteSize);
      }
      case "split" -> {
        requireWords(words, 3, 3, "split VA SIZE");
        long va = Numbers.parse(words[1]);
        refusal.ofSplit(space.split(va, FormatText.level(format, words[2]), batch), va);
        done(Pages.PAGE_SIZE);
      }
      case "collapse" -> {
        requireWords(words, 3, 3, "collapse VA SIZE");
        long va = Numbers.parse(words[1]);
        int level = FormatText.level(format, words[2]);
        refusal.ofCollapse(space.collapse(va, level, batch), va, level);
        done(format.pageByteSize(level));
      }
      case "translate" -> {
        requireWords(words, 2, 2, "translate VA");
        if (translations.size() == MAX_TRANSLATIONS) {
          throw new ScriptException(
              "a script may have " + Numbers.count(MAX_TRANSLATIONS) + " translations");
        }
        translations.add(TableWalk.of(memory, line, Numbers.parse(words[1])));
      }
      default ->
          throw new ScriptException(
              "'" + words[0] + "' is none of map, unmap, protect, split, collapse, translate");
    }
  }

  private void map(String[] words) throws ScriptException {
    requireWords(words, 5, 6, "map VA PA LENGTH FLAGS [SIZE]");
    long va = Numbers.parse(words[1]);
    long pa = Numbers.parse(words[2]);
    long byteSize = Numbers.parse(words[3]);
    int flags = TableFlags.parse(words[4]);
    boolean exact = words.length == 6;
    int level = exact ? FormatText.level(format, words[5]) : format.largestLeafLevel();
    refuseTooManyTables(va, pa, byteSize, level);
    int used = flags | TableFlags.USED;
    refusal.ofMap(
        exact
            ? space.mapExact(va, pa, byteSize, used, level)
            : space.map(va, pa, byteSize, used, level),
        va,
        pa,
        byteSize,
        exact ? level : 1);
    note(flags);
    done(byteSize);
  }

  /// Refuses what cannot fit before any memory is touched for it. Tables that are there already may
  /// save it some.
  private void refuseTooManyTables(long va, long pa, long byteSize, int level)
      throws ScriptException {
    long last = va + byteSize - 1;
    if (((va | pa | byteSize) & Pages.PAGE_MASK) != 0
        || byteSize <= 0
        || last < va
        || !format.isCanonical(va)
        || !format.isCanonical(last)) {
      return; // refused for another reason
    }
    long needed = TableCount.of(format, va, pa, byteSize, level);
    if (needed - space.tableCount() > memory.freeTableCount()) {
      throw new ScriptException(TableRefusal.noTable(needed));
    }
  }

  /// A line is done: nobody has these translations cached, so tables are freed at once.
  private void done(long byteSize) throws ScriptException {
    space.flushed(batch);
    long entries = space.tableCount() * format.entryCount();
    workLeft -= Math.min(byteSize >>> Pages.PAGE_SHIFT, entries);
    if (workLeft < 0) {
      throw new ScriptException(
          "the lines until here touch more than " + Numbers.count(MAX_WORK) + " entries");
    }
  }

  private void note(int flags) {
    String asked = TableFlags.letters(flags);
    String given = TableFlags.letters(format.expressible(flags));
    if (!asked.equals(given)) {
      notes.merge(
          asked,
          new Note(asked, given, line, 1),
          (first, _) -> new Note(asked, given, first.line(), first.count() + 1));
    }
  }

  // ---- Words ----

  private static void requireWords(String[] words, int atLeast, int atMost, String form)
      throws ScriptException {
    if (words.length < atLeast || words.length > atMost) {
      throw new ScriptException(
          "'%s' has %d words, but its form is: %s".formatted(words[0], words.length, form));
    }
  }
}
