package dev.bifolio.kernel.heap;

import static dev.bifolio.kernel.heap.VmallocWorld.PAGE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.TestTables;
import dev.bifolio.kernel.virtual.FaultOutcome;
import dev.bifolio.testkit.Behaviour;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Each frame that a request takes not being there in turn, be it for a page, a table or an area:
/// nothing is lost, and the request is served when it is there.
class VmallocFailuresTest {
  /// Something that takes frames.
  record Scenario(String name, PageFormat format, int least, ToLongFunction<Vmalloc> attempt) {
    @Override
    public String toString() {
      return format + ": " + name;
    }
  }

  static List<Scenario> scenarios() {
    List<Scenario> all = new ArrayList<>();
    for (PageFormat format : TestTables.FORMATS) {
      all.add(new Scenario("three pages", format, 4, v -> v.allocate(3 * PAGE, 0)));
      all.add(
          new Scenario(
              "pages of two batches",
              format,
              530,
              v -> v.allocate(530 * PAGE, AllocationFlags.ZERO)));
      all.add(new Scenario("lazy pages", format, 1, v -> v.allocate(3 * PAGE, Vmalloc.LAZY)));
      all.add(new Scenario("a fault", format, 1, VmallocFailuresTest::fault));
    }
    return all;
  }

  /// Of an area that is there already.
  private static long fault(Vmalloc vmalloc) {
    FaultOutcome outcome = vmalloc.fault(vmalloc.base() + PAGE);
    return outcome == FaultOutcome.NO_MEMORY ? Vmalloc.NO_MEMORY : vmalloc.base();
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  @Behaviour("141")
  void everyFrameThatIsMissingLosesNothing(Scenario scenario) {
    try (VmallocWorld world = new VmallocWorld(scenario.format(), 900)) {
      world.drainPool();
      Vmalloc vmalloc = world.vmalloc;
      int atFirst = world.inUse();
      boolean isFault = scenario.name().equals("a fault");
      if (isFault) {
        assertEquals(vmalloc.base(), vmalloc.allocate(3 * PAGE, Vmalloc.LAZY));
      }
      String state = world.state();
      int failed = 0;
      while (true) {
        // One is missing, or it and all after it.
        if (failed % 2 == 0) {
          world.failAfter(failed / 2);
        } else {
          world.serve(failed / 2);
        }
        if (scenario.attempt().applyAsLong(vmalloc) != Vmalloc.NO_MEMORY) {
          break;
        }
        assertEquals(state, world.state(), "after " + failed / 2 + " frames");
        failed++;
      }
      assertTrue(failed >= 2 * scenario.least(), "failed only " + failed + " times");
      assertEquals(isFault ? 0 : failed, vmalloc.failures());
      world.serve(Long.MAX_VALUE);
      assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(vmalloc.base()));
      assertEquals(atFirst, world.inUse());
    }
  }
}
