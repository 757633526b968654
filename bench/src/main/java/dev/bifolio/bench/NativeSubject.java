package dev.bifolio.bench;

import dev.bifolio.kernel.unit.Pages;

/// What users would take instead: a native allocator, asked through the foreign-function interface
/// for `4096 << order` bytes on a page's border. Nobody writes to the memory.
///
/// Its blocks are addresses, not frames of one memory, and begin on a page's border only, which is
/// easier than on a border of their own size. There is one such allocator in a process, so that a
/// subject can give back no more than what was freed: whoever uses it frees everything in the end.
///
/// Any number of threads.
final class NativeSubject extends Subject {
  private static final int MAX_ORDER = 18;

  private NativeSubject() {}

  /// @throws IllegalStateException if the library is not installed, or another one is in use
  static Subject create(Kind kind) {
    String missing = NativeLibrary.choose(kind);
    if (missing != null) {
      throw new IllegalStateException(missing);
    }
    return new NativeSubject();
  }

  @Override
  long allocate(int order) {
    long address = NativeLibrary.allocate(Pages.PAGE_SIZE << order);
    return address == 0 ? NO_FRAME : address;
  }

  @Override
  void free(long address, int order) {
    NativeLibrary.free(address);
  }

  @Override
  void drain() {
    NativeLibrary.trim();
  }

  @Override
  int maxOrder() {
    return MAX_ORDER;
  }

  @Override
  long metadataBytes() {
    throw new UnsupportedOperationException(Need.METADATA.name());
  }

  @Override
  boolean outlivesClosing() {
    return true;
  }

  @Override
  public void close() {
    NativeLibrary.trim();
  }
}
