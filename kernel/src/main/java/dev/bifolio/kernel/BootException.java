package dev.bifolio.kernel;

import java.io.Serial;

/// A machine that cannot boot: its memory map is sound, but no machine can be made of it.
///
/// The message is one line. The fixed texts are public, so that callers can tell the cases apart;
/// particulars follow after a colon where there are any.
public final class BootException extends Exception {
  /// A device tree without RAM.
  public static final String NO_RAM_IN_DTB = "No RAM regions found in DTB";

  /// Any other map without RAM.
  public static final String NO_RAM_IN_MAP = "No RAM regions found in memory map";

  /// Every frame belongs to a reservation.
  public static final String ALL_RESERVED = "All RAM is reserved - no free memory";

  /// No node has a hole that is large enough for the frame metadata.
  public static final String NO_ROOM_FOR_MEM_MAP =
      "Cannot allocate mem_map - insufficient contiguous memory";

  /// The frames of the kernel heap could not be had.
  public static final String NO_HEAP = "Failed to allocate heap";

  /// The frames of the permanent page tables could not be had.
  public static final String NO_TABLES = "Failed to allocate page tables";

  /// Less RAM than [BootOptions#MINIMUM_BYTES], where the options ask for that check.
  public static final String TOO_LITTLE_RAM = "Insufficient memory for kernel";

  @Serial private static final long serialVersionUID = 1L;

  /// A refusal.
  ///
  /// @param message one line; begins with one of the fixed texts or names the offending range
  public BootException(String message) {
    super(message);
  }
}
