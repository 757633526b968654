package dev.bifolio.kernel.firmware;

import static dev.bifolio.kernel.firmware.MultibootBytes.memoryOf;
import static dev.bifolio.kernel.firmware.MultibootBytes.reservedOf;
import static dev.bifolio.kernel.firmware.MultibootBytes.warningsOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.ReservedRegion.Source;
import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.Test;

class EfiMemoryMapReaderTest {
  private static MultibootBytes header(int stride) {
    return new MultibootBytes().u32(stride, 1);
  }

  private static MultibootBytes descriptor(
      MultibootBytes map, int stride, long type, long base, long pages, long attributes) {
    int start = map.byteCount();
    // Padding and virtual address hold garbage, which must not matter.
    map.u32(type, 0xDEADBEEFL).u64(base, -1L, pages, attributes);
    while (map.byteCount() < start + stride) {
      map.u8(0xA5);
    }
    return map;
  }

  private static MemoryMap read(MultibootBytes map) throws Exception {
    return EfiMemoryMapReader.read(ByteView.of(map.toBytes()), map.byteCount());
  }

  @Test
  @Behaviour({"90", "114"})
  void everyTypeHasItsKind() throws Exception {
    MultibootBytes map = header(48);
    for (int type = 0; type <= 16; type++) {
      descriptor(map, 48, type, 0x100000L * type, 1, 15);
    }
    MemoryMap result = read(map);
    assertEquals("efi", result.format());
    assertEquals(Architecture.X86_64, result.architecture());
    assertEquals(
        "0x100000+0x1000 0x200000+0x1000 0x300000+0x1000 0x400000+0x1000 0x700000+0x1000",
        memoryOf(result));
    assertEquals(
        "0x0+0x1000 reserved, 0x100000+0x1000 loader code, 0x200000+0x1000 loader data, "
            + "0x500000+0x1000 runtime code, 0x600000+0x1000 runtime data, "
            + "0x800000+0x1000 unusable, 0x900000+0x1000 ACPI reclaimable, "
            + "0xa00000+0x1000 ACPI NVS, 0xb00000+0x1000 memory-mapped I/O, "
            + "0xc00000+0x1000 memory-mapped I/O ports, 0xd00000+0x1000 PAL code, "
            + "0xe00000+0x1000 persistent memory, 0xf00000+0x1000 unaccepted, "
            + "0x1000000+0x1000 type 16",
        reservedOf(result, Source.FIRMWARE));
  }

  @Test
  void theStrideIsTheFirmwares() throws Exception {
    for (int stride : new int[] {40, 48, 56, 1000}) {
      MultibootBytes map = header(stride);
      descriptor(map, stride, 7, 0x1000, 1, 0);
      descriptor(map, stride, 3, 0x2000, 1, 0);
      descriptor(map, stride, 7, 0x5000, 2, 0);
      assertEquals("0x1000+0x2000 0x5000+0x2000", memoryOf(read(map)), "stride " + stride);
    }
  }

  @Test
  void memorySetAsideForAPurposeIsReserved() throws Exception {
    MultibootBytes map = header(48);
    descriptor(map, 48, 7, 0x100000, 1, 0x4_0000L | 15);
    descriptor(map, 48, 7, 0x200000, 1, 0x1_0000L | 15);
    MemoryMap result = read(map);
    assertEquals("0x200000+0x1000", memoryOf(result));
    assertEquals("0x100000+0x1000 specific purpose", reservedOf(result, Source.FIRMWARE));
  }

  @Test
  void aPageCountThatDoesNotFitIsCutWithAWarning() throws Exception {
    MultibootBytes map = header(48);
    descriptor(map, 48, 7, 0x1000, (1L << 52) + 1, 0);
    MemoryMap result = read(map);
    assertEquals("0x1000+0xfffffffffffff000", memoryOf(result));
    assertTrue(warningsOf(result).contains("4503599627370497 pages pass 2^64"));
  }

  @Test
  void oddBasesAndVersionsLeaveWarnings() throws Exception {
    MultibootBytes map = new MultibootBytes().u32(48, 2);
    descriptor(map, 48, 7, 0x1234, 1, 0);
    MemoryMap result = read(map);
    assertEquals("0x1234+0x1000", memoryOf(result));
    assertTrue(warningsOf(result).contains("version 2 is not 1"));
    assertTrue(warningsOf(result).contains("0x1234 is not a multiple of 4 KiB"));
  }

  @Test
  void impossibleStridesAndSizesAreRefusedWithTheirPlace() {
    for (long stride : new long[] {0, 39, 0x8000_0000L, 0xFFFF_FFFFL}) {
      MultibootBytes map = new MultibootBytes().u32(stride, 1).padTo(8 + 48);
      assertThrows(MemoryMapException.class, () -> read(map), "stride " + stride);
    }
    MultibootBytes cut = descriptor(header(48), 48, 7, 0, 1, 0).u8(1);
    assertEquals(56, assertThrows(MemoryMapException.class, () -> read(cut)).offset());
    ByteView eight = ByteView.of(header(48).toBytes());
    assertThrows(MemoryMapException.class, () -> EfiMemoryMapReader.read(eight, 7));
    assertThrows(MemoryMapException.class, () -> EfiMemoryMapReader.read(eight, -1));
    assertThrows(MemoryMapException.class, () -> EfiMemoryMapReader.read(eight, 8 + 48));
  }
}
