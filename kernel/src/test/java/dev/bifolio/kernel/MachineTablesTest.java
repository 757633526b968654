package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.KernelLayout;
import dev.bifolio.kernel.table.KernelSections;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.UnmapOutcome;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/// The page tables of a boot. [KernelTablesModel] looks at every page.
@ParameterizedClass
@EnumSource(BootOptions.AllocatorKind.class)
class MachineTablesTest {
  private static final long MIB = Maps.MIB;
  private static final long GIB = Maps.GIB;
  private static final long TIB = 1L << 40;

  private final BootOptions plain;
  private final List<String> lines = new ArrayList<>();

  MachineTablesTest(BootOptions.AllocatorKind kind) {
    plain = BootOptions.DEFAULTS.withAllocator(kind).withCpuCount(2);
  }

  private Machine boot(MemoryMap map, BootOptions options) throws BootException {
    lines.clear();
    Machine machine = Machine.boot(map, options, lines::add);
    List<Long> tables = KernelTablesModel.check(map, options, machine);
    assertEquals(machine.report().frames().tables(), tables.size());
    return machine;
  }

  private String formatOf(Maps maps) throws BootException {
    try (Machine machine = boot(maps.build(), plain)) {
      BootReport.PageTables tables = machine.report().pageTables();
      return tables == null ? "none" : tables.format();
    }
  }

  private static Maps of(Architecture architecture) {
    return Maps.e820(architecture);
  }

  private boolean said(String text) {
    return lines.stream().anyMatch(line -> line.contains(text));
  }

  // ---- Formats ----

  @Test
  void theFormatIsTheArchitecturesAndLargeEnoughForTheRam() throws Exception {
    assertEquals("x86_64", formatOf(of(Architecture.X86_64).ram(0, GIB)));
    assertEquals("x86_64", formatOf(of(Architecture.X86_64).ram(0, GIB).ram(63 * TIB, TIB)));
    Maps far = of(Architecture.X86_64).ram(40 * TIB, GIB).ram(64 * TIB, GIB);
    assertEquals("x86_64-la57", formatOf(far));
    assertEquals("i386", formatOf(of(Architecture.I386).ram(0, GIB)));
    assertEquals("aarch64", formatOf(of(Architecture.AARCH64).ram(0, GIB)));
    assertEquals("sv39", formatOf(of(Architecture.RISCV64).ram(2 * GIB, 126 * GIB)));
    assertEquals("sv39", formatOf(of(Architecture.RISCV64).ram(200 * GIB, 128 * GIB)));
    assertEquals("sv48", formatOf(of(Architecture.RISCV64).ram(200 * GIB, 128 * GIB + 4096)));
    Maps both = of(Architecture.RISCV64).ram(0, GIB).ram(64 * TIB - GIB, GIB);
    assertEquals("sv48", formatOf(both));
    for (int bits : new int[] {39, 48, 57}) {
      Maps told = of(Architecture.RISCV64).ram(0, GIB);
      told.builder().virtualBits(bits);
      assertEquals("sv" + bits, formatOf(told));
    }
    for (Architecture without : new Architecture[] {Architecture.ARM, Architecture.RISCV32}) {
      assertEquals("none", formatOf(of(without).ram(0, GIB)));
      assertTrue(said("tables: none, there is no format of " + without.label()));
    }
    assertEquals("none", formatOf(of(null).ram(0, GIB)));
    assertTrue(said("tables: none, the architecture is unknown"));
  }

  @Test
  void aMachineWithoutTablesSaysSo() throws Exception {
    MemoryMap map = of(Architecture.ARM).ram(0, GIB).build();
    Machine machine = boot(map, plain);
    assertNull(machine.kernelTables());
    assertNull(machine.report().pageTables());
    assertEquals(0, machine.report().frames().tables());
    assertEquals(0, machine.report().frames().reserved());
    assertThrows(IllegalStateException.class, machine::kernelSpace);
    assertThrows(IllegalStateException.class, () -> machine.directMapAddress(0));
    machine.close();
  }

  @Test
  void aClosedMachineHasNoTablesToShow() throws Exception {
    Machine machine = boot(of(Architecture.AARCH64).ram(GIB, GIB).build(), plain);
    assertNotNull(machine.kernelTables());
    machine.close();
    assertThrows(IllegalStateException.class, machine::kernelTables);
    assertThrows(IllegalStateException.class, machine::kernelSpace);
    assertThrows(IllegalStateException.class, () -> machine.directMapAddress(GIB));
  }

  // ---- The direct map ----

  @Test
  @Behaviour("119")
  void aKernelAddressIsConvertedBySubtractionAndTheTablesSayTheSame() throws Exception {
    SplitMix64 random = new SplitMix64(5);
    Architecture[] all = {
      Architecture.X86_64, Architecture.AARCH64, Architecture.RISCV64, Architecture.I386
    };
    for (Architecture architecture : all) {
      MemoryMap map = of(architecture).ram(0, 800 * MIB).ram(850 * MIB, 40 * MIB).build();
      try (Machine machine = boot(map, plain)) {
        AddressSpace space = machine.kernelSpace();
        Mmu mmu = mmuOf(machine);
        long constant = machine.directMapAddress(0);
        for (int i = 0; i < 2000; i++) {
          long pa = MIB + random.below(895 * MIB);
          long va = machine.directMapAddress(pa);
          assertEquals(constant + pa, va);
          boolean isRam = pa < 800 * MIB || (pa >= 850 * MIB && pa < 890 * MIB);
          assertEquals(isRam ? pa : AddressSpace.NOT_MAPPED, space.translate(va));
          long stored = mmu.access(va, Mmu.STORE);
          assertEquals(isRam ? pa : -1, stored < 0 ? -1 : stored);
          boolean mayRun = isRam && architecture == Architecture.I386;
          assertEquals(mayRun, mmu.access(va, Mmu.FETCH) >= 0);
        }
        for (int i = 0; i < 100; i++) {
          long pfn = machine.allocate(0, 0);
          long va = machine.directMapAddress(pfn << 12);
          assertEquals(pfn << 12, space.translate(va));
        }
        assertThrows(
            IllegalArgumentException.class, () -> machine.directMapAddress(Long.MAX_VALUE));
      }
    }
  }

  /// A processor that walks the tables itself.
  private static Mmu mmuOf(Machine machine) {
    PageFormat format = machine.kernelSpace().format();
    Mmu mmu = new Mmu(format, machine.bus(), null);
    mmu.setSpace(machine.kernelSpace(), 0);
    return mmu;
  }

  @Test
  void aProcessorSeesAllMemoryThatItsAddressLinesReach() throws Exception {
    MemoryMap large = Maps.e820(Architecture.I386).ram(MIB, 6 * GIB).build();
    try (Machine machine = boot(large, plain)) {
      assertEquals(MIB, machine.bus().base());
      assertEquals(4 * GIB, machine.bus().base() + machine.bus().byteSize());
    }
    try (Machine machine = boot(Maps.fdt().ram(GIB, 6 * GIB).build(), plain)) {
      assertEquals(GIB, machine.bus().base());
      assertEquals(6 * GIB, machine.bus().byteSize());
      assertEquals(machine.physToVirt(GIB), GIB + machine.bus().physToVirt());
    }
  }

  @Test
  void whatMustNotBeMappedIsNotEvenPartly() throws Exception {
    MemoryMap map =
        Maps.fdt()
            .ram(GIB, 2 * GIB)
            .reserved(GIB + 64 * MIB + 100, 5000, ReservedRegion.Source.RESERVED_MEMORY, true)
            .reserved(2 * GIB, 2 * MIB, ReservedRegion.Source.RESERVED_MEMORY, true)
            .reserved(2 * GIB + 8 * MIB, 2 * MIB)
            .build();
    try (Machine machine = boot(map, plain)) {
      AddressSpace space = machine.kernelSpace();
      long hole = machine.directMapAddress(GIB + 64 * MIB);
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(hole));
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(hole + 8191));
      assertEquals(GIB + 64 * MIB + 8192, space.translate(hole + 8192));
      assertEquals(GIB + 64 * MIB - 1, space.translate(hole - 1));
      long large = machine.directMapAddress(2 * GIB);
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(large + MIB));
      assertEquals(2 * GIB + 9 * MIB, space.translate(large + 9 * MIB), "reserved, but mapped");
    }
  }

  @Test
  void terabytesCostAFewTables() throws Exception {
    MemoryMap map = of(Architecture.X86_64).ram(0, 4 * TIB).build();
    try (Machine machine = boot(map, plain)) {
      BootReport.PageTables tables = machine.report().pageTables();
      assertNotNull(tables);
      assertTrue(tables.tables() < 16, tables.describe());
      assertEquals(4095, tables.pages()[2]);
      assertTrue(tables.describe().contains("4095 of 1 GiB"), tables.describe());
    }
  }

  @Test
  void anI386HasItsLowmemAndTablesInIt() throws Exception {
    MemoryMap map = of(Architecture.I386).ram(0, 6 * GIB).build();
    BootOptions options = plain.withKernel(new AddressRange(MIB, 6 * MIB));
    try (Machine machine = boot(map, options)) {
      assertTrue(said("are not in the direct map, which is lowmem only"), lines::toString);
      assertTrue(
          said("[0x100000, 0x700000) where it is and at 0xc0100000, 1 of the 16"), lines::toString);
      AddressSpace space = machine.kernelSpace();
      assertEquals(896 * MIB - 1, space.translate(0xC000_0000L + 896 * MIB - 1));
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(0xC000_0000L + 896 * MIB));
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(0x20_0000), "no identity map is left");
      assertTrue(space.rootAddress(0) < 896 * MIB);
    }
  }

  @Test
  void ramBeyondTheReachOfEntriesIsLeftOutWithAWarning() throws Exception {
    MemoryMap map = Maps.fdt().ram(255 * TIB, GIB).ram(257 * TIB, GIB).build();
    BootOptions options = plain.withMinFreeKib(0);
    try (Machine machine = boot(map, options)) {
      assertTrue(said("1 GiB of RAM are not in the direct map: beyond the reach of aarch64"));
      assertEquals(255 * TIB, machine.kernelSpace().translate(0xFFFF_0000_0000_0000L));
    }
  }

  @Test
  void headroomIsMappedFromTheBeginningAndMemoryOfDevicesNever() throws Exception {
    MemoryMap map = Maps.fdt().ram(GIB, 128 * MIB).build();
    AddressRange range = new AddressRange(4 * GIB, 64 * MIB);
    BootOptions options =
        plain
            .withHeadroom(32 * MIB)
            .withDeviceMemory(new DeviceMemory(range, 0, DeviceMemory.Kind.GPU, "gpu"));
    try (Machine machine = boot(map, options)) {
      long start = machine.hotMemory().startPfn(0) << 12;
      assertTrue(start >= 4 * GIB + 64 * MIB);
      assertEquals(start, machine.kernelSpace().translate(machine.directMapAddress(start)));
      long device = machine.directMapAddress(4 * GIB);
      assertEquals(AddressSpace.NOT_MAPPED, machine.kernelSpace().translate(device));
      long tables = machine.kernelSpace().tableCount();
      machine.hotMemory().online(start >>> 12, 512);
      assertEquals(tables, machine.kernelSpace().tableCount());
    }
  }

  // ---- The image ----

  @Test
  void theSectionsOfTheKernelAreWritableOrExecutableButNotBoth() throws Exception {
    AddressRange kernel = new AddressRange(34 * MIB + 4096, 7 * MIB + 100);
    KernelSections known = new KernelSections(34 * MIB, 35 * MIB + 4096, 36 * MIB, 40 * MIB + 8192);
    for (Architecture architecture :
        new Architecture[] {
          Architecture.X86_64, Architecture.AARCH64, Architecture.RISCV64, Architecture.I386
        }) {
      MemoryMap map = of(architecture).ram(0, 512 * MIB).build();
      boot(map, plain.withKernel(kernel)).close();
      boot(map, plain.withKernelSections(known)).close();
      BootOptions options = plain.withKernelSections(known).withKernel(kernel);
      assertNull(options.kernelSections());
      try (Machine machine = boot(map, plain.withKernelSections(known))) {
        KernelLayout layout = tablesOf(machine).layout();
        long text = layout.textAddress(34 * MIB, 35 * MIB);
        assertEquals(35 * MIB, machine.kernelSpace().translate(text));
        AddressRange pool = poolOf(machine);
        assertEquals(known.end(), pool.base(), "the pool lies behind the image");
      }
    }
  }

  @Test
  void anImageThatCannotBeMappedIsLeftOut() throws Exception {
    MemoryMap map =
        Maps.fdt()
            .ram(0, 3 * GIB)
            .reserved(64 * MIB, 4096, ReservedRegion.Source.RESERVED_MEMORY, true)
            .build();
    boot(map, plain.withKernel(new AddressRange(4 * GIB, MIB))).close();
    assertTrue(said("is not mapped, not all of it is RAM"));
    boot(map, plain.withKernel(new AddressRange(3 * GIB - MIB, 2 * MIB))).close();
    assertTrue(said("is not mapped, not all of it is RAM"));
    boot(map, plain.withKernel(new AddressRange(-4096, 4096))).close();
    assertTrue(said("is not mapped, not all of it is RAM"));
    AddressRange large = new AddressRange(128 * MIB, GIB + 4096);
    try (Machine machine = Machine.boot(map, plain.withKernel(large), lines::add)) {
      assertTrue(said("is not mapped: there is no room for it"));
      assertEquals(0, tablesOf(machine).frames().poolInUse());
    }
  }

  // ---- The switch ----

  @Test
  void temporaryTablesAreThePoolsAndPermanentOnesTheAllocators() throws Exception {
    for (Architecture architecture :
        new Architecture[] {
          Architecture.X86_64, Architecture.AARCH64, Architecture.RISCV64, Architecture.I386
        }) {
      MemoryMap map = of(architecture).ram(0, 512 * MIB).build();
      try (Machine machine = boot(map, plain)) {
        KernelTables tables = tablesOf(machine);
        BootReport.PageTables report = machine.report().pageTables();
        assertNotNull(report);
        assertTrue(report.temporaryTables() > 0);
        assertEquals(report.temporaryTables(), tables.frames().fromPool());
        assertEquals(report.temporaryTables(), tables.frames().freed());
        assertEquals(0, tables.frames().poolInUse());
        assertEquals(report.tables(), tables.frames().fromSource());
        AddressRange pool = poolOf(machine);
        for (int root = 0; root < tables.space().format().rootCount(); root++) {
          assertTrue(!pool.contains(tables.space().rootAddress(root)));
        }
        long identity = architecture == Architecture.I386 ? 0 : pool.base();
        assertEquals(AddressSpace.NOT_MAPPED, tables.space().translate(identity));
      }
    }
  }

  private static AddressRange poolOf(Machine machine) {
    for (ReservedRegion region : machine.report().reservations()) {
      if (region.name().equals("table pool")) {
        assertEquals(ReservedRegion.Source.KERNEL, region.source());
        assertEquals(64 << 10, region.range().byteSize());
        return region.range();
      }
    }
    throw new AssertionError("no pool");
  }

  private static KernelTables tablesOf(Machine machine) {
    KernelTables tables = machine.kernelTables();
    if (tables == null) {
      throw new AssertionError("no tables");
    }
    return tables;
  }

  @Test
  void withoutRoomForThePoolThereAreNoTables() throws Exception {
    Maps maps = Maps.e820(Architecture.I386).ram(1024 * MIB, 64 * MIB);
    BootException refused =
        assertThrows(BootException.class, () -> boot(maps.build(), plain).close());
    assertTrue(String.valueOf(refused.getMessage()).startsWith(BootException.NO_HEAP));
    assertTrue(said("no room for a pool of page tables"));
  }

  @Test
  void aPoolOf64BitX86LiesBelow4GibIfThereIsRoom() throws Exception {
    MemoryMap high = of(Architecture.X86_64).ram(8 * GIB, GIB).build();
    try (Machine machine = boot(high, plain)) {
      assertEquals(8 * GIB, poolOf(machine).base());
    }
    MemoryMap both = of(Architecture.X86_64).ram(2 * GIB, 64 << 10).ram(8 * GIB, GIB).build();
    BootOptions options = plain.withKernel(new AddressRange(8 * GIB, MIB));
    try (Machine machine = boot(both, options)) {
      assertEquals(2 * GIB, poolOf(machine).base());
    }
  }

  // ---- After the boot ----

  @Test
  void tablesThatComeLaterAreFramesOfTheZonesAndGoBack() throws Exception {
    MemoryMap map = of(Architecture.X86_64).ram(0, 256 * MIB).build();
    try (Machine machine = boot(map, plain)) {
      KernelTables tables = tablesOf(machine);
      machine.drainCaches();
      long free = machine.freeFrameCount();
      long va = tables.layout().vmallocBase();
      long pfn = machine.allocate(0, 0);
      assertEquals(MapOutcome.MAPPED, tables.space().map(va, pfn << 12, 4096, KernelLayout.DATA));
      long table = tables.space().tableAt(va, 1) >>> 12;
      FrameInfo info = machine.frameInfo(table);
      assertNotNull(info);
      assertEquals(FrameInfo.KIND_TABLE, FrameInfo.kindOf(info.get(table)));
      FlushBatch batch = new FlushBatch(FlushBatch.DEFAULT_LIMIT, null);
      assertEquals(UnmapOutcome.DONE, tables.space().unmap(va, 4096, batch));
      assertEquals(3, tables.space().flushed(batch));
      assertEquals(FrameInfo.KIND_NONE, FrameInfo.kindOf(info.get(table)));
      machine.free(pfn, 0);
      machine.drainCaches();
      assertEquals(free, machine.freeFrameCount());
      machine.assertValid();
      assertEquals(0, tables.frames().poolInUse());
    }
  }

  @Test
  void bootsOfOneMapHaveEqualTables() throws Exception {
    MemoryMap map =
        Maps.fdt().ram(GIB, 3 * GIB).reserved(2 * GIB, 12_345).ram(8 * GIB, 100 * MIB, 1).build();
    try (Machine a = boot(map, plain);
        Machine b = boot(map, plain)) {
      assertEquals(KernelTablesModel.check(map, plain, a), KernelTablesModel.check(map, plain, b));
    }
  }
}
