package dev.bifolio.examples;

import dev.bifolio.kernel.BootException;
import dev.bifolio.kernel.BootLog;
import dev.bifolio.kernel.BootOptions;
import dev.bifolio.kernel.Machine;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.reclaim.MovableBinding;
import dev.bifolio.kernel.reclaim.PageBacking;
import dev.bifolio.kernel.reclaim.PageCache;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.zone.Zone;

/// Lesson 7: what happens when memory runs short.
///
/// A kernel lets files fill the memory that nobody else wants. So memory is always nearly full, and
/// the question is who notices in time. Each zone has three watermarks for that:
///
/// ```
///   high ┤            background reclaim stops here: there is room again
///   low  ┤            below: background reclaim begins, requests are served as before
///   min  ┤            below: who asks must give memory back first; what is left is the reserve
///      0 ┤
/// ```
///
/// We boot 64 MiB, read files until each mark has been passed, let the background work, take what
/// is kept for emergencies, and at last ask for 2 MiB in one piece where frames are free, but
/// scattered.
public final class E07_MemoryUnderPressure {
  private static final long BASE = 0x8000_0000L;
  private static final long RAM = 64L << 20;
  private static final int CAPACITY = 1 << 14;
  private static final long STEP_FRAMES = 16;

  /// One CPU: with more, what lies in caches depends on where we run.
  private static final int CPUS = 1;

  private final Machine machine;
  private final Zone zone;
  private final PageCache cache;

  private E07_MemoryUnderPressure(Machine machine, PageCache cache) {
    this.machine = machine;
    this.cache = cache;
    this.zone = machine.zones().zone(0);
  }

  /// Runs the lesson.
  ///
  /// @param arguments none
  /// @throws MemoryMapException if the map is not sound
  /// @throws BootException if no machine can be made of it
  /// @throws WindowException if this system reserves no memory
  public static void main(String[] arguments)
      throws MemoryMapException, BootException, WindowException {
    MemoryMapBuilder builder = new MemoryMapBuilder("by hand");
    builder.addMemory(BASE, RAM, 0, false, "RAM", 0);
    BootOptions options = BootOptions.DEFAULTS.withCpuCount(CPUS);
    try (Machine machine = Machine.boot(builder.build(), options, BootLog.SILENT);
        Window entries = Window.reserve(PageCache.byteSize(CAPACITY))) {
      // The cache says of its frames that they may move, and offers to give them back.
      MovableBinding binding = new MovableBinding(machine.reclaim().movable());
      long physToVirt = machine.physToVirt(BASE) - BASE;
      PageCache cache =
          new PageCache(
              entries.address(),
              CAPACITY,
              -1,
              new FramesOf(machine),
              new NumberedPages(),
              physToVirt,
              binding);
      binding.register(cache);
      int _ = machine.reclaim().shrinkers().register(cache);
      new E07_MemoryUnderPressure(machine, cache).tell();
    }
  }

  private void tell() {
    IO.println(zone + ": " + zone.managedFrames() + " frames are managed");
    IO.println("  high " + zone.highFrames());
    IO.println("  low  " + zone.lowFrames());
    IO.println("  min  " + zone.minFrames());
    fillUntilLow();
    workInTheBackground();
    readOnWithoutBackground();
    useTheReserve();
    putPiecesTogether();
  }

  private void fillUntilLow() {
    IO.println("Files are read, page by page; each stays in its frame.");
    long page = 0;
    while (!machine.reclaim().isWoken(zone)) {
      read(0, page++);
    }
    show("Page " + page + " leaves less than low, and wakes the background. It was served.");
  }

  private void workInTheBackground() {
    // There is no thread inside of a machine: whoever owns it calls step now and then.
    int steps = 0;
    do {
      boolean _ = machine.step(STEP_FRAMES);
      steps++;
    } while (machine.reclaim().isWoken(zone));
    show(steps + " steps of " + STEP_FRAMES + " frames each, and high is reached:");
    IO.println(
        "  the cache gave "
            + cache.counters().evictions()
            + " pages back, which can be read again");
  }

  private void readOnWithoutBackground() {
    long page = 0;
    while (zone.eventCount(Zone.Event.DIRECT_RECLAIM) == 0) {
      read(1, page++);
    }
    show("Nobody steps, and " + page + " pages later the next request would leave less than min.");
    IO.println("  It had to give back by itself, and waited for that; then it was served.");
    int more = 1000;
    for (int i = 0; i < more; i++) {
      read(1, page++);
    }
    show(more + " pages more are read, and make others go:");
    IO.println("  direct reclaims: " + zone.eventCount(Zone.Event.DIRECT_RECLAIM));
  }

  private void useTheReserve() {
    // Frames that nobody can give back: the cache shrinks to nothing, and then requests fail.
    long[] taken = new long[CAPACITY];
    int count = 0;
    for (long pfn = take(AllocationFlags.NONE);
        pfn != FrameAllocator.NO_FRAME;
        pfn = take(AllocationFlags.NONE)) {
      taken[count++] = pfn;
    }
    show("We take all we get, and the cache is left with " + cache.counters().pages() + " pages.");
    boolean none = take(AllocationFlags.NONE) == FrameAllocator.NO_FRAME;
    IO.println("  an ordinary request: " + (none ? "no frame" : "SERVED"));
    long urgent = take(AllocationFlags.EMERGENCY);
    IO.println("  an emergency: " + (urgent >= 0 ? "served" : "NO FRAME"));
    show("The reserve lacks " + zone.reserveUsedFrames() + " frame.");
    machine.free(urgent, 0);
    while (count > 0) {
      machine.free(taken[--count], 0);
    }
  }

  private void putPiecesTogether() {
    // Four files in turn; then three of them go. What stays is strewn over all areas of 2 MiB.
    long pages = 3 * zone.availableFrames() / 4;
    for (long page = 0; page < pages; page++) {
      read((int) (page % 4) + 10, page);
    }
    for (int file = 11; file < 14; file++) {
      long _ = cache.drop(file);
    }
    machine.drainCaches();
    long before = hugeBlocks();
    long moved = machine.reclaim().migration().movedFrames();
    long[] areas = new long[(int) (zone.managedFrames() >> 9)];
    int count = 0;
    while (count <= before) {
      areas[count++] = machine.allocate(9, AllocationFlags.NONE);
    }
    show("A quarter of the pages is left, everywhere; " + before + " areas of 2 MiB are free.");
    boolean got = areas[count - 1] != FrameAllocator.NO_FRAME;
    IO.println("  we ask for " + count + ": " + (got ? "all are there" : "ONE IS MISSING"));
    IO.println(
        "  pages moved out of the way: " + (machine.reclaim().migration().movedFrames() - moved));
    long wrong = 0;
    for (long page = 0; page < pages; page += 4) {
      wrong += read(10, page) ? 0 : 1;
    }
    IO.println("  pages whose content is not what it was: " + wrong);
    while (count > 0) {
      machine.free(areas[--count], 9);
    }
    machine.assertValid();
  }

  private long hugeBlocks() {
    long areas = 0;
    for (int order = 9; order <= machine.maxOrder(); order++) {
      areas += machine.freeBlockCount(order) << (order - 9);
    }
    return areas;
  }

  private long take(int flags) {
    return machine.allocate(0, flags);
  }

  /// Has a page read, if it is not there, and looks at it.
  private boolean read(int file, long page) {
    long pfn = cache.get(file, page);
    if (pfn < 0) {
      throw new IllegalStateException("page " + page + " could not be had: " + pfn);
    }
    boolean right = Memory.getLong(cache.bytesOf(pfn)) == NumberedPages.content(file, page);
    cache.release(file, page, false);
    return right;
  }

  private void show(String what) {
    IO.println(what);
    IO.println("  available " + zone.availableFrames());
  }

  /// Where the cache gets its frames: an ordinary customer of the machine.
  private record FramesOf(Machine machine) implements FrameSource {
    @Override
    public long allocate(int order, int flags) {
      return machine.tryAllocate(order, flags);
    }

    @Override
    public void free(long pfn, int order) {
      machine.free(pfn, order);
    }
  }

  /// Files that need no disk: each page begins with a number that can be computed again.
  private static final class NumberedPages implements PageBacking {
    static long content(int file, long page) {
      return ((long) file << 32) + page;
    }

    @Override
    public boolean read(int file, long page, long toAddress) {
      Memory.putLong(toAddress, content(file, page));
      return true;
    }

    @Override
    public boolean write(int file, long page, long fromAddress) {
      return true;
    }
  }
}
