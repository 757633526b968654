package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.unit.AddressRange;

/// A range of RAM as the firmware states it.
///
/// @param range where; any alignment
/// @param node the NUMA node, or [#NO_NODE] if the firmware names none
/// @param hotpluggable whether the range may be taken away while the machine runs
public record MemoryRegion(AddressRange range, int node, boolean hotpluggable) {
  /// The firmware names no node.
  public static final int NO_NODE = -1;

  /// Checks the node.
  ///
  /// @throws IllegalArgumentException if the node is below -1
  public MemoryRegion {
    if (node < NO_NODE) {
      throw new IllegalArgumentException("node " + node);
    }
  }
}
