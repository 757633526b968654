package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.platform.Memory;

/// A store on the heap that can be made to fail, and tells what was asked of it.
final class HeapStore implements PageStore {
  final byte[] bytes;
  volatile boolean failsToRead;
  volatile boolean failsToWrite;
  volatile int reads;
  volatile int writes;

  HeapStore(int byteSize) {
    bytes = new byte[byteSize];
    for (int i = 0; i < byteSize; i++) {
      bytes[i] = (byte) (i * 31 + (i >>> 12));
    }
  }

  @Override
  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread at a time in the tests that count
  public boolean readPage(long byteOffset, long address) {
    reads++;
    if (failsToRead) {
      return false;
    }
    for (int i = 0; i < 4096; i++) {
      long at = byteOffset + i;
      Memory.putByte(address + i, at < bytes.length ? bytes[(int) at] : 0);
    }
    return true;
  }

  @Override
  @SuppressWarnings("NonAtomicVolatileUpdate") // as above
  public boolean writePage(long byteOffset, long address) {
    writes++;
    if (failsToWrite) {
      return false;
    }
    for (int i = 0; i < 4096 && byteOffset + i < bytes.length; i++) {
      bytes[(int) byteOffset + i] = Memory.getByte(address + i);
    }
    return true;
  }
}
