package dev.bifolio.kernel.firmware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.testkit.Behaviour;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class FdtFixturesTest {
  @Test
  @Behaviour("104")
  void anInitrdMayHaveAStartOf64BitsAndAnEndOf32() throws MemoryMapException {
    MemoryMap map = read("virt");
    assertEquals(AddressRange.ofBounds(0x48000000L, 0x48123457L), map.initrd());
    assertEquals("root=/dev/ram0 quiet", map.commandLine());
    assertEquals(Architecture.AARCH64, map.architecture());
    assertEquals(List.of("[0x40000000, 0x80000000)"), FdtTrees.memory(map));
    assertEquals(List.of(), FdtTrees.reserved(map));
    assertEquals(List.of(), FdtTrees.warnings(map));
    assertEquals("fdt", map.format());
    assertEquals(0, map.distanceCount());
  }

  @Test
  void olderVersionsAndPaddingGiveTheSameMap() throws MemoryMapException {
    String newest = FdtTrees.text(read("virt"));
    assertEquals(newest, FdtTrees.text(read("virt-v16")));
    assertEquals(newest, FdtTrees.text(read("virt-v3")));
    assertEquals(newest, FdtTrees.text(read("virt-padded")));
  }

  @Test
  void rangesOfNodesStayApartAndUnstatedDistancesFollowTheOppositePair() throws MemoryMapException {
    MemoryMap map = read("numa");
    assertEquals(
        List.of(
            "[0x80000000, 0x90000000) node 0",
            "[0x90000000, 0xa0000000) node 1",
            "[0xb0000000, 0xc0000000) node 1",
            "[0x100000000, 0x200000000) node 2"),
        FdtTrees.memory(map));
    assertEquals(
        List.of(List.of(10, 15, 30), List.of(15, 10, 20), List.of(35, 20, 10)),
        FdtTrees.distances(map));
    assertEquals(Architecture.RISCV64, map.architecture());
    assertEquals(List.of(), FdtTrees.warnings(map));
  }

  @Test
  @Behaviour({"105", "113"})
  void allEntriesOfAllReservationsAreListedByteExact() throws MemoryMapException {
    MemoryMap map = read("reservations");
    assertEquals(
        List.of(
            "[0x0, 0x1000) memreserve ''",
            "[0x48000000, 0x48100000) memreserve ''",
            "[0x48080000, 0x48180000) memreserve ''",
            "[0x50000000, 0x50001000) reserved-memory 'pair@50000000'",
            "[0x51000123, 0x51001924) reserved-memory 'pair@50000000'",
            "[0x52000000, 0x52100000) reserved-memory 'secret@52000000' no-map",
            "[0x52080000, 0x52180000) reserved-memory 'shared@52080000' reusable",
            "[0xc0000000, 0xc0100000) reserved-memory 'beyond@c0000000'"),
        FdtTrees.reserved(map));
    assertEquals(List.of("[0x40000000, 0x80000000)"), FdtTrees.memory(map));
    assertEquals(0, map.dynamicReservationCount());
    assertEquals(
        List.of("/reserved-memory/empty@54000000: empty reservation left out"),
        FdtTrees.warnings(map));
    assertNull(map.commandLine());
    assertNull(map.initrd());
  }

  @Test
  void dynamicReservationsKeepSizeAlignmentAndRanges() throws MemoryMapException {
    MemoryMap map = read("dynamic");
    assertEquals(
        List.of(
            "linux,cma 0x4000000 align 0x400000 in [[0x0, 0x40000000), [0x100000000, 0x140000000)]"
                + " reusable cma",
            "firmware 0x300000 align 0x1000000 in [] no-map",
            "anywhere 0x1000 align 0x0 in []"),
        FdtTrees.dynamic(map));
    assertEquals(
        List.of("/reserved-memory/nowhere: none of alloc-ranges can be used; left out"),
        FdtTrees.warnings(map));
  }

  @Test
  void oneCellForAddressAndSize() throws MemoryMapException {
    MemoryMap map = read("cells-1-1");
    assertEquals(List.of("[0x80000000, 0x9ff00000)"), FdtTrees.memory(map));
    assertEquals(
        List.of("[0x8ff00000, 0x8ff40000) reserved-memory 'ramoops@8ff00000'"),
        FdtTrees.reserved(map));
    assertEquals(Architecture.ARM, map.architecture());
    assertEquals(new AddressRange(0x84000000L, 0x800000), map.initrd());
  }

  @Test
  void memoryIsWhatTheDeviceTypeSays() throws MemoryMapException {
    MemoryMap map = read("memory-kinds");
    assertEquals(
        List.of(
            "[0x80000000, 0x91000000)",
            "[0x98000000, 0xa0000000)",
            "[0xa0000000, 0xb0000000) hotpluggable",
            "[0xb4000000, 0xb5000000)"),
        FdtTrees.memory(map));
    assertEquals(
        List.of("/soc/sram@f0000000: memory is looked for below the root only; left out"),
        FdtTrees.warnings(map));
    assertNull(map.architecture());
  }

  @Test
  void reservationsAreMovedThroughTheWindowsOfTheirBus() throws MemoryMapException {
    MemoryMap map = read("windows");
    assertEquals(
        List.of(
            "[0x100001000, 0x100003000) reserved-memory 'low@1000'",
            "[0x10ffff000, 0x110001000) reserved-memory 'crossing@ffff000'",
            "[0x180000000, 0x180100000) reserved-memory 'high@40000000' no-map"),
        FdtTrees.reserved(map));
    assertEquals(
        List.of("pool 0x100000 align 0x0 in [[0x184000000, 0x188000000)]"), FdtTrees.dynamic(map));
    assertEquals(
        List.of(
            "/reserved-memory/crossing@ffff000: 1 ranges pass the end of their window; not cut",
            "/reserved-memory/outside@20000000: 1 ranges lie in no window of ranges; left out"),
        FdtTrees.warnings(map));
  }

  @Test
  void aTreeWithoutMemoryIsLegal() throws MemoryMapException {
    MemoryMap map = read("riscv32");
    assertEquals(0, map.memoryCount());
    assertEquals(0, map.totalMemoryBytes());
    assertEquals(Architecture.RISCV32, map.architecture());
    assertEquals(List.of(), FdtTrees.warnings(map));
  }

  @Test
  void theBundledPhoneHas8GiBAndNineRegions() throws IOException, MemoryMapException {
    MemoryMap map =
        FdtBlob.read(
            FdtTrees.bytes(
                FdtTrees.repository()
                    .resolve("lab/src/main/resources/dev/bifolio/lab/phone-8g.dtb")));
    assertEquals(
        List.of("[0x80000000, 0x100000000)", "[0x880000000, 0xa00000000)"), FdtTrees.memory(map));
    assertEquals(8L << 30, map.totalMemoryBytes());
    assertEquals(9, map.reservedCount());
    assertTrue(
        FdtTrees.reserved(map)
            .contains("[0xfac00000, 0xfb5e3400) reserved-memory 'splash@fac00000' no-map"));
    assertEquals(Architecture.AARCH64, map.architecture());
    assertEquals(List.of(), FdtTrees.warnings(map));
  }

  @Test
  void theBundledPhoneHasTheReservationsOfTheRealOne() throws IOException, MemoryMapException {
    MemoryMap real =
        FdtBlob.read(
            FdtTrees.bytes(
                FdtTrees.shared("dtb")
                    .resolve("linux-7.2.13-arm64__exynos__google__gs101-oriole.dtb")));
    MemoryMap ours =
        FdtBlob.read(
            FdtTrees.bytes(
                FdtTrees.repository()
                    .resolve("lab/src/main/resources/dev/bifolio/lab/phone-8g.dtb")));
    assertEquals(FdtTrees.reserved(real), FdtTrees.reserved(ours));
    assertEquals(0, real.memoryCount());
  }

  private static MemoryMap read(String fixture) throws MemoryMapException {
    return FdtBlob.read(FdtTrees.fixture(fixture));
  }
}
