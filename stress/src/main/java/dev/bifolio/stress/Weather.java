package dev.bifolio.stress;

import java.util.List;

/// What a [Storm] is like.
///
/// @param virtual whether the threads are virtual ones
/// @param frameCount the memory; of much of it the magazines of all orders have room, of little all
///   threads meet in a few areas
/// @param load how much of it the threads want together, in percent; above 100 it is often
///   exhausted
/// @param single whether all requests are for single frames, and what owners of caches may withhold
///   is left to them: then all are served at a load of 100, up to the last frame
record Weather(int threadCount, boolean virtual, int frameCount, int load, boolean single) {
  static final List<Weather> ALL =
      List.of(
          new Weather(2, false, 60_000, 50, false),
          new Weather(3, true, 60_000, 90, false),
          new Weather(4, false, 60_000, 120, false),
          new Weather(4, false, 4_000_000, 3, false),
          new Weather(3, false, 30_000, 100, true),
          new Weather(8, true, 60_000, 90, false),
          new Weather(4, true, 12_000, 40, false),
          new Weather(16, false, 60_000, 50, false),
          new Weather(16, true, 60_000, 150, false),
          new Weather(8, true, 30_000, 100, true));

  /// How many frames one thread may have before it frees some.
  ///
  /// @param withheldFrames by owners of caches at most
  long framesEach(long managedFrames, long withheldFrames) {
    return single
        ? (managedFrames - withheldFrames) * load / 100 / threadCount - Mailbox.MOST
        : managedFrames * load / 100 / threadCount;
  }

  @Override
  public String toString() {
    return "%2d %-8s threads, %3d %% of %7d frames wanted%s"
        .formatted(
            threadCount,
            virtual ? "virtual" : "platform",
            load,
            frameCount,
            single ? " one by one" : "");
  }
}
