package dev.bifolio.stress;

import dev.bifolio.kernel.Machine;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.reclaim.MovableBinding;
import dev.bifolio.kernel.reclaim.MovableOwner;
import dev.bifolio.kernel.reclaim.PageBacking;
import dev.bifolio.kernel.reclaim.PageCache;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/// The page cache of one node, whose pages are shrunk and moved while threads use them. What a page
/// holds is its number and a version that its backing knows.
final class StormPages implements MovableOwner, FrameSource, PageBacking, AutoCloseable {
  private static final int OWNER = 2_000_000;
  private static final int FILE = 1;

  private final Machine machine;
  private final OwnerTable owners;
  private final int node;
  private final Window window;
  private final AtomicLongArray stored;
  final PageCache cache;
  final AtomicLong moves = new AtomicLong();

  StormPages(Machine machine, OwnerTable owners, int node, int capacity, int pages)
      throws WindowException {
    this.machine = machine;
    this.owners = owners;
    this.node = node;
    stored = new AtomicLongArray(pages);
    window = Window.reserve(PageCache.byteSize(capacity));
    MovableBinding binding = new MovableBinding(machine.reclaim().movable());
    cache =
        new PageCache(window.address(), capacity, node, this, this, machine.physToVirt(0), binding);
    binding.register(this);
    machine.reclaim().shrinkers().register(cache);
  }

  @Override
  public void close() {
    window.close();
  }

  @Override
  public long allocate(int order, int flags) {
    long pfn =
        machine.frames().tryAllocateNear(node, 1L << order, flags | AllocationFlags.EXACT_NODE);
    if (pfn >= 0) {
      owners.take(OWNER, pfn, 1L << order);
    }
    return pfn;
  }

  @Override
  public void free(long pfn, int order) {
    owners.leave(OWNER, pfn, 1L << order);
    machine.free(pfn, order);
  }

  @Override
  public boolean relocate(long item, long fromPfn, long toPfn) {
    owners.take(OWNER, toPfn, 1);
    boolean accepted = cache.relocate(item, fromPfn, toPfn);
    owners.leave(OWNER, accepted ? fromPfn : toPfn, 1);
    moves.addAndGet(accepted ? 1 : 0);
    return accepted;
  }

  @Override
  public boolean read(int file, long page, long toAddress) {
    put(toAddress, page, stored.get((int) page));
    return true;
  }

  @Override
  public boolean write(int file, long page, long fromAddress) {
    stored.set((int) page, Memory.getLongVolatile(fromAddress + 8));
    return true;
  }

  private static void put(long address, long page, long version) {
    Memory.putLong(address, page);
    Memory.putLongRelease(address + 8, version);
    Memory.putLong(address + Pages.PAGE_SIZE - 8, page);
  }

  /// Uses a page: it must hold its own number, and a version that is not older than its backing's.
  ///
  /// @return whether there was memory for it
  boolean touch(long page, boolean change) {
    long pfn = cache.get(FILE, page);
    if (pfn < 0) {
      return false;
    }
    long address = machine.physToVirt(Pages.pfnToAddress(pfn));
    long version = stored.get((int) page);
    if (Memory.getLong(address) != page
        || Memory.getLong(address + Pages.PAGE_SIZE - 8) != page
        || Memory.getLongVolatile(address + 8) < version) {
      throw new AssertionError("page " + page + " at 0x" + Long.toHexString(pfn) + " is another");
    }
    if (change) {
      Memory.getAndAddLong(address + 8, 1);
    }
    cache.release(FILE, page, change);
    return true;
  }

  /// Gives up all pages.
  void drop() {
    long kept = cache.drop(FILE);
    if (kept != 0) {
      throw new AssertionError(kept + " pages stay, whom nobody uses");
    }
  }
}
