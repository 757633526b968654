package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.Test;

class FrameStatisticsTest {
  private static FrameCounters countersOf(long totalFrames) {
    FrameCounters counters = new FrameCounters();
    counters.added(totalFrames);
    return counters;
  }

  @Test
  @Behaviour("67")
  void utilisationIsAPercentageOfTheWhole() {
    assertEquals(0, FrameStatistics.of(1024, 1024).usedFrames());
    assertEquals(0, FrameStatistics.of(1024, 1024).utilisationPercent());
    assertEquals(50, FrameStatistics.of(100, 50).utilisationPercent());
    assertEquals(100, FrameStatistics.of(100, 0).utilisationPercent());
    assertEquals(0, FrameStatistics.of(0, 0).utilisationPercent());
    assertEquals(99, FrameStatistics.of(1L << 34, 1).utilisationPercent());
  }

  @Test
  @Behaviour("68")
  void servedAndFailedRequestsAreCountedApart() {
    FrameCounters counters = countersOf(1024);
    counters.allocated(10, 0);
    FrameStatistics served = counters.snapshot();
    assertEquals(1, served.requests());
    assertEquals(1, served.allocations());
    assertEquals(1014, served.freeFrames());
    assertEquals(10, served.usedFrames());
    counters.exhausted(5);
    FrameStatistics failed = counters.snapshot();
    assertEquals(2, failed.requests());
    assertEquals(1, failed.allocations());
    assertEquals(1, failed.failures());
    assertEquals(1014, failed.freeFrames());
  }

  @Test
  @Behaviour("69")
  void freeingMoreThanThereIsIsCorruptionAndChangesNothing() {
    FrameCounters counters = countersOf(1024);
    counters.allocated(24, 0);
    counters.freed(10);
    assertEquals(1010, counters.freeFrames());
    FrameStatistics before = counters.snapshot();
    FrameRequestException thrown =
        assertThrows(FrameRequestException.class, () -> counters.freed(100));
    assertEquals(FrameError.CORRUPTION, thrown.error());
    assertEquals(before, counters.snapshot());
    counters.freed(14);
    assertEquals(1024, counters.freeFrames());
    assertThrows(FrameRequestException.class, () -> counters.freed(1));
  }

  @Test
  @Behaviour("70")
  void thePeakIsTheMostThatWasInUse() {
    FrameCounters counters = countersOf(1024);
    counters.allocated(30, 0);
    assertEquals(30, counters.snapshot().peakUsedFrames());
    counters.allocated(20, 0);
    assertEquals(50, counters.snapshot().peakUsedFrames());
    counters.freed(40);
    assertEquals(50, counters.snapshot().peakUsedFrames());
    counters.allocated(60, 0);
    assertEquals(70, counters.snapshot().peakUsedFrames());
  }

  @Test
  @Behaviour("71")
  void theSuccessRateIsCutOff() {
    FrameCounters counters = countersOf(1024);
    assertEquals(100, counters.snapshot().successPercent());
    counters.allocated(1, 0);
    assertEquals(100, counters.snapshot().successPercent());
    counters.refused();
    assertEquals(50, counters.snapshot().successPercent());
    counters.allocated(1, 0);
    assertEquals(66, counters.snapshot().successPercent());
  }

  @Test
  @Behaviour("71")
  void bytesAre4096TimesFrames() {
    FrameStatistics statistics = FrameStatistics.of(1024, 1000);
    assertEquals(1024 * 4096, statistics.totalBytes());
    assertEquals(1000 * 4096, statistics.freeBytes());
    assertEquals(24 * 4096, statistics.usedBytes());
  }

  @Test
  @Behaviour("72")
  void resetKeepsTheMemoryAndRestartsThePeak() {
    FrameCounters counters = countersOf(1024);
    counters.allocated(100, 0);
    counters.freed(60);
    counters.refused();
    counters.refusedFree();
    counters.split(3);
    counters.joined();
    counters.resetRequests();
    FrameStatistics after = counters.snapshot();
    assertEquals(new FrameStatistics(1024, 984, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0, 64), after);
  }

  @Test
  @Behaviour("73")
  void theTextNamesUseRequestsAndFailures() {
    FrameCounters counters = countersOf(1024);
    for (int i = 0; i < 8; i++) {
      counters.allocated(64, 0);
    }
    counters.refused();
    counters.exhausted(1);
    String text = counters.snapshot().toString();
    assertTrue(text.contains("512/1024"), text);
    assertTrue(text.contains("50%"), text);
    assertTrue(text.contains("8 allocations"), text);
    assertTrue(text.contains("2 failed"), text);
  }

  @Test
  @Behaviour("100")
  void cachedFramesAreSaidAndAreNotInUse() {
    FrameCounters counters = countersOf(1024);
    counters.allocated(500, 0);
    FrameStatistics cached = counters.snapshot(40, 0, 0);
    assertEquals(40, cached.cachedFrames());
    assertEquals(484, cached.freeFrames());
    assertEquals(500, cached.usedFrames());
    assertTrue(cached.toString().endsWith("peak 500, 40 cached"), cached.toString());
    assertTrue(counters.snapshot().toString().endsWith("peak 500"));
  }

  @Test
  void requestsAreCountedByOrderAndKind() {
    FrameCounters counters = countersOf(1L << 22);
    counters.allocated(600, 5);
    counters.allocated(1024, 5);
    counters.allocated(1 << 20, 2);
    counters.exhausted(3);
    counters.missed(1L << 21);
    counters.refused();
    counters.freed(600);
    assertEquals(2, counters.allocationCount(10, 5));
    assertEquals(0, counters.allocationCount(10, 4));
    assertEquals(1, counters.allocationCount(20, 2));
    assertEquals(1, counters.failureCount(2));
    assertEquals(1, counters.failureCount(20));
    assertEquals(1, counters.freeCount(10));
    assertEquals(3, counters.snapshot().failures());
    // Only a failure that more memory would have prevented is a demand.
    assertEquals(1 << 20, counters.snapshot().largestRequestFrames());
    counters.resetRequests();
    assertEquals(0, counters.allocationCount(10, 5) + counters.allocationCount(20, 2));
    assertEquals(0, counters.failureCount(2) + counters.failureCount(20) + counters.freeCount(10));
  }

  @Test
  void theRobsonFiguresRoundRequestsUpAndCountFailedOnesAsServed() {
    FrameCounters counters = countersOf(1024);
    counters.allocated(5, 0);
    counters.allocated(600, 0);
    FrameStatistics served = counters.snapshot();
    assertEquals(600, served.largestRequestFrames());
    assertEquals(8 + 1024, served.peakDemandFrames());
    counters.freed(600);
    counters.exhausted(700);
    assertEquals(700, counters.snapshot().largestRequestFrames());
    assertEquals(8 + 1024, counters.snapshot().peakDemandFrames());
    counters.splitIntoFrames(5);
    counters.allocated(1000, 0);
    counters.exhausted(1);
    assertEquals(8 + 1024, counters.snapshot().peakDemandFrames());
  }

  @Test
  void theRobsonBoundIsTheInequalityOfThePaper() {
    assertEquals(0, FrameStatistics.of(10, 10).robsonBoundFrames());
    assertEquals(100, statisticsOf(100, 1, 100).robsonBoundFrames());
    // M = 100, n = 2: 100 * 1.5 - 2 + 1
    assertEquals(149, statisticsOf(149, 2, 100).robsonBoundFrames());
    // M = 101, n = 8: 101 * 2.5 = 252.5, rounded up, - 8 + 1
    assertEquals(246, statisticsOf(246, 7, 101).robsonBoundFrames());
    assertTrue(statisticsOf(246, 7, 101).isWithinRobsonBound());
    assertFalse(statisticsOf(245, 7, 101).isWithinRobsonBound());
  }

  private static FrameStatistics statisticsOf(long total, long largest, long demand) {
    return new FrameStatistics(total, total, 0, 0, 1, 1, 0, 0, 0, 0, 0, largest, demand);
  }
}
