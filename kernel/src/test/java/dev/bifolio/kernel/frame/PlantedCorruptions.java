package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.DynamicTest;

/// The power of `validate()` of the hybrid allocator: each planted corruption, one changed word of
/// the metadata of a [HybridExample], is found, and is told with its place.
abstract class PlantedCorruptions extends FrameAllocatorFixture {
  static final int TAIL_OR_FREE = 1;
  static final int HEAD_OR_TAIL = 2;
  static final int HEAD_OR_FREE = 3;

  PlantedCorruptions() {
    super(new AllocatorUnderTest.Hybrid());
  }

  HybridExample example() {
    long frameCount = HybridExample.END - HybridExample.START;
    return new HybridExample((HybridAllocator) spanOf(20, HybridExample.START, frameCount));
  }

  /// A corruption that is planted, and the text that the report must have then.
  record Planted(String name, Function<HybridExample, String> plant) {}

  private final List<Planted> planted = new ArrayList<>();

  void plant(String name, Function<HybridExample, String> plant) {
    planted.add(new Planted(name, plant));
  }

  List<DynamicTest> tests() {
    List<DynamicTest> tests = new ArrayList<>();
    for (Planted one : planted) {
      tests.add(
          DynamicTest.dynamicTest(
              one.name,
              () -> {
                HybridExample example = example();
                String expected = one.plant.apply(example);
                ValidationReport report = example.allocator.validate();
                assertFalse(report.isValid(), "not found");
                assertTrue(report.problems().contains(expected), expected + "\n" + report);
                closeWindows();
              }));
    }
    return tests;
  }
}
