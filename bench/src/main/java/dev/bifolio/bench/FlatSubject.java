package dev.bifolio.bench;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.Pages;

/// One word for each page of the space, and nothing else: what the memory alone costs where tables
/// would lie. No locks, no flags, no sizes but one, and 2 GiB of addresses for a space of 1 TiB.
final class FlatSubject extends TableSubject {
  private final Window window;
  private final long words;

  private FlatSubject(Window window) {
    this.window = window;
    words = window.address();
  }

  static FlatSubject create() {
    try {
      return new FlatSubject(Window.reserve(TableWorkload.SPACE_PAGES * (long) Long.BYTES));
    } catch (WindowException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  private long wordOf(long virtualAddress) {
    return words + ((virtualAddress - FIRST_VIRTUAL) >>> Pages.PAGE_SHIFT) * Long.BYTES;
  }

  /// Zero is for what is not mapped.
  @Override
  void mapPage(long virtualAddress, long physicalAddress) {
    Memory.putLong(wordOf(virtualAddress), physicalAddress + 1);
  }

  @Override
  void unmapPage(long virtualAddress) {
    Memory.putLong(wordOf(virtualAddress), 0);
  }

  @Override
  long translate(long virtualAddress) {
    long word = Memory.getLong(wordOf(virtualAddress));
    return word == 0 ? NOT_MAPPED : word - 1 + (virtualAddress & Pages.PAGE_MASK);
  }

  @Override
  public void close() {
    window.close();
  }
}
