package dev.bifolio.kernel.zone;

/// What reaches a zone's memory, from the most limited devices upwards. A request for one type may
/// fall back to those before it, never to those behind it; [#DEVICE] is no fallback for any other.
///
/// The order and the labels are those of Linux (`enum zone_type`, `/proc/zoneinfo`).
public enum ZoneType {
  /// What the oldest or narrowest devices can address.
  DMA("DMA"),
  /// Below 4 GiB.
  DMA32("DMA32"),
  /// What the kernel maps at all times.
  NORMAL("Normal"),
  /// What a 32-bit kernel maps only when it looks.
  HIGHMEM("HighMem"),
  /// For movable frames only, so that it can be emptied.
  MOVABLE("Movable"),
  /// Device, persistent or GPU memory: for requests that name it, and no other.
  DEVICE("Device");

  /// How many types there are.
  public static final int COUNT = 6;

  private final String label;

  ZoneType(String label) {
    this.label = label;
  }

  /// The name in reports.
  ///
  /// @return as Linux prints it
  public String label() {
    return label;
  }
}
