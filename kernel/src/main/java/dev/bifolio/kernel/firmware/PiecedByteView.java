package dev.bifolio.kernel.firmware;

/// Several views side by side.
record PiecedByteView(@SuppressWarnings("ArrayRecordComponent") ByteView[] pieces)
    implements ByteView {
  @Override
  public boolean isReadable(long address, long byteCount) {
    for (ByteView piece : pieces) {
      if (piece.isReadable(address, byteCount)) {
        return true;
      }
    }
    // Ranges that cross pieces are rare and short; anything longer than a file may be is refused.
    if (Long.compareUnsigned(byteCount, MemoryMap.MAX_FILE_BYTES) > 0) {
      return false;
    }
    for (long i = 0; i < byteCount; i++) {
      if (!holds(address + i)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int byteAt(long address) {
    for (ByteView piece : pieces) {
      if (piece.isReadable(address, 1)) {
        return piece.byteAt(address);
      }
    }
    throw new IndexOutOfBoundsException("no byte at 0x" + Long.toHexString(address));
  }

  private boolean holds(long address) {
    for (ByteView piece : pieces) {
      if (piece.isReadable(address, 1)) {
        return true;
      }
    }
    return false;
  }
}
