package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.FdtReader;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.zone.NumaTopology;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

class NumaStepTest {
  private final BootNotes notes = new BootNotes(BootLog.SILENT);

  private static List<Integer> nids(NumaTopology topology) {
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < topology.nodeCount(); i++) {
      ids.add(topology.nid(i));
    }
    return ids;
  }

  /// The numbers of the nodes that one of them asks, in order.
  private static List<Integer> order(NumaTopology topology, int nid) {
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < topology.memoryNodeCount(); i++) {
      ids.add(topology.nid(topology.fallback(topology.indexOf(nid), i)));
    }
    return ids;
  }

  private static Maps empty() {
    return Maps.e820(Architecture.X86_64);
  }

  @Test
  void nodesOfTheMapAndOfTheMemoryAreOneList() {
    MemoryMap map = empty().builder().addNode(2).addNode(7).addCpu(1).addCpu(-1).addCpu(7).build();
    NumaTopology topology = NumaStep.topologyOf(map, new int[] {0, 2, 9}, notes);
    assertEquals(List.of(0, 1, 2, 7, 9), nids(topology));
    boolean[] expected = {true, false, true, false, true};
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], topology.hasMemory(i), "index " + i);
    }
    assertEquals(1, topology.nodeOfCpu(0));
    assertEquals(0, topology.nodeOfCpu(1));
    assertEquals(3, topology.nodeOfCpu(2));
    assertEquals(20, topology.distance(0, 4));
    assertEquals(0, notes.warnings().length);
  }

  @Test
  void theLargestNumberIsANodeLikeOthers() {
    int largest = Integer.MAX_VALUE;
    MemoryMap map = empty().builder().addNode(largest).build();
    assertEquals(
        List.of(3, largest), nids(NumaStep.topologyOf(map, new int[] {3, largest}, notes)));
    assertEquals(List.of(3, largest), nids(NumaStep.topologyOf(map, new int[] {3}, notes)));
    MemoryMap none = empty().build();
    assertEquals(List.of(largest), nids(NumaStep.topologyOf(none, new int[] {largest}, notes)));
  }

  @Test
  void aMachineThatNamesNoNodeHasNodeZero() {
    NumaTopology topology = NumaStep.topologyOf(empty().build(), new int[0], notes);
    assertEquals(List.of(0), nids(topology));
    assertFalse(topology.hasMemory(0));
    assertTrue(NumaStep.topologyOf(empty().build(), new int[] {0}, notes).hasMemory(0));
  }

  @Test
  void distancesAreTakenByNumberAndUnstatedOnesAreRemote() {
    MemoryMap map =
        empty().builder().distances(new int[][] {{10, 15, 30}, {40, 10, 20}, {35, 11, 10}}).build();
    NumaTopology topology = NumaStep.topologyOf(map, new int[] {1, 2, 4}, notes);
    assertEquals(List.of(0, 1, 2, 4), nids(topology));
    assertEquals(30, topology.distance(0, 2));
    assertEquals(35, topology.distance(2, 0));
    assertEquals(20, topology.distance(2, 3));
    assertEquals(20, topology.distance(3, 2));
    assertEquals(10, topology.distance(3, 3));
    assertEquals(List.of(1, 4, 2), order(topology, 0));
    assertEquals(0, notes.warnings().length);
  }

  @Test
  void aTableThatMakesNoSenseIsNotUsedAndLeavesAWarning() {
    MemoryMap map = empty().builder().distances(new int[][] {{10, 30}, {0, 10}}).build();
    NumaTopology topology = NumaStep.topologyOf(map, new int[] {0, 1}, notes);
    assertEquals(20, topology.distance(0, 1));
    assertEquals(
        List.of("distance 0 from node index 1 to 0; all nodes count as equally far"),
        List.of(notes.warnings()));
  }

  @Test
  void aTableIsNotSpreadOverMoreNodesThanItMayHave() {
    int[] nids = new int[65_536];
    for (int i = 0; i < nids.length; i++) {
      nids[i] = 3 * i;
    }
    MemoryMap map = empty().builder().distances(new int[][] {{10}}).build();
    NumaTopology topology = NumaStep.topologyOf(map, nids, notes);
    assertEquals(65_536, topology.memoryNodeCount());
    assertEquals(
        List.of("65536 nodes, but distances of 1024 at most; all nodes count as equally far"),
        List.of(notes.warnings()));
  }

  @Test
  void realTreesGiveTheirTopology() throws Exception {
    NumaTopology memoryless = topologyOf("qemu-7.2__a64-numa-memless.dtb.gz", 0);
    assertEquals(List.of(0, 1), nids(memoryless));
    assertFalse(memoryless.hasMemory(1));
    assertEquals(1, memoryless.nodeOfCpu(3));
    assertEquals(List.of(0), order(memoryless, 1));
    NumaTopology asymmetric = topologyOf("qemu-7.2__a64-numa4-asymdist.dtb.gz", 0, 1, 2, 3);
    assertEquals(List.of(0, 1, 2, 3), order(asymmetric, 0));
    assertEquals(List.of(1, 0, 2, 3), order(asymmetric, 1));
    assertEquals(List.of(2, 0, 1, 3), order(asymmetric, 2));
    assertEquals(12, asymmetric.distance(1, 0));
    assertEquals(11, asymmetric.distance(0, 1));
    NumaTopology board = topologyOf("linux-7.2.13-arm64__hisilicon__hip07-d05.dtb", 0);
    assertEquals(List.of(0, 1, 2, 3), nids(board));
    assertEquals(List.of(0), order(board, 3));
    assertEquals(3, board.nodeOfCpu(63));
    NumaTopology pioneer = topologyOf("linux-7.2.13-riscv64__sophgo__sg2042-milkv-pioneer.dtb", 0);
    assertEquals(1, pioneer.nodeOfCpu(8));
    assertEquals(30, pioneer.distance(0, 3));
  }

  private NumaTopology topologyOf(String tree, int... memoryNids) throws Exception {
    Path root = Path.of(System.getProperty("bifolio.root", "."));
    Path folder = root.resolve("../shared/data/dtb");
    assumeTrue(Files.isDirectory(folder), "left out: the shared data are not there");
    byte[] bytes = Files.readAllBytes(folder.resolve(tree));
    if (tree.endsWith(".gz")) {
      try (InputStream in = new GZIPInputStream(Files.newInputStream(folder.resolve(tree)))) {
        bytes = in.readAllBytes();
      }
    }
    return NumaStep.topologyOf(FdtReader.read(ByteView.of(bytes)), memoryNids, notes);
  }
}
