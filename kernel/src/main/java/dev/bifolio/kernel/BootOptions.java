package dev.bifolio.kernel;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.table.KernelSections;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// What a boot is told besides the memory map. Begin with [#DEFAULTS] and change what differs;
/// every `with` method answers a changed copy, so that options never change once they are seen. Any
/// thread.
public final class BootOptions {
  /// Which frame allocator runs the memory.
  public enum AllocatorKind {
    /// [dev.bifolio.kernel.frame.HybridAllocator]: for any number of threads; nobody waits for a
    /// lock but who is about to fail.
    HYBRID,

    /// [dev.bifolio.kernel.frame.BuddyAllocator], behind one lock: the baseline.
    CLASSIC
  }

  /// The least RAM that a kernel needs: 32 MiB.
  public static final long MINIMUM_BYTES = 32 * Pages.MIB;

  /// The most CPUs that may have caches of their own.
  public static final int MAX_CPU_COUNT = HybridAllocator.MAX_CPU_COUNT;

  /// The watermarks follow the rule of [WatermarkRule][dev.bifolio.kernel.zone.WatermarkRule].
  public static final long BY_RULE = -1;

  /// The headroom belongs to the node of the highest RAM.
  public static final int HIGHEST_NODE = -1;

  /// Nothing beside the map, no check for a minimum, blocks up to 4 GiB, the hybrid allocator with
  /// caches for every CPU of this process.
  public static final BootOptions DEFAULTS = new BootOptions();

  private AddressRange[] loaderMemory = {};
  private @Nullable AddressRange kernel;
  private @Nullable KernelSections kernelSections;
  private @Nullable AddressRange initrd;
  private @Nullable AddressRange fdt;
  private long fdtByteSize;
  private long headroomByteSize;
  private int headroomNode = HIGHEST_NODE;
  private boolean headroomMovable;
  private boolean checkMinimumMemory;
  private int maxOrder = Pages.MAX_ORDER;
  private @Nullable Architecture architecture;
  private AllocatorKind allocator = AllocatorKind.HYBRID;
  private int cpuCount;
  private long movableByteSize;
  private boolean movableHotplug;
  private DeviceMemory[] deviceMemory = {};
  private long minFreeKib = BY_RULE;
  private boolean hugePages;
  private int accountCount;
  private boolean verifiedMoves;

  private BootOptions() {}

  private BootOptions(BootOptions from) {
    loaderMemory = from.loaderMemory;
    kernel = from.kernel;
    kernelSections = from.kernelSections;
    initrd = from.initrd;
    fdt = from.fdt;
    fdtByteSize = from.fdtByteSize;
    headroomByteSize = from.headroomByteSize;
    headroomNode = from.headroomNode;
    headroomMovable = from.headroomMovable;
    checkMinimumMemory = from.checkMinimumMemory;
    maxOrder = from.maxOrder;
    architecture = from.architecture;
    allocator = from.allocator;
    cpuCount = from.cpuCount;
    movableByteSize = from.movableByteSize;
    movableHotplug = from.movableHotplug;
    deviceMemory = from.deviceMemory;
    minFreeKib = from.minFreeKib;
    hugePages = from.hugePages;
    accountCount = from.accountCount;
    verifiedMoves = from.verifiedMoves;
  }

  /// One more range of RAM from the boot loader; many device trees leave all of it to the loader.
  ///
  /// @param range bytes of RAM, in any order; what the map states already counts once
  /// @return a copy with the change
  public BootOptions withLoaderMemory(AddressRange range) {
    BootOptions copy = new BootOptions(this);
    copy.loaderMemory = new AddressRange[loaderMemory.length + 1];
    System.arraycopy(loaderMemory, 0, copy.loaderMemory, 0, loaderMemory.length);
    copy.loaderMemory[loaderMemory.length] = range;
    return copy;
  }

  /// Where the kernel image lies; its parts are guessed by [KernelSections#of].
  ///
  /// @param range its bytes, null for none
  /// @return a copy with the change
  public BootOptions withKernel(@Nullable AddressRange range) {
    BootOptions copy = new BootOptions(this);
    copy.kernel = range;
    copy.kernelSections = null;
    return copy;
  }

  /// Where the kernel image lies, and where its parts begin that want different rights.
  ///
  /// @param sections the parts
  /// @return a copy with the change
  public BootOptions withKernelSections(KernelSections sections) {
    BootOptions copy = withKernel(sections.range());
    copy.kernelSections = sections;
    return copy;
  }

  /// Where the initial RAM disk lies.
  ///
  /// @param range its bytes, null leaves it to the map
  /// @return a copy with the change
  public BootOptions withInitrd(@Nullable AddressRange range) {
    BootOptions copy = new BootOptions(this);
    copy.initrd = range;
    return copy;
  }

  /// A device tree blob at a known place.
  ///
  /// @param range its bytes, null for none
  /// @return a copy with the change, and without a size to find a place for
  public BootOptions withFdt(@Nullable AddressRange range) {
    BootOptions copy = new BootOptions(this);
    copy.fdt = range;
    copy.fdtByteSize = 0;
    return copy;
  }

  /// A device tree blob whose place is not known: boot plays the loader and finds one.
  ///
  /// @param byteSize its bytes, 0 for none
  /// @return a copy with the change, and without a known place
  /// @throws IllegalArgumentException if the size is negative
  public BootOptions withFdtByteSize(long byteSize) {
    requireNotNegative(byteSize);
    BootOptions copy = new BootOptions(this);
    copy.fdt = null;
    copy.fdtByteSize = byteSize;
    return copy;
  }

  /// Room that the machine's window spans behind the last frame of RAM, for memory added later: the
  /// whole areas of 2 MiB in it are offline when the boot ends, see [Machine#hotMemory()].
  ///
  /// Its metadata are taken from RAM at boot: some 2.4 bits for each frame with the hybrid
  /// allocator and 16 bytes with the classic one, and 8 bytes for each with either; 2.1 GiB for a
  /// TiB of headroom. The host backs only what of that is touched.
  ///
  /// @param byteSize bytes, 0 or more; less than an area is room, and nothing can be added
  /// @return a copy with the change
  /// @throws IllegalArgumentException if the size is negative
  public BootOptions withHeadroom(long byteSize) {
    requireNotNegative(byteSize);
    BootOptions copy = new BootOptions(this);
    copy.headroomByteSize = byteSize;
    return copy;
  }

  /// The node that the headroom belongs to.
  ///
  /// @param node its id, with RAM or without; or [#HIGHEST_NODE], the default
  /// @return a copy with the change
  /// @throws IllegalArgumentException if the id is less
  public BootOptions withHeadroomNode(int node) {
    if (node < HIGHEST_NODE) {
      throw new IllegalArgumentException("node " + node);
    }
    BootOptions copy = new BootOptions(this);
    copy.headroomNode = node;
    return copy;
  }

  /// Whether the headroom is MOVABLE, so that what is added can be taken away again. By default it
  /// is what its addresses and its node make it.
  ///
  /// @param movable true if it is
  /// @return a copy with the change
  public BootOptions withMovableHeadroom(boolean movable) {
    BootOptions copy = new BootOptions(this);
    copy.headroomMovable = movable;
    return copy;
  }

  /// Whether less than [#MINIMUM_BYTES] of RAM is refused.
  ///
  /// @param check true to refuse
  /// @return a copy with the change
  public BootOptions withMinimumMemoryCheck(boolean check) {
    BootOptions copy = new BootOptions(this);
    copy.checkMinimumMemory = check;
    return copy;
  }

  /// The largest order of a block.
  ///
  /// @param order 0 … [Pages#MAX_ORDER]
  /// @return a copy with the change
  /// @throws IllegalArgumentException if there is no such order
  public BootOptions withMaxOrder(int order) {
    if (order < 0 || order > Pages.MAX_ORDER) {
      throw new IllegalArgumentException("maxOrder " + order + " is not 0 … " + Pages.MAX_ORDER);
    }
    BootOptions copy = new BootOptions(this);
    copy.maxOrder = order;
    return copy;
  }

  /// The kind of machine.
  ///
  /// @param value in place of what the map says; null leaves it to the map
  /// @return a copy with the change
  public BootOptions withArchitecture(@Nullable Architecture value) {
    BootOptions copy = new BootOptions(this);
    copy.architecture = value;
    return copy;
  }

  /// Which frame allocator runs the memory.
  ///
  /// @param kind which one
  /// @return a copy with the change
  public BootOptions withAllocator(AllocatorKind kind) {
    BootOptions copy = new BootOptions(this);
    copy.allocator = kind;
    return copy;
  }

  /// For how many CPUs the hybrid allocator has caches; CPUs beyond share them. The size of the
  /// metadata depends on it, and with more than one also which frame a request gets: a boot that is
  /// to be the same everywhere names a count, and one that is to be the same each time names 1.
  ///
  /// @param count 1 or more; 0 leaves it to the machine that runs the JVM
  /// @return a copy with the change
  /// @throws IllegalArgumentException if the count is negative or above [#MAX_CPU_COUNT]
  public BootOptions withCpuCount(int count) {
    if (count < 0 || count > MAX_CPU_COUNT) {
      throw new IllegalArgumentException(count + " CPUs are not 0 … " + MAX_CPU_COUNT);
    }
    BootOptions copy = new BootOptions(this);
    copy.cpuCount = count;
    return copy;
  }

  /// How much RAM becomes MOVABLE: the same share from the top of each node, of the highest type of
  /// zone that has RAM.
  ///
  /// @param byteSize bytes, 0 for none; a wish for all RAM or more is none too
  /// @return a copy with the change
  /// @throws IllegalArgumentException if the size is negative
  public BootOptions withMovable(long byteSize) {
    requireNotNegative(byteSize);
    BootOptions copy = new BootOptions(this);
    copy.movableByteSize = byteSize;
    return copy;
  }

  /// Whether RAM that the firmware calls hotpluggable becomes MOVABLE, with all that lies above it
  /// in its node. The node with the lowest frame of RAM keeps its memory as it is.
  ///
  /// @param movable true if it does
  /// @return a copy with the change
  public BootOptions withMovableHotplug(boolean movable) {
    BootOptions copy = new BootOptions(this);
    copy.movableHotplug = movable;
    return copy;
  }

  /// One more range of device memory: a DEVICE zone, whose frames no request gets that does not
  /// name it.
  ///
  /// @param device where, in which node, and what it is; a boot refuses one that overlaps RAM
  /// @return a copy with the change
  public BootOptions withDeviceMemory(DeviceMemory device) {
    BootOptions copy = new BootOptions(this);
    copy.deviceMemory = new DeviceMemory[deviceMemory.length + 1];
    System.arraycopy(deviceMemory, 0, copy.deviceMemory, 0, deviceMemory.length);
    copy.deviceMemory[deviceMemory.length] = device;
    return copy;
  }

  /// RAM that the boot loader adds to the map.
  ///
  /// @return a copy, in the order in which it was given
  public AddressRange[] loaderMemory() {
    return loaderMemory.clone();
  }

  /// Where the kernel image lies.
  ///
  /// @return its bytes, or null for none
  public @Nullable AddressRange kernel() {
    return kernel;
  }

  /// The parts of the kernel image.
  ///
  /// @return null if they are not known
  public @Nullable KernelSections kernelSections() {
    return kernelSections;
  }

  /// Where the initial RAM disk lies.
  ///
  /// @return its bytes, or null if that is left to the map
  public @Nullable AddressRange initrd() {
    return initrd;
  }

  /// Where the device tree blob lies.
  ///
  /// @return its bytes, or null if that is unknown or there is none
  public @Nullable AddressRange fdt() {
    return fdt;
  }

  /// The size of a blob for which boot finds a place.
  ///
  /// @return bytes, 0 for none
  public long fdtByteSize() {
    return fdtByteSize;
  }

  /// Room behind the last frame of RAM.
  ///
  /// @return bytes
  public long headroomByteSize() {
    return headroomByteSize;
  }

  /// The node of the headroom.
  ///
  /// @return its id, or [#HIGHEST_NODE]
  public int headroomNode() {
    return headroomNode;
  }

  /// Whether the headroom is MOVABLE whatever its addresses are.
  ///
  /// @return true if it is
  public boolean headroomMovable() {
    return headroomMovable;
  }

  /// Whether less than [#MINIMUM_BYTES] of RAM is refused.
  ///
  /// @return true if it is
  public boolean checkMinimumMemory() {
    return checkMinimumMemory;
  }

  /// The largest order of a block.
  ///
  /// @return 0 … [Pages#MAX_ORDER]
  public int maxOrder() {
    return maxOrder;
  }

  /// The kind of machine.
  ///
  /// @return the architecture, or null if that is left to the map
  public @Nullable Architecture architecture() {
    return architecture;
  }

  /// Which frame allocator runs the memory.
  ///
  /// @return which one
  public AllocatorKind allocator() {
    return allocator;
  }

  /// For how many CPUs the hybrid allocator has caches.
  ///
  /// @return 0 if that is left to the machine that runs the JVM
  public int cpuCount() {
    return cpuCount;
  }

  /// How much memory ordinary requests leave, all zones together: Linux's `min_free_kbytes`.
  ///
  /// @param kib KiB, or [#BY_RULE], the default; with 0 there are no watermarks and no lowmem
  ///   reserves, and whoever asks may have all
  /// @return a copy with the change
  /// @throws IllegalArgumentException if it is below -1, or 2 TiB or more
  public BootOptions withMinFreeKib(long kib) {
    if (kib < BY_RULE || kib > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(kib + " KiB");
    }
    BootOptions copy = new BootOptions(this);
    copy.minFreeKib = kib;
    return copy;
  }

  /// Whether more is kept free, so that blocks of 2 MiB can be had at any time: what Linux does
  /// where transparent huge pages are on.
  ///
  /// @param wanted false by default
  /// @return a copy with the change
  public BootOptions withHugePages(boolean wanted) {
    BootOptions copy = new BootOptions(this);
    copy.hugePages = wanted;
    return copy;
  }

  /// How many accounts there may be, for quotas. With accounts, every free reads the word of its
  /// frame.
  ///
  /// @param count 0 for none, the default, up to
  ///   [FrameInfo#MAX_ACCOUNT][dev.bifolio.kernel.frame.FrameInfo#MAX_ACCOUNT]
  /// @return a copy with the change
  /// @throws IllegalArgumentException if the count is outside
  public BootOptions withAccounts(int count) {
    if (count < 0 || count > FrameInfo.MAX_ACCOUNT) {
      throw new IllegalArgumentException(count + " accounts");
    }
    BootOptions copy = new BootOptions(this);
    copy.accountCount = count;
    return copy;
  }

  /// Whether each frame that is moved is compared with its original before anything names it.
  ///
  /// @param verified false by default
  /// @return a copy with the change
  public BootOptions withVerifiedMoves(boolean verified) {
    BootOptions copy = new BootOptions(this);
    copy.verifiedMoves = verified;
    return copy;
  }

  /// Whether moves are verified.
  ///
  /// @return true if they are
  public boolean verifiedMoves() {
    return verifiedMoves;
  }

  /// What ordinary requests leave.
  ///
  /// @return KiB, or [#BY_RULE]
  public long minFreeKib() {
    return minFreeKib;
  }

  /// Whether more is kept free for blocks of 2 MiB.
  ///
  /// @return true if it is
  public boolean hugePages() {
    return hugePages;
  }

  /// How many accounts there may be.
  ///
  /// @return 0 for none
  public int accountCount() {
    return accountCount;
  }

  /// How much RAM becomes MOVABLE.
  ///
  /// @return bytes, 0 for none
  public long movableByteSize() {
    return movableByteSize;
  }

  /// Whether hotpluggable RAM becomes MOVABLE.
  ///
  /// @return true if it does
  public boolean movableHotplug() {
    return movableHotplug;
  }

  /// Ranges of device memory.
  ///
  /// @return a copy, in the order in which they were given
  public DeviceMemory[] deviceMemory() {
    return deviceMemory.clone();
  }

  private static void requireNotNegative(long byteSize) {
    if (byteSize < 0) {
      throw new IllegalArgumentException("negative byte size " + byteSize);
    }
  }
}
