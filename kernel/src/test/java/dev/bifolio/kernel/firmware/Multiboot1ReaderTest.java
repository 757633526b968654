package dev.bifolio.kernel.firmware;

import static dev.bifolio.kernel.firmware.MultibootBytes.memoryOf;
import static dev.bifolio.kernel.firmware.MultibootBytes.reservedOf;
import static dev.bifolio.kernel.firmware.MultibootBytes.warningsOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.ReservedRegion.Source;
import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.Test;

class Multiboot1ReaderTest {
  /// Information at 0x9500; whatever it points to lies in pieces of its own.
  private static final long INFO = 0x9500;

  private final MultibootBytes list = new MultibootBytes();

  private static byte[] information(long flags, long... fields) {
    byte[] bytes = new byte[116];
    put(bytes, 0, flags);
    for (int i = 0; i < fields.length; i += 2) {
      put(bytes, (int) fields[i], fields[i + 1]);
    }
    return bytes;
  }

  private static void put(byte[] bytes, int offset, long value) {
    for (int i = 0; i < 4; i++) {
      bytes[offset + i] = (byte) (value >>> (8 * i));
    }
  }

  private static MemoryMap read(byte[] information, ByteView... others) throws Exception {
    ByteView[] pieces = new ByteView[others.length + 1];
    pieces[0] = ByteView.at(INFO, information);
    System.arraycopy(others, 0, pieces, 1, others.length);
    return Multiboot1Reader.read(ByteView.ofPieces(pieces), INFO);
  }

  private void entry(long base, long byteSize, long type) {
    list.u32(20).u64(base, byteSize).u32(type);
  }

  private MemoryMap readList() throws Exception {
    byte[] bytes = list.toBytes();
    return read(
        information(1 | 1 << 6, 4, 639, 8, 7192, 44, bytes.length, 48, 0x10000),
        ByteView.at(0x10000, bytes));
  }

  @Test
  @Behaviour("113")
  void entriesAreSteppedByTheirOwnSize() throws Exception {
    list.u32(20).u64(0, 0x9fc00).u32(1);
    list.u32(24).u64(0x9fc00, 0x400).u32(2).u32(0xFFFF_FFFFL);
    list.u32(33).u64(0x100000, 0x700000).u32(1).padTo(list.byteCount() + 13);
    list.u32(20).u64(0x1000000, 0x1000000).u32(1);
    MemoryMap map = readList();
    assertEquals("0x0+0x9fc00 0x100000+0x700000 0x1000000+0x1000000", memoryOf(map));
    assertEquals("0x9fc00+0x400 reserved", reservedOf(map, Source.FIRMWARE));
    assertEquals(Architecture.X86_64, map.architecture());
    assertEquals("multiboot1", map.format());
  }

  @Test
  @Behaviour("113")
  void memoryAboveFourGibKeepsItsUpperAddressBits() throws Exception {
    entry(0, 0x9fc00, 1);
    entry(0x1_0000_0000L, 0x4000_0000L, 1);
    entry(0x10_0010_0000L, 0x12_3456_7000L, 1);
    assertEquals(
        "0x0+0x9fc00 0x100000000+0x40000000 0x1000100000+0x1234567000", memoryOf(readList()));
  }

  @Test
  @Behaviour("113")
  void moreThanThirtyTwoRangesAreAllHonoured() throws Exception {
    StringBuilder expected = new StringBuilder();
    for (int i = 0; i < 500; i++) {
      entry(0x10000L * i, 0x8000, 1 + i % 2);
      if (i % 2 == 0) {
        expected.append(i == 0 ? "" : " ").append("0x" + Long.toHexString(0x10000L * i));
        expected.append("+0x8000");
      }
    }
    MemoryMap map = readList();
    assertEquals(expected.toString(), memoryOf(map));
    // 250 stated ones, and two extents of the loader: information and map.
    assertEquals(252, map.reservedCount());
  }

  @Test
  @Behaviour("114")
  void everyKindOfRangeIsCovered() throws Exception {
    for (int type = 1; type <= 5; type++) {
      entry(0x100000L * type, 0x1000, type);
    }
    entry(0x600000, 0x1000, 20);
    byte[] bytes = list.toBytes();
    byte[] info =
        information(
            1 << 6 | 1 << 12, 44, bytes.length, 48, 0x9000, 88, 0xFD00_0000L, 96, 4096, 104, 768);
    MemoryMap map = read(info, ByteView.at(0x9000, bytes));
    assertEquals("0x100000+0x1000", memoryOf(map));
    assertEquals(
        "0x200000+0x1000 reserved, 0x300000+0x1000 ACPI reclaimable, 0x400000+0x1000 ACPI NVS, "
            + "0x500000+0x1000 unusable, 0x600000+0x1000 type 20, "
            + "0xfd000000+0x300000 framebuffer",
        reservedOf(map, Source.FIRMWARE));
  }

  @Test
  @Behaviour({"113", "114"})
  void everythingTheLoaderWroteIsReservedUnderItsName() throws Exception {
    entry(0, 0x9fc00, 1);
    byte[] bytes = list.toBytes();
    byte[] modules =
        new MultibootBytes()
            .u32(0x103000, 0x103001, 0xA010, 0)
            .u32(0x104000, 0x104000, 0, 0)
            .toBytes();
    byte[] strings =
        new MultibootBytes().text("root=/dev/ram0").padTo(16).text("a b").text("GRUB").toBytes();
    byte[] info =
        information(
            0xE6C,
            16,
            0xA000,
            20,
            2,
            24,
            0xB000,
            44,
            bytes.length,
            48,
            0x9000,
            28,
            3,
            32,
            40,
            36,
            0xC000,
            64,
            0xA014,
            68,
            0xD000,
            72,
            0xE000,
            76,
            0xF000);
    MemoryMap map =
        read(
            info,
            ByteView.at(0x9000, bytes),
            ByteView.at(0xA000, strings),
            ByteView.at(0xB000, modules));
    assertEquals("root=/dev/ram0", map.commandLine());
    assertEquals("GRUB", map.loaderName());
    assertEquals(2, map.moduleCount());
    assertEquals(new BootModule(0x103000, 1, "a b"), map.module(0));
    assertEquals(new BootModule(0x104000, 0, ""), map.module(1));
    assertEquals(
        "0x9000+0x18 memory map, 0x9500+0x58 Multiboot information, 0xa000+0xf command line, "
            + "0xa010+0x4 module 0 command line, 0xa014+0x5 loader name, 0xb000+0x20 module list, "
            + "0xc000+0x78 section headers, 0xd000+0x14 APM table, 0xe000+0x200 VBE control, "
            + "0xf000+0x100 VBE mode",
        reservedOf(map, Source.BOOT_INFO));
  }

  @Test
  void sizesCountOnlyWithoutAMap() throws Exception {
    MemoryMap sizes = read(information(1, 4, 639, 8, 64384));
    assertEquals("0x0+0x9fc00 0x100000+0x3ee0000", memoryOf(sizes));
    assertTrue(warningsOf(sizes).contains("no memory map"), warningsOf(sizes));
    entry(0, 0x1000, 1);
    assertEquals("0x0+0x1000", memoryOf(readList()));
    MemoryMap emptyMap = read(information(1 | 1 << 6, 4, 640, 8, 1024));
    assertEquals("0x0+0xa0000 0x100000+0x100000", memoryOf(emptyMap));
    MemoryMap largeLower = read(information(1, 4, 0xFFFF_FFFFL, 8, 0xFFFF_FFFFL));
    assertEquals("0x0+0xa0000 0x100000+0x3fffffffc00", memoryOf(largeLower));
    assertTrue(warningsOf(largeLower).contains("cut at 640 KiB"), warningsOf(largeLower));
  }

  @Test
  void withoutMapAndSizesThereIsNoMemoryAndAWarning() throws Exception {
    MemoryMap map = read(information(0));
    assertEquals(0, map.memoryCount());
    assertNull(map.commandLine());
    assertTrue(warningsOf(map).contains("neither a memory map nor memory sizes"));
    assertEquals("0x9500+0x4 Multiboot information", reservedOf(map, Source.BOOT_INFO));
  }

  @Test
  void entriesThatAreTooSmallOrCutAreRefusedWhereTheyAre() {
    for (long size : new long[] {0, 19}) {
      list.u32(20).u64(0, 0x1000).u32(1).u32(size).u64(0, 0).u32(1);
      assertEquals(0x10018, assertThrows(MemoryMapException.class, this::readList).offset());
    }
    MultibootBytes cut = new MultibootBytes().u32(20).u64(0, 0x1000);
    byte[] bytes = cut.padTo(23).toBytes();
    byte[] info = information(1 << 6, 44, 23, 48, 0x9000);
    MemoryMapException refused =
        assertThrows(MemoryMapException.class, () -> read(info, ByteView.at(0x9000, bytes)));
    assertEquals(0x9000, refused.offset());
  }

  @Test
  void hugeCountsAndPointersOutsideTheImageAreRefused() {
    byte[] some = new byte[64];
    long[][] cases = {
      {1 << 6, 44, 0xFFFF_FFFFL, 48, 0x9000},
      {1 << 6, 44, 4096, 48, 0x9000},
      {1 << 6, 44, 24, 48, 0x8FF0},
      {1 << 3, 20, 0xFFFF_FFFFL, 24, 0x9000},
      {1 << 3, 20, 5, 24, 0x9000},
      {1 << 2, 16, 0xFFFF_FFF0L},
      {1 << 9, 64, 0x12345},
    };
    for (long[] each : cases) {
      long[] fields = new long[each.length - 1];
      System.arraycopy(each, 1, fields, 0, fields.length);
      assertThrows(
          MemoryMapException.class,
          () -> read(information(each[0], fields), ByteView.at(0x9000, some)),
          "flags " + each[0]);
    }
  }

  @Test
  void aStringHasAtMost64KibAndAllTogetherAMib() throws Exception {
    byte[] longest = new byte[(1 << 16) + 1];
    java.util.Arrays.fill(longest, 0, 1 << 16, (byte) 'x');
    byte[] info = information(1 << 2, 16, 0x20000);
    MemoryMap map = read(info, ByteView.at(0x20000, longest));
    String line = map.commandLine();
    assertEquals(1 << 16, line == null ? 0 : line.length());
    byte[] longer = new byte[(1 << 16) + 2];
    java.util.Arrays.fill(longer, 0, (1 << 16) + 1, (byte) 'x');
    assertThrows(MemoryMapException.class, () -> read(info, ByteView.at(0x20000, longer)));

    // 65536 modules that share one long string must not cost 4 GiB.
    MultibootBytes modules = new MultibootBytes();
    for (int i = 0; i < 1 << 16; i++) {
      modules.u32(0, 0, 0x20000, 0);
    }
    byte[] shared = information(1 << 3, 20, 1 << 16, 24, 0x100000);
    MemoryMapException refused =
        assertThrows(
            MemoryMapException.class,
            () ->
                read(
                    shared,
                    ByteView.at(0x20000, longest),
                    ByteView.at(0x100000, modules.toBytes())));
    assertTrue(String.valueOf(refused.getMessage()).contains("1 MiB"), refused.getMessage());
  }

  @Test
  void aModuleThatEndsBeforeItStartsIsRefused() {
    byte[] modules = new MultibootBytes().u32(0x2000, 0x1fff, 0, 0).toBytes();
    byte[] info = information(1 << 3, 20, 1, 24, 0x9000);
    assertThrows(MemoryMapException.class, () -> read(info, ByteView.at(0x9000, modules)));
  }
}
