package dev.bifolio.kernel.firmware;

import java.io.Serial;

/// Firmware data that cannot be used. Carries the place: the record that was being read and the
/// offset (or address) of the offending byte.
public final class MemoryMapException extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  /// The record that was being read.
  private final String record;

  /// Where, in bytes.
  private final long offset;

  /// A refusal.
  ///
  /// @param record what was being read, such as `header` or `/memory@0/reg`
  /// @param offset of the offending byte: in the file, or its physical address for structures that
  ///   hold addresses
  /// @param problem what is wrong, without a full stop
  public MemoryMapException(String record, long offset, String problem) {
    super(record + " at 0x" + Long.toHexString(offset) + ": " + problem);
    this.record = record;
    this.offset = offset;
  }

  /// The record that was being read.
  ///
  /// @return a short name
  public String record() {
    return record;
  }

  /// The place of the offending byte.
  ///
  /// @return an offset in bytes from the start of the file, or a physical address
  public long offset() {
    return offset;
  }
}
