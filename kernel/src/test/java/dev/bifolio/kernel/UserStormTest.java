package dev.bifolio.kernel;

import static dev.bifolio.kernel.UserRig.BASE;
import static dev.bifolio.kernel.UserRig.PAGE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.UserRig.Processor;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.virtual.ForkOutcome;
import dev.bifolio.kernel.virtual.HugePolicy;
import dev.bifolio.kernel.virtual.InsertOutcome;
import dev.bifolio.kernel.virtual.RemoveOutcome;
import dev.bifolio.kernel.virtual.UserSpace;
import dev.bifolio.kernel.virtual.VirtualAreas;
import dev.bifolio.testkit.SplitMix64;
import dev.bifolio.testkit.Threads;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Programs on three processors that begin, fork and end at any time, while the machine makes their
/// pages large, runs short of memory, and makes them small again.
@Tag("slow")
class UserStormTest {
  private static final int CPUS = 3;
  private static final int PROGRAMS = 80;
  private static final int PATIENCE = 20_000;

  private final AtomicInteger working = new AtomicInteger(CPUS);
  private final AtomicInteger forks = new AtomicInteger();
  private final AtomicInteger refused = new AtomicInteger();

  @ParameterizedTest
  @EnumSource(
      value = Architecture.class,
      names = {"X86_64", "I386", "AARCH64", "RISCV64"})
  void programsComeAndGoAndEachFindsWhatItStored(Architecture architecture) throws Exception {
    storm(architecture, UserRig.boot(architecture));
  }

  @Test
  void aMachineOfTheClassicAllocatorStandsItToo() throws Exception {
    Architecture architecture = Architecture.X86_64;
    storm(architecture, UserRig.boot(architecture, BootOptions.AllocatorKind.CLASSIC));
  }

  private void storm(Architecture architecture, Machine machine) throws InterruptedException {
    int bits = UserRig.bits(architecture, 3);
    try (UserRig rig =
        new UserRig(machine, new UserSettings(CPUS + 2, CPUS, bits, HugePolicy.ALWAYS, 1024))) {
      List<Runnable> work = new ArrayList<>();
      for (int cpu = 0; cpu < CPUS; cpu++) {
        int mine = cpu;
        work.add(() -> {
          try {
            for (int i = 0; i < PROGRAMS; i++) {
              program(rig, mine, new SplitMix64(1000L * mine + i));
            }
          } finally {
            working.decrementAndGet();
          }
        });
      }
      work.add(() -> background(rig));
      Threads.runAll(work);
      assertTrue(forks.get() > PROGRAMS / 4, "forks: " + forks);
      assertTrue(refused.get() > 0, "there was always a place");
      assertTrue(
          architecture == Architecture.I386 || rig.spaces.asids().rollovers() > 5,
          "the numbers were not used up");
      assertEquals(0, rig.machine.reclaim().shrinkers().report(0).failures());
      rig.assertAsAtStart();
    }
  }

  /// Steps, and now and then takes all memory that it gets.
  private void background(UserRig rig) {
    for (int i = 0; working.get() > 0; i++) {
      rig.machine.step(2000);
      if (i % 8 == 0) {
        List<Long> taken = new ArrayList<>();
        for (long pfn = 0; pfn >= 0 && taken.size() < 40_000; ) {
          pfn = rig.machine.tryAllocate(0, i % 16 == 0 ? 0 : AllocationFlags.NOWAIT);
          if (pfn >= 0) {
            taken.add(pfn);
          }
        }
        rig.give(taken, taken.size());
      }
    }
  }

  private UserSpace open(UserRig rig) {
    for (int turn = 0; turn < 10 * PATIENCE; turn++) {
      UserSpace space = rig.spaces.open();
      if (space != null) {
        return space;
      }
      refused.incrementAndGet();
      Cpu.rest();
    }
    throw new AssertionError("no space becomes free: has a program failed?");
  }

  private void program(UserRig rig, int cpu, SplitMix64 random) {
    UserSpace parent = open(rig);
    Map<Long, Long> stored = new HashMap<>();
    long bytes = rig.huge + (1 + random.below(200)) * PAGE;
    map(parent, BASE, bytes);
    Processor processor = rig.processor(cpu);
    processor.patience = PATIENCE;
    processor.run(parent);
    work(processor, stored, bytes, random);
    UserSpace child = rig.spaces.open();
    if (child == null || parent.forkInto(child) != ForkOutcome.FORKED) {
      refused.incrementAndGet();
      check(processor, stored, bytes);
    } else {
      forks.incrementAndGet();
      Map<Long, Long> childStored = new HashMap<>(stored);
      for (int turn = 0; turn < 3; turn++) {
        work(processor.run(child), childStored, bytes, random);
        work(processor.run(parent), stored, bytes, random);
      }
      check(processor.run(child), childStored, bytes);
      check(processor.run(parent), stored, bytes);
    }
    processor.leave();
    rig.spaces.close(parent);
    if (child != null) {
      rig.spaces.close(child);
    }
  }

  private static void work(
      Processor processor, Map<Long, Long> stored, long bytes, SplitMix64 random) {
    for (int i = 0; i < 60; i++) {
      long at = BASE + random.below((int) (bytes / PAGE)) * PAGE + 8L * random.below(512);
      if (random.oneIn(3)) {
        assertEquals(stored.getOrDefault(at, 0L), processor.load(at));
      } else {
        long value = random.next();
        processor.store(at, value);
        stored.put(at, value);
      }
    }
    long at = BASE + random.below((int) (bytes / PAGE)) * PAGE;
    if (processor.space.unmap(at, at + PAGE) == RemoveOutcome.REMOVED) {
      map(processor.space, at, PAGE);
      stored.keySet().removeIf(address -> address >= at && address < at + PAGE);
    }
  }

  /// Maps, again and again while there is no memory.
  private static void map(UserSpace space, long at, long byteSize) {
    InsertOutcome outcome = InsertOutcome.NO_MEMORY;
    for (int turn = 0; outcome == InsertOutcome.NO_MEMORY && turn < PATIENCE; turn++) {
      outcome = space.map(at, at + byteSize, UserRig.RW, VirtualAreas.ANONYMOUS, 0);
    }
    assertEquals(InsertOutcome.INSERTED, outcome);
  }

  private static void check(Processor processor, Map<Long, Long> stored, long bytes) {
    for (Map.Entry<Long, Long> word : stored.entrySet()) {
      assertEquals(word.getValue(), processor.load(word.getKey()));
    }
    assertEquals(stored.getOrDefault(BASE, 0L), processor.load(BASE));
    assertEquals(stored.getOrDefault(BASE + bytes - 8, 0L), processor.load(BASE + bytes - 8));
  }
}
