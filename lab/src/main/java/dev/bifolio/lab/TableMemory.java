package dev.bifolio.lab;

import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.mmu.MmuBus;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;
import java.util.BitSet;

/// Memory that holds nothing but the tables of one address space, from some physical address up.
///
/// ```
///   base                                                            up to 1 GiB       one page
///   │ root │ table │ table │ free, all zeros │ table │ … never touched │ pool of 16 │   │ words of the space │
/// ```
///
/// The lowest free frame is handed out first, and a frame that comes back is cleared: so images are
/// small, and the same script gives the same bytes. The pool of [TableFrames] lies at the far end,
/// which makes it nothing but the last 16 frames.
final class TableMemory implements AutoCloseable, FrameSource {
  /// No more memory is used for tables.
  static final long MAX_BYTE_SIZE = Pages.GIB;

  /// No less must be there above the base.
  static final long MIN_BYTE_SIZE = Pages.MIB;

  private static final long NO_FRAME = -1;

  private final PageFormat format;
  private final Window window;
  private final long base;
  private final int frameCount;
  private final AddressSpace space;
  private final Mmu processor;
  private final BitSet used = new BitSet();
  private int lowestFree;

  /// Reserves the memory, and opens a space in it.
  ///
  /// @param base a multiple of 4096, at least [#MIN_BYTE_SIZE] below the end of physical addresses
  TableMemory(PageFormat format, long base) throws InputException {
    this.format = format;
    this.base = base;
    long byteSize = Math.min(MAX_BYTE_SIZE, (1L << format.physicalBits()) - base);
    frameCount = (int) (byteSize / Pages.PAGE_SIZE) - TableFrames.POOL_FRAMES;
    try {
      window = Window.reserve(byteSize + Pages.PAGE_SIZE);
    } catch (WindowException e) {
      throw new InputException(0, String.valueOf(e.getMessage()));
    }
    long words = window.address() + byteSize;
    long pool = base + frameCount * Pages.PAGE_SIZE;
    var frames = new TableFrames(words, pool, base, byteSize, window.address() - base, 0);
    frames.setSource(this);
    space = new AddressSpace(format, frames, words + TableFrames.BYTE_SIZE);
    if (!space.open()) {
      throw new IllegalStateException("no memory for the roots");
    }
    long toHost = window.address() - base;
    processor = new Mmu(format, new MmuBus(base, byteSize, toHost, format.physicalBits()), null);
    processor.setSpace(space, 0);
  }

  PageFormat format() {
    return format;
  }

  AddressSpace space() {
    return space;
  }

  /// A processor that runs in the space, and remembers nothing of it.
  Mmu processor() {
    return processor;
  }

  /// The physical address of the first table, whichever it is.
  long base() {
    return base;
  }

  /// How many tables there can be in addition to those there are.
  long freeTableCount() {
    return frameCount + TableFrames.POOL_FRAMES - space.tableCount();
  }

  /// An entry as a walker reads it.
  ///
  /// @param table the physical address of one that is here
  long entry(long table, int index) {
    long address = host(table) + (long) index * format.entryByteSize();
    return format.entryByteSize() == Long.BYTES
        ? Memory.getLong(address)
        : Integer.toUnsignedLong(Memory.getInt(address));
  }

  /// Copies bytes out.
  ///
  /// @param from the physical address of the first, a multiple of 8
  /// @param to filled whole; a multiple of 8 bytes
  void read(long from, java.nio.ByteBuffer to) {
    for (int at = 0; at < to.capacity(); at += Long.BYTES) {
      to.putLong(at, Memory.getLong(host(from + at)));
    }
  }

  private long host(long physical) {
    return physical - base + window.address();
  }

  @Override
  public long allocate(int order, int flags) {
    int frame = used.nextClearBit(lowestFree);
    if (frame >= frameCount) {
      return NO_FRAME;
    }
    used.set(frame);
    lowestFree = frame + 1;
    return (base >>> Pages.PAGE_SHIFT) + frame;
  }

  @Override
  public void free(long pfn, int order) {
    int frame = (int) (pfn - (base >>> Pages.PAGE_SHIFT));
    Memory.fill(host(pfn << Pages.PAGE_SHIFT), Pages.PAGE_SIZE, (byte) 0);
    used.clear(frame);
    lowestFree = Math.min(lowestFree, frame);
  }

  @Override
  public void close() {
    window.close();
  }
}
