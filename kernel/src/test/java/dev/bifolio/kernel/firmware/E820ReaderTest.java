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

class E820ReaderTest {
  private static MultibootBytes entry(MultibootBytes list, long base, long byteSize, long type) {
    return list.u64(base, byteSize).u32(type);
  }

  private static MemoryMap read(MultibootBytes list, int entryByteSize) throws Exception {
    return E820Reader.read(ByteView.of(list.toBytes()), list.byteCount(), entryByteSize);
  }

  @Test
  @Behaviour({"90", "114"})
  void everyTypeHasItsKindAndOnlyTypeOneIsMemory() throws Exception {
    MultibootBytes list = new MultibootBytes();
    long[] types = {0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 20, 0xEFFF_FFFFL, 0xFFFF_FFFFL};
    for (int i = 0; i < types.length; i++) {
      entry(list, 0x100000L * i, 0x1000, types[i]);
    }
    MemoryMap map = read(list, 20);
    assertEquals("e820", map.format());
    assertEquals(Architecture.X86_64, map.architecture());
    assertEquals("0x100000+0x1000", memoryOf(map));
    assertEquals(
        "0x0+0x1000 type 0, 0x200000+0x1000 reserved, 0x300000+0x1000 ACPI reclaimable, "
            + "0x400000+0x1000 ACPI NVS, 0x500000+0x1000 unusable, 0x600000+0x1000 disabled, "
            + "0x700000+0x1000 persistent memory, 0x800000+0x1000 unaccepted, "
            + "0x900000+0x1000 persistent memory, 0xa00000+0x1000 type 20, "
            + "0xb00000+0x1000 soft reserved, 0xc00000+0x1000 type 4294967295",
        reservedOf(map, Source.FIRMWARE));
  }

  @Test
  @Behaviour("90")
  void rangesOfAFewFramesAndOfAFewBytesAreKept() throws Exception {
    MultibootBytes list = new MultibootBytes();
    entry(list, 0x1000, 0x3000, 1);
    entry(list, 0x9fc00, 0x400, 2);
    entry(list, 0x100000, 1, 1);
    MemoryMap map = read(list, 20);
    assertEquals("0x1000+0x3000 0x100000+0x1", memoryOf(map));
    assertEquals("0x9fc00+0x400 reserved", reservedOf(map, Source.FIRMWARE));
  }

  @Test
  void memoryAboveFourGibAndUpToTheEndOfTheAddressSpaceIsRead() throws Exception {
    MultibootBytes list = new MultibootBytes();
    entry(list, 1L << 32, 1L << 40, 1);
    entry(list, -0x1000L, 0x2000, 1);
    MemoryMap map = read(list, 20);
    assertEquals("0x100000000+0x10000000000 0xfffffffffffff000+0x1000", memoryOf(map));
    assertTrue(warningsOf(map).contains("passes 2^64"), warningsOf(map));
  }

  @Test
  void unsortedAdjacentAndOverlappingMemoryIsPutInOrder() throws Exception {
    MultibootBytes list = new MultibootBytes();
    entry(list, 0x300000, 0x100000, 1);
    entry(list, 0x100000, 0x180000, 1);
    entry(list, 0x200000, 0x100000, 1);
    assertEquals("0x100000+0x300000", memoryOf(read(list, 20)));
  }

  @Test
  void attributesDecideWhetherALongEntryCounts() throws Exception {
    MultibootBytes list = new MultibootBytes();
    entry(list, 0, 0x1000, 1).u32(1);
    entry(list, 0x10000, 0x1000, 1).u32(0);
    entry(list, 0x20000, 0x1000, 1).u32(3);
    MemoryMap map = read(list, 24);
    assertEquals("0x0+0x1000 0x20000+0x1000", memoryOf(map));
    assertTrue(warningsOf(map).contains("e820 entry 1: its attributes say that it is to be"));
    assertTrue(warningsOf(map).contains("e820 entry 2: its attributes say non-volatile"));
  }

  @Test
  void aListThatDoesNotEndWithAnEntryIsRefusedAtTheRest() {
    byte[] bytes = new byte[47];
    MemoryMapException refused =
        assertThrows(MemoryMapException.class, () -> E820Reader.read(ByteView.of(bytes), 47, 20));
    assertEquals(40, refused.offset());
  }

  @Test
  void missingBytesAndAbsurdSizesAreRefused() {
    ByteView twenty = ByteView.of(new byte[20]);
    assertThrows(MemoryMapException.class, () -> E820Reader.read(twenty, 40, 20));
    assertThrows(MemoryMapException.class, () -> E820Reader.read(twenty, -20, 20));
    assertThrows(MemoryMapException.class, () -> E820Reader.read(twenty, 20L << 40, 20));
    assertThrows(IllegalArgumentException.class, () -> E820Reader.read(twenty, 20, 22));
  }

  @Test
  void moreEntriesThanAMapHoldsAreRefused() {
    int count = MemoryMap.MAX_REGIONS + 1;
    MultibootBytes list = new MultibootBytes();
    for (int i = 0; i < count; i++) {
      entry(list, 0x2000L * i, 0x1000, 1);
    }
    MemoryMapException refused = assertThrows(MemoryMapException.class, () -> read(list, 20));
    assertEquals(20L * MemoryMap.MAX_REGIONS, refused.offset());
  }

  @Test
  void anEmptyListIsAMapWithoutMemory() throws Exception {
    assertEquals(0, read(new MultibootBytes(), 20).memoryCount());
  }
}
