package dev.bifolio.bench;

import java.util.List;
import java.util.Set;

/// w9: one thread allocates single frames and sends them over a [Ring]; another frees them. Wall
/// time from the first begin to the last end, which the two take themselves.
final class HandOverWorkload implements Workload {
  @Override
  public Set<Need> needs() {
    return Set.of(Need.SPEED, Need.TWO_PROCESSORS);
  }

  @Override
  public void run(Run run) {
    int count = run.operations(1_000_000);
    try (Subject subject = run.newSharedSubject();
        Ring ring = new Ring()) {
      Team team = new Team();
      long nanos =
          run.together(
              team,
              List.of(
                  new Producer(team, subject, ring, count),
                  new Consumer(team, subject, ring, count)));
      run.recordNanos("ns_item", nanos, count);
    }
  }

  /// An end of the ring.
  private abstract static class End implements Team.Task {
    final Team team;
    final Ring ring;
    private final Subject shared;
    private final int count;
    private Subject own;

    End(Team team, Subject shared, Ring ring, int count) {
      this.team = team;
      this.shared = shared;
      this.own = shared;
      this.ring = ring;
      this.count = count;
    }

    @Override
    public final void prepare() {
      own = shared.handle();
    }

    @Override
    public final void work() {
      for (int done = 0; done < count; done += SlotTable.STRIDE) {
        some(own, Math.min(SlotTable.STRIDE, count - done));
      }
    }

    /// The inner loop.
    abstract void some(Subject subject, int items);

    @Override
    public final void finish() {
      own.closeHandle();
    }
  }

  private static final class Producer extends End {
    Producer(Team team, Subject shared, Ring ring, int count) {
      super(team, shared, ring, count);
    }

    @Override
    void some(Subject subject, int items) {
      for (int i = 0; i < items; i++) {
        long pfn = subject.allocate(0);
        if (pfn < 0) {
          throw new IllegalStateException("a single frame was refused although one is free");
        }
        for (int turn = 0; !ring.push(pfn); turn++) {
          team.relax(turn);
        }
      }
    }
  }

  private static final class Consumer extends End {
    Consumer(Team team, Subject shared, Ring ring, int count) {
      super(team, shared, ring, count);
    }

    @Override
    void some(Subject subject, int items) {
      for (int i = 0; i < items; i++) {
        long pfn = ring.pop();
        for (int turn = 0; pfn < 0; turn++) {
          team.relax(turn);
          pfn = ring.pop();
        }
        subject.free(pfn, 0);
      }
    }
  }
}
