package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

class FrameLatencyTest {
  @Test
  void everyBenchRunsAndTellsItsAllocation() throws Exception {
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .include("FrameLatency")
                    .param("allocator", "classic")
                    .forks(0)
                    .warmupIterations(1)
                    .measurementIterations(1)
                    .warmupTime(TimeValue.milliseconds(50))
                    .measurementTime(TimeValue.milliseconds(50))
                    .addProfiler(GCProfiler.class)
                    .shouldFailOnError(true)
                    .verbosity(VerboseMode.SILENT)
                    .build())
            .run();
    TreeSet<String> names = new TreeSet<>();
    for (RunResult result : results) {
      names.add(result.getPrimaryResult().getLabel());
      assertTrue(result.getPrimaryResult().getScore() > 0);
      assertTrue(result.getSecondaryResults().containsKey("gc.alloc.rate.norm"));
    }
    assertEquals(
        List.of("pairOrder0", "pairOrder3", "pairOrder9", "randomReplace"), List.copyOf(names));
  }

  @Test
  void everyAllocatorOfTheSuiteIsOfferedButTheOracle() throws Exception {
    String[] offered =
        FrameLatency.class
            .getField("allocator")
            .getAnnotation(org.openjdk.jmh.annotations.Param.class)
            .value();
    TreeSet<String> expected = new TreeSet<>();
    for (Subject.Kind kind : Subject.Kind.allocators()) {
      if (kind.lack(Need.SPEED, 18) == null) {
        expected.add(kind.csvName());
      }
    }
    assertEquals(expected, new TreeSet<>(List.of(offered)));
  }

  @Test
  void anUnknownAllocatorIsRefused() {
    FrameLatency latency = new FrameLatency();
    latency.allocator = "none";
    assertThrows(IllegalArgumentException.class, latency::create);
  }
}
