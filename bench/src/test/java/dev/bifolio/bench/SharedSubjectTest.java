package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Threads that allocate, free, and free what others allocated; a table of owners beside them.
class SharedSubjectTest {
  private static final int FRAMES = 1 << 13;
  private static final int STEPS = 40_000;

  private record Block(long pfn, int order) {}

  static Stream<Subject.Kind> shared() {
    return SubjectTest.shared();
  }

  @ParameterizedTest
  @MethodSource("shared")
  void noFrameHasTwoOwnersAndNothingIsLost(Subject.Kind kind) {
    AtomicIntegerArray owners = new AtomicIntegerArray(FRAMES);
    ConcurrentLinkedQueue<Block> passedOn = new ConcurrentLinkedQueue<>();
    try (Subject subject = kind.createShared(FRAMES)) {
      List<Team.Task> tasks = new ArrayList<>();
      for (int seed = 1; seed <= 3; seed++) {
        tasks.add(new Mixer(subject, owners, passedOn, seed));
      }
      new Team().run(tasks);
      for (Block block = passedOn.poll(); block != null; block = passedOn.poll()) {
        release(subject, owners, block);
      }
      for (int i = 0; i < FRAMES; i++) {
        assertEquals(0, owners.get(i), "frame " + i);
      }
      subject.drain();
      for (int i = 0; i < FRAMES >> 9; i++) {
        assertTrue(subject.allocate(9) >= 0, "memory is not whole again after all was freed");
      }
      assertEquals(Subject.NO_FRAME, subject.allocate(0));
    }
  }

  private static void take(AtomicIntegerArray owners, Block block) {
    for (int i = 0; i < 1 << block.order; i++) {
      int frame = (int) (block.pfn - Subject.START_PFN) + i;
      assertTrue(owners.compareAndSet(frame, 0, 1), "frame " + frame + " has two owners");
    }
  }

  private static void release(Subject subject, AtomicIntegerArray owners, Block block) {
    for (int i = 0; i < 1 << block.order; i++) {
      int frame = (int) (block.pfn - Subject.START_PFN) + i;
      assertTrue(owners.compareAndSet(frame, 1, 0), "frame " + frame + " has no owner");
    }
    subject.free(block.pfn, block.order);
  }

  private static final class Mixer implements Team.Task {
    private final Subject shared;
    private final AtomicIntegerArray owners;
    private final ConcurrentLinkedQueue<Block> passedOn;
    private final SplitMix64 random;
    private final List<Block> own = new ArrayList<>();
    private Subject subject;

    Mixer(
        Subject shared,
        AtomicIntegerArray owners,
        ConcurrentLinkedQueue<Block> passedOn,
        long seed) {
      this.shared = shared;
      this.subject = shared;
      this.owners = owners;
      this.passedOn = passedOn;
      this.random = new SplitMix64(seed);
    }

    @Override
    public void prepare() {
      subject = shared.handle();
    }

    @Override
    public void work() {
      for (int i = 0; i < STEPS; i++) {
        switch (random.below(5)) {
          case 0, 1 -> allocate();
          case 2 -> freeOne();
          case 3 -> {
            Block block = passedOn.poll();
            if (block != null) {
              release(subject, owners, block);
            }
          }
          default -> {
            if (!own.isEmpty()) {
              passedOn.add(own.remove(random.below(own.size())));
            }
          }
        }
      }
      own.forEach(block -> release(subject, owners, block));
    }

    private void allocate() {
      int order = random.below(4) == 0 ? random.below(10) : 0;
      long pfn = subject.allocate(order);
      if (pfn >= 0) {
        Block block = new Block(pfn, order);
        take(owners, block);
        own.add(block);
      }
    }

    private void freeOne() {
      if (!own.isEmpty()) {
        release(subject, owners, own.remove(random.below(own.size())));
      }
    }

    @Override
    public void finish() {
      subject.closeHandle();
    }
  }
}
