package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.unit.AddressRange;

/// A reservation whose place the kernel chooses at boot.
///
/// @param name the node's name
/// @param byteSize bytes, unsigned, not 0
/// @param byteAlignment a power of two; 0 if the firmware asks for none
/// @param allowedRanges where it may lie; empty if anywhere
/// @param noMap whether even a kernel must not map it
/// @param reusable whether movable data may live there until the owner asks for it
/// @param defaultCma whether it is the default area for contiguous allocations
public record DynamicReservation(
    String name,
    long byteSize,
    long byteAlignment,
    @SuppressWarnings("ArrayRecordComponent") AddressRange[] allowedRanges,
    boolean noMap,
    boolean reusable,
    boolean defaultCma) {
  /// Copies the ranges.
  public DynamicReservation {
    allowedRanges = allowedRanges.clone();
  }

  /// Where it may lie.
  ///
  /// @return a copy; empty if anywhere
  @Override
  public AddressRange[] allowedRanges() {
    return allowedRanges.clone();
  }
}
