package dev.bifolio.kernel.firmware;

/// Reads the list that a PC's firmware gives in answer to INT 15h, function E820h.
///
/// ```
///      0        8        16     20              24
///      ┌────────┬────────┬──────┬───────────────┐
///      │ base   │ length │ type │ (attributes)  │  … next entry
///      └────────┴────────┴──────┴───────────────┘
/// ```
///
/// Rules, in the order in which they apply to an entry:
///
/// 1. In entries of 24 bytes, attribute bit 0 clear means that the entry is to be ignored: it is,
///    with a warning. Bit 1, non-volatile, leaves a warning.
/// 2. Type 1 is memory; every other type is reserved under its name, however short the range is.
/// 3. Where memory and a reservation overlap, both stay as stated; the boot subtracts.
///
/// A list that does not end with a whole entry is refused. Source: ACPI 6.5, section 15.1.
public final class E820Reader {
  /// The entry of the first specification.
  public static final int SHORT_ENTRY_BYTES = 20;

  /// The entry with ACPI 3.0 attributes.
  public static final int LONG_ENTRY_BYTES = 24;

  private static final long ATTRIBUTE_ENABLED = 1;
  private static final long ATTRIBUTE_NON_VOLATILE = 2;

  private E820Reader() {}

  /// Reads a list.
  ///
  /// @param bytes the list, from address 0
  /// @param byteCount its size, 0 … [MemoryMap#MAX_FILE_BYTES]
  /// @param entryByteSize 20 or 24
  /// @return the map, of x86-64
  /// @throws MemoryMapException if the size is not a number of whole entries, if bytes are missing,
  ///   or if there are too many entries
  /// @throws IllegalArgumentException if `entryByteSize` is neither
  public static MemoryMap read(ByteView bytes, long byteCount, int entryByteSize)
      throws MemoryMapException {
    if (entryByteSize != SHORT_ENTRY_BYTES && entryByteSize != LONG_ENTRY_BYTES) {
      throw new IllegalArgumentException("entries of " + entryByteSize + " bytes");
    }
    if (byteCount < 0 || byteCount > MemoryMap.MAX_FILE_BYTES) {
      throw new MemoryMapException("e820", 0, "larger than 16 MiB");
    }
    if (byteCount % entryByteSize != 0) {
      throw new MemoryMapException(
          "e820",
          byteCount - byteCount % entryByteSize,
          byteCount + " bytes are not a whole number of entries of " + entryByteSize);
    }
    MemoryMapBuilder map = new MemoryMapBuilder("e820").architecture(Architecture.X86_64);
    for (long at = 0; at < byteCount; at += entryByteSize) {
      String record = "e820 entry " + at / entryByteSize;
      bytes.require(record, at, entryByteSize);
      if (entryByteSize == SHORT_ENTRY_BYTES
          || isEnabled(bytes.u32le(record, at + 20), record, map)) {
        E820Entry.add(
            map,
            bytes.u64le(record, at),
            bytes.u64le(record, at + 8),
            bytes.u32le(record, at + 16),
            record,
            at);
      }
    }
    return map.build();
  }

  private static boolean isEnabled(long attributes, String record, MemoryMapBuilder map) {
    if ((attributes & ATTRIBUTE_ENABLED) == 0) {
      map.addWarning(record + ": its attributes say that it is to be ignored");
      return false;
    }
    if ((attributes & ATTRIBUTE_NON_VOLATILE) != 0) {
      map.addWarning(record + ": its attributes say non-volatile");
    }
    return true;
  }
}
