package dev.bifolio.kernel.firmware;

/// One array of bytes at one address.
record ArrayByteView(long base, @SuppressWarnings("ArrayRecordComponent") byte[] bytes)
    implements ByteView {
  @Override
  public boolean isReadable(long address, long byteCount) {
    long offset = address - base;
    return byteCount == 0
        || (Long.compareUnsigned(offset, bytes.length) < 0
            && Long.compareUnsigned(byteCount, bytes.length - offset) <= 0);
  }

  @Override
  public int byteAt(long address) {
    long offset = address - base;
    if (Long.compareUnsigned(offset, bytes.length) >= 0) {
      throw new IndexOutOfBoundsException("no byte at 0x" + Long.toHexString(address));
    }
    return bytes[(int) offset] & 0xFF;
  }
}
