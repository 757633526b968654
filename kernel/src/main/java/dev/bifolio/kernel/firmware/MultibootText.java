package dev.bifolio.kernel.firmware;

/// Reads the strings that a Multiboot loader left behind.
///
/// Each is cut off from harm by two limits: one string has at most 64 KiB, and all strings of a map
/// together have at most 1 MiB, because many pointers may lead to the same long string. Bytes are
/// taken as Latin-1, which loses nothing.
final class MultibootText {
  /// The longest string, without its final zero.
  static final int MAX_STRING_BYTES = 1 << 16;

  private static final int MAX_TOTAL_BYTES = 1 << 20;

  private final ByteView memory;
  private int bytesLeft = MAX_TOTAL_BYTES;

  MultibootText(ByteView memory) {
    this.memory = memory;
  }

  /// A string that ends with a zero.
  ///
  /// @param record what is being read, for messages
  /// @param address its first byte
  /// @return the text, without the zero
  /// @throws MemoryMapException if the memory ends before the string does, or a limit is passed
  String endedByZero(String record, long address) throws MemoryMapException {
    return read(record, address, MAX_STRING_BYTES + 1L, false);
  }

  /// A string in a field, which ends with a zero or with the field.
  ///
  /// @param record what is being read, for messages
  /// @param address its first byte
  /// @param fieldByteSize the size of the field, 0 or more
  /// @return the text, without the zero
  /// @throws MemoryMapException if a byte is missing, or a limit is passed
  String inField(String record, long address, long fieldByteSize) throws MemoryMapException {
    return read(record, address, fieldByteSize, true);
  }

  private String read(String record, long address, long byteLimit, boolean mayEndAtLimit)
      throws MemoryMapException {
    StringBuilder text = new StringBuilder();
    for (long i = 0; i < byteLimit; i++) {
      int next = memory.u8(record, address + i);
      if (next == 0) {
        return text.toString();
      }
      if (i == MAX_STRING_BYTES) {
        break;
      }
      if (bytesLeft-- == 0) {
        throw new MemoryMapException(record, address, "all strings together pass 1 MiB");
      }
      text.append((char) next);
    }
    if (mayEndAtLimit && byteLimit <= MAX_STRING_BYTES) {
      return text.toString();
    }
    throw new MemoryMapException(record, address, "string longer than 64 KiB");
  }
}
