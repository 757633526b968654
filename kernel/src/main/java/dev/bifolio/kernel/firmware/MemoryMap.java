package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.unit.AddressRange;
import org.jspecify.annotations.Nullable;

/// What a machine's firmware says of its memory, checked and put in order; immutable.
///
/// Rules of the map (what a boot makes of it is policy and lies elsewhere):
///
/// - Memory is sorted by address. Neighbours and overlapping ranges are merged if node and
///   hotpluggable are equal; where they differ, the range stated first keeps the bytes that both
///   claim and a warning says so. Zero-sized ranges are left out. A range that would pass 2^64 is
///   cut there, with a warning.
/// - Reserved ranges are sorted by address and otherwise as stated: overlapping, outside RAM,
///   byte-exact. Nothing is subtracted from memory.
/// - Nothing is dropped in silence: each range that cannot be used leaves a warning.
///
/// Sequences are read by index, because this package uses no collections. Any thread.
public final class MemoryMap {
  /// The largest input that readers accept: 16 MiB.
  public static final int MAX_FILE_BYTES = 16 << 20;

  /// The largest number of ranges of one kind in a map; more are refused.
  public static final int MAX_REGIONS = 1 << 16;

  /// The largest number of reservations without a place; more are refused, because each costs a
  /// boot a search. Real trees have ten.
  public static final int MAX_DYNAMIC_RESERVATIONS = 1024;

  /// The largest number of CPUs in a map; more are left out with a warning. As many as Linux can be
  /// built for.
  public static final int MAX_CPUS = 8192;

  /// No bus is said to reach less than all memory.
  public static final long NO_DMA_LIMIT = Long.MAX_VALUE;

  private final String format;
  private final @Nullable Architecture architecture;
  private final int virtualBits;
  private final MemoryRegion[] memory;
  private final ReservedRegion[] reserved;
  private final DynamicReservation[] dynamicReservations;
  private final BootModule[] modules;
  private final @Nullable AddressRange initrd;
  private final @Nullable String commandLine;
  private final @Nullable String loaderName;
  private final int @Nullable [][] distances;
  private final int[] namedNodes;
  private final int[] nodes;
  private final int[] cpuNodes;
  private final long dmaLimit;
  private final String[] warnings;

  MemoryMap(MemoryMapBuilder from) {
    this.format = from.formatName();
    this.architecture = from.architecture();
    this.virtualBits = from.virtualBits;
    this.memory = from.normalisedMemory();
    this.reserved = from.sortedReserved();
    this.dynamicReservations = from.dynamicReservations();
    this.modules = from.modules();
    this.initrd = from.initrd();
    this.commandLine = from.commandLine();
    this.loaderName = from.loaderName();
    this.distances = from.distances();
    this.namedNodes = from.namedNodes();
    this.cpuNodes = from.cpuNodes();
    this.nodes = nodesOf(namedNodes, memory, cpuNodes);
    this.dmaLimit = from.dmaLimit();
    this.warnings = from.warnings();
  }

  private static int[] nodesOf(int[] named, MemoryRegion[] memory, int[] cpuNodes) {
    NodeNumbers all = new NodeNumbers();
    all.addAll(named);
    for (MemoryRegion each : memory) {
      if (each.node() != MemoryRegion.NO_NODE) {
        all.add(each.node());
      }
    }
    for (int node : cpuNodes) {
      if (node != MemoryRegion.NO_NODE) {
        all.add(node);
      }
    }
    return all.sorted();
  }

  /// The format it was read from.
  ///
  /// @return `fdt`, `multiboot1`, `multiboot2`, `e820`, `efi`, `iomem` or `dmesg`
  public String format() {
    return format;
  }

  /// The kind of machine.
  ///
  /// @return the architecture, or null if the firmware does not tell
  public @Nullable Architecture architecture() {
    return architecture;
  }

  /// How large virtual addresses may be, where cores of one architecture differ in that.
  ///
  /// @return bits that all cores can translate, such as 39, 48 or 57; 0 if the firmware does not
  ///   tell
  public int virtualBits() {
    return virtualBits;
  }

  /// How many ranges of RAM there are.
  ///
  /// @return 0 or more
  public int memoryCount() {
    return memory.length;
  }

  /// A range of RAM; they are sorted and do not overlap.
  ///
  /// @param index 0 … [#memoryCount()] - 1
  /// @return the range
  public MemoryRegion memory(int index) {
    return memory[index];
  }

  /// How many reserved ranges there are.
  ///
  /// @return 0 or more
  public int reservedCount() {
    return reserved.length;
  }

  /// A reserved range; they are sorted by base and may overlap.
  ///
  /// @param index 0 … [#reservedCount()] - 1
  /// @return the range
  public ReservedRegion reserved(int index) {
    return reserved[index];
  }

  /// How many reservations await a place.
  ///
  /// @return 0 or more
  public int dynamicReservationCount() {
    return dynamicReservations.length;
  }

  /// A reservation that awaits its place, in the order of the file.
  ///
  /// @param index 0 … [#dynamicReservationCount()] - 1
  /// @return the reservation
  public DynamicReservation dynamicReservation(int index) {
    return dynamicReservations[index];
  }

  /// How many boot modules there are.
  ///
  /// @return 0 or more
  public int moduleCount() {
    return modules.length;
  }

  /// A boot module, in the loader's order.
  ///
  /// @param index 0 … [#moduleCount()] - 1
  /// @return the module
  public BootModule module(int index) {
    return modules[index];
  }

  /// The initial RAM disk.
  ///
  /// @return its range, or null if there is none
  public @Nullable AddressRange initrd() {
    return initrd;
  }

  /// The kernel's command line.
  ///
  /// @return the line, or null if there is none
  public @Nullable String commandLine() {
    return commandLine;
  }

  /// The boot loader's name.
  ///
  /// @return the name, or null if it does not tell
  public @Nullable String loaderName() {
    return loaderName;
  }

  /// How many NUMA nodes the firmware names: by memory (of size 0 too), by CPUs, or by distances.
  ///
  /// @return 0 or more; 0 if it names none
  public int nodeCount() {
    return nodes.length;
  }

  /// The number of a NUMA node; they ascend, and may leave out numbers.
  ///
  /// @param index 0 … [#nodeCount()] - 1
  /// @return 0 or more
  public int node(int index) {
    return nodes[index];
  }

  /// How many CPUs there are that can run.
  ///
  /// @return 0 … [#MAX_CPUS]; 0 if the firmware does not tell
  public int cpuCount() {
    return cpuNodes.length;
  }

  /// The NUMA node of a CPU; CPUs are in the order of the file.
  ///
  /// @param index 0 … [#cpuCount()] - 1
  /// @return the node, or [MemoryRegion#NO_NODE] if the firmware does not tell
  public int cpuNode(int index) {
    return cpuNodes[index];
  }

  /// The nodes that were named otherwise than by memory and CPUs.
  int[] namedNodes() {
    return namedNodes;
  }

  /// How many nodes the distance table covers: all numbers from 0 to the largest, gaps included.
  ///
  /// @return its side, or 0 if there is no table
  public int distanceCount() {
    return distances == null ? 0 : distances.length;
  }

  /// The distance between two nodes; 10 is local.
  ///
  /// @param from 0 … [#distanceCount()] - 1
  /// @param to 0 … [#distanceCount()] - 1
  /// @return the distance, 10 … 255 as a rule
  /// @throws IndexOutOfBoundsException if there is no such pair
  public int distance(int from, int to) {
    if (distances == null) {
      throw new IndexOutOfBoundsException("no distance table");
    }
    return distances[from][to];
  }

  /// What every device reaches, as the firmware describes its buses: the least end of what a bus
  /// has windows to (`dma-ranges` of a device tree).
  ///
  /// @return the address behind the last byte, or [#NO_DMA_LIMIT]
  public long dmaLimit() {
    return dmaLimit;
  }

  /// How many warnings there are.
  ///
  /// @return 0 or more
  public int warningCount() {
    return warnings.length;
  }

  /// Something in the input that is odd but did not prevent a map.
  ///
  /// @param index 0 … [#warningCount()] - 1
  /// @return one line
  public String warning(int index) {
    return warnings[index];
  }

  /// The bytes of RAM of all ranges, holes not counted.
  ///
  /// @return a sum, unsigned; 2^64 - 1 if it does not fit
  public long totalMemoryBytes() {
    long total = 0;
    for (MemoryRegion region : memory) {
      long sum = total + region.range().byteSize();
      if (Long.compareUnsigned(sum, total) < 0) {
        return -1L;
      }
      total = sum;
    }
    return total;
  }
}
