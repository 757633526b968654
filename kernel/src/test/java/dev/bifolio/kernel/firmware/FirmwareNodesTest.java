package dev.bifolio.kernel.firmware;

import static dev.bifolio.kernel.firmware.FirmwareNodes.cpuNodes;
import static dev.bifolio.kernel.firmware.FirmwareNodes.nodes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// Which NUMA nodes there are and whose the CPUs are, by every reader.
class FirmwareNodesTest {
  private static final int NONE = MemoryRegion.NO_NODE;

  private static FdtBlob cpu(FdtBlob blob, int number, long node) {
    return blob.begin("cpu@" + number)
        .text("device_type", "cpu")
        .text("compatible", "arm,cortex-a72")
        .cells("numa-node-id", node)
        .end();
  }

  private static FdtBlob memory(FdtBlob blob, long base, long byteSize, long node) {
    return blob.begin("memory@" + Long.toHexString(base))
        .text("device_type", "memory")
        .cells("reg", 0, base, 0, byteSize)
        .cells("numa-node-id", node)
        .end();
  }

  private static FdtBlob distances(FdtBlob blob, long... triplets) {
    return blob.begin("distance-map")
        .text("compatible", "numa-distance-map-v1")
        .cells("distance-matrix", triplets)
        .end();
  }

  @Test
  void coresSayTheirNodesInTheOrderOfTheFile() throws MemoryMapException {
    FdtBlob blob = FdtBlob.root(2, 2).begin("cpus");
    cpu(blob, 0, 3);
    blob.begin("cpu@1").text("device_type", "cpu").end();
    blob.begin("cpu@2").text("device_type", "cpu").cells("numa-node-id", 9);
    blob.text("status", "disabled").end();
    blob.begin("cpu@3").text("device_type", "cpu").cells("numa-node-id", 0xFFFFFFFFL);
    blob.text("status", "okay").end();
    blob.begin("cpu-map").cells("numa-node-id", 8).end();
    cpu(blob, 4, 1);
    MemoryMap map = FdtBlob.read(blob.end().close());
    assertEquals(List.of(3, NONE, NONE, 1), cpuNodes(map));
    assertEquals(List.of(1, 3), nodes(map));
  }

  @Test
  void aTreeWithoutCoresHasNoCpusAndNoNodes() throws MemoryMapException {
    MemoryMap map = FdtBlob.read(FdtBlob.root(2, 2).memory(0x1000, 0x1000).close());
    assertEquals(0, map.cpuCount());
    assertEquals(0, map.nodeCount());
    assertEquals(0, FdtBlob.read(FdtBlob.root(2, 2).begin("cpus").end().close()).cpuCount());
  }

  @Test
  void idsOfCoresBeyondTheLimitLeaveAWarning() throws MemoryMapException {
    FdtBlob blob = FdtBlob.root(2, 2).begin("cpus");
    cpu(blob, 0, 1024);
    cpu(blob, 1, 1023);
    MemoryMap map = FdtBlob.read(blob.end().close());
    assertEquals(List.of(NONE, 1023), cpuNodes(map));
    assertEquals(List.of(1023), nodes(map));
    assertEquals(
        List.of("/cpus/cpu@0: numa-node-id is not a number below 1024; ignored"),
        FdtTrees.warnings(map));
  }

  @Test
  void nodesWithoutMemoryWithoutCoresAndWithoutBothAreNodes() throws MemoryMapException {
    FdtBlob blob = FdtBlob.root(2, 2);
    memory(blob, 0x1000, 0x1000, 4);
    memory(blob, 0x8000, 0, 6);
    blob.begin("cpus");
    cpu(blob, 0, 2);
    blob.end();
    distances(blob, 2, 4, 17, 9, 2, 30, 7, 7, 11);
    MemoryMap map = FdtBlob.read(blob.close());
    assertEquals(List.of(2, 4, 6, 9), nodes(map));
    assertEquals(10, map.distanceCount());
    assertEquals(17, map.distance(2, 4));
    assertEquals(30, map.distance(2, 9));
  }

  @Test
  void theTableCoversTheNodesOfMemoryAndOfCores() throws MemoryMapException {
    FdtBlob cores = FdtBlob.root(2, 2).begin("cpus");
    cpu(cores, 0, 5);
    distances(cores.end(), 0, 1, 15);
    assertEquals(6, FdtBlob.read(cores.close()).distanceCount());
    FdtBlob ram = memory(FdtBlob.root(2, 2), 0x1000, 0, 3);
    distances(ram, 0, 1, 15);
    MemoryMap map = FdtBlob.read(ram.close());
    assertEquals(4, map.distanceCount());
    assertEquals(List.of(0, 1, 3), nodes(map));
  }

  @Test
  void coresBeyondTheLimitAreLeftOutWithOneWarning() throws MemoryMapException {
    FdtBlob blob = FdtBlob.root(2, 2).begin("cpus");
    for (int i = 0; i < MemoryMap.MAX_CPUS + 3; i++) {
      cpu(blob, i, i < MemoryMap.MAX_CPUS ? 0 : 1);
    }
    MemoryMap map = FdtBlob.read(blob.end().close());
    assertEquals(MemoryMap.MAX_CPUS, map.cpuCount());
    assertEquals(List.of(0), nodes(map));
    assertEquals(
        List.of("more than 8192 CPUs; the rest is left out"), FdtTrees.warnings(map).subList(0, 1));
    assertEquals(1, map.warningCount());
  }

  @Test
  void aBuilderKeepsNodesAndCpusAndRefusesNumbersBelowZero() throws MemoryMapException {
    MemoryMapBuilder builder = new MemoryMapBuilder("test");
    assertThrows(IllegalArgumentException.class, () -> builder.addCpu(-2));
    assertThrows(IllegalArgumentException.class, () -> builder.addNode(-1));
    for (int i = 0; i < 20; i++) {
      builder.addCpu(i % 3 - 1);
    }
    MemoryMap map = builder.addNode(70_000).addMemory(0, 4096, 2_000_000, false, "test", 0).build();
    assertEquals(List.of(0, 1, 70_000, 2_000_000), nodes(map));
    assertEquals(20, map.cpuCount());
    MemoryMap copy = new MemoryMapBuilder(map).build();
    assertEquals(nodes(map), nodes(copy));
    assertEquals(cpuNodes(map), cpuNodes(copy));
    MemoryMap other = new MemoryMapBuilder(map).clearMemory().clearCpus().addCpu(5).build();
    assertEquals(List.of(5, 70_000), nodes(other));
    assertEquals(List.of(5), cpuNodes(other));
    assertEquals(
        List.of(0, 1),
        nodes(new MemoryMapBuilder("test").distances(new int[][] {{10, 20}, {20, 10}}).build()));
  }

  private static MultibootBytes affinity(MultibootBytes srat, long domain, long base, long size) {
    return srat.u8(1, 40).u32(domain).u8(0, 0).u64(base, size).u32(0, 1).u64(0);
  }

  private static MultibootBytes processor(MultibootBytes srat, int domain, int flags) {
    return srat.u8(0, 16, domain, 0).u32(flags).u8(0).number(0, 3).u32(0);
  }

  private static MemoryMap ofNodeSeven() throws MemoryMapException {
    return new MemoryMapBuilder("test")
        .addMemory(0, 0x10000, 7, false, "test", 0)
        .addNode(8)
        .addCpu(7)
        .addCpu(7)
        .build();
  }

  @Test
  void aSratGivesCpusAndNodesEvenWithoutRam() throws Exception {
    MultibootBytes body = new MultibootBytes().u32(1).u64(0);
    affinity(body, 3, 0, 0x10000);
    affinity(body, 4, 0x20000, 0);
    processor(body, 5, 1);
    processor(body, 6, 0);
    processor(body, 3, 1);
    MemoryMap map = AcpiTables.read(ByteView.of(body.asTable("SRAT", 3))).applyTo(ofNodeSeven());
    assertEquals(List.of(0, 1), cpuNodes(map));
    assertEquals(List.of(0, 1, 2), nodes(map));
    assertEquals(1, map.memory(0).node());
  }

  @Test
  void aSratThatNamesNothingChangesNothing() throws Exception {
    byte[] empty = new MultibootBytes().u32(1).u64(0).asTable("SRAT", 3);
    MemoryMap map = AcpiTables.read(ByteView.of(empty)).applyTo(ofNodeSeven());
    assertEquals(List.of(7, 7), cpuNodes(map));
    assertEquals(List.of(7, 8), nodes(map));
    MultibootBytes memoryOnly = affinity(new MultibootBytes().u32(1).u64(0), 0, 0, 0x10000);
    MemoryMap onlyMemory =
        AcpiTables.read(ByteView.of(memoryOnly.asTable("SRAT", 3))).applyTo(ofNodeSeven());
    assertEquals(List.of(7, 7), cpuNodes(onlyMemory));
    assertEquals(List.of(0, 7), nodes(onlyMemory));
  }

  @Test
  void aSlitAloneNamesItsLocalities() throws Exception {
    byte[] slit = new MultibootBytes().u64(2).u8(10, 20, 20, 10).asTable("SLIT", 1);
    MemoryMap map = AcpiTables.read(ByteView.of(slit)).applyTo(ofNodeSeven());
    assertEquals(List.of(0, 1, 7, 8), nodes(map));
  }

  @Test
  void realTreesGiveTheNodesOfTheirCores() throws Exception {
    Path folder = FdtTrees.shared("dtb");
    int withIds = 0;
    for (String line : Files.readAllLines(folder.resolve("truth.jsonl"))) {
      Map<String, Object> truth = JSON.std.mapFrom(line);
      String file = String.valueOf(truth.get("file"));
      MemoryMap map = FdtBlob.read(FdtTrees.bytes(folder.resolve(file)));
      if (truth.get("cpu_numa") instanceof List<?> stated) {
        assertEquals(stated, cpuNodes(map), file);
        withIds++;
      } else {
        assertEquals(Collections.nCopies(map.cpuCount(), NONE), cpuNodes(map), file);
      }
      assertTrue(map.cpuCount() <= ((Number) truth.get("cpu_count")).intValue(), file);
      assertEquals(expectedNodes(truth), nodes(map), file);
    }
    assertEquals(6, withIds);
  }

  private static List<Integer> expectedNodes(Map<String, Object> truth) {
    TreeSet<Integer> ids = new TreeSet<>();
    if (truth.get("cpu_numa") instanceof List<?> cores) {
      cores.forEach(each -> ids.add(((Number) each).intValue()));
    }
    for (Object each : (List<?>) truth.get("memory")) {
      if (((Map<?, ?>) each).get("numa_node_id") instanceof Number id) {
        ids.add(id.intValue());
      }
    }
    if (truth.get("distance_map") instanceof Map<?, ?> stated) {
      for (Object triplet : (List<?>) stated.get("triplets")) {
        ids.add(((Number) ((List<?>) triplet).get(0)).intValue());
        ids.add(((Number) ((List<?>) triplet).get(1)).intValue());
      }
    }
    return new ArrayList<>(ids);
  }

  @Test
  void bootedMachinesAgreeWithLinux() throws Exception {
    Path folder = FdtTrees.shared("boot");
    Path tables = folder.resolve("x86-q35-numa2-1G-k612.SRAT.bin");
    MemoryMap acpi =
        AcpiTables.read(
                ByteView.of(Files.readAllBytes(tables)),
                ByteView.of(Files.readAllBytes(folder.resolve("x86-q35-numa2-1G-k612.SLIT.bin"))))
            .applyTo(new MemoryMapBuilder("test").build());
    assertDistances(folder.resolve("x86-q35-numa2-1G-k612.json"), acpi);
    // Both machines were started with two CPUs, the second on node 1.
    assertEquals(List.of(0, 1), cpuNodes(acpi));
    String arm = "arm64-virt-numa2-1G-k72";
    MemoryMap tree = FdtBlob.read(FdtTrees.bytes(folder.resolve(arm + ".fdt.bin.gz")));
    assertDistances(folder.resolve(arm + ".json"), tree);
    assertEquals(List.of(0, 1), cpuNodes(tree));
    Path three = FdtTrees.shared("dt-semantics");
    assertDistances(
        three.resolve("rv-numa3.json"),
        FdtBlob.read(Files.readAllBytes(three.resolve("rv-numa3.dtb"))));
  }

  private static void assertDistances(Path record, MemoryMap map) throws IOException {
    Map<String, Object> truth = JSON.std.mapFrom(Files.readString(record));
    Map<?, ?> rows = (Map<?, ?>) truth.get("node_distance");
    List<Integer> ids = new ArrayList<>();
    for (Map.Entry<?, ?> row : rows.entrySet()) {
      int from = Integer.parseInt(String.valueOf(row.getKey()));
      ids.add(from);
      List<?> distances = (List<?>) row.getValue();
      for (int to = 0; to < distances.size(); to++) {
        assertEquals(((Number) distances.get(to)).intValue(), map.distance(from, to), "" + record);
      }
    }
    assertEquals(ids, nodes(map), "" + record);
  }
}
