package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.boot.BankPlan;
import dev.bifolio.kernel.boot.Memblock;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.zone.ZoneType;
import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ZoneBordersTest {
  private static final long MIB = 1L << 20;
  private static final long GIB = 1L << 30;
  private static final long NO_END = Long.MAX_VALUE;

  private Window window;
  private Memblock memblock;
  private long dmaLimit = MemoryMap.NO_DMA_LIMIT;
  private BootOptions options = BootOptions.DEFAULTS;

  @BeforeEach
  void begin() throws Exception {
    window = Window.reserve(MIB);
    memblock = new Memblock(window.address(), 512, 0);
  }

  @AfterEach
  void end() {
    window.close();
  }

  private void ram(long base, long end, int node) {
    assertTrue(memblock.add(base, end - base, node, 0));
  }

  private void hotpluggable(long base, long end, int node) {
    assertTrue(memblock.add(base, end - base, node, Memblock.HOTPLUG));
  }

  private ZoneBorders borders(Architecture architecture) {
    MemoryMap map = new MemoryMapBuilder("fdt").dmaLimit(dmaLimit).build();
    try {
      return ZoneBorders.of(map, architecture, memblock.memory(), options);
    } catch (BootException e) {
      throw new AssertionError(e);
    }
  }

  /// The exclusive ends of DMA, DMA32, NORMAL and HIGHMEM in MiB, -1 where the type does not exist.
  private long[] ends(Architecture architecture) {
    ZoneBorders borders = borders(architecture);
    long[] ends = new long[4];
    for (ZoneType type :
        new ZoneType[] {ZoneType.DMA, ZoneType.DMA32, ZoneType.NORMAL, ZoneType.HIGHMEM}) {
      long end = borders.endPfn(type.index());
      ends[type.index()] = !borders.exists(type) ? -1 : end == Long.MAX_VALUE ? NO_END : end >>> 8;
    }
    assertTrue(borders.exists(ZoneType.MOVABLE));
    assertTrue(borders.exists(ZoneType.DEVICE));
    assertEquals(0, borders.startPfn(0));
    for (int type = 1; type < 4; type++) {
      assertEquals(borders.endPfn(type - 1), borders.startPfn(type));
    }
    return ends;
  }

  @Test
  @Behaviour("86")
  void theMachineDecidesWhichTypesThereAreAndWhereTheyEnd() {
    ram(0, 8 * GIB, 0);
    assertArrayEquals(new long[] {16, 4096, NO_END, -1}, ends(Architecture.X86_64));
    assertArrayEquals(new long[] {16, -1, 896, NO_END}, ends(Architecture.I386));
    assertArrayEquals(new long[] {4096, 4096, NO_END, -1}, ends(Architecture.AARCH64));
    assertArrayEquals(new long[] {-1, -1, 768, NO_END}, ends(Architecture.ARM));
    assertArrayEquals(new long[] {-1, 4096, NO_END, -1}, ends(Architecture.RISCV64));
    assertArrayEquals(new long[] {-1, -1, NO_END, -1}, ends(Architecture.RISCV32));
    assertArrayEquals(new long[] {-1, -1, NO_END, -1}, ends(null));
  }

  @Test
  @Behaviour("86")
  void frame4095IsDmaAndFrame4096IsNot() {
    ram(0, 8 * GIB, 0);
    ZoneBorders pc = borders(Architecture.X86_64);
    assertEquals(ZoneType.DMA.index(), pc.typeAt(0, 4095));
    assertEquals(ZoneType.DMA32.index(), pc.typeAt(0, 4096));
    assertEquals(ZoneType.DMA32.index(), pc.typeAt(0, (1 << 20) - 1));
    assertEquals(ZoneType.NORMAL.index(), pc.typeAt(0, 1 << 20));
    assertEquals(4096, pc.borderAfter(0, 0));
    assertEquals(4096, pc.borderAfter(0, 4095));
    assertEquals(1 << 20, pc.borderAfter(0, 4096));
    assertEquals(Long.MAX_VALUE, pc.borderAfter(0, 1 << 20));
    ZoneBorders old = borders(Architecture.I386);
    assertEquals(ZoneType.NORMAL.index(), old.typeAt(0, 4096));
    assertEquals(ZoneType.NORMAL.index(), old.typeAt(0, (896 << 8) - 1));
    assertEquals(ZoneType.HIGHMEM.index(), old.typeAt(0, 896 << 8));
  }

  @Test
  void aNarrowBusNarrowsDma() {
    ram(0, 8 * GIB, 0);
    dmaLimit = GIB;
    assertArrayEquals(new long[] {1024, 4096, NO_END, -1}, ends(Architecture.AARCH64));
    // All that is mapped at all times is within reach.
    assertArrayEquals(new long[] {768, -1, 768, NO_END}, ends(Architecture.ARM));
    dmaLimit = 512 * MIB;
    assertArrayEquals(new long[] {512, -1, 768, NO_END}, ends(Architecture.ARM));
    // Others have fixed borders.
    assertArrayEquals(new long[] {16, 4096, NO_END, -1}, ends(Architecture.X86_64));
    assertArrayEquals(new long[] {-1, 4096, NO_END, -1}, ends(Architecture.RISCV64));
    dmaLimit = 64 * GIB;
    assertArrayEquals(new long[] {4096, 4096, NO_END, -1}, ends(Architecture.AARCH64));
  }

  @Test
  void aBorderInsideAnAreaIsMovedDown() {
    ram(0, 8 * GIB, 0);
    dmaLimit = GIB - 1;
    assertArrayEquals(new long[] {1022, 4096, NO_END, -1}, ends(Architecture.AARCH64));
  }

  @Test
  void lowMemoryOfArmCountsFromTheFirstRam() {
    ram(2 * GIB + MIB, 4 * GIB, 0);
    assertArrayEquals(new long[] {-1, -1, 2048 + 768, NO_END}, ends(Architecture.ARM));
  }

  @Test
  void ramAboveFourGibibytesOnlyIsAllDmaOnAarch64() {
    ram(512 * GIB, 513 * GIB, 0);
    assertArrayEquals(new long[] {NO_END, NO_END, NO_END, -1}, ends(Architecture.AARCH64));
    dmaLimit = 768 * GIB;
    assertArrayEquals(new long[] {768 << 10, 768 << 10, NO_END, -1}, ends(Architecture.AARCH64));
    assertEquals(ZoneType.DMA.index(), borders(Architecture.AARCH64).typeAt(0, (512 * GIB) >>> 12));
  }

  @Test
  void movableComesFromTheTopOfEachNodeInEqualShares() {
    ram(4 * GIB, 6 * GIB, 0);
    ram(6 * GIB, 8 * GIB, 1);
    options = options.withMovable(GIB);
    ZoneBorders borders = borders(Architecture.X86_64);
    assertTrue(borders.hasMovable());
    assertEquals((5 * GIB + 512 * MIB) >>> 12, borders.movableStartPfn(0));
    assertEquals((7 * GIB + 512 * MIB) >>> 12, borders.movableStartPfn(1));
    assertEquals(Long.MAX_VALUE, borders.movableStartPfn(2));
    long start = borders.movableStartPfn(0);
    assertEquals(ZoneType.NORMAL.index(), borders.typeAt(0, start - 1));
    assertEquals(ZoneType.MOVABLE.index(), borders.typeAt(0, start));
    assertEquals(ZoneType.NORMAL.index(), borders.typeAt(1, start));
    assertEquals(start, borders.borderAfter(0, start - 1));
    assertEquals(Long.MAX_VALUE, borders.borderAfter(0, start));
    assertFalse(borders.isForMetadata(ZoneType.MOVABLE.index()));
    assertTrue(borders.isForMetadata(ZoneType.HIGHMEM.index()));
  }

  @Test
  void whatASmallNodeCannotGiveTheOthersDo() {
    ram(4 * GIB, 4 * GIB + 100 * MIB, 0);
    ram(5 * GIB, 7 * GIB, 1);
    ram(7 * GIB, 9 * GIB, 2);
    options = options.withMovable(900 * MIB);
    ZoneBorders borders = borders(Architecture.X86_64);
    assertEquals((4 * GIB) >>> 12, borders.movableStartPfn(0));
    assertEquals((7 * GIB - 400 * MIB) >>> 12, borders.movableStartPfn(1));
    assertEquals((9 * GIB - 400 * MIB) >>> 12, borders.movableStartPfn(2));
  }

  @Test
  void onlyTheHighestTypeWithRamGivesMovable() {
    ram(MIB, 3 * GIB, 0);
    ram(4 * GIB, 5 * GIB, 0);
    ram(3 * GIB, 4 * GIB, 1);
    options = options.withMovable(3 * GIB);
    ZoneBorders borders = borders(Architecture.X86_64);
    assertEquals((4 * GIB) >>> 12, borders.movableStartPfn(0));
    assertEquals(Long.MAX_VALUE, borders.movableStartPfn(1));
  }

  @Test
  void aShareThatReachesOverAHoleBeginsBelowIt() {
    ram(4 * GIB, 5 * GIB, 0);
    ram(6 * GIB, 6 * GIB + 64 * MIB, 0);
    options = options.withMovable(100 * MIB);
    assertEquals((5 * GIB - 36 * MIB) >>> 12, borders(Architecture.X86_64).movableStartPfn(0));
  }

  @Test
  void movableStartsAreRoundedUpToAreas() {
    ram(4 * GIB, 5 * GIB, 0);
    options = options.withMovable(5 * MIB);
    assertEquals((5 * GIB - 4 * MIB) >>> 12, borders(Architecture.X86_64).movableStartPfn(0));
    options = options.withMovable(2 * MIB - 4096);
    assertFalse(borders(Architecture.X86_64).hasMovable());
    // A frame more than whole areas is worth no more areas.
    options = options.withMovable(4 * MIB + 1);
    assertEquals((5 * GIB - 4 * MIB) >>> 12, borders(Architecture.X86_64).movableStartPfn(0));
  }

  @Test
  void aWishForAllRamIsNone() {
    ram(4 * GIB, 5 * GIB, 0);
    options = options.withMovable(GIB);
    assertFalse(borders(Architecture.X86_64).hasMovable());
    options = options.withMovable(GIB - 4096);
    assertEquals((4 * GIB + 2 * MIB) >>> 12, borders(Architecture.X86_64).movableStartPfn(0));
    assertThrows(IllegalArgumentException.class, () -> options.withMovable(-1));
  }

  @Test
  void hotpluggableRamIsMovableOnRequestButNotInTheFirstNode() {
    ram(MIB, GIB, 3);
    hotpluggable(GIB, 2 * GIB, 3);
    ram(2 * GIB, 3 * GIB, 1);
    hotpluggable(3 * GIB + MIB, 4 * GIB, 1);
    ram(4 * GIB, 5 * GIB, 1);
    hotpluggable(5 * GIB, 6 * GIB, 0);
    assertFalse(borders(Architecture.X86_64).hasMovable());
    options = options.withMovableHotplug(true);
    ZoneBorders borders = borders(Architecture.X86_64);
    assertEquals(Long.MAX_VALUE, borders.movableStartPfn(3));
    assertEquals((3 * GIB) >>> 12, borders.movableStartPfn(1));
    assertEquals((5 * GIB) >>> 12, borders.movableStartPfn(0));
    assertEquals(ZoneType.MOVABLE.index(), borders.typeAt(1, (4 * GIB) >>> 12));
    // Both wishes: the lower start of the two.
    options = options.withMovable(2 * GIB + 256 * MIB);
    borders = borders(Architecture.X86_64);
    assertEquals((3 * GIB) >>> 12, borders.movableStartPfn(1));
    assertEquals((5 * GIB) >>> 12, borders.movableStartPfn(0));
  }

  @Test
  void zonesSpanTheirPartOfTheNodeHolesIncluded() {
    ram(4096, 0x9f000, 0);
    ram(MIB, 2 * GIB, 0);
    ram(5 * GIB, 6 * GIB, 0);
    ram(6 * GIB, 7 * GIB, 1);
    options =
        options
            .withMovable(512 * MIB)
            .withDeviceMemory(device(9 * GIB, MIB, 1))
            .withDeviceMemory(device(8 * GIB, 3 * MIB, 1));
    ZoneBorders borders = borders(Architecture.X86_64);
    ZoneSpans spans = new ZoneSpans(new BankPlan(memblock.memory(), borders), borders);
    assertEquals(2, spans.nodeCount());
    expect(spans, 0, ZoneType.DMA, 1, 4095, 3998);
    expect(spans, 0, ZoneType.DMA32, 4096, (1 << 20) - 4096, ((2 * GIB) >>> 12) - 4096);
    expect(spans, 0, ZoneType.NORMAL, 1 << 20, 7 << 16, 3 << 16);
    expect(spans, 0, ZoneType.HIGHMEM, 0, 0, 0);
    expect(spans, 0, ZoneType.MOVABLE, 23 << 16, 1 << 16, 1 << 16);
    expect(spans, 0, ZoneType.DEVICE, 0, 0, 0);
    expect(spans, 1, ZoneType.DMA, 0, 0, 0);
    expect(spans, 1, ZoneType.DMA32, 0, 0, 0);
    expect(spans, 1, ZoneType.NORMAL, 24 << 16, 3 << 16, 3 << 16);
    expect(spans, 1, ZoneType.MOVABLE, 27 << 16, 1 << 16, 1 << 16);
    expect(spans, 1, ZoneType.DEVICE, (8 * GIB) >>> 12, (GIB + MIB) >>> 12, (4 * MIB) >>> 12);
  }

  private static void expect(
      ZoneSpans spans, int node, ZoneType type, long start, long spanned, long present) {
    assertEquals(start, spans.startPfn(node, type), type + " start");
    assertEquals(spanned, spans.spannedFrames(node, type), type + " spanned");
    assertEquals(present, spans.presentFrames(node, type), type + " present");
  }

  private static DeviceMemory device(long base, long byteSize, int node) {
    return new DeviceMemory(
        new AddressRange(base, byteSize), node, DeviceMemory.Kind.PERSISTENT, "pmem");
  }

  @Test
  void deviceMemoryIsSortedAndKeepsItsAttributes() {
    ram(MIB, GIB, 0);
    options =
        options
            .withDeviceMemory(device(3 * GIB, MIB, 1))
            .withDeviceMemory(device(4 * GIB, MIB, 1))
            .withDeviceMemory(device(GIB, 2 * MIB, 2));
    ZoneBorders borders = borders(Architecture.X86_64);
    assertEquals(3, borders.deviceCount());
    assertEquals(GIB >>> 12, borders.deviceStartPfn(0));
    assertEquals((GIB + 2 * MIB) >>> 12, borders.deviceEndPfn(0));
    assertEquals(2, borders.deviceNode(0));
    assertEquals(3 * GIB, borders.device(1).range().base());
    assertEquals(4 * GIB, borders.device(2).range().base());
    assertEquals(DeviceMemory.Kind.PERSISTENT, borders.device(2).kind());
    assertEquals("pmem", borders.device(2).name());
    assertEquals(ZoneType.DEVICE.index(), borders.deviceType());
    assertEquals(3, options.deviceMemory().length);
  }

  private String refusal() {
    MemoryMap map = new MemoryMapBuilder("e820").build();
    return assertThrows(
            BootException.class,
            () -> ZoneBorders.of(map, Architecture.X86_64, memblock.memory(), options))
        .getMessage();
  }

  @Test
  void deviceMemoryThatOverlapsIsRefused() {
    ram(MIB, GIB, 0);
    options = options.withDeviceMemory(device(GIB - 4096, MIB, 0));
    assertTrue(refusal().contains("overlaps RAM"), refusal());
    options =
        BootOptions.DEFAULTS
            .withDeviceMemory(device(2 * GIB, MIB, 0))
            .withDeviceMemory(device(2 * GIB + MIB - 4096, MIB, 0));
    assertTrue(refusal().contains("overlaps device memory pmem"), refusal());
  }

  @Test
  void deviceMemoryIsWholeFramesOfANode() {
    assertThrows(IllegalArgumentException.class, () -> device(GIB + 1, MIB, 0));
    assertThrows(IllegalArgumentException.class, () -> device(GIB, MIB + 1, 0));
    assertThrows(IllegalArgumentException.class, () -> device(GIB, MIB, -1));
    assertThrows(IllegalArgumentException.class, () -> device(Long.MIN_VALUE - MIB, 2 * MIB, 0));
    assertThrows(IllegalArgumentException.class, () -> device(Long.MIN_VALUE, MIB, 0));
  }
}
