package dev.bifolio.bench;

import java.util.Set;

/// w5: blocks of mixed orders replaced at random, half of memory in use.
final class OrderMixWorkload implements Workload {
  @Override
  public Set<Need> needs() {
    return Set.of(Need.SPEED, Need.WHOLE_TABLE);
  }

  @Override
  public void run(Run run) {
    try (Subject subject = run.newSubject()) {
      OrderMix mix = new OrderMix(subject, run.frameCount(), 50);
      mix.replace(new Draws(7), 4L * mix.slotCount());
      int count = run.operations(500_000);
      Draws draws = new Draws(200L + run.number());
      Stopwatch watch = new Stopwatch();
      watch.start();
      mix.replace(draws, count);
      watch.stop();
      run.recordNanos("ns_freealloc", watch.takeNanos(), count);
      run.count("fails", mix.failures());
      mix.release();
    }
  }
}
