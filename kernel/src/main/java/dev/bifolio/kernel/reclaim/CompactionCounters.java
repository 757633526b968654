package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.platform.Memory;

/// The memory words of a compaction: its lock, what it was asked for, and what it did. Read by any
/// thread.
///
/// What a compaction captures and moves it allocates and frees, and the allocator counts that among
/// the requests of others ([dev.bifolio.kernel.frame.FrameStatistics]): [#ownRequests()] says how
/// many allocations were not asked for by anybody else. As many blocks were freed.
public final class CompactionCounters {
  static final int LOCK = 0;
  static final int WANTED = 1;
  static final int PROACTIVENESS = 2;
  static final int BLOCKED_PFN = 3;
  static final int WAITING = 13;
  private static final int UNITS_GAINED = 4;
  private static final int AREAS_GAINED = 5;
  private static final int FRAMES_MOVED = 6;
  private static final int UNITS_FAILED = 7;
  private static final int AREAS_SCANNED = 8;
  private static final int PASSES = 9;
  private static final int VAIN_PASSES = 10;
  private static final int DEFERRALS = 11;
  private static final int SCORE = 12;
  private static final int OWN_REQUESTS = 14;
  private static final int WORDS = 16;

  private final long address;

  CompactionCounters(long address) {
    this.address = address;
  }

  static long byteSize() {
    return (long) WORDS * Long.BYTES;
  }

  long at(int word) {
    return address + (long) word * Long.BYTES;
  }

  long read(int word) {
    return Memory.getLongAcquire(at(word));
  }

  void store(int word, long value) {
    Memory.putLongRelease(at(word), value);
  }

  void add(int word, long delta) {
    Memory.getAndAddLong(at(word), delta);
  }

  void gained(long areas) {
    add(UNITS_GAINED, 1);
    add(AREAS_GAINED, areas);
  }

  void failed() {
    add(UNITS_FAILED, 1);
  }

  void moved(long frames) {
    add(FRAMES_MOVED, frames);
  }

  void requested(long blocks) {
    add(OWN_REQUESTS, blocks);
  }

  void scanned(long areas) {
    add(AREAS_SCANNED, areas);
  }

  void passed(boolean inVain) {
    add(PASSES, 1);
    if (inVain) {
      add(VAIN_PASSES, 1);
    }
  }

  void deferred() {
    add(DEFERRALS, 1);
  }

  void scored(int score) {
    store(SCORE, score);
  }

  /// Units of the wanted order that became free.
  ///
  /// @return a count since the beginning
  public long unitsGained() {
    return read(UNITS_GAINED);
  }

  /// Areas of 2 MiB in those units.
  ///
  /// @return a count since the beginning
  public long areasGained() {
    return read(AREAS_GAINED);
  }

  /// Frames that were moved, for units that became free and for others.
  ///
  /// @return a count since the beginning
  public long framesMoved() {
    return read(FRAMES_MOVED);
  }

  /// Blocks that were allocated to be captured, or as targets: of what the allocator calls
  /// allocations, those that were nobody's request.
  ///
  /// @return a count since the beginning
  public long ownRequests() {
    return read(OWN_REQUESTS);
  }

  /// Units that were begun and did not become free.
  ///
  /// @return a count since the beginning
  public long unitsFailed() {
    return read(UNITS_FAILED);
  }

  /// Areas that were looked at, as sources, targets or for the count before a pass.
  ///
  /// @return a count since the beginning
  public long areasScanned() {
    return read(AREAS_SCANNED);
  }

  /// Passes through the zone.
  ///
  /// @return a count since the beginning
  public long passes() {
    return read(PASSES);
  }

  /// Passes that should have gained something and did not.
  ///
  /// @return a count since the beginning
  public long passesInVain() {
    return read(VAIN_PASSES);
  }

  /// Attempts that were left out, because those before were in vain.
  ///
  /// @return a count since the beginning
  public long deferrals() {
    return read(DEFERRALS);
  }

  /// The fragmentation score at the last count of the zone, see [Compaction].
  ///
  /// @return 0 … 100
  public int score() {
    return (int) read(SCORE);
  }
}
