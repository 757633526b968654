package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.TableCount;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TablesCommandTest {
  @TempDir Path folder;

  private String text(String script, String architecture) throws Exception {
    Path file = Files.writeString(folder.resolve("s"), script);
    CommandRun run = CommandRun.of("tables", "--arch", architecture, "--script", file.toString());
    assertEquals(0, run.exit(), run.err());
    return run.out();
  }

  @Test
  void theJsonHasEveryFieldOfTheContract() throws Exception {
    TablesRun run =
        TablesRun.of(
            folder,
            "map 0x200000 0x400000 2m rwu\ntranslate 0x212345\ntranslate 0\ntranslate 1T",
            "--arch",
            "sv39");
    assertEquals(
        List.of(
            "architecture",
            "root",
            "root1",
            "imageBase",
            "imageSize",
            "tables",
            "pages",
            "translations",
            "notes"),
        List.copyOf(run.json().keySet()));
    assertEquals("sv39", run.json().get("architecture"));
    assertEquals("0x80000000", run.json().get("root"));
    assertEquals(null, run.json().get("root1"));
    assertEquals("0x80000000", run.json().get("imageBase"));
    assertEquals(8192, run.json().get("imageSize"));
    assertEquals(2, run.json().get("tables"));
    List<Map<?, ?>> all = run.translations();
    assertEquals(3, all.size());
    assertEquals(
        List.of("va", "pa", "pageSize", "flags", "fault"), List.copyOf(all.getFirst().keySet()));
    assertEquals(
        "{va=0x212345, pa=0x412345, pageSize=2097152, flags=rwu, fault=null}",
        all.get(0).toString());
    assertEquals("{va=0x0, pa=null, pageSize=0, flags=, fault=not-present}", all.get(1).toString());
    assertEquals(
        "{va=0x10000000000, pa=null, pageSize=0, flags=, fault=not-canonical}",
        all.get(2).toString());
  }

  @Test
  void aTranslationIsOfTheTablesAtItsLine() throws Exception {
    TablesRun run =
        TablesRun.of(
            folder,
            """
            translate 0x1000
            map 0 0x200000 2m rw
            translate 0x1fff
            split 0x1000 4k\t# a tab, a comment
            translate 0x1fff
            protect 4096 4KiB rx
            translate 0x1fff
            protect 0 2MiB rwg
            collapse 0x5000 2m
            translate 0x1fff\r
            unmap 0x1000 4k
            translate 0x1fff\
            """,
            "--arch",
            "x86_64");
    List<String> seen =
        run.translations().stream()
            .map(row -> row.get("pa") + " " + row.get("pageSize") + " " + row.get("flags"))
            .toList();
    assertEquals(
        List.of(
            "null 0 ",
            "0x201fff 2097152 rw",
            "0x201fff 4096 rw",
            "0x201fff 4096 rx",
            "0x201fff 2097152 rwg",
            "null 0 "),
        seen);
    assertEquals(Map.of("4k", 511, "2m", 0, "1g", 0), run.json().get("pages"));
  }

  @Test
  void withoutASizeTheLargestPagesAreTakenWithOneOnlyThese() throws Exception {
    TablesRun largest =
        TablesRun.of(folder, "map 0x1ff000 0x1ff000 0x40202000 rw", "--arch", "x86_64");
    assertEquals(Map.of("4k", 2, "2m", 513, "1g", 0), largest.json().get("pages"));
    TablesRun small = TablesRun.of(folder, "map 0 0 2m rw 4K", "--arch", "x86_64");
    assertEquals(Map.of("4k", 512, "2m", 0, "1g", 0), small.json().get("pages"));
  }

  @Test
  void theTreeHasOneLineForPagesThatGoOnAndShowsEachStepOfATranslation() throws Exception {
    assertEquals(
        """
        x86_64: 4 levels; 6 tables, 24 KiB, from 0x100000 to 0x105fff

        root, level 4: table 0x100000
          [0] 0x0  level 3: table 0x101000
            [0] 0x0  level 2: table 0x102000
              [0..1] 0x0 -> 0x0  rw----  1,024 x 4 KiB, 2 full tables from 0x103000 on
              [2] 0x400000 -> 0x800000  r-x---  1 x 2 MiB
              [4] 0x800000  level 1: table 0x105000
                [0..2] 0x800000 -> 0x5000  r--u--  3 x 4 KiB
                [3] 0x803000 -> 0x8000  rw-u--  1 x 4 KiB
                [5] 0x805000 -> 0x9000  rw-u--  1 x 4 KiB

        level       tables           pages  of
            4            1               -
            3            1               0  1 GiB
            2            1               1  2 MiB
            1            3           1,029  4 KiB

        line 6: translate 0x801234
          level 4: table 0x100000, entry 0 at 0x100000: 0x0000000000101027, table 0x101000
          level 3: table 0x101000, entry 0 at 0x101000: 0x0000000000102027, table 0x102000
          level 2: table 0x102000, entry 4 at 0x102020: 0x0000000000105027, table 0x105000
          level 1: table 0x105000, entry 1 at 0x105008: 0x8000000000006065, page of 4 KiB at 0x6000, r--u--
          physical address 0x6234 = 0x6000 + offset 0x234

        line 7: translate 0x600000
          level 4: table 0x100000, entry 0 at 0x100000: 0x0000000000101027, table 0x101000
          level 3: table 0x101000, entry 0 at 0x101000: 0x0000000000102027, table 0x102000
          level 2: table 0x102000, entry 3 at 0x102018: 0x0000000000000000, nothing
          fault: not present: nothing is mapped in 2 MiB from 0x600000 on

        line 8: translate 0x8000000000000000
          fault: not canonical: addresses of x86_64 have bits 63 to 48 all like bit 47
        """,
        text(
            """
            map 0 0 4MiB rw 4k
            map 0x400000 0x800000 2MiB rx
            map 0x800000 0x5000 12k ru
            map 0x803000 0x8000 4k rwu
            map 0x805000 0x9000 4k rwu
            translate 0x801234
            translate 0x600000
            translate 0x8000000000000000
            """,
            "x86_64"));
  }

  @Test
  void bothRootsAreShownAndWhatAFormatCannotSayIsNoted() throws Exception {
    String arm = text("map 0xffff000000000000 0 4k rw", "aarch64");
    assertTrue(arm.contains("root, level 4, lower half: table 0x40200000\n  nothing\n"), arm);
    assertTrue(arm.contains("root, level 4, upper half: table 0x40201000\n  [0] 0xffff00"), arm);
    String pc = text("map 0xc0000000 0 4m rw\nmap 0 0 4m rw", "i386");
    assertTrue(pc.contains("[768] 0xc0000000 -> 0x0  rwx---  1 x 4 MiB\n"), pc);
    assertTrue(
        pc.endsWith(
            "\nnote: rw became rwx on 2 lines, first on line 1:"
                + " i386 cannot keep a page from being executed\n"),
        pc);
    String riscv = text("map 0 0 4k rwd", "sv39");
    assertTrue(
        riscv.endsWith(
            "\nnote: rwd became rw on line 1:"
                + " without Svpbmt the type of memory is the machine's (see --svpbmt)\n"),
        riscv);
    String x = text("map 0 0 4k x", "x86_64");
    assertTrue(x.endsWith("x became rx on line 1: what is mapped on x86_64 can be read\n"), x);
  }

  // ---- How much is needed ----

  @Test
  void smallPagesOver256TiBNeed512GiBOfLeafTables() throws Exception {
    CommandRun run =
        CommandRun.of("tables", "--arch", "x86_64", "--need", "256TiB", "--page", "4k");
    assertEquals(0, run.exit(), run.err());
    assertEquals(
        """
        x86_64: 256 TiB are mapped by pages of 4 KiB

        level  an entry spans           pages          tables      memory
            4         512 GiB               0               1       4 KiB  the root
            3           1 GiB               0             512       2 MiB  256 TiB / 512 GiB
            2           2 MiB               0         262,144       1 GiB  256 TiB / 1 GiB
            1           4 KiB  68,719,476,736     134,217,728     512 GiB  256 TiB / 2 MiB
          all                                     134,480,385   513.0 GiB

        A range that begins elsewhere than an entry of the root may take one more table a level.
        """,
        run.out());
  }

  @Test
  void theNeedOfTheLargestPagesIsSmall() throws Exception {
    CommandRun run = CommandRun.of("tables", "--json", "--arch", "x86_64", "--need", "0x40201001");
    assertEquals(0, run.exit(), run.err());
    Map<String, Object> json = run.json().getFirst();
    // One page of 1 GiB, one of 2 MiB, two of 4 KiB, and a table of each level for them.
    assertEquals(0x40202000, json.get("mapped"));
    assertEquals(4, json.get("tables"));
    assertEquals(4 * 4096, json.get("size"));
    List<Map<?, ?>> levels = SharedData.objects(json, "levels");
    assertEquals(
        "{level=1, pageSize=4096, pages=2, tables=1, size=4096}", levels.get(0).toString());
    assertEquals(1, levels.get(1).get("pages"));
    assertEquals(1, levels.get(2).get("pages"));
    assertEquals(
        "{level=4, pageSize=null, pages=0, tables=1, size=4096}", levels.get(3).toString());
    assertTrue(
        CommandRun.of("tables", "--arch", "x86_64", "--need", "1GiB")
            .out()
            .contains(
                "    2           2 MiB               0               0         0 B  nothing is left of pages of 1 GiB\n"));
  }

  @ParameterizedTest
  @EnumSource(TableArchitecture.class)
  void theNeedIsWhatTheKernelCountsAndWhatIsBuilt(TableArchitecture architecture) throws Exception {
    PageFormat format = architecture.format();
    String smallest = FormatText.pageSize(format, 1);
    for (long byteSize : new long[] {4096, 8 << 20, (12L << 20) + 4096, (1L << 30) + (6 << 20)}) {
      TableNeed largest = TableNeed.of(format, byteSize, null);
      assertEquals(
          1 + TableCount.of(format, 0, 0, byteSize, format.largestLeafLevel()),
          largest.tableCount());
      TableNeed small = TableNeed.of(format, byteSize, smallest);
      assertEquals(1 + TableCount.of(format, 0, 0, byteSize, 1), small.tableCount());
      TablesRun run =
          TablesRun.of(
              folder, "map 0 0 " + byteSize + " rw " + smallest, "--arch", architecture.label());
      int roots = format.rootCount();
      assertEquals((int) small.tableCount() + roots - 1, run.json().get("tables"));
      assertEquals(byteSize / 4096, small.pageCount(1));
    }
    long all = 1L << FormatText.virtualBits(format);
    assertEquals(1, TableNeed.of(format, all, null).tableCount(format.levels()));
    assertThrows(ScriptException.class, () -> TableNeed.of(format, all + 1, null));
  }

  @Test
  void theCommandIsInTheHelpAndInTheCompletion() {
    assertTrue(CommandRun.of("--help").out().contains("  tables "));
    CommandRun help = CommandRun.of("help", "tables");
    assertEquals(0, help.exit());
    assertTrue(help.out().contains("--image"), help.out());
    assertTrue(help.out().lines().allMatch(line -> line.length() <= 80), help.out());
    assertTrue(CommandRun.of("generate-completion").out().contains("x86_64-la57"));
  }
}
