package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.mmu.MmuBus;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.FrameSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongConsumer;

/// Memory for tables, a source of frames that can be made to fail, and one space.
public final class TestTables implements AutoCloseable, FrameSource {
  /// All formats that there are.
  public static final List<PageFormat> FORMATS =
      List.of(
          X86Format.LEVELS_4,
          X86Format.LEVELS_5,
          I386Format.INSTANCE,
          Aarch64Format.INSTANCE,
          RiscvFormat.SV39,
          RiscvFormat.SV48,
          RiscvFormat.SV57,
          RiscvFormat.SV48_SVPBMT);

  /// Where the memory begins; all frames below it are somebody else's.
  public static final long BASE = 1L << 30;

  private static final long WORDS = 4096;

  final PageFormat format;
  public final TableFrames frames;
  public final AddressSpace space;
  final FlushBatch batch = new FlushBatch(FlushBatch.DEFAULT_LIMIT, null);

  /// Is called with each frame that the source gets back.
  LongConsumer onFree = pfn -> {};

  private final Window window;
  private final long byteSize;
  private final long physToVirt;
  private int spaceCount = 1;
  private final Deque<Long> free = new ArrayDeque<>();
  private final Set<Long> out = new HashSet<>();
  private long left = Long.MAX_VALUE;

  public TestTables(PageFormat format, int frameCount) {
    this.format = format;
    byteSize = (TableFrames.POOL_FRAMES + frameCount) * 4096L;
    try {
      window = Window.reserve(WORDS + byteSize);
    } catch (WindowException e) {
      throw new IllegalStateException(e);
    }
    physToVirt = window.address() + WORDS - BASE;
    frames = new TableFrames(window.address(), BASE, BASE, byteSize, physToVirt, 0);
    frames.setSource(this);
    for (int i = 0; i < frameCount; i++) {
      free.add((BASE >>> 12) + TableFrames.POOL_FRAMES + i);
    }
    space = new AddressSpace(format, frames, window.address() + TableFrames.BYTE_SIZE);
    assertTrue(space.open());
  }

  /// The memory as a processor sees it.
  public MmuBus bus() {
    return new MmuBus(BASE, byteSize, physToVirt, format.physicalBits());
  }

  /// One more space in the same memory, not open.
  AddressSpace another() {
    long words = window.address() + TableFrames.BYTE_SIZE;
    return new AddressSpace(format, frames, words + spaceCount++ * (long) AddressSpace.BYTE_SIZE);
  }

  /// One more space in the same memory.
  AddressSpace anotherOpen() {
    AddressSpace more = another();
    assertTrue(more.open());
    return more;
  }

  // ---- The bytes ----

  /// An entry as it lies in memory.
  long entry(long table, int index) {
    long at = table + physToVirt + (long) index * format.entryByteSize();
    return format.entryByteSize() == Long.BYTES
        ? Memory.getLong(at)
        : Memory.getInt(at) & 0xFFFF_FFFFL;
  }

  /// Stores an entry as a processor does that sets a bit in it.
  void putEntry(long table, int index, long entry) {
    long at = table + physToVirt + (long) index * format.entryByteSize();
    if (format.entryByteSize() == Long.BYTES) {
      Memory.putLong(at, entry);
    } else {
      Memory.putInt(at, (int) entry);
    }
  }

  /// The table of a level on the way to an address by the bytes alone, or -1.
  long table(AddressSpace of, long at, int level) {
    long table = of.rootAddress(format.rootOf(at));
    for (int above = format.levels(); above > level; above--) {
      long entry = entry(table, format.index(above, at));
      if (!format.isPresent(entry) || format.isLeaf(above, entry)) {
        return -1;
      }
      table = format.address(0, entry);
    }
    return table;
  }

  /// The entry that an address ends at by the bytes alone, be it a leaf or absent.
  long lastEntry(AddressSpace of, long at) {
    long table = of.rootAddress(format.rootOf(at));
    for (int level = format.levels(); ; level--) {
      long entry = entry(table, format.index(level, at));
      if (!format.isPresent(entry) || format.isLeaf(level, entry)) {
        return entry;
      }
      table = format.address(0, entry);
    }
  }

  /// Or-s bits of [PageFlags] into the page of an address, as a processor does.
  void touch(AddressSpace of, long at, int flags) {
    for (int level = 1; level <= format.levels(); level++) {
      long table = table(of, at, level);
      if (table != -1) {
        int index = format.index(level, at);
        long entry = entry(table, index);
        assertTrue(format.isPresent(entry) && format.isLeaf(level, entry));
        int all = format.flags(level, entry) | flags;
        putEntry(table, index, format.leaf(level, format.address(level, entry), all));
        return;
      }
    }
  }

  /// All that a space is: its tables by address and content, its counters, and which frames are
  /// out.
  String state(AddressSpace of) {
    StringBuilder text = new StringBuilder();
    for (int root = 0; root < format.rootCount(); root++) {
      append(text, of.rootAddress(root), format.levels());
    }
    text.append(of.tableCount());
    for (int level = 1; level <= format.levels(); level++) {
      text.append(' ').append(of.pageCount(level));
    }
    return text.append(' ').append(frames.poolInUse()).append(new TreeSet<>(out)).toString();
  }

  private void append(StringBuilder text, long table, int level) {
    if (!frames.contains(table)) {
      text.append("none");
      return;
    }
    long digest = 0;
    for (int index = 0; index < format.entryCount(); index++) {
      long entry = entry(table, index);
      digest = digest * 0x5851_F42D_4C95_7F2DL + entry + 1;
      if (level > 1 && format.isPresent(entry) && !format.isLeaf(level, entry)) {
        append(text, format.address(0, entry), level - 1);
      }
    }
    text.append(Long.toHexString(table)).append(':').append(Long.toHexString(digest)).append(' ');
  }

  // ---- The source ----

  /// From now on so many requests are served.
  void serve(long requests) {
    left = requests;
  }

  @Override
  public long allocate(int order, int flags) {
    assertEquals(0, order);
    if (left <= 0 || free.isEmpty()) {
      return -1;
    }
    left--;
    long pfn = free.poll();
    assertTrue(out.add(pfn));
    return pfn;
  }

  @Override
  public void free(long pfn, int order) {
    assertTrue(out.remove(pfn), "frame " + pfn + " is not out");
    onFree.accept(pfn);
    free.add(pfn);
  }

  /// Frames that are out, and those of the pool.
  public int inUse() {
    return out.size() + frames.poolInUse();
  }

  @Override
  public void close() {
    window.close();
  }
}
