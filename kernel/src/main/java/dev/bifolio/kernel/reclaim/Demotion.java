package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.zone.Zone;

/// Makes room in a zone by moving frames to slower memory, which costs less than giving them back.
public interface Demotion {
  /// Moves the coldest movable frames of a zone to memory that is slower. Called under no lock; any
  /// thread.
  ///
  /// @param zone that is short of frames
  /// @param wantedFrames how many, 1 or more
  /// @return how many frames left the zone; 0 if there is nothing slower, or no room there
  long demote(Zone zone, long wantedFrames);
}
