package dev.bifolio.kernel.zone;

/// What a request that finds no memory turns to. Package `reclaim` has the real one.
///
/// It is called without any lock of an allocator or of a zone, so it may allocate and free. Any
/// thread, several at once.
public interface Reclaimer {
  /// Reclaims nothing: requests that find no memory fail.
  Reclaimer NONE =
      new Reclaimer() {
        @Override
        public void wake(Zone zone, int order) {}

        @Override
        public long reclaim(Zone zone, int order, long wantedFrames) {
          return 0;
        }

        @Override
        public boolean compact(Zone zone, int order) {
          return false;
        }
      };

  /// A zone has fallen below its low watermark: background work is wanted. Returns at once.
  ///
  /// @param zone the zone
  /// @param order of the request that noticed
  void wake(Zone zone, int order);

  /// Tries to give frames of a zone's node back, for a request that would fail otherwise. Bounded.
  ///
  /// @param zone the zone that the request prefers
  /// @param order of the request
  /// @param wantedFrames how many frames the zone lacks
  /// @return how many frames became free, anywhere; 0 for no progress
  long reclaim(Zone zone, int order, long wantedFrames);

  /// Tries to make a free block in a zone that has frames enough, but in too small pieces. Bounded.
  ///
  /// @param zone the zone
  /// @param order of the block
  /// @return whether one was made
  boolean compact(Zone zone, int order);
}
