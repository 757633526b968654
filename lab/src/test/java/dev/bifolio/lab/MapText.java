package dev.bifolio.lab;

import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.firmware.ReservedRegion;

/// Maps as text, for assertions.
public final class MapText {
  private MapText() {}

  /// `0x0+0x9fc00 0x100000+0x1000 node 1 hot`.
  public static String memory(MemoryMap map) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < map.memoryCount(); i++) {
      MemoryRegion region = map.memory(i);
      text.append(text.isEmpty() ? "" : " ")
          .append(range(region.range().base(), region.range().byteSize()))
          .append(region.node() == MemoryRegion.NO_NODE ? "" : " node " + region.node())
          .append(region.hotpluggable() ? " hot" : "");
    }
    return text.toString();
  }

  /// `0x9fc00+0x400 reserved, …` of one source.
  public static String reserved(MemoryMap map, ReservedRegion.Source source) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < map.reservedCount(); i++) {
      ReservedRegion region = map.reserved(i);
      if (region.source() == source) {
        text.append(text.isEmpty() ? "" : ", ")
            .append(range(region.range().base(), region.range().byteSize()))
            .append(' ')
            .append(region.name());
      }
    }
    return text.toString();
  }

  /// All warnings, a line each.
  public static String warnings(MemoryMap map) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < map.warningCount(); i++) {
      text.append(map.warning(i)).append('\n');
    }
    return text.toString();
  }

  /// `0xbase+0xsize`.
  public static String range(long base, long byteSize) {
    return "0x" + Long.toHexString(base) + "+0x" + Long.toHexString(byteSize);
  }
}
