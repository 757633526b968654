package dev.bifolio.bench;

import com.carrotsearch.hppc.LongLongHashMap;
import dev.bifolio.kernel.unit.Pages;

/// What a program would do that needs no page tables: a hash map with open addressing from page
/// numbers to frame numbers. No locks, no flags, no sizes but one.
final class HashMapSubject extends TableSubject {
  private final LongLongHashMap frames = new LongLongHashMap();

  @Override
  void mapPage(long virtualAddress, long physicalAddress) {
    frames.put(virtualAddress >>> Pages.PAGE_SHIFT, physicalAddress);
  }

  @Override
  void unmapPage(long virtualAddress) {
    frames.remove(virtualAddress >>> Pages.PAGE_SHIFT);
  }

  @Override
  long translate(long virtualAddress) {
    long physical = frames.getOrDefault(virtualAddress >>> Pages.PAGE_SHIFT, NOT_MAPPED);
    return physical < 0 ? NOT_MAPPED : physical + (virtualAddress & Pages.PAGE_MASK);
  }

  @Override
  public void close() {
    frames.release();
  }
}
