package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// The store of shared memory that is no file: pages begin as zeros, and there is nowhere to write
/// them to, so they stay in memory until nobody wants them.
public final class ZeroStore implements PageStore {
  /// Pages of zeros.
  public ZeroStore() {}

  @Override
  public boolean readPage(long byteOffset, long address) {
    Memory.fill(address, Pages.PAGE_SIZE, (byte) 0);
    return true;
  }

  @Override
  public boolean writePage(long byteOffset, long address) {
    return false;
  }
}
