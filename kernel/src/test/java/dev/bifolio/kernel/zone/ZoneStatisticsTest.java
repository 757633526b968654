package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.bifolio.kernel.frame.FrameStatistics;
import org.junit.jupiter.api.Test;

/// What two banks or zones count together, figure by figure.
class ZoneStatisticsTest {
  private static final long NOT_KEPT = FrameStatistics.NOT_KEPT;

  private static FrameStatistics counts(long step, long largest, long demand) {
    return new FrameStatistics(
        100 * step,
        20 * step,
        3 * step,
        90 * step,
        41 * step,
        30 * step,
        11 * step,
        17 * step,
        5 * step,
        13 * step,
        7 * step,
        largest,
        demand);
  }

  @Test
  void eachCountIsAddedAndTheLargestRequestIsTheLargerOne() {
    assertEquals(counts(11, 64, 35), ZoneStatistics.sum(counts(1, 8, 15), counts(10, 64, 20)));
    assertEquals(counts(11, 64, 35), ZoneStatistics.sum(counts(10, 64, 20), counts(1, 8, 15)));
  }

  @Test
  void whatOneOfThemDoesNotKeepIsNotKeptTogether() {
    FrameStatistics kept = counts(1, 8, 15);
    FrameStatistics unkept = counts(2, NOT_KEPT, NOT_KEPT);
    assertEquals(counts(3, NOT_KEPT, NOT_KEPT), ZoneStatistics.sum(kept, unkept));
    assertEquals(counts(3, NOT_KEPT, NOT_KEPT), ZoneStatistics.sum(unkept, kept));
    assertEquals(counts(4, NOT_KEPT, NOT_KEPT), ZoneStatistics.sum(unkept, unkept));
  }

  @Test
  void offlineFramesAreNeitherThereNorUsedNorWereTheyAtThePeak() {
    FrameStatistics all = counts(1, 8, 15);
    FrameStatistics less = ZoneStatistics.without(all, 30);
    assertEquals(70, less.totalFrames());
    assertEquals(all.usedFrames() - 30, less.usedFrames());
    assertEquals(60, less.peakUsedFrames());
    assertEquals(all, ZoneStatistics.withPeak(ZoneStatistics.without(withTotal(all), 30), 90));
    assertEquals(0, ZoneStatistics.without(all, 95).peakUsedFrames());
    assertSame(all, ZoneStatistics.without(all, 0));
  }

  /// The same with 30 frames more.
  private static FrameStatistics withTotal(FrameStatistics of) {
    return ZoneStatistics.without(of, -30);
  }

  @Test
  void aPeakIsReplacedAndNothingElse() {
    FrameStatistics all = counts(1, 8, 15);
    FrameStatistics other = ZoneStatistics.withPeak(all, 5);
    assertEquals(5, other.peakUsedFrames());
    assertEquals(all, ZoneStatistics.withPeak(other, all.peakUsedFrames()));
  }
}
