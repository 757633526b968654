package dev.bifolio.testkit;

import java.util.ArrayList;
import java.util.List;

/// A property checked over seeded random sequences, with shrinking.
///
/// A sequence is a list of steps; a check runs it from a fresh state and throws when the property
/// does not hold. A sequence that fails is cut down, first by halves and then step by step, as long
/// as it still fails, and is reported with its seed.
public final class Property {
  private Property() {}

  /// Makes the steps of a sequence.
  ///
  /// @param <S> the type of a step, a value that prints well
  @FunctionalInterface
  public interface Generator<S> {
    /// Draws one sequence.
    ///
    /// @param random seeded
    /// @return its steps
    List<S> draw(SplitMix64 random);
  }

  /// Runs a sequence from a fresh state.
  ///
  /// @param <S> the type of a step
  @FunctionalInterface
  public interface Check<S> {
    /// Runs it.
    ///
    /// @param steps in order
    /// @throws Throwable if the property does not hold
    @SuppressWarnings("checkstyle:IllegalThrows")
    void run(List<S> steps) throws Throwable;
  }

  /// Checks `rounds` sequences with the seeds `seed`, `seed + 1` ….
  ///
  /// @param <S> the type of a step
  /// @param seed of the first round
  /// @param rounds 1 or more
  /// @param generator makes sequences
  /// @param check runs them
  /// @throws AssertionError with the seed and the shortest failing sequence that was found
  public static <S> void check(long seed, int rounds, Generator<S> generator, Check<S> check) {
    for (int round = 0; round < rounds; round++) {
      long roundSeed = seed + round;
      List<S> steps = generator.draw(new SplitMix64(roundSeed));
      Throwable failure = failureOf(check, steps);
      if (failure != null) {
        List<S> shortest = shrink(check, steps);
        Throwable cause = failureOf(check, shortest);
        throw new AssertionError(
            "seed "
                + roundSeed
                + ", "
                + shortest.size()
                + " of "
                + steps.size()
                + " steps: "
                + shortest,
            cause == null ? failure : cause);
      }
    }
  }

  private static <S> List<S> shrink(Check<S> check, List<S> failing) {
    List<S> best = new ArrayList<>(failing);
    long deadline = System.nanoTime() + 20_000_000_000L;
    for (int cut = Math.max(1, best.size() / 2); cut >= 1; cut /= 2) {
      for (int from = 0; from + cut <= best.size() && System.nanoTime() < deadline; ) {
        List<S> shorter = new ArrayList<>(best.subList(0, from));
        shorter.addAll(best.subList(from + cut, best.size()));
        if (failureOf(check, shorter) != null) {
          best = shorter;
        } else {
          from += cut;
        }
      }
    }
    return best;
  }

  private static <S> @org.jspecify.annotations.Nullable Throwable failureOf(
      Check<S> check, List<S> steps) {
    try {
      check.run(steps);
      return null;
    } catch (Throwable e) {
      return e;
    }
  }
}
