package dev.bifolio.kernel.heap;

/// What can be wrong with a pointer that is given back, or with what lies behind it.
public enum HeapError {
  /// The object is free already.
  DOUBLE_FREE("Object is not allocated (possible double-free)"),
  /// The pointer points into an object, or between objects.
  INTERIOR("Pointer is not the start of an object"),
  /// The object is of another cache.
  WRONG_CACHE("Object belongs to another cache"),
  /// The pointer was never handed out, or its slab has been given back.
  FOREIGN("Pointer does not belong to this heap");

  private final String text;

  HeapError(String text) {
    this.text = text;
  }

  /// The fixed text.
  ///
  /// @return one line without a full stop
  public String text() {
    return text;
  }
}
