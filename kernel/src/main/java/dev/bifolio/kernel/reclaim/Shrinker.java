package dev.bifolio.kernel.reclaim;

/// Somebody who holds frames that can be given back when memory runs short: a cache of pages, of
/// slabs, of whatever can be read or built again.
///
/// A shrinker is called without any lock of an allocator. It may allocate and free while it works;
/// it must not wait for a thread that itself waits for memory. Calls come from any thread, though
/// [Shrinkers] never has two in `shrink` of the same shrinker at a time.
///
/// Source: Linux `include/linux/shrinker.h` (`count_objects`, `scan_objects`, `seeks`).
public interface Shrinker {
  /// What reports call it.
  ///
  /// @return a short name
  String name();

  /// The frames that could be given back now. An estimate, cheap, from any thread at any time.
  ///
  /// @param nid the node they lie on, -1 for all nodes
  /// @return frames, 0 or more
  long countFrames(int nid);

  /// Tries to give back about so many frames, and frees them itself.
  ///
  /// @param nid the node they should lie on, -1 for all nodes
  /// @param wantedFrames frames, 1 or more
  /// @return the frames it freed, 0 if there were none; -1 if it cannot now and should be asked
  ///   again later
  long shrink(int nid, long wantedFrames);

  /// What it costs to get a frame back again, relative to others: 1 where it is cheap, 100 where it
  /// is as dear as can be.
  ///
  /// @return 1 … 100
  int cost();
}
