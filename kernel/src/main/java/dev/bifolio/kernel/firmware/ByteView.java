package dev.bifolio.kernel.firmware;

/// Bounded bytes by address: how readers see untrusted input.
///
/// A view answers for the addresses that it holds and refuses all others, so a reader that follows
/// a bad pointer gets a [MemoryMapException] and never a byte it should not see. A file is a view
/// that begins at address 0; a memory image begins anywhere and may have holes. Addresses are
/// unsigned. Views do not change while they are read. Multi-byte reads cost a check and a few
/// loads; nothing is allocated unless a read is refused.
public interface ByteView {
  /// Whether all of a range can be read. An empty range can be read everywhere.
  ///
  /// @param address first byte, unsigned
  /// @param byteCount bytes, unsigned
  /// @return true if every byte is there
  boolean isReadable(long address, long byteCount);

  /// The byte at an address that [#isReadable] was true for.
  ///
  /// @param address unsigned
  /// @return 0 … 255
  /// @throws IndexOutOfBoundsException if there is no such byte
  int byteAt(long address);

  /// Refuses a range that cannot be read.
  ///
  /// @param record what is being read, for the message
  /// @param address first byte, unsigned
  /// @param byteCount bytes, unsigned
  /// @throws MemoryMapException if a byte of it is missing; the offset is `address`
  default void require(String record, long address, long byteCount) throws MemoryMapException {
    if (!isReadable(address, byteCount)) {
      throw new MemoryMapException(
          record,
          address,
          Long.toUnsignedString(byteCount) + " bytes needed, but the data end before that");
    }
  }

  /// Reads one byte.
  ///
  /// @param record what is being read, for the message
  /// @param address unsigned
  /// @return 0 … 255
  /// @throws MemoryMapException if it is missing
  default int u8(String record, long address) throws MemoryMapException {
    require(record, address, 1);
    return byteAt(address);
  }

  /// Reads 2 bytes, least significant first.
  ///
  /// @param record what is being read, for the message
  /// @param address unsigned, any alignment
  /// @return 0 … 65535
  /// @throws MemoryMapException if one is missing
  default int u16le(String record, long address) throws MemoryMapException {
    require(record, address, 2);
    return byteAt(address) | byteAt(address + 1) << 8;
  }

  /// Reads 4 bytes, least significant first.
  ///
  /// @param record what is being read, for the message
  /// @param address unsigned, any alignment
  /// @return 0 … 2^32 - 1
  /// @throws MemoryMapException if one is missing
  default long u32le(String record, long address) throws MemoryMapException {
    require(record, address, 4);
    return byteAt(address)
        | (long) byteAt(address + 1) << 8
        | (long) byteAt(address + 2) << 16
        | (long) byteAt(address + 3) << 24;
  }

  /// Reads 8 bytes, least significant first.
  ///
  /// @param record what is being read, for the message
  /// @param address unsigned, any alignment
  /// @return all 64 bits, to be taken as unsigned
  /// @throws MemoryMapException if one is missing
  default long u64le(String record, long address) throws MemoryMapException {
    require(record, address, 8);
    return u32le(record, address) | u32le(record, address + 4) << 32;
  }

  /// Reads 4 bytes, most significant first.
  ///
  /// @param record what is being read, for the message
  /// @param address unsigned, any alignment
  /// @return 0 … 2^32 - 1
  /// @throws MemoryMapException if one is missing
  default long u32be(String record, long address) throws MemoryMapException {
    require(record, address, 4);
    return (long) byteAt(address) << 24
        | (long) byteAt(address + 1) << 16
        | (long) byteAt(address + 2) << 8
        | byteAt(address + 3);
  }

  /// Reads 8 bytes, most significant first.
  ///
  /// @param record what is being read, for the message
  /// @param address unsigned, any alignment
  /// @return all 64 bits, to be taken as unsigned
  /// @throws MemoryMapException if one is missing
  default long u64be(String record, long address) throws MemoryMapException {
    require(record, address, 8);
    return u32be(record, address) << 32 | u32be(record, address + 4);
  }

  /// A view of a file: its bytes at the addresses from 0.
  ///
  /// @param bytes the file; the caller does not change it afterwards
  /// @return the view
  static ByteView of(byte[] bytes) {
    return at(0, bytes);
  }

  /// A view of one piece of memory.
  ///
  /// @param base the address of its first byte, unsigned
  /// @param bytes the content; the caller does not change it afterwards
  /// @return the view
  static ByteView at(long base, byte[] bytes) {
    return new ArrayByteView(base, bytes);
  }

  /// A view of memory given in pieces, with holes between them.
  ///
  /// @param pieces views that do not overlap; a range may run on from one into the next
  /// @return the view
  static ByteView ofPieces(ByteView... pieces) {
    return new PiecedByteView(pieces.clone());
  }
}
