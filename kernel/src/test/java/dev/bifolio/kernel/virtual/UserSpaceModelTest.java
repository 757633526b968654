package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.virtual.UserWorld.Program;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Random operations of several programs, which fork and end, against what memory should be: the
/// areas as a map of pages, and the words of each page.
class UserSpaceModelTest {
  private static final int FILE_PAGES = 40;
  private static final int WORDS = 8;

  static List<PageFormat> formats() {
    return HugePagesTest.formats();
  }

  /// One page of an area; its words are those of a file as long as nobody stored to a private one.
  private static final class Page {
    final int flags;
    final int file;
    final long offset;
    long[] words;

    Page(int flags, int file, long offset, long[] words) {
      this.flags = flags;
      this.file = file;
      this.offset = offset;
      this.words = words;
    }

    boolean isShared() {
      return (flags & AreaFlags.SHARED) != 0;
    }
  }

  private static final class Model {
    final Program program;
    final TreeMap<Long, Page> pages = new TreeMap<>();

    Model(Program program) {
      this.program = program;
    }
  }

  private static final class World implements AutoCloseable {
    final UserWorld world;
    final SplitMix64 random;
    final HeapStore[] stores = {new HeapStore(FILE_PAGES * 4096), new HeapStore(9 * 4096)};
    final int[] files = new int[2];
    final Map<Long, long[]> fileWords = new HashMap<>();
    final List<Model> models = new ArrayList<>();
    boolean mayFail;
    long refusals;

    World(PageFormat format, HugePolicy policy, long seed) {
      world = new UserWorld(format, 16384, policy, 300);
      random = new SplitMix64(seed);
      for (int i = 0; i < 2; i++) {
        files[i] = world.file(stores[i]);
        for (long page = 0; page < FILE_PAGES; page++) {
          fileWords.put(key(files[i], page * PAGE), wordsOf(stores[i], page * PAGE));
        }
      }
      models.add(new Model(world.program()));
    }

    private static long key(int file, long offset) {
      return file * (1L << 40) + offset;
    }

    private static long[] wordsOf(HeapStore store, long offset) {
      long[] words = new long[WORDS];
      for (int word = 0; word < WORDS; word++) {
        for (int i = 7; i >= 0; i--) {
          long at = offset + word * 512L + i;
          int value = at < store.bytes.length ? store.bytes[(int) at] & 0xFF : 0;
          words[word] = words[word] << 8 | value;
        }
      }
      return words;
    }

    /// Who may fetch may load: not every architecture can say otherwise.
    private int access() {
      int access = random.below(8);
      return access != 0 ? access | AreaFlags.READ : access;
    }

    private long page() {
      long huge = world.huge;
      return switch (random.below(4)) {
        case 0 -> BASE + random.below(60) * PAGE;
        case 1 -> BASE + huge + random.below((int) (huge >>> 12)) * PAGE;
        case 2 -> BASE + 2 * huge + random.below(40) * PAGE;
        default -> BASE + random.below((int) (3 * huge >>> 12)) * PAGE;
      };
    }

    void step() {
      Model model = models.get(random.below(models.size()));
      mayFail = random.oneIn(12);
      world.frames.serve(mayFail ? random.below(4) : Long.MAX_VALUE);
      long start = page();
      long end = start + (1 + random.below(30)) * PAGE;
      if (random.oneIn(20)) {
        start &= -world.huge;
        end = start + world.huge;
      }
      switch (random.below(32)) {
        case 0, 1, 2 -> map(model, start, end);
        case 3 -> unmap(model, start, end);
        case 4 -> protect(model, start, end);
        case 5 -> fork(model);
        case 6 -> exit(model);
        case 7 -> model.program.space.step(1 + random.below(1500));
        case 8 -> assertTrue(model.program.space.shrink(1 + random.below(300)) >= 0);
        case 9 -> sync(model, start, end);
        case 10 -> world.pages(files[random.below(2)]).shrink(1 + random.below(5));
        default -> {
          for (int i = 0; i < 12; i++) {
            access(model, page());
          }
        }
      }
    }

    private void map(Model model, long start, long wantedEnd) {
      int file = random.oneIn(3) ? files[random.below(2)] : VirtualAreas.ANONYMOUS;
      int flags = access();
      flags |= random.oneIn(2) ? UserWorld.RW : 0;
      flags |= file != 0 && random.oneIn(2) ? AreaFlags.SHARED : 0;
      flags |= random.oneIn(3) ? AreaFlags.HUGE : 0;
      long offset = file == 0 ? 0 : random.below(4) * PAGE;
      // What is stored behind the end of a file is lost with its frame.
      long most = (file == files[0] ? stores[0] : stores[1]).bytes.length - offset;
      long end = file == 0 ? wantedEnd : Math.min(wantedEnd, start + most);
      boolean isFree = model.pages.subMap(start, end).isEmpty();
      InsertOutcome outcome = model.program.space.map(start, end, flags, file, offset);
      if (outcome == InsertOutcome.INSERTED && isFree) {
        for (long at = start; at < end; at += PAGE) {
          long place = file == 0 ? 0 : offset + (at - start);
          model.pages.put(at, new Page(flags, file, place, initial(file, place)));
        }
      } else {
        assertEquals(refusal(isFree, InsertOutcome.OVERLAPS, InsertOutcome.NO_MEMORY), outcome);
      }
    }

    /// What a request that has not succeeded must have come to.
    private <T> T refusal(boolean shouldSucceed, T refused, T noMemory) {
      assertTrue(!shouldSucceed || mayFail, "a request failed for no reason");
      refusals++;
      return shouldSucceed ? noMemory : refused;
    }

    private long[] initial(int file, long offset) {
      return file == 0
          ? new long[WORDS]
          : fileWords.computeIfAbsent(key(file, offset), key -> new long[WORDS]);
    }

    private void unmap(Model model, long start, long end) {
      RemoveOutcome outcome = model.program.space.unmap(start, end);
      if (outcome == RemoveOutcome.REMOVED) {
        model.pages.subMap(start, end).clear();
      } else {
        assertEquals(refusal(true, outcome, RemoveOutcome.NO_MEMORY), outcome);
      }
    }

    private void protect(Model model, long start, long end) {
      int access = access();
      boolean isWhole = model.pages.subMap(start, end).size() == (end - start) / PAGE;
      AlterOutcome outcome = model.program.space.protect(start, end, access);
      if (outcome == AlterOutcome.ALTERED && isWhole) {
        model
            .pages
            .subMap(start, end)
            .replaceAll((at, page) ->
                new Page(
                    (page.flags & ~AreaFlags.ACCESS) | access, page.file, page.offset, page.words));
      } else {
        assertEquals(refusal(isWhole, AlterOutcome.NOT_MAPPED, AlterOutcome.NO_MEMORY), outcome);
      }
    }

    private void fork(Model model) {
      if (models.size() == 5) {
        return;
      }
      world.frames.serve(Long.MAX_VALUE);
      Model child = new Model(world.program());
      world.frames.serve(mayFail ? random.below(6) : Long.MAX_VALUE);
      ForkOutcome outcome = model.program.space.forkInto(child.program.space);
      if (outcome == ForkOutcome.FORKED) {
        model.pages.forEach((at, page) -> {
          boolean isAlias = page.words == fileWords.get(key(page.file, page.offset));
          long[] words = isAlias ? page.words : page.words.clone();
          child.pages.put(at, new Page(page.flags, page.file, page.offset, words));
        });
        models.add(child);
      } else {
        assertEquals(refusal(true, outcome, ForkOutcome.NO_MEMORY), outcome);
        child.program.close();
      }
    }

    private void exit(Model model) {
      if (models.size() > 1) {
        model.program.close();
        models.remove(model);
      }
    }

    private void sync(Model model, long start, long end) {
      // A page may be dirty by other addresses and in other programs.
      boolean isAll = models.size() == 1;
      long from = isAll ? BASE : start;
      long to = isAll ? world.layout.ceiling() : end;
      assertEquals(SyncOutcome.SYNCED, model.program.space.sync(from, to));
      for (Page page : model.pages.values()) {
        if (isAll && page.isShared()) {
          HeapStore store = page.file == files[0] ? stores[0] : stores[1];
          assertArrayEquals(page.words, wordsOf(store, page.offset));
        }
      }
    }

    private void access(Model model, long at) {
      Page page = model.pages.get(at);
      AccessKind kind = random.oneIn(2) ? AccessKind.STORE : AccessKind.LOAD;
      int word = random.below(WORDS);
      long physical = model.program.access(at + word * 512L, kind);
      if (page == null || !kind.isAllowed(page.flags)) {
        assertEquals(-1, physical);
        FaultOutcome expected = page == null ? FaultOutcome.SEGFAULT : FaultOutcome.PROTECTION;
        assertEquals(expected, model.program.last);
        return;
      }
      if (physical < 0) {
        FaultOutcome last = model.program.last;
        assertEquals(refusal(true, last, FaultOutcome.NO_MEMORY), last);
        return;
      }
      long bytes = physical + world.frames.physToVirt;
      assertEquals(page.words[word], Memory.getLong(bytes), "at " + Long.toHexString(at));
      if (kind == AccessKind.STORE) {
        if (!page.isShared() && page.words == fileWords.get(key(page.file, page.offset))) {
          page.words = page.words.clone();
        }
        page.words[word] = random.next();
        Memory.putLong(bytes, page.words[word]);
      }
    }

    /// All that is mapped holds what it should, and frames have the sharers they should.
    void check() {
      world.frames.serve(Long.MAX_VALUE);
      Map<Long, Long> sharers = new HashMap<>();
      for (Model model : models) {
        for (Map.Entry<Long, Long> mapped : model.program.pages().entrySet()) {
          long byteSize = world.format.pageByteSize(MappedPage.level(mapped.getValue()));
          long physical = MappedPage.physicalAddress(mapped.getValue());
          for (long offset = 0; offset < byteSize; offset += PAGE) {
            Page page = model.pages.get(mapped.getKey() + offset);
            assertTrue(page != null, "a page of no area");
            int flags = MappedPage.flags(mapped.getValue());
            assertTrue((flags & PageFlags.WRITE) == 0 || (page.flags & AreaFlags.WRITE) != 0);
            for (int word = 0; word < WORDS; word++) {
              long at = physical + offset + word * 512L + world.frames.physToVirt;
              assertEquals(page.words[word], Memory.getLong(at));
            }
            sharers.merge(physical + offset >>> 12, 1L, Long::sum);
          }
        }
      }
      for (int file : files) {
        world.pages(file).writeBack(0, BackingIndex.MOST_PAGES);
        for (long page = 0; page < FILE_PAGES + 4; page++) {
          countBacking(file, page, sharers);
        }
      }
      sharers.forEach((pfn, count) -> assertEquals(count, world.sharers.count(pfn)));
    }

    private void countBacking(int file, long page, Map<Long, Long> sharers) {
      long before = world.pages(file).pageCount();
      long pfn = world.pages(file).take(page);
      world.memory.release(pfn);
      if (world.pages(file).pageCount() == before) {
        sharers.merge(pfn, 1L, Long::sum);
      } else {
        sharers.put(pfn, 1L); // it was not there; it is now, and nobody maps it
      }
    }

    void end() {
      check();
      for (Model model : models) {
        model.program.close();
      }
      for (int i = 0; i < 2; i++) {
        int file = files[i];
        HeapStore store = stores[i];
        assertEquals(0, world.pages(file).writeBack(0, BackingIndex.MOST_PAGES));
        for (long offset = 0; offset < store.bytes.length; offset += PAGE) {
          long[] expected = fileWords.get(key(file, offset));
          long[] written = wordsOf(store, offset);
          for (int word = 0; word < WORDS; word++) {
            assertEquals(expected[word], written[word]);
          }
        }
      }
      assertEquals(0, world.inUse());
      for (long pfn = world.frames.firstPfn(); pfn < world.frames.endPfn(); pfn++) {
        assertEquals(0, world.info.get(pfn));
      }
    }

    @Override
    public void close() {
      world.close();
    }
  }

  private static void run(PageFormat format, HugePolicy policy, long seed, int steps) {
    try (World world = new World(format, policy, seed)) {
      for (int step = 0; step < steps; step++) {
        world.step();
        if (step % (steps / 40) == 0) {
          world.check();
        }
      }
      assertTrue(world.refusals > 0);
      world.end();
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void someOperationsOfProgramsDoWhatMemoryShould(PageFormat format) {
    run(format, HugePolicy.ALWAYS, 1, 600);
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Tag("slow")
  void manyOperationsOfProgramsDoWhatMemoryShould(PageFormat format) {
    run(format, HugePolicy.ADVISED, 2, 15_000);
    run(format, HugePolicy.NEVER, 3, 15_000);
  }
}
