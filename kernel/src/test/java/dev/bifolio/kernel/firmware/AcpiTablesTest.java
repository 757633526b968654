package dev.bifolio.kernel.firmware;

import static dev.bifolio.kernel.firmware.MultibootBytes.memoryOf;
import static dev.bifolio.kernel.firmware.MultibootBytes.warningsOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.Test;

class AcpiTablesTest {
  private static final int ENABLED = 1;
  private static final int HOT = 2;

  private static MultibootBytes srat() {
    return new MultibootBytes().u32(1).u64(0);
  }

  private static MultibootBytes memory(
      MultibootBytes srat, long domain, long base, long byteSize, int flags) {
    return srat.u8(1, 40).u32(domain).u8(0, 0).u64(base, byteSize).u32(0, flags).u64(0);
  }

  private static MultibootBytes processor(MultibootBytes srat, long domain, int id, int flags) {
    return srat.u8(0, 16, (int) domain, id).u32(flags).u8(0).number(domain >>> 8, 3).u32(0);
  }

  private static byte[] slit(int side, int... distances) {
    return new MultibootBytes().u64(side).u8(distances).asTable("SLIT", 1);
  }

  private static AcpiTables read(byte[]... tables) throws Exception {
    ByteView[] views = new ByteView[tables.length];
    for (int i = 0; i < tables.length; i++) {
      views[i] = ByteView.of(tables[i]);
    }
    return AcpiTables.read(views);
  }

  private static MemoryMap mapOf(long... basesAndSizes) throws Exception {
    MemoryMapBuilder map = new MemoryMapBuilder("e820").architecture(Architecture.X86_64);
    for (int i = 0; i < basesAndSizes.length; i += 2) {
      map.addMemory(basesAndSizes[i], basesAndSizes[i + 1], -1, false, "test", 0);
    }
    return map.build();
  }

  @Test
  @Behaviour("91")
  void aMatrixGivesDistances() throws Exception {
    AcpiTables tables = read(slit(2, 10, 20, 20, 10));
    assertEquals(2, tables.nodeCount());
    assertEquals(2, tables.distanceCount());
    assertEquals(10, tables.distance(0, 0));
    assertEquals(20, tables.distance(0, 1));
    assertEquals(20, tables.distance(1, 0));
    assertEquals(10, tables.distance(1, 1));
    assertThrows(IndexOutOfBoundsException.class, () -> tables.distance(0, 2));
    assertEquals(21, read(slit(2, 10, 21, 35, 10)).applyTo(mapOf(0, 4096)).distance(0, 1));
  }

  @Test
  @Behaviour("91")
  void twoProcessorsAndOneGibOnNodeZero() throws Exception {
    MultibootBytes body = srat();
    processor(body, 0, 0, ENABLED);
    processor(body, 0, 1, ENABLED);
    memory(body, 0, 0, 1L << 30, ENABLED);
    AcpiTables tables = read(body.asTable("SRAT", 3));
    assertEquals(1, tables.nodeCount());
    assertEquals(2, tables.processorCount());
    assertEquals(0, tables.processorNode(1));
    assertEquals(1, tables.affinityCount());
    assertEquals(0, tables.affinity(0).node());
    assertEquals(1L << 30, tables.affinity(0).range().byteSize());
    assertEquals(
        "0x0+0x9fc00 node 0 0x100000+0x100000 node 0",
        memoryOf(tables.applyTo(mapOf(0, 0x9fc00, 0x100000, 0x100000))));
  }

  @Test
  @Behaviour("91")
  void disabledEntriesCountAsAbsent() throws Exception {
    MultibootBytes body = srat();
    processor(body, 7, 0, 0);
    memory(body, 7, 0, 1L << 30, 0);
    memory(body, 9, 1L << 30, 1L << 30, ENABLED);
    AcpiTables tables = read(body.asTable("SRAT", 3));
    assertEquals(0, tables.processorCount());
    assertEquals(1, tables.affinityCount());
    assertEquals(1, tables.nodeCount());
    assertEquals(9, tables.proximityDomain(0));
  }

  @Test
  @Behaviour("91")
  void anEmptyTableGivesNoEntriesAndChangesNoMemory() throws Exception {
    AcpiTables tables = read(srat().asTable("SRAT", 3));
    assertEquals(0, tables.affinityCount());
    assertEquals(0, tables.processorCount());
    MemoryMap map = tables.applyTo(mapOf(0, 4096));
    assertEquals("0x0+0x1000", memoryOf(map));
    assertEquals(0, map.warningCount());
  }

  @Test
  void nodesAreNumberedByProcessorsFirstAndThenByMemory() throws Exception {
    MultibootBytes body = srat();
    memory(body, 30, 0, 0x1000, ENABLED);
    memory(body, 5, 0x1000, 0x1000, ENABLED);
    processor(body, 5, 0, ENABLED);
    // x2APIC of domain 0x12345, GICC of domain 8, RINTC of domain 9, and one of an unknown type.
    body.u8(2, 24, 0, 0).u32(0x12345, 300, ENABLED, 0, 0);
    body.u8(3, 18).u32(8, 0, ENABLED, 0);
    body.u8(7, 20, 0, 0).u32(9, 0, ENABLED, 0);
    body.u8(99, 3, 0);
    AcpiTables tables = read(body.asTable("SRAT", 3));
    assertEquals(5, tables.nodeCount());
    assertEquals(5, tables.proximityDomain(0));
    assertEquals(0x12345, tables.proximityDomain(1));
    assertEquals(8, tables.proximityDomain(2));
    assertEquals(9, tables.proximityDomain(3));
    assertEquals(30, tables.proximityDomain(4));
    assertEquals(4, tables.processorCount());
    assertEquals(
        "0x0+0x1000 node 4 0x1000+0x1000 node 0", memoryOf(tables.applyTo(mapOf(0, 0x2000))));
  }

  @Test
  void theFirstRevisionHasDomainsOfOneByte() throws Exception {
    MultibootBytes body = srat();
    memory(body, 0xABCD01, 0, 0x1000, ENABLED);
    processor(body, 0x55_0002, 0, ENABLED);
    assertEquals(1, read(body.asTable("SRAT", 1)).proximityDomain(1));
    assertEquals(2, read(body.asTable("SRAT", 1)).proximityDomain(0));
    assertEquals(0xABCD01, read(body.asTable("SRAT", 2)).proximityDomain(1));
    assertEquals(0x55_0002, read(body.asTable("SRAT", 2)).proximityDomain(0));
  }

  @Test
  void rangesAreSplitWhereAffinityChangesAndUncoveredBytesKeepNoNode() throws Exception {
    MultibootBytes body = srat();
    memory(body, 1, 0x3000, 0x2000, ENABLED | HOT);
    memory(body, 0, 0x1000, 0x2000, ENABLED);
    memory(body, 1, 0x8000, 0x1000, ENABLED);
    MemoryMap map =
        read(body.asTable("SRAT", 3)).applyTo(mapOf(0, 0x3800, 0x4000, 0x3000, 0xa000, 0x1000));
    assertEquals(
        "0x0+0x1000 0x1000+0x2000 node 1 0x3000+0x800 node 0 hot 0x4000+0x1000 node 0 hot "
            + "0x5000+0x2000 0xa000+0x1000",
        memoryOf(map));
    String warnings = warningsOf(map);
    assertTrue(warnings.contains("no entry covers 0x0 to 0xfff"), warnings);
    assertTrue(warnings.contains("no entry covers 0x5000 to 0x6fff"), warnings);
    assertTrue(warnings.contains("no entry covers 0xa000 to 0xafff"), warnings);
    assertTrue(warnings.contains("[0x8000, 0x9000) has no RAM"), warnings);
    assertEquals(4, map.warningCount(), warnings);
  }

  @Test
  void ofTwoEntriesThatClaimAByteTheFirstHasIt() throws Exception {
    MultibootBytes body = srat();
    memory(body, 0, 0x2000, 0x2000, ENABLED);
    memory(body, 1, 0x1000, 0x4000, ENABLED);
    AcpiTables tables = read(body.asTable("SRAT", 3));
    for (int turn = 0; turn < 2; turn++) {
      MemoryMap map = tables.applyTo(mapOf(0x1000, 0x4000));
      assertEquals("0x1000+0x1000 node 1 0x2000+0x2000 node 0 0x4000+0x1000 node 1", memoryOf(map));
      assertEquals(1, map.warningCount(), warningsOf(map));
    }
  }

  @Test
  void affinityThatReachesTheEndOfTheAddressSpaceIsApplied() throws Exception {
    MultibootBytes body = srat();
    memory(body, 0, 0, -1L, ENABLED);
    AcpiTables tables = read(body.asTable("SRAT", 3));
    assertEquals("0x0+0xffffffffffffffff node 0", memoryOf(tables.applyTo(mapOf(0, -1L))));
  }

  @Test
  void distancesAreGivenByNodeAndNotByDomain() throws Exception {
    MultibootBytes body = srat();
    memory(body, 1, 0, 0x1000, ENABLED);
    memory(body, 0, 0x1000, 0x1000, ENABLED);
    memory(body, 77, 0x2000, 0x1000, ENABLED);
    AcpiTables tables = read(slit(2, 10, 30, 40, 10), body.asTable("SRAT", 3));
    MemoryMap map = tables.applyTo(mapOf(0, 0x3000));
    assertEquals(3, map.distanceCount());
    assertEquals(40, map.distance(0, 1));
    assertEquals(30, map.distance(1, 0));
    assertEquals(20, map.distance(0, 2));
    assertEquals(10, map.distance(2, 2));
  }

  @Test
  void aMatrixThatBreaksTheSpecificationIsNotUsed() throws Exception {
    for (byte[] bad : new byte[][] {slit(2, 10, 10, 20, 10), slit(2, 10, 20, 20, 11)}) {
      MemoryMap map = read(bad).applyTo(mapOf(0, 0x1000));
      assertEquals(0, map.distanceCount());
      assertTrue(warningsOf(map).contains("table not used"), warningsOf(map));
    }
  }

  @Test
  void whatElseTheMapSaysStays() throws Exception {
    MemoryMapBuilder base =
        new MemoryMapBuilder(mapOf(0, 0x1000))
            .commandLine("quiet")
            .loaderName("GRUB")
            .addModule(new BootModule(0x100, 5, "a"), "test", 0)
            .addReserved(0x800, 0x10, "x", ReservedRegion.Source.FIRMWARE, true, false, "test", 0)
            .addWarning("odd")
            .distances(new int[][] {{10}});
    MultibootBytes body = memory(srat(), 0, 0, 0x1000, ENABLED);
    MemoryMap map = read(body.asTable("SRAT", 3)).applyTo(base.build());
    assertEquals("quiet", map.commandLine());
    assertEquals("GRUB", map.loaderName());
    assertEquals(5, map.module(0).byteSize());
    assertTrue(map.reserved(0).noMap());
    assertEquals("odd", map.warning(0));
    assertEquals(10, map.distance(0, 0));
    assertEquals(Architecture.X86_64, map.architecture());
    assertFalse(map.memory(0).hotpluggable());
  }

  @Test
  void otherTablesArePassedOverWithAWarning() throws Exception {
    MemoryMap map = read(new MultibootBytes().asTable("APIC", 1)).applyTo(mapOf(0, 0x1000));
    assertEquals("ACPI table APIC says nothing of memory\n", warningsOf(map));
  }

  @Test
  void wrongHeadersSumsAndEntriesAreRefusedWithTheirPlace() {
    byte[] good = memory(srat(), 0, 0, 0x1000, ENABLED).asTable("SRAT", 3);
    byte[] wrongSum = good.clone();
    wrongSum[50]++;
    assertEquals(9, assertThrows(MemoryMapException.class, () -> read(wrongSum)).offset());
    byte[] noName = good.clone();
    noName[2] = '!';
    assertEquals(2, assertThrows(MemoryMapException.class, () -> read(noName)).offset());
    assertThrows(MemoryMapException.class, () -> read(good, good));
    assertThrows(MemoryMapException.class, () -> read(MultibootBytes.first(good, 87)));
    byte[] emptyEntry = srat().u8(9, 0).asTable("SRAT", 3);
    assertEquals(49, assertThrows(MemoryMapException.class, () -> read(emptyEntry)).offset());
    byte[] shortEntry = srat().u8(1, 39).padTo(12 + 39).asTable("SRAT", 3);
    assertThrows(MemoryMapException.class, () -> read(shortEntry));
    byte[] longEntry = srat().u8(1, 41).padTo(12 + 40).asTable("SRAT", 3);
    assertThrows(MemoryMapException.class, () -> read(longEntry));
    byte[] noRoom = new MultibootBytes().u32(1).asTable("SRAT", 3);
    assertThrows(MemoryMapException.class, () -> read(noRoom));
  }

  @Test
  void aMatrixThatIsLargerThanItsTableIsRefused() {
    for (long side : new long[] {2, 1 << 16, 1L << 32, -1L, (1L << 32) + 1}) {
      byte[] table = new MultibootBytes().u64(side).u8(10, 20, 20).asTable("SLIT", 1);
      assertEquals(36, assertThrows(MemoryMapException.class, () -> read(table)).offset());
    }
  }

  @Test
  void moreDomainsThanNodesAreRefused() {
    MultibootBytes body = srat();
    for (int i = 0; i <= AcpiSrat.MAX_NODES; i++) {
      memory(body, i, 0x1000L * i, 0x1000, ENABLED);
    }
    assertThrows(MemoryMapException.class, () -> read(body.asTable("SRAT", 3)));
  }
}
