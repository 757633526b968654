package dev.bifolio.kernel.firmware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.Property;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class MemoryMapTest {
  private static final int NONE = MemoryRegion.NO_NODE;

  /// A range of memory as it is stated.
  private record Stated(long base, long byteSize, int node, boolean hotpluggable) {}

  @Test
  void rangesAreSortedAndEqualNeighboursMerged() throws MemoryMapException {
    MemoryMap map =
        map(
            new Stated(0x3000, 0x1000, NONE, false),
            new Stated(0x1000, 0x1000, NONE, false),
            new Stated(0x2000, 0x1000, NONE, false),
            new Stated(0x4001, 0x1000, NONE, false));
    assertEquals(List.of("[0x1000, 0x4000)", "[0x4001, 0x5001)"), FdtTrees.memory(map));
    assertEquals(0, map.warningCount());
  }

  @Test
  @Behaviour("65")
  void overlappingAndRepeatedRangesCountOnce() throws MemoryMapException {
    MemoryMap map =
        map(
            new Stated(0x1000, 0x4000, NONE, false),
            new Stated(0x2000, 0x1000, NONE, false),
            new Stated(0x1000, 0x4000, NONE, false),
            new Stated(0x4000, 0x4000, NONE, false));
    assertEquals(List.of("[0x1000, 0x8000)"), FdtTrees.memory(map));
    assertEquals(0x7000, map.totalMemoryBytes());
    assertEquals(0, map.warningCount());
  }

  @Test
  void neighboursOfOtherNodeOrKindStayApart() throws MemoryMapException {
    MemoryMap map =
        map(
            new Stated(0x1000, 0x1000, 0, false),
            new Stated(0x2000, 0x1000, 1, false),
            new Stated(0x3000, 0x1000, 1, true),
            new Stated(0x4000, 0x1000, 1, true),
            new Stated(0x5000, 0x1000, NONE, true));
    assertEquals(
        List.of(
            "[0x1000, 0x2000) node 0",
            "[0x2000, 0x3000) node 1",
            "[0x3000, 0x5000) node 1 hotpluggable",
            "[0x5000, 0x6000) hotpluggable"),
        FdtTrees.memory(map));
    assertEquals(0, map.warningCount());
  }

  @Test
  void theRangeStatedFirstKeepsWhatTwoNodesClaim() throws MemoryMapException {
    MemoryMap first =
        map(new Stated(0x3000, 0x1000, 1, false), new Stated(0x1000, 0x8000, 0, false));
    assertEquals(
        List.of("[0x1000, 0x3000) node 0", "[0x3000, 0x4000) node 1", "[0x4000, 0x9000) node 0"),
        FdtTrees.memory(first));
    assertEquals(1, first.warningCount());
    assertTrue(first.warning(0).contains("[0x1000, 0x9000)"), first.warning(0));
    MemoryMap last =
        map(new Stated(0x1000, 0x8000, 0, false), new Stated(0x3000, 0x1000, 1, false));
    assertEquals(List.of("[0x1000, 0x9000) node 0"), FdtTrees.memory(last));
    assertEquals(1, last.warningCount());
  }

  @Test
  void everyRangeThatLosesBytesIsNamedOnce() throws MemoryMapException {
    // Three equal ranges, and one that is hidden behind another which begins with it.
    MemoryMap map =
        map(
            new Stated(0x1000, 0x1000, 0, false),
            new Stated(0x1000, 0x1000, 1, false),
            new Stated(0x1000, 0x2000, 2, false),
            new Stated(0x1800, 0x1000, 0, false));
    assertEquals(
        List.of("[0x1000, 0x2000) node 0", "[0x2000, 0x3000) node 2"), FdtTrees.memory(map));
    assertEquals(3, map.warningCount(), () -> FdtTrees.warnings(map).toString());
  }

  @Test
  void buildingTwiceGivesEqualMapsWithTheSameWarnings() throws MemoryMapException {
    MemoryMapBuilder builder =
        builder(List.of(new Stated(0, 2, 0, false), new Stated(1, 2, 1, false)));
    String first = FdtTrees.text(builder.build());
    assertEquals(first, FdtTrees.text(builder.build()));
  }

  @Test
  void emptyRangesAreLeftOut() throws MemoryMapException {
    assertEquals(0, map(new Stated(0x1000, 0, 3, true)).memoryCount());
    MemoryMap map =
        new MemoryMapBuilder("test")
            .addReserved(5, 0, "x", ReservedRegion.Source.FIRMWARE, false, false, "record", 0)
            .build();
    assertEquals(0, map.reservedCount());
    assertEquals(1, map.warningCount());
  }

  @Test
  @Behaviour("23")
  void whatWouldPassTheTopIsCutThere() throws MemoryMapException {
    MemoryMap map =
        map(new Stated(-0x1000, 0x2000, NONE, false), new Stated(-0x3000, 0x2000, NONE, false));
    assertEquals(List.of("[0xffffffffffffd000, 2^64)"), FdtTrees.memory(map));
    assertEquals(1, map.warningCount());
    assertEquals(0x3000, map.totalMemoryBytes());
    MemoryMap all =
        map(
            new Stated(0, Long.MIN_VALUE, NONE, false),
            new Stated(Long.MIN_VALUE, -1, NONE, false));
    assertEquals(1, all.memoryCount());
    assertEquals(-1L, all.totalMemoryBytes());
    assertEquals(1, all.warningCount());
  }

  @Test
  void addressesAreUnsigned() throws MemoryMapException {
    MemoryMap map =
        map(
            new Stated(0x8000_0000_0000_0000L, 0x1000, NONE, false),
            new Stated(0x1000, 0x1000, NONE, false));
    assertEquals(
        List.of("[0x1000, 0x2000)", "[0x8000000000000000, 0x8000000000001000)"),
        FdtTrees.memory(map));
  }

  @Test
  void reservationsAreSortedButNeitherMergedNorReordered() throws MemoryMapException {
    MemoryMapBuilder builder = new MemoryMapBuilder("test");
    String[] names = {"b", "a", "c", "d"};
    long[] bases = {0x2000, 0x2000, -0x1000, 0x1000};
    for (int i = 0; i < names.length; i++) {
      builder.addReserved(
          bases[i], 0x1000, names[i], ReservedRegion.Source.KERNEL, false, false, "record", 0);
    }
    MemoryMap map = builder.build();
    StringBuilder order = new StringBuilder();
    for (int i = 0; i < map.reservedCount(); i++) {
      order.append(map.reserved(i).name());
    }
    assertEquals("dbac", order.toString());
  }

  @Test
  void moreRangesThanTheLimitAreRefusedWithTheirPlace() throws MemoryMapException {
    MemoryMapBuilder builder = new MemoryMapBuilder("test");
    for (int i = 0; i < MemoryMap.MAX_REGIONS; i++) {
      builder.addMemory(2L * i, 1, NONE, false, "record", 7);
    }
    MemoryMapException e =
        assertThrows(
            MemoryMapException.class, () -> builder.addMemory(1L << 40, 1, NONE, false, "last", 9));
    assertEquals("last", e.record());
    assertEquals(9, e.offset());
    assertEquals(MemoryMap.MAX_REGIONS, builder.build().memoryCount());
  }

  @Test
  @Timeout(value = 20, unit = TimeUnit.SECONDS)
  void theLargestMapInTheWorstOrderIsBuiltInTime() throws MemoryMapException {
    // Nested from the outside in, each of another node than its neighbours: the worst for a sweep.
    List<Stated> nested = new ArrayList<>();
    for (int i = 0; i < MemoryMap.MAX_REGIONS; i++) {
      nested.add(new Stated(i, 4L * MemoryMap.MAX_REGIONS - 2L * i, i % 2, false));
    }
    assertEquals(1, builder(nested).build().memoryCount());
    MemoryMap inner = builder(nested.reversed()).build();
    assertEquals(2 * MemoryMap.MAX_REGIONS - 1, inner.memoryCount());
    assertEquals(100, inner.warningCount());
    List<Stated> descending = new ArrayList<>();
    for (int i = MemoryMap.MAX_REGIONS; i > 0; i--) {
      descending.add(new Stated(0x2000L * i, 0x1000, NONE, false));
    }
    assertEquals(MemoryMap.MAX_REGIONS, builder(descending).build().memoryCount());
  }

  @Test
  void anyRangesGiveWhatAByteWiseModelGives() {
    Property.check(
        1,
        400,
        random -> {
          List<Stated> steps = new ArrayList<>();
          int count = random.below(12);
          for (int i = 0; i < count; i++) {
            steps.add(draw(random));
          }
          return steps;
        },
        steps -> assertEquals(model(steps), FdtTrees.memory(builder(steps).build())));
  }

  @Test
  void warningsEndWithALineThatSaysSo() {
    MemoryMapBuilder builder = new MemoryMapBuilder("test");
    for (int i = 0; i < 1000; i++) {
      builder.addWarning("warning " + i);
    }
    MemoryMap map = builder.build();
    assertEquals(100, map.warningCount());
    assertEquals("warning 98", map.warning(98));
    assertEquals("further warnings are left out", map.warning(99));
  }

  @Test
  void aMapSaysWhatItsBuilderWasTold() throws MemoryMapException {
    int[][] distances = {{10, 20}, {30, 10}};
    MemoryMap map =
        new MemoryMapBuilder("test")
            .architecture(Architecture.X86_64)
            .commandLine("quiet")
            .loaderName("GRUB")
            .initrd(new AddressRange(1, 2))
            .distances(distances)
            .addModule(new BootModule(3, 4, "five"), "record", 0)
            .build();
    distances[1][0] = 99;
    assertEquals("test", map.format());
    assertEquals(Architecture.X86_64, map.architecture());
    assertEquals("quiet", map.commandLine());
    assertEquals("GRUB", map.loaderName());
    assertEquals(new AddressRange(1, 2), map.initrd());
    assertEquals(30, map.distance(1, 0));
    assertEquals("five", map.module(map.moduleCount() - 1).commandLine());
    assertThrows(
        IllegalArgumentException.class,
        () -> new MemoryMapBuilder("test").distances(new int[][] {{10, 20}}));
    MemoryMap empty = new MemoryMapBuilder("test").build();
    assertNull(empty.initrd());
    assertThrows(IndexOutOfBoundsException.class, () -> empty.distance(0, 0));
  }

  private static Stated draw(SplitMix64 random) {
    return new Stated(random.below(60), random.below(30), random.below(3) - 1, random.oneIn(4));
  }

  private static List<String> model(List<Stated> steps) {
    Stated[] owner = new Stated[100];
    for (Stated each : steps) {
      for (long at = each.base(); at < each.base() + each.byteSize(); at++) {
        owner[(int) at] = owner[(int) at] == null ? each : owner[(int) at];
      }
    }
    List<String> lines = new ArrayList<>();
    int start = 0;
    for (int at = 1; at <= owner.length; at++) {
      String before = kind(owner[at - 1]);
      if (at == owner.length || !before.equals(kind(owner[at]))) {
        if (owner[at - 1] != null) {
          lines.add(
              "[0x" + Integer.toHexString(start) + ", 0x" + Integer.toHexString(at) + ")" + before);
        }
        start = at;
      }
    }
    return lines;
  }

  private static String kind(@org.jspecify.annotations.Nullable Stated range) {
    return range == null
        ? "none"
        : (range.node() == NONE ? "" : " node " + range.node())
            + (range.hotpluggable() ? " hotpluggable" : "");
  }

  private static MemoryMap map(Stated... ranges) throws MemoryMapException {
    return builder(List.of(ranges)).build();
  }

  private static MemoryMapBuilder builder(List<Stated> ranges) throws MemoryMapException {
    MemoryMapBuilder builder = new MemoryMapBuilder("test");
    for (Stated each : ranges) {
      builder.addMemory(
          each.base(), each.byteSize(), each.node(), each.hotpluggable(), "record", 0);
    }
    return builder;
  }
}
