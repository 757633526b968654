package dev.bifolio.bench;

/// What a workload needs of an allocator, or of the machine, besides blocks of an order. An
/// allocator that lacks it is left out of the workload, with a line that says why: see
/// [Subject.Kind#lack].
enum Need {
  /// A figure of speed makes sense.
  SPEED,
  /// Blocks are frames of one memory of N frames: aligned areas of it can be counted.
  PLACEMENT,
  /// It is built for N frames, with metadata of its own.
  METADATA,
  /// It has exactly N frames, and refuses what would be more.
  LIMIT,
  /// Many single frames in one call.
  BULK,
  /// It is told how long a frame will live.
  LIFETIMES,
  /// Somebody above it moves frames of owners that agree.
  MOVABLE_FRAMES,
  /// A table with a slot for every frame of the memory.
  WHOLE_TABLE,
  /// Two processors, for two threads.
  TWO_PROCESSORS
}
