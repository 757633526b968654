package dev.bifolio.kernel.reclaim;

/// What came of adding memory or taking it away. All but [#DONE] left everything as it was, but for
/// the places of movable frames.
public enum HotOutcome {
  /// All of the range is online, or offline, as wished.
  DONE,
  /// The range is not whole areas of 512 frames, is not in one bank, or has frames that were never
  /// handed over, like those of the firmware or of the metadata.
  OUT_OF_RANGE,
  /// Not all of the range is offline.
  NOT_OFFLINE,
  /// Some of the range is offline already.
  ALREADY_OFFLINE,
  /// The zone would have less than min.
  BELOW_MIN,
  /// A frame is not movable, is pinned, or its owner refused; [HotMemory#blockedPfn()] says which.
  BLOCKED,
  /// There was no frame to move something to.
  NO_TARGET,
  /// Others allocated and freed in the range again and again.
  RACED,
  /// What is offline is in more pieces than can be written down.
  TOO_MANY_RANGES,
  /// Somebody else adds or takes away memory at this moment.
  BUSY;
}
