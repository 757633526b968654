package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TablesRefusalTest {
  @TempDir Path folder;

  /// Runs lines behind three that are well, so that the refused one is the fourth, and says why.
  private String refused(String line, String... arguments) throws Exception {
    String script = "# a comment\nmap 0x200000 0x400000 2m rw\n\n" + line + "\ntranslate 0\n";
    Path file = Files.writeString(folder.resolve("bad"), script);
    Path image = folder.resolve("never");
    List<String> all = new ArrayList<>(List.of("tables", "--script", file.toString()));
    all.addAll(List.of("--image", image.toString()));
    all.addAll(arguments.length == 0 ? List.of("--arch", "x86_64") : List.of(arguments));
    CommandRun run = CommandRun.of(all.toArray(String[]::new));
    assertEquals(2, run.exit(), run.err());
    assertEquals("", run.out());
    assertEquals(1, run.err().lines().count(), run.err());
    String start = "bifolio: " + file + ": line 4: ";
    assertTrue(run.err().startsWith(start), run.err());
    assertFalse(Files.exists(image), "an image was written");
    return run.err().substring(start.length()).strip();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "frob 1 2 | 'frob' is none of map, unmap, protect, split, collapse, translate",
        "MAP 0 0 4k r | 'MAP' is none of map, unmap, protect, split, collapse, translate",
        "map 0 0 4k | 'map' has 4 words, but its form is: map VA PA LENGTH FLAGS [SIZE]",
        "map 0 0 4k r 4k 4k | 'map' has 7 words, but its form is: map VA PA LENGTH FLAGS [SIZE]",
        "unmap 0 | 'unmap' has 2 words, but its form is: unmap VA LENGTH",
        "protect 0 4k | 'protect' has 3 words, but its form is: protect VA LENGTH FLAGS",
        "split 0 | 'split' has 2 words, but its form is: split VA SIZE",
        "collapse 0 2m 1 | 'collapse' has 4 words, but its form is: collapse VA SIZE",
        "translate | 'translate' has 1 words, but its form is: translate VA",
        "map 0xg 0 4k r | '0xg' is no number such as 0x80000000, 4096, 512M or 2GiB",
        "map 0 -1 4k r | '-1' is no number such as 0x80000000, 4096, 512M or 2GiB",
        "map 0 0 99999999T r | '99999999T' does not fit 64 bits",
        "map 0 0 4k rq | 'rq' are no flags: letters of rwxugd, such as rw or rxu",
        "map 0 0 4k rr | 'rr' names a flag twice",
        "map 0 0 4k ug | 'ug' allows nothing: it needs r, w or x",
        "protect 0x200000 4k d | 'd' allows nothing: it needs r, w or x",
        "map 0 0 4m r 4m | '4m' is no page size of x86_64, which has 4k, 2m, 1g",
        "split 0x200000 5 | '5' is no page size of x86_64, which has 4k, 2m, 1g",
      })
  void aLineThatIsNotUnderstoodIsToldWithItsNumber(String line, String why) throws Exception {
    assertEquals(why, refused(line));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        // MapOutcome
        "map 0x3ff000 0 4k r | already mapped: 0x3ff000 goes to 0x5ff000, by a page of 2 MiB",
        "map 0x1ff000 0 8k r | already mapped: 0x200000 goes to 0x400000, by a page of 2 MiB",
        "map 0 0 1g r 1g | already mapped: 0x200000 goes to 0x400000, by a page of 2 MiB",
        "map 0x800 0 4k r | VA 0x800 is no multiple of 4 KiB",
        "map 0 0x800 4k r | PA 0x800 is no multiple of 4 KiB",
        "map 0 0 100 r | LENGTH 0x64 is no multiple of 4 KiB",
        "map 0 0 0 r | the LENGTH is 0",
        "map 0 0x1000 2m r 2m | PA 0x1000 is no multiple of 2 MiB",
        "map 0 0 4k r 2m | LENGTH 0x1000 is no multiple of 2 MiB",
        "map 0x800000000000 0 4k r | 4 KiB from 0x800000000000 on: addresses of x86_64 have bits 63 to 48 all like bit 47",
        "map 0x7ffffffff000 0 8k r | 8 KiB from 0x7ffffffff000 on: addresses of x86_64 have bits 63 to 48 all like bit 47",
        "map 0xfffffffffffff000 0 8k r | 8 KiB from 0xfffffffffffff000 on are addresses of both halves, or wrap around",
        "map 0x40000000 0x10000000000000 4k r | 4 KiB from 0x10000000000000 on: physical addresses of x86_64 end at 2^52",
        "map 0x40000000 0xfffffffff000 0x10000000000000 r | 4 PiB from 0x40000000 on: addresses of x86_64 have bits 63 to 48 all like bit 47",
        // UnmapOutcome
        "unmap 0x3ff000 8k | not mapped: 0x400000",
        "unmap 0x40000000 4k | not mapped: 0x40000000",
        "unmap 0x200000 3 | LENGTH 0x3 is no multiple of 4 KiB",
        "unmap 0x200001 4k | VA 0x200001 is no multiple of 4 KiB",
        "unmap 0x200000 0 | the LENGTH is 0",
        "unmap 0x8000000000000000 4k | 4 KiB from 0x8000000000000000 on: addresses of x86_64 have bits 63 to 48 all like bit 47",
        // ProtectOutcome
        "protect 0x1ff000 8k r | not mapped: 0x1ff000",
        "protect 0x200000 1 r | LENGTH 0x1 is no multiple of 4 KiB",
        "protect 0x8000000000000000 4k r | 4 KiB from 0x8000000000000000 on: addresses of x86_64 have bits 63 to 48 all like bit 47",
        // SplitOutcome, CollapseOutcome
        "split 0x1000 4k | not mapped: 0x1000",
        "split 0x800000000000 4k | 0x800000000000: addresses of x86_64 have bits 63 to 48 all like bit 47",
        "collapse 0x200000 1g | not mapped: 0x0",
        "collapse 0x80000000 1g | not mapped: 0x80000000",
        "collapse 0x800000000000 2m | 0x800000000000: addresses of x86_64 have bits 63 to 48 all like bit 47",
      })
  void anOperationThatIsRefusedSaysWhyAndWhere(String line, String why) throws Exception {
    assertEquals(why, refused(line));
  }

  @Test
  void whatIsNoTextIsToldInAShortLine() throws Exception {
    assertEquals("'" + "x".repeat(40) + "…' is too long for any word", refused("x".repeat(5_000)));
    assertEquals(
        "'%s' is none of".formatted("x".repeat(40)), refused("x".repeat(40)).substring(0, 53));
  }

  @Test
  @Tag("slow")
  void aScriptThatNeverEndsIsStopped() throws Exception {
    String lines = "protect 0 512m r\n".repeat(2048); // 2^17 entries each
    Path file = Files.writeString(folder.resolve("long"), "map 0 0 512m rw 4k\n" + lines);
    CommandRun run = CommandRun.of("tables", "--arch", "sv39", "--script", file.toString());
    assertEquals(2, run.exit());
    assertEquals(
        "bifolio: "
            + file
            + ": line 2049: the lines until here touch more than 268,435,456 entries",
        run.err().strip());
    assertEquals("", run.out());
  }

  @Test
  @Tag("slow")
  void aScriptHasSoManyTranslationsAndNoMore() throws Exception {
    String lines = "translate 0\n".repeat(TableScript.MAX_TRANSLATIONS);
    Path file = Files.writeString(folder.resolve("most"), lines);
    String[] words = {"tables", "--arch", "sv39", "--script", file.toString(), "--json"};
    assertEquals(0, CommandRun.of(words).exit());
    Files.writeString(file, lines + "translate 0\n");
    CommandRun run = CommandRun.of(words);
    assertEquals(2, run.exit());
    assertEquals(
        "bifolio: " + file + ": line 262145: a script may have 262,144 translations",
        run.err().strip());
    assertTrue(run.out().length() < 1000, "nothing but the refusal");
  }

  @Test
  void pagesThatAreNotAlikeDoNotCollapse() throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("s"), "map 0 0 2m rw 4k\nprotect 0x5000 4k r\ncollapse 0 2m");
    CommandRun run = CommandRun.of("tables", "--arch", "x86_64", "--script", file.toString());
    assertEquals(2, run.exit());
    assertEquals(
        "bifolio: %s: line 3: the pages of these 2 MiB are not one aligned run of memory with the same flags\n"
            .formatted(file),
        run.err());
  }

  @Test
  void mappingsWhoseTablesDoNotFitAreRefusedBeforeAnythingIsTouched() throws Exception {
    // From 1 GiB to 128 TiB: 67,108,352 entries of 2 MiB, 131,071 of 1 GiB, 256 of 512 GiB.
    assertEquals(
        "no memory for its tables: 67,239,679 more (256.4 GiB), and there are at most 1 GiB",
        refused("map 0x40000000 0 0x7fffc0000000 r 4k"));
    assertTrue(refused("map 0x40000000 0x1000 64TiB r").startsWith("no memory for its tables: "));
  }

  @Test
  void otherFormatsHaveOtherAddresses() throws Exception {
    assertEquals(
        "4 KiB from 0x100000000 on: addresses of i386 have 32 bits",
        refused("map 0x100000000 0 4k r", "--arch", "i386"));
    assertEquals(
        "4 KiB from 0x1000000000000 on: addresses of aarch64 have bits 63 to 48 all 0 or all 1",
        refused("map 0x1000000000000 0 4k r", "--arch", "aarch64"));
    assertEquals(
        "4 KiB from 0x4000000000 on: addresses of sv39 have bits 63 to 39 all like bit 38",
        refused("map 0x4000000000 0 4k r", "--arch", "sv39"));
    assertEquals(
        "4 KiB from 0x100000000 on: physical addresses of i386 end at 2^32",
        refused("map 0 0x100000000 4k r", "--arch", "i386"));
  }

  @Test
  void inJsonARefusalIsAnObjectWithTheLineAndTheOffset() throws Exception {
    Path file = Files.writeString(folder.resolve("s"), "translate 0\n\nmap 0 0 1 r\n");
    CommandRun run =
        CommandRun.of("tables", "--json", "--arch", "sv39", "--script", file.toString());
    assertEquals(2, run.exit());
    assertEquals(List.of("file", "error", "offset", "line"), keys(run));
    assertEquals("line 3: LENGTH 0x1 is no multiple of 4 KiB", run.json().getFirst().get("error"));
    assertEquals(3, run.json().getFirst().get("line"));
    assertEquals(13, run.json().getFirst().get("offset"));
    assertEquals("bifolio: " + file + ": line 3: LENGTH 0x1 is no multiple of 4 KiB\n", run.err());
  }

  private static List<String> keys(CommandRun run) throws Exception {
    return List.copyOf(run.json().getFirst().keySet());
  }

  @Test
  void aMissingScriptAndAnImageThatCannotBeWrittenAreToldInOneLine() throws Exception {
    String missing = folder.resolve("missing").toString();
    CommandRun none = CommandRun.of("tables", "--arch", "sv39", "--script", missing);
    assertEquals(2, none.exit());
    assertEquals("bifolio: " + missing + ": no such file\n", none.err());
    Path file = Files.writeString(folder.resolve("s"), "translate 0");
    String image = folder.toString();
    CommandRun folderAsImage =
        CommandRun.of("tables", "--arch", "sv39", "--script", file.toString(), "--image", image);
    assertEquals(1, folderAsImage.exit());
    assertEquals("", folderAsImage.out());
    assertTrue(
        folderAsImage.err().startsWith("bifolio: " + image + ": the image cannot be written"),
        folderAsImage.err());
    assertEquals(1, folderAsImage.err().lines().count());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--script x",
        "--arch sv39",
        "--arch mips --script x",
        "--arch sv39 --script x --need 4k",
        "--arch sv39 --need 4k --image x",
        "--arch sv39 --need 4k --base 0",
        "--arch sv39 --script x --page 4k",
        "--arch x86_64 --script x --svpbmt",
        "--arch x86_64 --script x --base 0x100800",
        "--arch x86_64 --script x --base 0xffffffff01000",
        "--arch i386 --script x --base 0xfff01000",
        "--arch i386 --script x --base 0xfffffffffffff000",
        "--arch x86_64 --need 0",
        "--arch x86_64 --need 1 --page 4m",
        "--arch x86_64 --need 1 --page z",
        "--arch x86_64 --need 0x1000000000001",
      })
  void badUsageEndsWithOneLineAndExitCodeTwo(String arguments) {
    CommandRun run = CommandRun.of(("tables " + arguments).split(" "));
    assertEquals(2, run.exit(), run.err());
    assertEquals("", run.out());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains("(see bifolio help tables)"), run.err());
  }
}
