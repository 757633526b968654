package dev.bifolio.kernel.firmware;

/// The header of a flattened device tree: where its blocks lie, all inside the tree.
///
/// ```
///  0       header                                                     totalBytes
///  +--------+-------------------+------------------+-----------------+ - - - +
///  | header | reservation block | structure block  | strings block   |  pad  |
///  +--------+-------------------+------------------+-----------------+ - - - +
///           ^ reservationOffset ^ structOffset     ^ stringsOffset
/// ```
///
/// The blocks may come in any order and with gaps. The checks are those of libfdt, so that a tree
/// which a kernel can use is not refused here. Source: Devicetree Specification 0.4, s. 5.2.
///
/// @param version 2 or higher; from 17 on the size of the structure block is known
/// @param totalBytes bytes of the tree, all of them readable, at most [MemoryMap#MAX_FILE_BYTES]
/// @param reservationOffset of the reservation block, which ends with an entry of size 0
/// @param structOffset of the structure block
/// @param structEnd behind the structure block; the end of the tree before version 17
/// @param stringsOffset of the strings block
/// @param stringsEnd behind the strings block; the end of the tree before version 17
record FdtHeader(
    int version,
    int totalBytes,
    int reservationOffset,
    int structOffset,
    int structEnd,
    int stringsOffset,
    int stringsEnd) {
  static final long MAGIC = 0xd00dfeedL;

  /// The version from which node names are no longer paths and values no longer padded.
  static final int VERSION_SHORT_NAMES = 16;

  private static final int OLDEST_VERSION = 2;
  private static final int NEWEST_COMPATIBLE_VERSION = 17;
  private static final String RECORD = "header";

  /// Reads and checks the header at address 0.
  static FdtHeader read(ByteView bytes) throws MemoryMapException {
    long magic = bytes.u32be(RECORD, 0);
    if (magic != MAGIC) {
      throw new MemoryMapException(
          RECORD, 0, "magic number is 0x" + Long.toHexString(magic) + ", not 0xd00dfeed");
    }
    long version = bytes.u32be(RECORD, 20);
    long compatible = bytes.u32be(RECORD, 24);
    if (version < OLDEST_VERSION || compatible > NEWEST_COMPATIBLE_VERSION) {
      throw new MemoryMapException(
          RECORD, 20, "version " + version + ", compatible with " + compatible + ", is not known");
    }
    if (version < compatible) {
      throw new MemoryMapException(
          RECORD, 24, "version " + version + " says it is compatible with the later " + compatible);
    }
    return blocks(bytes, (int) Math.min(version, Integer.MAX_VALUE));
  }

  private static FdtHeader blocks(ByteView bytes, int version) throws MemoryMapException {
    int headerBytes = version >= 17 ? 40 : version >= 3 ? 36 : 32;
    long totalBytes = bytes.u32be(RECORD, 4);
    if (totalBytes < headerBytes) {
      throw new MemoryMapException(
          RECORD, 4, "total size of " + totalBytes + " bytes does not hold the header");
    }
    if (totalBytes > MemoryMap.MAX_FILE_BYTES) {
      throw new MemoryMapException(
          RECORD,
          4,
          "total size of "
              + totalBytes
              + " bytes is above the limit of "
              + MemoryMap.MAX_FILE_BYTES);
    }
    if (!bytes.isReadable(0, totalBytes)) {
      throw new MemoryMapException(
          RECORD, 4, "total size of " + totalBytes + " bytes, but the data end before that");
    }
    int total = (int) totalBytes;
    int structOffset = offset(bytes, 8, "structure block", headerBytes, total);
    int stringsOffset = offset(bytes, 12, "strings block", headerBytes, total);
    int reservationOffset = offset(bytes, 16, "reservation block", headerBytes, total);
    int structEnd = total;
    int stringsEnd = total;
    if (version >= 3) {
      // Checked where it is defined, but names may reach beyond it before version 17.
      int end = end(bytes, 32, "strings block", stringsOffset, total);
      stringsEnd = version >= 17 ? end : total;
    }
    if (version >= 17) {
      structEnd = end(bytes, 36, "structure block", structOffset, total);
    }
    return new FdtHeader(
        version, total, reservationOffset, structOffset, structEnd, stringsOffset, stringsEnd);
  }

  private static int offset(ByteView bytes, int field, String block, int headerBytes, int total)
      throws MemoryMapException {
    long offset = bytes.u32be(RECORD, field);
    if (offset < headerBytes || offset > total) {
      throw new MemoryMapException(
          RECORD,
          field,
          block + " at 0x" + Long.toHexString(offset) + " is not between header and end");
    }
    return (int) offset;
  }

  private static int end(ByteView bytes, int field, String block, int offset, int total)
      throws MemoryMapException {
    long byteSize = bytes.u32be(RECORD, field);
    if (byteSize > total - offset) {
      throw new MemoryMapException(
          RECORD, field, block + " of " + byteSize + " bytes passes the end of the tree");
    }
    return offset + (int) byteSize;
  }
}
