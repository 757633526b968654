package dev.bifolio.bench;

import java.util.List;

/// Something that gives out whole pages at consecutive virtual addresses, wherever their frames
/// lie. A class with one loaded subclass in a JVM of the suite, as [Subject] is. One thread.
abstract class VirtualSubject implements AutoCloseable {
  /// What can be compared.
  enum Kind {
    /// The kernel's, on tables as an x86-64 has them, four levels.
    VMALLOC("vmalloc"),
    /// The operating system's: a private mapping, of which each page is touched.
    MMAP("mmap");

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

    /// One with nothing allocated.
    VirtualSubject create() {
      return switch (this) {
        case VMALLOC -> VmallocSubject.create();
        case MMAP -> new MmapSubject();
      };
    }

    /// Whether it can give out pages with whatever is in them.
    boolean leavesContents() {
      return this == VMALLOC;
    }

    @Override
    public String toString() {
      return csvName;
    }
  }

  /// Memory whose pages all have their frames.
  ///
  /// @param zeroed whether the pages must be zeros
  /// @return its address
  abstract long allocate(long byteSize, boolean zeroed);

  /// Gives it back, with all frames.
  abstract void free(long address, long byteSize);

  @Override
  public abstract void close();
}
