package dev.bifolio.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PropertyTest {
  private static List<Integer> hundredNumbers(SplitMix64 random) {
    List<Integer> steps = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      steps.add(random.below(20));
    }
    return steps;
  }

  @Test
  void aPropertyThatHoldsIsRunInEveryRoundWithItsOwnSequence() {
    List<List<Integer>> seen = new ArrayList<>();
    Property.check(1, 5, PropertyTest::hundredNumbers, seen::add);
    assertEquals(5, seen.size());
    assertEquals(5, seen.stream().distinct().count());
  }

  @Test
  void equalSeedsGiveEqualSequences() {
    List<List<Integer>> first = new ArrayList<>();
    List<List<Integer>> second = new ArrayList<>();
    Property.check(9, 3, PropertyTest::hundredNumbers, first::add);
    Property.check(9, 3, PropertyTest::hundredNumbers, second::add);
    assertEquals(first, second);
  }

  @Test
  void aFailureIsCutDownToTheStepsThatMatter() {
    AssertionError error =
        assertThrows(
            AssertionError.class,
            () ->
                Property.check(1, 10, PropertyTest::hundredNumbers, PropertyTest::sevenThenThree));
    assertTrue(error.getMessage().contains("2 of 100 steps: [7, 3]"), error.getMessage());
    assertNotNull(error.getCause());
    assertEquals("three after seven", error.getCause().getMessage());
  }

  @Test
  void theReportedSeedGivesTheFailureAgainInTheFirstRound() {
    AssertionError error =
        assertThrows(
            AssertionError.class,
            () -> Property.check(1, 50, PropertyTest::hundredNumbers, PropertyTest::eightFives));
    long seed = Long.parseLong(error.getMessage().replaceAll("seed (-?\\d+),.*", "$1"));
    AssertionError again =
        assertThrows(
            AssertionError.class,
            () -> Property.check(seed, 1, PropertyTest::hundredNumbers, PropertyTest::eightFives));
    assertEquals(error.getMessage(), again.getMessage());
  }

  @Test
  void exceptionsOfTheCheckAreFailuresToo() {
    AssertionError error =
        assertThrows(
            AssertionError.class,
            () ->
                Property.check(
                    1,
                    1,
                    PropertyTest::hundredNumbers,
                    steps -> {
                      throw new IllegalStateException("always");
                    }));
    assertTrue(error.getMessage().contains("0 of 100 steps: []"), error.getMessage());
    assertEquals("always", error.getCause().getMessage());
  }

  private static void sevenThenThree(List<Integer> steps) {
    int seven = steps.indexOf(7);
    if (seven >= 0 && steps.subList(seven, steps.size()).contains(3)) {
      throw new AssertionError("three after seven");
    }
  }

  private static void eightFives(List<Integer> steps) {
    if (steps.stream().filter(s -> s == 5).count() >= 8) {
      throw new AssertionError("eight fives");
    }
  }
}
