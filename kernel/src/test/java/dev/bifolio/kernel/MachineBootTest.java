package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.BootModule;
import dev.bifolio.kernel.firmware.DynamicReservation;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@ParameterizedClass
@EnumSource(BootOptions.AllocatorKind.class)
class MachineBootTest {
  private static final long MIB = Maps.MIB;
  private static final long GIB = Maps.GIB;

  private final BootOptions plain;

  MachineBootTest(BootOptions.AllocatorKind kind) {
    plain = BootOptions.DEFAULTS.withAllocator(kind).withMinFreeKib(0); // all of it may be taken
  }

  private boolean isHybrid() {
    return plain.allocator() == BootOptions.AllocatorKind.HYBRID;
  }

  /// Frames of the pool of the temporary page tables.
  private static final long POOL = 16;

  private static Machine boot(MemoryMap map, BootOptions options) throws BootException {
    return Machine.boot(map, options, BootLog.SILENT);
  }

  private static String refusal(MemoryMap map, BootOptions options) {
    BootException refused = assertThrows(BootException.class, () -> boot(map, options).close());
    return String.valueOf(refused.getMessage());
  }

  @Test
  void aKernelOrInitrdThatCannotBeRightIsWarnedOf() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, GIB).build();
    BootOptions inside = plain.withKernel(new AddressRange(GIB, MIB));
    assertEquals(0, warnings(map, inside));
    assertEquals(1, warnings(map, plain.withKernel(new AddressRange(4 * GIB, MIB))));
    assertEquals(1, warnings(map, plain.withInitrd(new AddressRange(4 * GIB, MIB))));
    assertEquals(1, warnings(map, inside.withInitrd(new AddressRange(GIB + MIB / 2, MIB))));
    assertEquals(0, warnings(map, inside.withInitrd(new AddressRange(GIB + MIB, MIB))));
  }

  private static int warnings(MemoryMap map, BootOptions options) throws Exception {
    try (Machine machine = Machine.boot(map, options, BootLog.SILENT)) {
      return machine.report().warningCount();
    }
  }

  @Test
  @Behaviour("106")
  void mapsCannotBootAreRefusedWithFixedTexts() throws Exception {
    assertEquals("No RAM regions found in DTB", refusal(Maps.fdt().build(), plain));
    assertEquals(
        "No RAM regions found in memory map",
        refusal(Maps.e820(Architecture.X86_64).build(), plain));
    assertEquals(
        "No RAM regions found in DTB", refusal(Maps.fdt().ram(0x1001, 0x1000).build(), plain));
    assertEquals(
        "All RAM is reserved - no free memory",
        refusal(Maps.fdt().ram(GIB, GIB).reserved(GIB + 1, GIB - 2).build(), plain));
    Maps fragmented = Maps.fdt().ram(GIB, GIB);
    for (int i = 0; i < 1024; i++) {
      fragmented.reserved(GIB + i * MIB, 1);
    }
    String noHole = refusal(fragmented.build(), plain);
    assertTrue(
        noHole.startsWith("Cannot allocate mem_map - insufficient contiguous memory"), noHole);
    String noHeap = refusal(Maps.fdt().ram(GIB, 12 * MIB).build(), plain);
    assertTrue(noHeap.startsWith("Failed to allocate heap"), noHeap);
    BootOptions checked = plain.withMinimumMemoryCheck(true);
    String little = refusal(Maps.fdt().ram(GIB, 32 * MIB - 4096).build(), checked);
    assertTrue(little.startsWith("Insufficient memory for kernel"), little);
    boot(Maps.fdt().ram(GIB, 34 * MIB).build(), checked).close();
  }

  @Test
  void warningsOfABootAreLimited() throws Exception {
    Maps maps = Maps.fdt().ram(GIB, GIB);
    for (int i = 0; i < MemoryMap.MAX_DYNAMIC_RESERVATIONS; i++) {
      dynamic(maps, "d" + i, 2 * GIB, 0);
    }
    assertThrows(MemoryMapException.class, () -> dynamic(maps, "one more", GIB, 0));
    try (Machine machine = boot(maps.build(), plain)) {
      int count = machine.report().warningCount();
      assertEquals(BootNotes.MAX_WARNINGS, count);
      assertEquals("further warnings are left out", machine.report().warning(count - 1));
    }
  }

  @Test
  void ramAtTheEndOfReachIsRefusedByName() {
    for (long end : new long[] {Long.MIN_VALUE, Long.MIN_VALUE - 1, -1L}) {
      String text = refusal(Maps.fdt().ram(end - GIB, GIB).build(), plain);
      assertTrue(text.contains("is out of reach"), text);
    }
    String above = "No RAM regions found in memory map: all of it lies above 4 GiB, out of reach";
    assertEquals(
        above + " on i386", refusal(Maps.e820(Architecture.I386).ram(4 * GIB, GIB).build(), plain));
    assertEquals(
        above + " on i386",
        refusal(Maps.e820(Architecture.I386).ram(4 * GIB - 1, GIB + 1).build(), plain));
    assertEquals(
        "No RAM regions found in memory map", refusal(Maps.e820(Architecture.I386).build(), plain));
  }

  @Test
  void anOrderTooSmallForTheHeapIsRefused() {
    String refused = refusal(Maps.fdt().ram(GIB, GIB).build(), plain.withMaxOrder(11));
    assertTrue(refused.startsWith("Failed to allocate heap"), refused);
  }

  @Test
  @Behaviour({"107", "108", "109", "110", "111"})
  void oneGibibyteKeepsAbout250000FreeFrames() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, GIB).initrd(GIB + 64 * MIB, 5 * MIB + 3).build();
    BootOptions options =
        plain
            .withCpuCount(8)
            .withKernel(new AddressRange(GIB + 2 * MIB, 20 * MIB))
            .withFdt(new AddressRange(GIB + 50 * MIB + 8, 70_001));
    List<String> lines = new ArrayList<>();
    try (Machine machine = Machine.boot(map, options, lines::add)) {
      BootReport report = machine.report();
      assertEquals(262_144, report.frames().total());
      assertTrue(report.frames().free() > 245_000, () -> "" + report.frames());
      long memMapBytes = report.memMapByteSize();
      long most = isHybrid() ? 2 * MIB + 160 * 1024 : 6 * MIB + 64 * 1024;
      assertTrue(memMapBytes <= most, () -> "mem_map " + memMapBytes);
      AddressRange memMap = report.memMapSections()[0].range();
      for (ReservedRegion region : report.reservations()) {
        assertFalse(memMap.overlaps(region.range()), region::toString);
      }
      assertEquals(16 * MIB, report.heap().byteSize());
      String text = String.join("\n", lines);
      assertTrue(text.contains(memMap.toString()), text);
      assertTrue(text.contains(report.heap().toString()), text);
      BootModel.check(map, options, machine, 1);
    }
  }

  @Test
  @Behaviour("111")
  void theHeapIsA128thOfRamInExactlyThatManyFrames() throws Exception {
    long[][] cases = {{1, 16}, {2, 16}, {3, 24}, {4, 32}, {8, 64}, {100, 64}};
    for (long[] each : cases) {
      MemoryMap map = Maps.fdt().ram(0, each[0] * GIB).build();
      try (Machine machine = boot(map, plain)) {
        assertEquals(each[1] * MIB, machine.report().heap().byteSize());
        assertEquals(each[1] * 256, machine.report().frames().heap());
        BootReport.Frames frames = machine.report().frames();
        assertEquals(frames.managed() - each[1] * 256 - frames.tables(), machine.freeFrameCount());
      }
    }
  }

  @Test
  @Behaviour({"88", "96"})
  void x86KeepsTheFirstMebibyteAndTheLocalApic() throws Exception {
    MemoryMap map = Maps.e820(Architecture.X86_64).ram(0, 8 * GIB).build();
    try (Machine machine = boot(map, plain)) {
      BootReport.Frames frames = machine.report().frames();
      // Of the first 256 frames, 159 are RAM: not frame 0, nor those from 640 KiB on.
      assertEquals((8 * GIB) >>> 12, frames.total());
      assertEquals(((8 * GIB) >>> 12) - 1 - 96, frames.present());
      assertEquals(159 + 1 + POOL, frames.reserved());
      BootModel.check(map, plain, machine, 2);
    }
    BootOptions arm = plain.withArchitecture(Architecture.AARCH64);
    try (Machine machine = boot(map, arm)) {
      assertEquals(POOL, machine.report().frames().reserved());
      BootModel.check(map, arm, machine, 3);
    }
  }

  @Test
  void i386CutsRamAtFourGibibytes() throws Exception {
    MemoryMap map = Maps.e820(Architecture.I386).ram(MIB, 6 * GIB).build();
    try (Machine machine = boot(map, plain)) {
      BootReport report = machine.report();
      assertEquals(1, report.warningCount());
      assertTrue(report.warning(0).contains("4 GiB"), report.warning(0));
      assertEquals((6 * GIB) >>> 12, report.frames().total());
      assertEquals((4 * GIB - MIB) >>> 12, report.frames().present());
      BootModel.check(map, plain, machine, 4);
    }
  }

  @Test
  @Behaviour("113")
  void everyOneOfManyRangesIsHonoured() throws Exception {
    Maps maps = Maps.fdt();
    for (int i = 0; i < 300; i++) {
      maps.ram(i * 4L * MIB, 3 * MIB);
      maps.reserved(i * 4L * MIB + 100_000, 5_000);
    }
    maps.ram(4 * GIB, 256 * MIB);
    MemoryMap map = maps.build();
    try (Machine machine = boot(map, plain)) {
      assertEquals(300 * 2 + POOL, machine.report().frames().reserved());
      BootModel.check(map, plain, machine, 5);
    }
  }

  @Test
  void aNoMapRangeKeepsThePartThatNoOtherHolds() throws Exception {
    MemoryMap map =
        Maps.fdt()
            .ram(GIB, GIB)
            .reserved(GIB + 8 * MIB, MIB)
            .reserved(GIB + 8 * MIB + 512 * 1024, MIB, ReservedRegion.Source.RESERVED_MEMORY, true)
            .build();
    try (Machine machine = boot(map, plain)) {
      assertEquals(384 + POOL, machine.report().frames().reserved());
      BootModel.check(map, plain, machine, 6);
    }
  }

  @Test
  void dynamicReservationsGoHighInTheirRangesAndAligned() throws Exception {
    Maps maps = Maps.fdt().ram(GIB, GIB);
    AddressRange window = new AddressRange(0x4400_0000L, 64 * MIB);
    dynamic(maps, "low", 16 * MIB, 0, window);
    dynamic(maps, "aligned", 3 * MIB, 16 * MIB);
    dynamic(maps, "no room", 2 * GIB, 0);
    dynamic(maps, "outside", MIB, 0, new AddressRange(0, GIB));
    MemoryMap map = maps.build();
    try (Machine machine = boot(map, plain)) {
      BootReport report = machine.report();
      assertEquals(3, report.reservations().length);
      assertEquals("table pool", report.reservations()[0].name());
      assertEquals(0x4700_0000L, report.reservations()[1].range().base());
      assertEquals(0x7F00_0000L, report.reservations()[2].range().base());
      assertEquals(2, report.warningCount());
      assertTrue(report.warning(0).contains("no room"), report.warning(0));
      assertTrue(report.warning(1).contains("outside"), report.warning(1));
      BootModel.check(map, plain, machine, 7);
    }
  }

  private static void dynamic(
      Maps maps, String name, long byteSize, long alignment, AddressRange... ranges)
      throws Exception {
    DynamicReservation reservation =
        new DynamicReservation(name, byteSize, alignment, ranges, false, false, false);
    maps.builder().addDynamicReservation(reservation, "test", 0);
  }

  @Test
  void aBlobOfKnownSizeGetsAPlace() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, GIB).reserved(2 * GIB - MIB, MIB).build();
    BootOptions options = plain.withFdtByteSize(70_001);
    try (Machine machine = boot(map, options)) {
      ReservedRegion fdt = machine.report().reservations()[1];
      assertEquals(ReservedRegion.Source.FDT, fdt.source());
      assertEquals(2 * GIB - MIB - 18 * 4096, fdt.range().base());
      BootModel.check(map, options, machine, 8);
    }
  }

  @Test
  @Behaviour("110")
  void bootInformationStaysUntilItIsReleased() throws Exception {
    MemoryMap map =
        Maps.e820(Architecture.X86_64)
            .ram(0, GIB)
            .initrd(16 * MIB + 100, 3 * 4096)
            .reserved(32 * MIB, 8192, ReservedRegion.Source.BOOT_INFO, false)
            .reserved(32 * MIB + 4096, 100)
            .reserved(0x9500, 100, ReservedRegion.Source.BOOT_INFO, false)
            .reserved(4 * GIB, 4096, ReservedRegion.Source.BOOT_INFO, false)
            .build();
    try (Machine machine = boot(map, plain)) {
      BootModel.check(map, plain, machine, 9);
      long free = machine.freeFrameCount();
      // Four frames of the initrd, one of the two of the structure; the first MiB stays.
      assertEquals(5, machine.releaseBootInfo());
      assertEquals(free + 5, machine.freeFrameCount());
      assertEquals(0, machine.releaseBootInfo());
      machine.assertValid();
    }
  }

  @Test
  void anInitrdAcrossTwoNodesIsReleasedToBoth() throws Exception {
    MemoryMap map =
        Maps.fdt()
            .ram(GIB, 256 * MIB, 0)
            .ram(GIB + 256 * MIB, 256 * MIB, 1)
            .initrd(GIB + 256 * MIB - 8192, 4 * 4096)
            .build();
    try (Machine machine = boot(map, plain)) {
      long low = machine.freeFrameCount(0);
      long high = machine.freeFrameCount(1);
      assertEquals(4, machine.releaseBootInfo());
      assertEquals(low + 2, machine.freeFrameCount(0));
      assertEquals(high + 2, machine.freeFrameCount(1));
      machine.assertValid();
    }
  }

  @Test
  void theCallersInitrdReplacesTheMaps() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, GIB).initrd(GIB + MIB, MIB).build();
    BootOptions options = plain.withInitrd(new AddressRange(GIB + 9 * MIB, 4096));
    try (Machine machine = boot(map, options)) {
      assertEquals(1 + POOL, machine.report().frames().reserved());
      BootModel.check(map, options, machine, 10);
    }
  }

  @Test
  @Behaviour("114")
  void modulesAndWhateverFirmwareCallsUnusableIsReserved() throws Exception {
    Maps maps = Maps.e820(Architecture.X86_64).ram(0, 128 * MIB);
    maps.builder().addModule(new BootModule(2 * MIB, 70_001, "a"), "test", 0);
    maps.builder().addModule(new BootModule(4 * MIB, 1, ""), "test", 0);
    maps.builder().addModule(new BootModule(5 * MIB, 0, "empty"), "test", 0);
    maps.reserved(6 * MIB, 100, ReservedRegion.Source.FIRMWARE, false);
    MemoryMap map = maps.build();
    try (Machine machine = boot(map, plain)) {
      assertEquals(159 + 18 + 1 + 1 + POOL, machine.report().frames().reserved());
      BootModel.check(map, plain, machine, 11);
    }
  }

  @Test
  void eachNodeDescribesItselfInItsOwnMemory() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, GIB, 7).ram(2 * GIB, GIB, 1).ram(4 * GIB, GIB, 7).build();
    try (Machine machine = boot(map, plain)) {
      BootReport report = machine.report();
      assertEquals(2, report.nodes().length);
      assertEquals(1, report.nodes()[0].node());
      assertEquals(7, report.nodes()[1].node());
      assertEquals(GIB >>> 12, report.nodes()[0].spanned());
      assertEquals((4 * GIB) >>> 12, report.nodes()[1].spanned());
      assertEquals((2 * GIB) >>> 12, report.nodes()[1].present());
      assertTrue(new AddressRange(2 * GIB, GIB).overlaps(report.memMapSections()[0].range()));
      assertTrue(new AddressRange(4 * GIB, GIB).overlaps(report.memMapSections()[1].range()));
      assertEquals(2, report.memMapSections()[1].bankCount());
      assertEquals(machine.freeFrameCount(), machine.freeFrameCount(1) + machine.freeFrameCount(7));
      assertEquals(0, machine.freeFrameCount(3));
      for (BootReport.NodeRow row : report.nodes()) {
        long sum = 0;
        for (int order = 0; order <= machine.maxOrder(); order++) {
          sum += row.freeBlocks()[order] << order;
          assertEquals(row.freeBlocks()[order], machine.freeBlockCount(row.node(), order));
        }
        assertEquals(row.free(), sum);
        assertEquals(row.free(), machine.freeFrameCount(row.node()));
      }
      BootModel.check(map, plain, machine, 12);
    }
  }

  @Test
  void aTebibyteBootsAndAllOfItIsThere() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, 1L << 40).build();
    try (Machine machine = boot(map, plain)) {
      assertEquals(1L << 28, machine.report().frames().present());
      long block = machine.allocate(20, 0);
      assertTrue(block >= GIB >>> 12);
      machine.free(block, 20);
      assertEquals(machine.report().frames().free(), machine.freeFrameCount());
    }
  }

  @Test
  void aRangeThatLiesAboutItsSizeCostsNoMemory() throws Exception {
    MemoryMap map = Maps.fdt().ram(0, 1L << 45).build();
    long before = residentBytes();
    try (Machine machine = boot(map, plain)) {
      assertEquals(1L << 33, machine.report().frames().present());
      assertTrue(residentBytes() - before < 256 * MIB);
    }
  }

  private static long residentBytes() throws Exception {
    String statm = java.nio.file.Files.readString(java.nio.file.Path.of("/proc/self/statm"));
    int first = statm.indexOf(' ') + 1;
    return Long.parseLong(statm.substring(first, statm.indexOf(' ', first))) * 4096;
  }

  @Test
  void ramOutOfReachIsRefusedByName() {
    String far = refusal(Maps.fdt().ram(GIB, GIB).ram(1L << 47, GIB).build(), plain);
    assertTrue(far.contains("0x800000000000"), far);
    String negative = refusal(Maps.fdt().ram(1L << 63, GIB).build(), plain);
    assertTrue(negative.contains("0x8000000000000000"), negative);
    String everything = refusal(Maps.fdt().ram(0, -1L).build(), plain);
    assertTrue(everything.contains("0xffffffffffffffff"), everything);
  }

  @Test
  void holesBeginBanksAndCostNoMemMap() throws Exception {
    MemoryMap map = Maps.fdt().ram(0, 2 * GIB).ram(512 * GIB, 2 * GIB).build();
    try (Machine machine = boot(map, plain)) {
      assertEquals(2, machine.report().memMapSections()[0].bankCount());
      assertTrue(machine.report().memMapByteSize() < (isHybrid() ? 9 : 25) * MIB);
      assertNull(machine.frameInfo((300 * GIB) >>> 12));
      assertNotNull(machine.frameInfo((512 * GIB) >>> 12));
      BootModel.check(map, plain, machine, 13);
    }
  }

  @Test
  void manyTinyBanksBoot() throws Exception {
    Maps maps = Maps.fdt().ram(0, GIB);
    for (long i = 1; i < 1 << 16; i++) {
      maps.ram(2 * GIB + i * 256 * MIB, 4096);
    }
    MemoryMap map = maps.build();
    try (Machine machine = boot(map, plain)) {
      assertEquals((1 << 18) + (1 << 16) - 1, machine.report().frames().present());
      long pfn = machine.allocate(0, 0);
      assertEquals((2 * GIB + ((1 << 16) - 1) * 256 * MIB) >>> 12, pfn);
      machine.free(pfn, 0);
      machine.assertValid();
    }
  }

  @Test
  @Behaviour({"107", "109", "110", "113"})
  void randomMapsGiveOutWhatTheyMayAndNothingElse() throws Exception {
    for (int seed = 0; seed < 60; seed++) {
      SplitMix64 random = new SplitMix64(seed);
      Maps maps = Maps.fdt().ram(random.below(1L << 34), 200 * MIB + random.below(GIB));
      int count = random.below(12);
      for (int i = 0; i < count; i++) {
        maps.ram(random.below(1L << 35), 1 + random.below(300 * MIB), random.below(4) - 1);
      }
      int reservations = random.below(60);
      for (int i = 0; i < reservations; i++) {
        maps.reserved(
            random.below(1L << 35),
            1 + random.below(random.oneIn(5) ? 100 * MIB : 20_000),
            ReservedRegion.Source.RESERVED_MEMORY,
            random.oneIn(2));
      }
      dynamic(maps, "dynamic", 1 + random.below(16 * MIB), 1L << random.below(26));
      MemoryMap map = maps.build();
      try (Machine machine = boot(map, plain.withMaxOrder(12 + random.below(9)))) {
        BootModel.check(map, plain, machine, seed);
      }
    }
  }

  @Test
  void aLogOfManyRangesStaysShortAndSaysSo() throws Exception {
    Maps maps = Maps.fdt().ram(0, GIB);
    for (int i = 0; i < 500; i++) {
      maps.reserved(i * 8192L, 4096);
    }
    List<String> lines = new ArrayList<>();
    try (Machine machine = Machine.boot(maps.build(), plain, lines::add)) {
      assertEquals(500 + 1, machine.report().reservations().length);
      assertTrue(lines.size() < 100);
      assertTrue(lines.contains("reserved: … and 436 more ranges"), lines::toString);
    }
  }

  @Test
  void bootsOfOneMapAreEqual() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, 3 * GIB).reserved(2 * GIB, 12_345).build();
    try (Machine a = boot(map, plain);
        Machine b = boot(map, plain)) {
      assertEquals(a.report().frames(), b.report().frames());
      assertEquals(a.report().heap(), b.report().heap());
      assertArrayEquals(a.report().memMapSections(), b.report().memMapSections());
    }
  }
}
