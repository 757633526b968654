package dev.bifolio.kernel.heap;

/// Prepares the objects of a cache, each once, when its slab is made. What it leaves in an object
/// is there when the object is allocated for the first time, and whoever frees an object leaves it
/// in that state for the next.
///
/// Source: J. Bonwick, "The Slab Allocator", USENIX Summer 1994, s. 2.
public interface ObjectConstructor {
  /// Prepares an object. No lock of the heap is held: it may allocate, and even from this cache.
  ///
  /// @param pointer of its first byte
  void construct(long pointer);
}
