package dev.bifolio.kernel.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.TestTables;
import dev.bifolio.testkit.SplitMix64;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The walk of the bytes is of one mind with the space that wrote them, for random mappings.
class MmuModelTest {
  private static final long PAGE = 4096;
  private static final int RWX = PageFlags.READ | PageFlags.WRITE | PageFlags.EXECUTE;
  private static final int KERNEL_AND_USER = 2;
  private static final int KINDS = 3;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  /// A space with random pages, and what each of them allows.
  private static final class World implements AutoCloseable {
    final TestTables tables;
    final PageFormat format;
    final SplitMix64 random;
    final TreeMap<Long, Integer> pages = new TreeMap<>();
    final Mmu mmu;

    World(PageFormat format, long seed, boolean remembers) {
      tables = new TestTables(format, 3000);
      this.format = format;
      random = new SplitMix64(seed);
      MmuBus bus = tables.bus();
      mmu = new Mmu(format, bus, remembers ? new Tlb(format, 8, 4) : null);
      mmu.setSpace(tables.space, 0);
      if (format instanceof RiscvFormat) {
        mmu.setControl(mmu.control() | MmuControl.RISCV_ADUE);
      } else if (format instanceof Aarch64Format) {
        mmu.setControl(MmuControl.ARM_HA);
      }
      for (int i = 0; i < 300; i++) {
        map();
      }
    }

    private long place() {
      long at = random.next();
      int bits =
          Long.numberOfTrailingZeros(format.pageByteSize(format.levels()))
              + Integer.numberOfTrailingZeros(format.entryCount());
      at = format.entryByteSize() == 4 ? at >>> bits : at << (64 - bits) >> (64 - bits);
      return at;
    }

    private void map() {
      int level = 1 + random.below(format.largestLeafLevel());
      long size = format.pageByteSize(level);
      long at = place() & -size;
      long physical = random.next() & ((1L << format.physicalBits()) - size);
      int flags = format.expressible(PageFlags.require(flags()));
      MapOutcome outcome = tables.space.map(at, physical, size, flags, level);
      boolean isFree = pages.subMap(at, at + size).isEmpty();
      if (outcome == MapOutcome.MAPPED) {
        assertTrue(isFree);
        pages.put(at, flags);
      }
    }

    private int flags() {
      int flags = random.below(PageFlags.ALL + 1) & ~PageFlags.MEMORY_TYPE;
      return (flags & RWX) == 0 ? flags | PageFlags.READ : flags;
    }

    @Override
    public void close() {
      tables.close();
    }
  }

  /// What the flags of a page mean, in the usual mode of each architecture.
  private static boolean allows(PageFormat format, int flags, int kind, boolean isUser) {
    boolean isOfUser = (flags & PageFlags.USER) != 0;
    boolean executes = (flags & PageFlags.EXECUTE) != 0;
    boolean writes = (flags & PageFlags.WRITE) != 0;
    if (isUser && !isOfUser) {
      return false;
    }
    return switch (kind) {
      case Mmu.LOAD -> (flags & PageFlags.READ) != 0;
      case Mmu.STORE -> writes;
      // On i386 nothing keeps the kernel from executing what is the user's.
      default -> executes && (isUser || !isOfUser || format == I386Format.INSTANCE);
    };
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Tag("slow")
  void eachAccessToWhatIsMappedDoesWhatItsFlagsSay(PageFormat format) {
    for (int seed = 0; seed < 4; seed++) {
      try (World world = new World(format, seed, seed % 2 == 0)) {
        assertTrue(world.pages.size() > 20, format + " " + world.pages.size());
        for (long page : world.pages.keySet()) {
          check(world, page);
        }
      }
    }
  }

  private static void check(World world, long page) {
    long size = world.tables.space.translate(page + PAGE) >= 0 ? 2 * PAGE : PAGE;
    for (int i = 0; i < KERNEL_AND_USER * KINDS; i++) {
      int kind = world.random.below(KINDS);
      boolean isUser = world.random.oneIn(2);
      long at = page + world.random.below((int) size);
      int flags = world.pages.get(page);
      world.mmu.setUser(isUser);
      long found = world.mmu.access(at, kind);
      String what = world.format + " " + Long.toHexString(at) + " " + kind + " " + isUser;
      if (allows(world.format, flags, kind, isUser)) {
        assertEquals(world.tables.space.translate(at), found, what);
        int marks = PageFlags.ACCESSED;
        marks |= kind == Mmu.STORE && world.format.rootCount() == 1 ? PageFlags.DIRTY : 0;
        world.pages.put(page, flags | marks);
      } else {
        assertTrue(found < 0, what + " " + PageFlags.toString(flags));
      }
      assertEquals(
          PageFlags.toString(world.pages.get(page)),
          PageFlags.toString(flagsAt(world, page)),
          what);
    }
  }

  /// What the leaf says now.
  private static int flagsAt(World world, long page) {
    long[] last = new long[2];
    world.mmu.trace(
        page,
        Mmu.LOAD,
        (level, table, index, entry) -> {
          last[0] = level;
          last[1] = entry;
        });
    return world.format.flags((int) last[0], last[1]);
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Tag("slow")
  void eachOtherAddressFaultsWhereTheTreeEnds(PageFormat format) {
    try (World world = new World(format, 77, true)) {
      int faults = 0;
      for (int i = 0; i < 20_000; i++) {
        long at = world.random.oneIn(2) ? world.place() : world.random.next();
        // Near a page, too: its neighbours are in the same table.
        if (world.random.oneIn(3)) {
          at = near(world, at);
        }
        boolean isMapped = world.tables.space.translate(at) >= 0;
        world.mmu.setUser(world.random.oneIn(2));
        long code = world.mmu.access(at, world.random.below(KINDS));
        if (!isMapped) {
          faults++;
          MmuFault expected =
              format.isCanonical(at) ? MmuFault.NOT_PRESENT : MmuFault.NOT_CANONICAL;
          assertEquals(expected, MmuFault.of(code), Long.toHexString(at));
        } else if (code >= 0) {
          assertEquals(world.tables.space.translate(at), code);
        }
      }
      assertTrue(faults > 1000);
    }
  }

  private static long near(World world, long at) {
    Long page = world.pages.floorKey(at);
    return (page == null ? world.pages.firstKey() : page) + (world.random.below(9) - 4) * PAGE;
  }
}
