package dev.bifolio.kernel.zone;

import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;

/// Random nodes, zones and banks for [ZoneWorld].
final class ZoneLayouts {
  private ZoneLayouts() {}

  /// Nodes with one to four zones each, of one to three banks each, some with gaps between them.
  static List<TestZones.Part> draw(SplitMix64 random, int nodes) {
    List<TestZones.Part> parts = new ArrayList<>();
    long pfn = random.below(3) * 37L;
    int nid = -1;
    for (int node = 0; node < nodes; node++) {
      nid += 1 + random.below(3);
      int left = 1 + random.below(4);
      for (ZoneType type : ZoneType.values()) {
        boolean isLast = type == ZoneType.NORMAL && left == 4;
        if (left > 0 && (random.oneIn(2) || isLast)) {
          pfn = zone(random, parts, nid, type, pfn);
          left--;
        }
      }
      if (parts.isEmpty() || parts.getLast().nid() != nid) {
        pfn = zone(random, parts, nid, ZoneType.NORMAL, pfn);
      }
    }
    return parts;
  }

  private static long zone(
      SplitMix64 random, List<TestZones.Part> parts, int nid, ZoneType type, long startPfn) {
    long pfn = startPfn;
    for (int bank = random.oneIn(3) ? 1 + random.below(3) : 1; bank > 0; bank--) {
      pfn += random.oneIn(2) ? random.below(200) : 0;
      long frames = random.oneIn(4) ? 300 + random.below(1200) : 20 + random.below(250);
      parts.add(new TestZones.Part(nid, type, pfn, frames));
      pfn += frames;
    }
    return pfn;
  }

  /// None, one or up to four CPUs, each of a node with memory.
  static int[] cpus(SplitMix64 random, List<TestZones.Part> parts) {
    int[] nids = new int[random.oneIn(2) ? random.below(2) : 2 + random.below(3)];
    for (int i = 0; i < nids.length; i++) {
      nids[i] = parts.get(random.below(parts.size())).nid();
    }
    return nids;
  }

  /// A model of the same zones, in the order of nodes and types.
  static ZoneModel model(List<TestZones.Part> parts, NumaTopology topology) {
    boolean[] types = new boolean[ZoneType.COUNT];
    parts.forEach(part -> types[part.type().index()] = true);
    ZoneModel model = new ZoneModel(types);
    for (int node = 0; node < topology.nodeCount(); node++) {
      for (ZoneType type : ZoneType.values()) {
        ZoneModel.Area area = new ZoneModel.Area(model.areas.size(), node, type);
        for (TestZones.Part part : parts) {
          if (part.nid() == topology.nid(node) && part.type() == type) {
            area.banks.add(part);
            area.total += part.frameCount();
          }
        }
        if (!area.banks.isEmpty()) {
          model.areas.add(area);
        }
      }
    }
    return model;
  }
}
