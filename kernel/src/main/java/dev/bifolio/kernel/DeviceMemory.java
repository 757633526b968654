package dev.bifolio.kernel;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;

/// Memory that is no RAM for everybody: it belongs to a device, or keeps what is in it. It becomes
/// the DEVICE zone of its node, whose frames go only to requests that name that zone. What was said
/// of it is kept: [BootReport#deviceAt] tells it of a frame.
///
/// @param range whole frames that touch no RAM
/// @param node the NUMA node, which need not have RAM
/// @param kind what it is
/// @param name for reports, such as `pmem0`
public record DeviceMemory(AddressRange range, int node, Kind kind, String name) {
  /// What memory of a device is.
  public enum Kind {
    /// Keeps its content without power: E820 type 7, EFI type 14.
    PERSISTENT,
    /// On a graphics or compute card.
    GPU,
    /// Of any other device.
    DEVICE
  }

  /// Checks the place.
  ///
  /// @throws IllegalArgumentException if the range is not whole frames below 2^63, or the node is
  ///   negative
  public DeviceMemory {
    if ((range.base() & Pages.PAGE_MASK) != 0 || (range.byteSize() & Pages.PAGE_MASK) != 0) {
      throw new IllegalArgumentException("device memory " + range + " is not whole frames");
    }
    if (range.base() < 0 || range.last() < 0) {
      throw new IllegalArgumentException("device memory " + range + " reaches beyond 2^63");
    }
    if (node < 0) {
      throw new IllegalArgumentException("node " + node);
    }
  }

  long startPfn() {
    return range.base() >>> Pages.PAGE_SHIFT;
  }

  long endPfn() {
    return startPfn() + (range.byteSize() >>> Pages.PAGE_SHIFT);
  }

  String describe() {
    return "device memory " + name + " " + range;
  }
}
