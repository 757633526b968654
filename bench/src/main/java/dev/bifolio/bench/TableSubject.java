package dev.bifolio.bench;

import dev.bifolio.kernel.unit.Pages;
import java.util.List;

/// Something that maps pages of 4 KiB to frames, empty at first.
///
/// A class and not an interface, with one loaded subclass in a JVM of the suite, for the same
/// reason as [Subject]. One thread.
abstract class TableSubject implements AutoCloseable {
  /// Where the virtual addresses of the suite begin: 1 TiB, in the lower half of every format.
  static final long FIRST_VIRTUAL = 1L << 40;

  /// Not mapped.
  static final long NOT_MAPPED = -1;

  /// What can be compared.
  enum Kind {
    /// Page tables as an x86-64 has them, four levels.
    X86_64("x86_64"),
    /// As an AArch64 has them, four levels of 4 KiB.
    AARCH64("aarch64"),
    /// As a RISC-V has them, Sv48.
    SV48("sv48"),
    /// No page tables, but a hash map from pages to frames: the floor.
    HASH_MAP("hash-map"),
    /// No page tables, but a word for each page: what memory alone costs.
    FLAT("flat");

    private final String csvName;

    Kind(String csvName) {
      this.csvName = csvName;
    }

    /// The name in the first column.
    String csvName() {
      return csvName;
    }

    static List<Kind> all() {
      return List.of(values());
    }

    /// An empty space.
    ///
    /// @param tableFrames how many frames there are for tables, if it has any
    TableSubject create(int tableFrames) {
      return switch (this) {
        case X86_64, AARCH64, SV48 -> SpaceSubject.create(this, tableFrames);
        case HASH_MAP -> new HashMapSubject();
        case FLAT -> FlatSubject.create();
      };
    }

    /// Whether it has tables that a processor can walk, and so pages of several sizes.
    boolean hasTables() {
      return this != HASH_MAP && this != FLAT;
    }

    @Override
    public String toString() {
      return csvName;
    }
  }

  /// Maps one page of 4 KiB, which is not mapped.
  abstract void mapPage(long virtualAddress, long physicalAddress);

  /// Unmaps one page of 4 KiB, which is mapped. What it takes to map it again soon stays.
  abstract void unmapPage(long virtualAddress);

  /// Maps a range, by the largest pages that fit, if it has several sizes, or by those of 4 KiB.
  void mapRange(long virtualAddress, long physicalAddress, long byteSize, boolean largest) {
    for (long at = 0; at < byteSize; at += Pages.PAGE_SIZE) {
      mapPage(virtualAddress + at, physicalAddress + at);
    }
  }

  /// Unmaps a range that is mapped; nothing stays.
  void unmapRange(long virtualAddress, long byteSize) {
    for (long at = 0; at < byteSize; at += Pages.PAGE_SIZE) {
      unmapPage(virtualAddress + at);
    }
  }

  /// The physical address behind a virtual one, or [#NOT_MAPPED].
  abstract long translate(long virtualAddress);

  @Override
  public abstract void close();
}
