package dev.bifolio.kernel.zone;

/// What reaches a zone's memory, from the most limited devices upwards. A request for one type may
/// fall back to those before it, never to those behind it; [#DEVICE] is no fallback for any other.
///
/// The order and the labels are those of Linux (`enum zone_type`, `/proc/zoneinfo`).
public enum ZoneType {
  /// What the oldest or narrowest devices can address.
  DMA(0, "DMA"),
  /// Below 4 GiB.
  DMA32(1, "DMA32"),
  /// What the kernel maps at all times.
  NORMAL(2, "Normal"),
  /// What a 32-bit kernel maps only when it looks.
  HIGHMEM(3, "HighMem"),
  /// For movable frames only, so that it can be emptied.
  MOVABLE(4, "Movable"),
  /// Device, persistent or GPU memory: for requests that name it, and no other.
  DEVICE(5, "Device");

  /// How many types there are.
  public static final int COUNT = 6;

  private final int index;
  private final String label;

  ZoneType(int index, String label) {
    this.index = index;
    this.label = label;
  }

  /// Its place among the types, for arrays: falling back goes to smaller ones.
  ///
  /// @return 0 … [#COUNT] - 1
  public int index() {
    return index;
  }

  /// The name in reports.
  ///
  /// @return as Linux prints it
  public String label() {
    return label;
  }
}
