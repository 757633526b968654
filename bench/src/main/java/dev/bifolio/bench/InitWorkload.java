package dev.bifolio.bench;

import java.util.Set;

/// Building the allocator for N frames and making its first allocation, from the call for memory to
/// the frame in hand; and how many bytes of metadata that takes.
final class InitWorkload implements Workload {
  @Override
  public Set<Need> needs() {
    return Set.of(Need.SPEED, Need.METADATA);
  }

  @Override
  public void run(Run run) {
    Stopwatch watch = new Stopwatch();
    watch.start();
    Subject subject = run.newSubject();
    long pfn = subject.allocate(0);
    watch.stop();
    try (subject) {
      if (pfn < 0) {
        throw new IllegalStateException("a fresh allocator has no frame");
      }
      run.record("us_init_and_first_alloc", watch.takeNanos() / 1e3);
      run.count("meta_bytes", subject.metadataBytes());
    }
  }
}
