package dev.bifolio.kernel.zone;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/// Writes down what it is asked for, and does what a test tells it.
final class ToldReclaimer implements Reclaimer {
  /// `wake ZONE ORDER`, `reclaim ZONE ORDER FRAMES` and `compact ZONE ORDER`.
  final List<String> calls = new ArrayList<>();

  /// What a call of [#reclaim] does and says.
  LongSupplier reclaims = () -> 0;

  /// What a call of [#compact] does and says.
  BooleanSupplier compacts = () -> false;

  @Override
  public void wake(Zone zone, int order) {
    calls.add("wake " + zone.index() + " " + order);
  }

  @Override
  public long reclaim(Zone zone, int order, long wantedFrames) {
    calls.add("reclaim " + zone.index() + " " + order + " " + wantedFrames);
    return reclaims.getAsLong();
  }

  @Override
  public boolean compact(Zone zone, int order) {
    calls.add("compact " + zone.index() + " " + order);
    return compacts.getAsBoolean();
  }

  /// What was asked for since the last time.
  List<String> takeCalls() {
    List<String> copy = List.copyOf(calls);
    calls.clear();
    return copy;
  }
}
