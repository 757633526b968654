package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.SplitMix64;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Scripts of random lines against a map of pages, and against a walker that knows nothing but the
/// bytes of the image and the manual's bits.
class TablesModelTest {
  private static final long PAGE = 4096;

  @TempDir Path folder;

  /// How an architecture has an entry, as far as a walk needs it.
  private record Bits(int levels, int indexBits, long large, int addressShift, long address) {
    static Bits of(String name) {
      return switch (name) {
        case "x86_64" -> new Bits(4, 9, 0x80, 0, 0x000f_ffff_ffff_f000L);
        case "x86_64-la57" -> new Bits(5, 9, 0x80, 0, 0x000f_ffff_ffff_f000L);
        case "i386" -> new Bits(2, 10, 0x80, 0, 0xffff_f000L);
        case "aarch64" -> new Bits(4, 9, 0, 0, 0x0000_ffff_ffff_f000L);
        case "sv39" -> new Bits(3, 9, 0xe, 2, 0x00ff_ffff_ffff_f000L);
        case "sv48" -> new Bits(4, 9, 0xe, 2, 0x00ff_ffff_ffff_f000L);
        default -> new Bits(5, 9, 0xe, 2, 0x00ff_ffff_ffff_f000L);
      };
    }

    boolean isLeaf(int level, long entry) {
      boolean isArm = large == 0;
      return level == 1 || (isArm ? (entry & 2) == 0 : (entry & large) != 0);
    }

    /// The physical address, or -1.
    long walk(ByteBuffer image, long base, long root, long va) {
      long table = root;
      for (int level = levels; ; level--) {
        int shift = 12 + indexBits * (level - 1);
        int index = (int) (va >>> shift & ((1 << indexBits) - 1));
        int at = (int) (table - base);
        long entry =
            indexBits == 9
                ? image.getLong(at + 8 * index)
                : Integer.toUnsignedLong(image.getInt(at + 4 * index));
        if ((entry & 1) == 0) {
          return -1;
        }
        long physical = entry << addressShift & address;
        if (isLeaf(level, entry)) {
          long mask = (1L << shift) - 1;
          return (physical & ~mask) | (va & mask);
        }
        table = physical;
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"x86_64", "x86_64-la57", "i386", "aarch64", "sv39", "sv48", "sv57"})
  void translationsAndImagesAreWhatAModelSays(String name) throws Exception {
    SplitMix64 random = new SplitMix64(name.hashCode());
    Map<Long, Long> model = new HashMap<>();
    StringBuilder script = new StringBuilder();
    // Two regions of 32 MiB, one in each half, around a border between tables of a high level.
    long upper = name.equals("i386") ? 0xbf00_0000L : -(1L << 38) + (1L << 30) - (16 << 20);
    long[] regions = {(1L << 30) - (16 << 20), upper};
    for (int i = 0; i < 300; i++) {
      long start = regions[i & 1] + (random.next() & 0x1fff) * PAGE;
      long pages = 1 + (random.next() & (i % 3 == 0 ? 0xfff : 0x1f));
      if ((random.next() >>> 1) % 3 != 0) {
        map(script, model, start, start - regions[i & 1] + 0x1000_0000L, pages);
      } else {
        unmap(script, model, start, pages);
      }
    }
    List<Long> asked = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      asked.add(regions[i & 1] + (random.next() & 0x2fff_fff));
      script.append("translate 0x%x%n".formatted(asked.getLast()));
    }
    TablesRun run = TablesRun.of(folder, script.toString(), "--arch", name);
    long mapped = 0;
    for (int i = 0; i < asked.size(); i++) {
      long va = asked.get(i);
      Long frame = model.get(key(va));
      long wanted = frame == null ? -1 : frame * PAGE + (va & (PAGE - 1));
      mapped += frame == null ? 0 : 1;
      Object told = run.translations().get(i).get("pa");
      assertEquals(wanted == -1 ? null : "0x" + Long.toHexString(wanted), told, () -> name);
      boolean high = va < 0 && name.equals("aarch64");
      long root = run.address(high ? "root1" : "root");
      assertEquals(
          wanted, Bits.of(name).walk(run.image(), run.address("imageBase"), root, va), () -> name);
    }
    assertTrue(mapped > 100 && mapped < 900, "too little of either kind: " + mapped);
    assertTrue(
        ((Map<?, ?>) run.json().get("pages"))
                .values().stream().filter(n -> ((Number) n).longValue() > 0).count()
            >= 2 - (name.equals("i386") ? 1 : 0),
        "one size of page only");
  }

  private static long key(long va) {
    return va >> 12;
  }

  /// Maps a range if nothing of it is mapped.
  private static void map(
      StringBuilder script, Map<Long, Long> model, long va, long pa, long pages) {
    for (long page = 0; page < pages; page++) {
      if (model.containsKey(key(va) + page)) {
        return;
      }
    }
    for (long page = 0; page < pages; page++) {
      model.put(key(va) + page, pa / PAGE + page);
    }
    script.append("map 0x%x 0x%x %dKiB rw%n".formatted(va, pa, 4 * pages));
  }

  /// Unmaps the run of mapped pages with which a range begins.
  private static void unmap(StringBuilder script, Map<Long, Long> model, long va, long pages) {
    long count = 0;
    while (count < pages && model.remove(key(va) + count) != null) {
      count++;
    }
    if (count > 0) {
      script.append("unmap 0x%x 0x%x%n".formatted(va, count * PAGE));
    }
  }
}
