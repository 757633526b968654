package dev.bifolio.kernel.reclaim;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;

/// A shrinker that holds a number, and does with it what a test says.
class FakeShrinker implements Shrinker {
  final String name;
  final int cost;
  long held;

  /// What it does when it is asked; by default it gives what it has.
  LongUnaryOperator answer = this::give;

  /// What it is asked, in order.
  final List<Long> asked = new ArrayList<>();

  long given;

  FakeShrinker(String name, long held, int cost) {
    this.name = name;
    this.held = held;
    this.cost = cost;
  }

  long give(long wanted) {
    long frames = Math.min(wanted, held);
    held -= frames;
    given += frames;
    return frames;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long countFrames(int nid) {
    return held;
  }

  @Override
  public long shrink(int nid, long wantedFrames) {
    asked.add(wantedFrames);
    return answer.applyAsLong(wantedFrames);
  }

  @Override
  public int cost() {
    return cost;
  }
}
