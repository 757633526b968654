package dev.bifolio.kernel.heap;

import org.jspecify.annotations.Nullable;

/// What came of a free. Everything but [#FREED] has changed nothing but a counter.
public enum FreeOutcome {
  /// The object is free now.
  FREED(null),
  /// It was free already.
  DOUBLE_FREE(HeapError.DOUBLE_FREE),
  /// The pointer is not the start of an object.
  INTERIOR(HeapError.INTERIOR),
  /// The object is of another cache.
  WRONG_CACHE(HeapError.WRONG_CACHE),
  /// There is no object: the pointer is not of a slab.
  FOREIGN(HeapError.FOREIGN);

  private final @Nullable HeapError error;

  FreeOutcome(@Nullable HeapError error) {
    this.error = error;
  }

  /// Whether the object was freed.
  ///
  /// @return true for FREED alone
  public boolean isFreed() {
    return error == null;
  }

  /// The exception for a free that was refused.
  ///
  /// @param detail what was freed, with the pointer in hex
  /// @return a new exception
  /// @throws IllegalStateException if nothing was refused
  public HeapException refusal(String detail) {
    if (error == null) {
      throw new IllegalStateException("freed: " + detail);
    }
    return new HeapException(error, detail);
  }
}
