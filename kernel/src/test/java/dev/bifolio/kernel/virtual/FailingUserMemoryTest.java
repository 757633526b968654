package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static dev.bifolio.kernel.virtual.UserWorld.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.kernel.virtual.UserWorld.Program;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every request for a frame failing in turn, be it for a page, a table or a node: alone, or with
/// all that come after it. What is refused has changed nothing, and is done as soon as there is
/// memory; and no program sees that memory was short for a while.
class FailingUserMemoryTest {
  /// Told of each page that is mapped, and of its frame.
  private interface PageVisitor {
    void page(long at, long physical);
  }

  /// Two programs and a file.
  private static final class Case implements AutoCloseable {
    final UserWorld world;
    final Program program;
    final Program other;
    final BackedPages file;
    final int backing;
    final long huge;

    Case(PageFormat format, HugePolicy policy) {
      world = new UserWorld(format, 6144, policy, 8);
      program = world.program();
      other = world.program();
      backing = world.file(new HeapStore(40_000));
      file = world.pages(backing);
      huge = world.huge;
    }

    /// What the programs can see of their memory: areas, and bytes that are not zero.
    String seen() {
      StringBuilder text = new StringBuilder();
      for (Program of : List.of(program, other)) {
        VirtualAreas areas = of.space.areas();
        text.append("\nbreak ").append(of.space.programBreak());
        for (long i = areas.firstAbove(0); i != VirtualAreas.NO_AREA; i = areas.next(i)) {
          text.append(' ').append(areas.start(i)).append('-').append(areas.end(i));
          text.append(':').append(areas.flags(i)).append('+').append(areas.offset(i));
        }
        eachPage(
            of,
            (at, physical) -> {
              long sum = 0;
              for (int offset = 0; offset < PAGE; offset += 512) {
                sum = sum * 31 + Memory.getLong(physical + world.frames.physToVirt + offset);
              }
              text.append(sum == 0 ? "" : " " + at + "=" + sum);
            });
      }
      return text.toString();
    }

    /// What nobody may find changed beside it: where the pages lie, what they allow, who has them,
    /// and how many frames are out that are no tables. (A large page may have been split into small
    /// ones in its place.)
    String state() {
      file.shrink(Long.MAX_VALUE);
      StringBuilder text = new StringBuilder();
      long tables = 0;
      for (Program of : List.of(program, other)) {
        tables += of.tables.tableCount();
        eachPage(
            of,
            (at, physical) -> {
              text.append(at).append('=').append(physical);
              text.append(':').append(MappedPage.flags(of.tables.lookup(at)));
              text.append('*').append(world.sharers.count(physical >>> 12)).append(' ');
            });
        text.append(of.space.areas().frameCount()).append(' ').append(of.space.areas().pageCount());
      }
      return text.append(' ').append(world.frames.inUse() - tables).append(seen()).toString();
    }

    private void eachPage(Program of, PageVisitor visitor) {
      for (long at = BASE; at < world.layout.ceiling(); at += PAGE) {
        long physical = of.tables.translate(at);
        if (physical != AddressSpace.NOT_MAPPED) {
          visitor.page(at, physical);
        }
      }
    }

    /// Takes all nodes of areas, so that the next area needs a frame.
    void takeNodes() {
      long at = BASE + 2 * huge + PAGE;
      while (program.space.areas().count() < 63) {
        program.map(at, at + PAGE, AreaFlags.READ);
        at += 2 * PAGE;
      }
      assertEquals(1, program.space.areas().frameCount());
    }

    /// A fault, behind which a page that is said to be there is there.
    FaultOutcome fault(long at, AccessKind kind) {
      FaultOutcome outcome = program.space.fault(at, kind);
      assertEquals(outcome.isResolved(), program.tables.translate(at) != AddressSpace.NOT_MAPPED);
      return outcome;
    }

    /// Stores to some pages.
    void touch(long... places) {
      for (long at : places) {
        program.store(at, at);
      }
    }

    @Override
    public void close() {
      program.close();
      other.close();
      assertEquals(0, world.inUse());
      for (long pfn = world.frames.firstPfn(); pfn < world.frames.endPfn(); pfn++) {
        assertEquals(0, world.info.get(pfn));
      }
      world.close();
    }
  }

  /// Something that takes memory; its attempt says how it ended.
  record Scenario(
      String name,
      PageFormat format,
      HugePolicy policy,
      Consumer<Case> prepare,
      Function<Case, Object> attempt,
      Object refused,
      Object done) {
    @Override
    public String toString() {
      return format + ", " + policy + ": " + name;
    }
  }

  static List<Scenario> scenarios() {
    List<Scenario> all = new ArrayList<>();
    for (PageFormat format : List.of(X86Format.LEVELS_4, I386Format.INSTANCE)) {
      touches(format, all);
      copies(format, all);
      splits(format, all);
      nodes(format, all);
    }
    return all;
  }

  private static void touches(PageFormat format, List<Scenario> all) {
    Object no = FaultOutcome.NO_MEMORY;
    Object yes = FaultOutcome.MAPPED;
    for (HugePolicy policy : List.of(HugePolicy.NEVER, HugePolicy.ALWAYS)) {
      Consumer<Case> area = c -> c.program.map(BASE, BASE + 2 * c.huge, RW);
      Function<Case, Object> touch = c -> c.fault(BASE + c.huge, AccessKind.STORE);
      all.add(new Scenario("first touch", format, policy, area, touch, no, yes));
    }
    Consumer<Case> stack =
        c -> c.program.map(BASE + c.huge, BASE + c.huge + PAGE, RW | AreaFlags.GROWS_DOWN);
    for (AccessKind kind : List.of(AccessKind.LOAD, AccessKind.STORE)) {
      for (int flags : new int[] {RW, RW | AreaFlags.SHARED}) {
        Consumer<Case> file =
            c -> c.program.space.map(BASE, BASE + 4 * PAGE, flags, c.backing, PAGE);
        Function<Case, Object> touch = c -> c.fault(BASE + PAGE, kind);
        String name = kind + " of a file, flags " + flags;
        all.add(new Scenario(name, format, HugePolicy.NEVER, file, touch, no, yes));
      }
    }
    Function<Case, Object> touchStack = c -> c.fault(BASE + c.huge - PAGE, AccessKind.STORE);
    all.add(new Scenario("a stack", format, HugePolicy.ALWAYS, stack, touchStack, no, yes));
  }

  private static void copies(PageFormat format, List<Scenario> all) {
    Consumer<Case> some =
        c -> {
          c.program.map(BASE, BASE + 2 * c.huge, RW);
          c.program.space.map(BASE + 2 * c.huge, BASE + 2 * c.huge + 4 * PAGE, RW, c.backing, 0);
          c.program.space.map(
              BASE + 3 * c.huge, BASE + 3 * c.huge + 4 * PAGE, RW | AreaFlags.SHARED, c.backing, 0);
          c.touch(BASE + PAGE, BASE + c.huge, BASE + 2 * c.huge, BASE + 3 * c.huge);
          c.program.load(BASE + 2 * c.huge + PAGE);
        };
    for (HugePolicy policy : List.of(HugePolicy.NEVER, HugePolicy.ALWAYS)) {
      all.add(
          new Scenario(
              "fork",
              format,
              policy,
              some,
              c -> c.program.space.forkInto(c.other.space),
              ForkOutcome.NO_MEMORY,
              ForkOutcome.FORKED));
      all.add(
          new Scenario(
              "store after a fork",
              format,
              policy,
              some.andThen(c -> c.program.space.forkInto(c.other.space)),
              c -> c.other.space.fault(BASE + PAGE, AccessKind.STORE),
              FaultOutcome.NO_MEMORY,
              FaultOutcome.COPIED));
    }
    all.add(
        new Scenario(
            "store to a page of a file that was read",
            format,
            HugePolicy.NEVER,
            some,
            c -> c.program.space.fault(BASE + 2 * c.huge + PAGE, AccessKind.STORE),
            FaultOutcome.NO_MEMORY,
            FaultOutcome.COPIED));
  }

  private static void splits(PageFormat format, List<Scenario> all) {
    HugePolicy always = HugePolicy.ALWAYS;
    Consumer<Case> pages =
        c -> {
          c.program.map(BASE, BASE + 2 * c.huge, RW);
          c.touch(BASE, BASE + c.huge - PAGE, BASE + c.huge, BASE + 2 * c.huge - PAGE);
          assertEquals(2, c.program.tables.pageCount(2));
        };
    Object notGone = RemoveOutcome.NO_MEMORY;
    Object gone = RemoveOutcome.REMOVED;
    Function<Case, Object> middle = c -> c.program.space.unmap(BASE + PAGE, BASE + 3 * PAGE);
    Function<Case, Object> halves =
        c -> c.program.space.unmap(BASE + c.huge / 2, BASE + c.huge + PAGE);
    all.add(new Scenario("unmap the middle", format, always, pages, middle, notGone, gone));
    all.add(new Scenario("unmap two halves", format, always, pages, halves, notGone, gone));
    Consumer<Case> full = pages.andThen(Case::takeNodes);
    all.add(new Scenario("unmap without nodes", format, always, full, middle, notGone, gone));
    Object not = AlterOutcome.NO_MEMORY;
    Object altered = AlterOutcome.ALTERED;
    Function<Case, Object> protect =
        c -> c.program.space.protect(BASE + PAGE, BASE + 2 * c.huge - PAGE, AreaFlags.READ);
    all.add(new Scenario("protect two halves", format, always, pages, protect, not, altered));
    all.add(new Scenario("protect without nodes", format, always, full, protect, not, altered));
    all.add(
        new Scenario(
            "shrink the break",
            format,
            always,
            c -> {
              long base = c.world.layout.breakBase();
              c.program.space.setBreak(base + c.huge);
              c.touch(base);
            },
            c -> c.program.space.setBreak(c.world.layout.breakBase() + 5 * PAGE),
            BreakOutcome.NO_MEMORY,
            BreakOutcome.MOVED));
    all.add(
        new Scenario(
            "give zeros back",
            format,
            always,
            pages,
            c -> c.program.space.shrink(1),
            0L,
            (format.pageByteSize(2) >>> 12) - 2));
    all.add(
        new Scenario(
            "collapse",
            format,
            always,
            c -> {
              c.program.map(BASE, BASE + c.huge, RW);
              c.world.frames.serveHuge(0);
              c.program.space.populate(BASE, BASE + c.huge - 8 * PAGE);
              c.world.frames.serveHuge(Long.MAX_VALUE);
              c.touch(BASE, BASE + c.huge / 2);
            },
            c -> c.program.space.step(Long.MAX_VALUE) ? -1 : c.program.tables.pageCount(2),
            0L,
            1L));
  }

  private static void nodes(PageFormat format, List<Scenario> all) {
    HugePolicy never = HugePolicy.NEVER;
    Consumer<Case> full = Case::takeNodes;
    Object noArea = InsertOutcome.NO_MEMORY;
    Object isArea = InsertOutcome.INSERTED;
    Function<Case, Object> map = c -> c.program.map(BASE, BASE + PAGE, RW);
    all.add(new Scenario("map", format, never, full, map, noArea, isArea));
    Function<Case, Object> mapAnywhere =
        c -> c.program.space.mapAnywhere(PAGE, BASE, 0, RW, VirtualAreas.ANONYMOUS, 0);
    Object nowhere = UserSpace.NOT_MAPPED;
    all.add(new Scenario("map anywhere", format, never, full, mapAnywhere, nowhere, BASE));
    Function<Case, Object> setBreak = c -> c.program.space.setBreak(c.world.layout.breakBase() + 1);
    Object notMoved = BreakOutcome.NO_MEMORY;
    Object moved = BreakOutcome.MOVED;
    all.add(new Scenario("set the break", format, never, full, setBreak, notMoved, moved));
    Consumer<Case> one = c -> c.program.map(BASE, BASE + 3 * PAGE, RW);
    Function<Case, Object> advise =
        c -> c.program.space.advise(BASE + PAGE, BASE + 2 * PAGE, AreaFlags.HUGE);
    Object not = AlterOutcome.NO_MEMORY;
    Object altered = AlterOutcome.ALTERED;
    all.add(new Scenario("advise", format, never, one.andThen(full), advise, not, altered));
  }

  @Test
  void thereAreScenariosEnough() {
    assertTrue(scenarios().size() >= 40);
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void aRequestThatFailsAndAllThatFollowItLeaveAllAsItWas(Scenario scenario) {
    assertTrue(refusals(scenario, TestFrames::serve) > 0);
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void aRequestThatFailsAloneLeavesAllAsItWas(Scenario scenario) {
    refusals(scenario, TestFrames::failAfter);
  }

  /// Lets each request fail in a world of its own.
  ///
  /// @return how many attempts were refused
  private static int refusals(Scenario scenario, Limit limit) {
    String wanted = seenWithoutFailures(scenario);
    int refusals = 0;
    boolean hasFailed = true;
    for (int k = 0; hasFailed; k++) {
      try (Case opened = open(scenario)) {
        String state = opened.state();
        long refused = opened.world.frames.refused();
        limit.set(opened.world.frames, k);
        Object outcome = scenario.attempt().apply(opened);
        hasFailed = opened.world.frames.refused() > refused;
        opened.world.frames.serve(Long.MAX_VALUE);
        if (!outcome.equals(scenario.done())) {
          assertEquals(scenario.refused(), outcome);
          assertTrue(hasFailed, "refused, and nothing had failed");
          assertEquals(state, opened.state(), "after " + k + " frames");
          refusals++;
          assertEquals(scenario.done(), scenario.attempt().apply(opened));
        }
        assertEquals(wanted, opened.seen());
      }
    }
    return refusals;
  }

  private static Case open(Scenario scenario) {
    Case opened = new Case(scenario.format(), scenario.policy());
    scenario.prepare().accept(opened);
    return opened;
  }

  private static String seenWithoutFailures(Scenario scenario) {
    try (Case opened = open(scenario)) {
      assertEquals(scenario.done(), scenario.attempt().apply(opened));
      return opened.seen();
    }
  }

  @ParameterizedTest
  @MethodSource("populations")
  void populatingEndsWhereMemoryDoes(Scenario scenario) {
    int refusals = populationsThatEndEarly(scenario, TestFrames::serve);
    assertTrue(refusals > 4, refusals + " refusals");
    populationsThatEndEarly(scenario, TestFrames::failAfter);
  }

  static List<Scenario> populations() {
    List<Scenario> all = new ArrayList<>();
    for (PageFormat format : List.of(X86Format.LEVELS_4, I386Format.INSTANCE)) {
      for (HugePolicy policy : List.of(HugePolicy.NEVER, HugePolicy.ALWAYS)) {
        // Ragged ends, so that tables and pages of all sizes are needed; small pages only, some.
        long pages = policy == HugePolicy.NEVER ? 2 : (format.pageByteSize(2) >>> 12) + 2;
        all.add(
            new Scenario(
                "populate",
                format,
                policy,
                c -> c.program.map(BASE + c.huge - 2 * PAGE, BASE + c.huge + pages * PAGE, RW),
                c ->
                    c.program.space.populate(
                        BASE + c.huge - 2 * PAGE, BASE + c.huge + pages * PAGE),
                FaultOutcome.NO_MEMORY,
                FaultOutcome.MAPPED));
      }
    }
    return all;
  }

  private static int populationsThatEndEarly(Scenario scenario, Limit limit) {
    String wanted = seenWithoutFailures(scenario);
    int refusals = 0;
    boolean hasFailed = true;
    for (int k = 0; hasFailed; k++) {
      try (Case opened = open(scenario)) {
        long beside = opened.world.frames.inUse() - opened.program.tables.tableCount();
        long refused = opened.world.frames.refused();
        limit.set(opened.world.frames, k);
        Object outcome = scenario.attempt().apply(opened);
        hasFailed = opened.world.frames.refused() > refused;
        opened.world.frames.serve(Long.MAX_VALUE);
        if (!outcome.equals(scenario.done())) {
          assertEquals(scenario.refused(), outcome);
          long tables = opened.program.tables.tableCount();
          assertEquals(mappedInARow(opened), opened.world.frames.inUse() - tables - beside);
          refusals++;
          assertEquals(scenario.done(), scenario.attempt().apply(opened));
        }
        assertEquals(wanted, opened.seen());
      }
    }
    return refusals;
  }

  /// Pages from the start of the only area on, behind which there are none.
  private static long mappedInARow(Case opened) {
    VirtualAreas areas = opened.program.space.areas();
    AddressSpace tables = opened.program.tables;
    long start = areas.start(areas.firstAbove(0));
    long at = start;
    while (tables.translate(at) != AddressSpace.NOT_MAPPED) {
      at += PAGE;
    }
    long smallPages = (at - start) / PAGE;
    long hugePages = opened.huge / PAGE * tables.pageCount(2);
    assertEquals(smallPages, tables.pageCount(1) + hugePages);
    return smallPages;
  }

  /// What makes a source fail after so many requests.
  private interface Limit {
    void set(TestFrames frames, long count);
  }
}
