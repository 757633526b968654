package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.unit.AddressRange;

/// A range that must not be handed out.
///
/// @param range where; any alignment, inside RAM or not
/// @param name what lies there, in the firmware's words; may be empty
/// @param source who says so
/// @param noMap whether even a kernel must not map it
/// @param reusable whether movable data may live there until the owner asks for it
public record ReservedRegion(
    AddressRange range, String name, Source source, boolean noMap, boolean reusable) {
  /// Who asks for a reservation.
  public enum Source {
    /// The reservation block of a device tree.
    MEMRESERVE("memreserve"),
    /// A child of `/reserved-memory`.
    RESERVED_MEMORY("reserved-memory"),
    /// The initial RAM disk.
    INITRD("initrd"),
    /// The device tree blob itself.
    FDT("fdt"),
    /// The kernel image.
    KERNEL("kernel"),
    /// A module that a Multiboot loader brought.
    MODULE("module"),
    /// Structures and strings that a boot loader left for the kernel.
    BOOT_INFO("boot-info"),
    /// A range that the firmware's map calls anything but usable.
    FIRMWARE("firmware");

    private final String label;

    Source(String label) {
      this.label = label;
    }

    /// The name used in reports.
    ///
    /// @return lower case, with hyphens
    public String label() {
      return label;
    }
  }
}
