package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The bytes of images against entries that were put together by hand from the manuals.
class TablesBytesTest {
  @TempDir Path folder;

  /// Intel SDM 3A, tables 5-15 to 5-20: P 1, R/W 2, U/S 4, PWT 8, PCD 10h, A 20h, D 40h, PS 80h, G
  /// 100h, XD bit 63. Indices are bits 47-39, 38-30, 29-21, 20-12.
  @Test
  void entriesOfX86WithFourLevels() throws Exception {
    TablesRun run =
        TablesRun.of(
            folder,
            """
            map 0x40201000 0x12345000 4k rw          # indices 0, 1, 1, 1
            map 0xffff800040000000 0x80000000 1g rxg  # indices 256, 1: a page of 1 GiB
            map 0x200000 0xfee00000 2m rwud           # indices 0, 0, 1: a page of 2 MiB, PCD and PWT
            """,
            "--arch",
            "x86_64");
    assertEquals(0x100000, run.address("root"));
    assertEquals("0x0000000000101027", run.at(0x100000));
    assertEquals("0x0000000000102027", run.at(0x101008));
    assertEquals("0x0000000000103027", run.at(0x102008));
    assertEquals("0x8000000012345063", run.at(0x103008));
    assertEquals("0x0000000000104027", run.at(0x100800));
    assertEquals("0x00000000800001e1", run.at(0x104008));
    assertEquals("0x0000000000105027", run.at(0x101000));
    assertEquals("0x80000000fee000ff", run.at(0x105008));
    assertEquals(8, run.entryCount());
    assertEquals(6 * 4096, run.image().capacity());
    assertEquals(6, run.json().get("tables"));
    assertEquals(Map.of("4k", 1, "2m", 1, "1g", 1), run.json().get("pages"));
  }

  /// The same, with bits 56-48 as the highest index.
  @Test
  void entriesOfX86WithFiveLevels() throws Exception {
    TablesRun run =
        TablesRun.of(
            folder, "map 0x1000000000000 0x5000 4k r", "--arch", "x86_64-la57", "--base", "2MiB");
    assertEquals(0x200000, run.address("root"));
    assertEquals("0x0000000000201027", run.at(0x200008));
    assertEquals("0x0000000000202027", run.at(0x201000));
    assertEquals("0x0000000000203027", run.at(0x202000));
    assertEquals("0x0000000000204027", run.at(0x203000));
    assertEquals("0x8000000000005061", run.at(0x204000));
    assertEquals(5, run.entryCount());
  }

  /// Intel SDM 3A, tables 5-4 to 5-6: the same low bits in entries of 4 bytes. Indices are bits
  /// 31-22 and 21-12; 768 is 0xC0000000.
  @Test
  void entriesOfI386() throws Exception {
    TablesRun run =
        TablesRun.of(
            folder,
            "map 0xC0000000 0 4m rwg\nmap 0xC0400000 0x7000 4k ru\ntranslate 0xc0400123",
            "--arch",
            "i386");
    assertEquals("0x000001e3", run.shortAt(0x100000 + 768 * 4));
    assertEquals("0x00101027", run.shortAt(0x100000 + 769 * 4));
    assertEquals("0x00007065", run.shortAt(0x101000));
    assertEquals(2 * 4096, run.image().capacity());
    assertEquals("0x7123", run.translations().getFirst().get("pa"));
    // Nothing forbids execution there, so what comes back says x.
    assertEquals("rxu", run.translations().getFirst().get("flags"));
    assertEquals(
        List.of(
            Map.of("asked", "rwg", "given", "rwxg", "line", 1, "lines", 1),
            Map.of("asked", "ru", "given", "rxu", "line", 2, "lines", 1)),
        run.json().get("notes"));
  }

  /// Arm DDI 0487, D8.3: valid 1, table or page 2, AttrIndx bits 4-2, AP\[2:1\] bits 7-6, SH bits
  /// 9-8 (3 inner shareable), AF bit 10, nG bit 11, PXN bit 53, UXN bit 54; bit 55 is software's,
  /// here dirty.
  @Test
  void entriesOfAarch64InBothHalves() throws Exception {
    TablesRun run =
        TablesRun.of(
            folder,
            "map 0xffff000000200000 0x40000000 2m rx\nmap 0x1000 0x9000000 4k rwd",
            "--arch",
            "aarch64");
    assertEquals(0x40200000, run.address("root"));
    assertEquals(0x40201000, run.address("root1"));
    assertEquals("0x0000000040202003", run.at(0x40201000));
    assertEquals("0x0000000040203003", run.at(0x40202000));
    // valid, block, index 0, AP 10, SH 11, AF, nG: F81h; UXN and dirty: C0h on top.
    assertEquals("0x00c0000040000f81", run.at(0x40203008));
    assertEquals("0x0000000040204003", run.at(0x40200000));
    assertEquals("0x0000000040205003", run.at(0x40204000));
    assertEquals("0x0000000040206003", run.at(0x40205000));
    // valid, page, index 1, AP 00, SH 00, AF, nG: C07h; UXN, PXN, dirty: E0h on top.
    assertEquals("0x00e0000009000c07", run.at(0x40206008));
    assertEquals(7, run.entryCount());
    assertEquals(7, run.json().get("tables"));
  }

  /// RISC-V privileged architecture, 10.4 (Sv39): V 1, R 2, W 4, X 8, U 10h, G 20h, A 40h, D 80h,
  /// frame number from bit 10 on.
  @Test
  void entriesOfSv39() throws Exception {
    TablesRun run =
        TablesRun.of(
            folder,
            "map 0xffffffc000000000 0x80000000 1g rwxg\nmap 0x40201000 0x12345000 4k rxu",
            "--arch",
            "sv39");
    assertEquals("0x00000000200000ef", run.at(0x80000800L));
    assertEquals("0x0000000020000401", run.at(0x80000008L));
    assertEquals("0x0000000020000801", run.at(0x80001008L));
    assertEquals("0x00000000048d14db", run.at(0x80002008L));
    assertEquals(4, run.entryCount());
  }

  @Test
  void sv48AndSv57HaveMoreLevelsAndLargerPages() throws Exception {
    TablesRun four = TablesRun.of(folder, "map 0 0 512GiB rw 512g", "--arch", "sv48");
    assertEquals("0x00000000000000c7", four.at(0x80000000L));
    assertEquals(1, four.json().get("tables"));
    TablesRun five = TablesRun.of(folder, "map 0 0 4k x", "--arch", "SV57");
    assertEquals("0x0000000020000401", five.at(0x80000000L));
    assertEquals("0x0000000020001001", five.at(0x80003000L));
    assertEquals("0x00000000000000c9", five.at(0x80004000L));
    assertEquals(5, five.entryCount());
  }

  /// 12 (Svpbmt): bits 62-61, of which 2 is for devices; reserved without it.
  @Test
  void aDeviceOnRiscvHasATypeOnlyWithSvpbmt() throws Exception {
    String script = "map 0 0 1g rwd\ntranslate 0";
    TablesRun plain = TablesRun.of(folder, script, "--arch", "sv39");
    assertEquals("0x00000000000000c7", plain.at(0x80000000L));
    assertEquals("rw", plain.translations().getFirst().get("flags"));
    assertEquals(
        List.of(Map.of("asked", "rwd", "given", "rw", "line", 1, "lines", 1)),
        plain.json().get("notes"));
    TablesRun typed = TablesRun.of(folder, script, "--arch", "sv39", "--svpbmt");
    assertEquals("0x40000000000000c7", typed.at(0x80000000L));
    assertEquals("rwd", typed.translations().getFirst().get("flags"));
    assertEquals(List.of(), typed.json().get("notes"));
  }

  @Test
  void tablesThatWereFreedAreZeroInTheImageAndUsedAgainLowestFirst() throws Exception {
    String script =
        """
        map 0 0 4k rw
        map 0x8000000000 0 4k rw      # three more tables, 0x104000 to 0x106000
        unmap 0 4k                    # 0x101000 to 0x103000 are free
        """;
    TablesRun freed = TablesRun.of(folder, script, "--arch", "x86_64");
    assertEquals(4, freed.json().get("tables"));
    assertEquals(7 * 4096, freed.image().capacity());
    assertEquals(4, freed.entryCount());
    TablesRun again =
        TablesRun.of(folder, script + "map 0x10000000000 0 4k rw\n", "--arch", "x86_64");
    assertEquals("0x0000000000101027", again.at(0x100010));
    assertEquals(7 * 4096, again.image().capacity());
    TablesRun last = TablesRun.of(folder, script + "unmap 0x8000000000 4096", "--arch", "x86_64");
    assertEquals(4096, last.image().capacity());
    assertEquals(0, last.entryCount());
  }
}
