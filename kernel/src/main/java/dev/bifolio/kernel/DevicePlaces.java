package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.RegionList;

/// Device memory in the order of addresses, none of it where other memory is.
final class DevicePlaces {
  private DevicePlaces() {}

  /// Sorts and checks.
  ///
  /// @param given in any order; there are few, for people name them one by one
  /// @param memory RAM
  /// @throws BootException if a range overlaps another or RAM
  static DeviceMemory[] sorted(DeviceMemory[] given, RegionList memory) throws BootException {
    DeviceMemory[] sorted = given.clone();
    for (int i = 0; i < sorted.length; i++) {
      DeviceMemory item = given[i];
      int at = i;
      while (at > 0 && sorted[at - 1].startPfn() > item.startPfn()) {
        sorted[at] = sorted[at - 1];
        at--;
      }
      sorted[at] = item;
    }
    for (int i = 0; i < sorted.length; i++) {
      if (memory.overlaps(sorted[i].range().base(), sorted[i].range().byteSize())) {
        throw new BootException(sorted[i].describe() + " overlaps RAM");
      }
      if (i > 0 && sorted[i - 1].endPfn() > sorted[i].startPfn()) {
        throw new BootException(sorted[i].describe() + " overlaps " + sorted[i - 1].describe());
      }
    }
    return sorted;
  }
}
