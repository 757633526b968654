package dev.bifolio.kernel.firmware;

import java.util.ArrayList;
import java.util.List;

/// The nodes and CPUs of a map as lists, for tests.
final class FirmwareNodes {
  private FirmwareNodes() {}

  static List<Integer> nodes(MemoryMap map) {
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < map.nodeCount(); i++) {
      ids.add(map.node(i));
    }
    return ids;
  }

  static List<Integer> cpuNodes(MemoryMap map) {
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < map.cpuCount(); i++) {
      ids.add(map.cpuNode(i));
    }
    return ids;
  }
}
