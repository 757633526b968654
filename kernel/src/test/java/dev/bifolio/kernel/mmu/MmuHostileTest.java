package dev.bifolio.kernel.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.TestTables;
import dev.bifolio.testkit.SplitMix64;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Whatever bytes are in the tables, nothing is thrown and nothing outside of memory is touched.
class MmuHostileTest {
  private static final int MARGIN_FRAMES = 16;
  private static final byte MARGIN = 0x5A;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Tag("slow")
  void anyBytesEndInAnAddressOrAFault(PageFormat format) {
    SplitMix64 random = new SplitMix64(11);
    Set<MmuFault> faults = EnumSet.noneOf(MmuFault.class);
    int served = 0;
    try (RawTables raw = new RawTables(format)) {
      // The memory of the processor is the middle; who looks beyond it meets the margins.
      long base = RawTables.frame(MARGIN_FRAMES);
      int frames = RawTables.FRAMES - 2 * MARGIN_FRAMES;
      MmuBus bus = new MmuBus(base, frames * 4096L, raw.bus.physToVirt(), format.physicalBits());
      Memory.fill(RawTables.BASE + bus.physToVirt(), RawTables.FRAMES * 4096L, MARGIN);
      Mmu mmu = new Mmu(format, bus, new Tlb(format, 2, 2));
      for (int round = 0; round < 40; round++) {
        scribble(raw, random, base, frames);
        mmu.setControl((int) random.next() & MmuControl.all(format));
        mmu.setRoots(root(random, base, frames), root(random, base, frames), 0);
        for (int i = 0; i < 2000; i++) {
          served += access(mmu, random, faults) ? 1 : 0;
        }
        assertMarginsAreWhole(raw);
      }
    }
    assertTrue(served > 0, "some accesses are served");
    assertTrue(faults.contains(MmuFault.NOT_PRESENT) && faults.contains(MmuFault.TABLE_OUTSIDE));
    assertTrue(faults.contains(MmuFault.OUTSIDE), faults::toString);
  }

  private static long root(SplitMix64 random, long base, int frames) {
    return random.oneIn(8) ? random.next() : base + random.below(frames) * 4096L;
  }

  /// Random bytes, and entries that look as though they meant something.
  private static void scribble(RawTables raw, SplitMix64 random, long base, int frames) {
    PageFormat format = raw.format;
    for (int frame = 0; frame < frames; frame++) {
      for (int i = 0; i < format.entryCount(); i++) {
        long near = base + (random.below(frames + 4) - 2) * 4096L;
        long entry =
            switch (random.below(6)) {
              case 0 -> random.next();
              case 1 -> format.table(near) | (random.oneIn(4) ? random.next() : 0);
              case 2, 3 -> format.table(near);
              case 4 -> format.leaf(1, near, 1 + random.below(PageFlags.ALL));
              default -> format.leaf(1, near, 1 + random.below(7)) ^ 1L << random.below(64);
            };
        raw.set(base + frame * 4096L, i, entry);
      }
    }
  }

  private static boolean access(Mmu mmu, SplitMix64 random, Set<MmuFault> faults) {
    long at = random.oneIn(8) ? random.next() : random.next() >> (16 + random.below(40));
    mmu.setUser(random.oneIn(2));
    int kind = random.below(3);
    long code = mmu.access(at, kind);
    if (code < 0) {
      faults.add(MmuFault.of(code));
    }
    switch (random.below(4)) {
      case 0 -> mmu.loadLong(at);
      case 1 -> mmu.storeLong(at, random.next());
      case 2 -> mmu.storeByte(at, (byte) 1);
      default -> {
        int[] steps = new int[1];
        mmu.trace(at, kind, (level, table, index, entry) -> steps[0]++);
        assertTrue(steps[0] <= PageFormat.MAX_LEVELS);
      }
    }
    if (mmu.fault() != 0) {
      faults.add(MmuFault.of(mmu.fault()));
    }
    return code >= 0;
  }

  private static void assertMarginsAreWhole(RawTables raw) {
    long bytes = MARGIN_FRAMES * 4096L;
    long margin = 0x5A5A_5A5A_5A5A_5A5AL;
    for (long at = 0; at < bytes; at += 8) {
      assertEquals(margin, raw.word(RawTables.BASE + at));
      assertEquals(margin, raw.word(RawTables.frame(RawTables.FRAMES) - 8 - at));
    }
  }
}
