package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static dev.bifolio.kernel.virtual.UserWorld.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.virtual.UserWorld.Program;
import dev.bifolio.testkit.SplitMix64;
import dev.bifolio.testkit.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Faults of several processors at the same time, with each other and with all that changes a
/// space.
@Tag("slow")
class UserSpaceThreadsTest {
  private static final int THREADS = 3;

  static List<PageFormat> formats() {
    return HugePagesTest.formats();
  }

  private static UserWorld world(PageFormat format, HugePolicy policy) {
    return new UserWorld(format, 8192, policy, 64);
  }

  private static void run(int threads, java.util.function.IntConsumer work)
      throws InterruptedException {
    List<Runnable> all = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      int thread = i;
      all.add(() -> work.accept(thread));
    }
    Threads.runAll(all);
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aStormOnTheSamePagesMapsEachOnce(PageFormat format) throws InterruptedException {
    try (UserWorld world = world(format, HugePolicy.NEVER)) {
      for (int round = 0; round < 20; round++) {
        Program program = world.bareProgram();
        int pages = 300;
        program.map(BASE, BASE + pages * PAGE, RW);
        AtomicInteger mapped = new AtomicInteger();
        run(
            THREADS,
            thread -> {
              for (int page = 0; page < pages; page++) {
                FaultOutcome outcome = program.space.fault(BASE + page * PAGE, AccessKind.STORE);
                assertTrue(outcome == FaultOutcome.MAPPED || outcome == FaultOutcome.ALREADY);
                mapped.addAndGet(outcome == FaultOutcome.MAPPED ? 1 : 0);
                long at = program.tables.translate(BASE + page * PAGE) + thread * 8L;
                long bytes = at + world.frames.physToVirt;
                Memory.putLong(bytes, page + 1);
              }
            });
        assertEquals(pages, mapped.get());
        for (int page = 0; page < pages; page++) {
          for (int thread = 0; thread < THREADS; thread++) {
            assertEquals(page + 1, program.load(BASE + page * PAGE + thread * 8L));
          }
        }
        program.close();
        assertEquals(0, world.inUse());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aStormOfStoresAfterAForkLosesNone(PageFormat format) throws InterruptedException {
    try (UserWorld world = world(format, HugePolicy.NEVER)) {
      for (int round = 0; round < 20; round++) {
        Program parent = world.bareProgram();
        Program child = world.bareProgram();
        int pages = 200;
        parent.map(BASE, BASE + pages * PAGE, RW);
        for (int page = 0; page < pages; page++) {
          parent.store(BASE + page * PAGE + 512, page);
        }
        assertEquals(ForkOutcome.FORKED, parent.space.forkInto(child.space));
        // Two processors run the child, one the parent; each stores to words of its own.
        run(
            THREADS,
            thread -> {
              Program program = thread == 0 ? parent : child;
              for (int page = 0; page < pages; page++) {
                long at = BASE + page * PAGE + thread * 8L;
                FaultOutcome outcome = program.space.fault(at, AccessKind.STORE);
                assertTrue(outcome.isResolved() && outcome != FaultOutcome.MAPPED);
                long bytes = program.tables.translate(at) + world.frames.physToVirt;
                Memory.putLong(bytes, 1000 + thread);
              }
            });
        for (int page = 0; page < pages; page++) {
          long at = BASE + page * PAGE;
          assertEquals(1000, parent.load(at));
          assertEquals(0, parent.load(at + 8));
          assertEquals(0, parent.load(at + 16));
          assertEquals(0, child.load(at));
          assertEquals(1001, child.load(at + 8));
          assertEquals(1002, child.load(at + 16));
          assertEquals(page, child.load(at + 512));
          assertEquals(page, parent.load(at + 512));
        }
        // All of them are alone now.
        for (int page = 0; page < pages; page++) {
          assertEquals(1, world.sharers.count(parent.tables.translate(BASE + page * PAGE) >>> 12));
        }
        parent.close();
        child.close();
        assertEquals(0, world.inUse());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void faultsAndChangesAtTheSameTimeLeaveNothing(PageFormat format) throws InterruptedException {
    try (UserWorld world = world(format, HugePolicy.ALWAYS)) {
      Program program = world.bareProgram();
      int file = world.file(new HeapStore(400_000));
      long shared = BASE + 4 * world.huge;
      program.space.map(shared, shared + 64 * PAGE, RW | AreaFlags.SHARED, file, 0);
      AtomicLong resolved = new AtomicLong();
      AtomicInteger working = new AtomicInteger(THREADS - 1);
      run(
          THREADS,
          thread -> {
            SplitMix64 random = new SplitMix64(thread);
            if (thread == 0) {
              while (working.get() > 0) {
                change(world, program, random);
              }
              return;
            }
            try {
              for (int i = 0; i < 30_000; i++) {
                long at = BASE + random.below((int) (2 * world.huge >>> 12)) * PAGE;
                at = random.oneIn(4) ? shared + random.below(64) * PAGE : at;
                FaultOutcome outcome =
                    program.space.fault(at, random.oneIn(2) ? AccessKind.STORE : AccessKind.LOAD);
                assertTrue(outcome != FaultOutcome.NO_MEMORY && outcome != FaultOutcome.IO_ERROR);
                resolved.addAndGet(outcome.isResolved() ? 1 : 0);
              }
            } finally {
              working.decrementAndGet();
            }
          });
      assertTrue(resolved.get() > 1000);
      for (var page : program.pages().entrySet()) {
        assertTrue(program.space.areas().find(page.getKey()) != VirtualAreas.NO_AREA);
      }
      program.close();
      assertEquals(0, world.inUse());
      for (long pfn = world.frames.firstPfn(); pfn < world.frames.endPfn(); pfn++) {
        assertEquals(0, world.info.get(pfn));
      }
    }
  }

  private static void change(UserWorld world, Program program, SplitMix64 random) {
    long start = BASE + random.below((int) (2 * world.huge >>> 12)) * PAGE;
    long end = Math.min(start + (1 + random.below(300)) * PAGE, BASE + 2 * world.huge);
    switch (random.below(8)) {
      case 0, 1 -> program.map(start, end, RW);
      case 2 -> program.map(BASE, BASE + world.huge, RW);
      case 3 -> program.space.unmap(start, end);
      case 4 -> program.space.protect(start, end, random.oneIn(2) ? RW : AreaFlags.READ);
      case 5 -> program.space.step(2000);
      case 6 -> program.space.sync(BASE, world.layout.ceiling());
      default -> {
        Program child = world.bareProgram();
        assertEquals(ForkOutcome.FORKED, program.space.forkInto(child.space));
        child.space.fault(start, AccessKind.STORE);
        child.close();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aPageOfAFileIsReadOnceByManyWhoWantIt(PageFormat format) throws InterruptedException {
    try (UserWorld world = world(format, HugePolicy.NEVER)) {
      AtomicInteger reads = new AtomicInteger();
      PageStore store =
          new PageStore() {
            @Override
            public boolean readPage(long byteOffset, long address) {
              reads.incrementAndGet();
              Memory.fill(address, PAGE, (byte) (byteOffset >>> 12));
              return true;
            }

            @Override
            public boolean writePage(long byteOffset, long address) {
              return true;
            }
          };
      int file = world.file(store);
      Program[] programs = {world.bareProgram(), world.bareProgram(), world.bareProgram()};
      for (Program program : programs) {
        program.space.map(BASE, BASE + 500 * PAGE, RW | AreaFlags.SHARED, file, 0);
      }
      run(
          THREADS,
          thread -> {
            for (int page = 0; page < 500; page++) {
              long value = programs[thread].load(BASE + page * PAGE);
              assertEquals((page & 0xFF) * 0x0101_0101_0101_0101L, value);
            }
          });
      assertEquals(500, reads.get());
      for (Program program : programs) {
        program.close();
      }
      assertEquals(0, world.inUse());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aLookupDuringFaultsFindsAllOrNothing(PageFormat format) throws InterruptedException {
    try (UserWorld world = world(format, HugePolicy.NEVER)) {
      Program program = world.bareProgram();
      program.map(BASE, BASE + PAGE, RW);
      AtomicInteger working = new AtomicInteger(1);
      run(
          2,
          thread -> {
            for (int i = 0; thread == 0 ? i < 20_000 : working.get() > 0; i++) {
              if (thread == 0) {
                program.space.fault(BASE, AccessKind.STORE);
                program.space.unmap(BASE, BASE + PAGE);
                program.map(BASE, BASE + PAGE, RW);
              } else {
                long word = program.tables.lookup(BASE);
                assertTrue(word == AddressSpace.NOT_MAPPED || word > 0);
              }
            }
            if (thread == 0) {
              working.set(0);
            }
          });
      program.close();
      assertEquals(0, world.inUse());
    }
  }
}
