package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.unit.AddressRange;
import org.jspecify.annotations.Nullable;

/// Collects what a reader finds and turns it into a [MemoryMap] by that class's rules.
///
/// For readers, and for programs that describe a machine by hand. One thread. Every `add` method of
/// ranges refuses more than [MemoryMap#MAX_REGIONS] entries of its kind, or
/// [MemoryMap#MAX_DYNAMIC_RESERVATIONS] of that kind.
public final class MemoryMapBuilder {
  private static final int MAX_WARNINGS = 100;

  private final String format;
  private MemoryRegion[] memory = new MemoryRegion[8];
  private int memoryCount;
  private ReservedRegion[] reserved = new ReservedRegion[8];
  private int reservedCount;
  private DynamicReservation[] dynamicReservations = new DynamicReservation[4];
  private int dynamicReservationCount;
  private BootModule[] modules = new BootModule[4];
  private int moduleCount;
  private final String[] warnings = new String[MAX_WARNINGS];
  private int warningCount;
  private @Nullable Architecture architecture;
  int virtualBits;
  private @Nullable AddressRange initrd;
  private @Nullable String commandLine;
  private @Nullable String loaderName;
  private int @Nullable [][] distances;
  private NodeNumbers namedNodes = new NodeNumbers();
  private int[] cpuNodes = new int[8];
  private int cpuCount;
  private long dmaLimit = MemoryMap.NO_DMA_LIMIT;

  /// An empty map.
  ///
  /// @param format the name of the format, see [MemoryMap#format()]
  public MemoryMapBuilder(String format) {
    this.format = format;
  }

  /// A copy of a finished map, to be changed further: what a boot or a second table adds.
  ///
  /// @param map what to begin with
  public MemoryMapBuilder(MemoryMap map) {
    this.format = map.format();
    this.memory = new MemoryRegion[Math.max(8, map.memoryCount())];
    for (memoryCount = 0; memoryCount < map.memoryCount(); memoryCount++) {
      memory[memoryCount] = map.memory(memoryCount);
    }
    this.reserved = new ReservedRegion[Math.max(8, map.reservedCount())];
    for (reservedCount = 0; reservedCount < map.reservedCount(); reservedCount++) {
      reserved[reservedCount] = map.reserved(reservedCount);
    }
    int dynamicCount = map.dynamicReservationCount();
    this.dynamicReservations = new DynamicReservation[Math.max(4, dynamicCount)];
    for (; dynamicReservationCount < dynamicCount; dynamicReservationCount++) {
      dynamicReservations[dynamicReservationCount] =
          map.dynamicReservation(dynamicReservationCount);
    }
    this.modules = new BootModule[Math.max(4, map.moduleCount())];
    for (moduleCount = 0; moduleCount < map.moduleCount(); moduleCount++) {
      modules[moduleCount] = map.module(moduleCount);
    }
    for (warningCount = 0; warningCount < map.warningCount(); warningCount++) {
      warnings[warningCount] = map.warning(warningCount);
    }
    this.architecture = map.architecture();
    this.virtualBits = map.virtualBits();
    this.initrd = map.initrd();
    this.commandLine = map.commandLine();
    this.loaderName = map.loaderName();
    this.distances = distancesOf(map);
    this.namedNodes.addAll(map.namedNodes());
    this.cpuNodes = new int[Math.max(8, map.cpuCount())];
    for (cpuCount = 0; cpuCount < map.cpuCount(); cpuCount++) {
      cpuNodes[cpuCount] = map.cpuNode(cpuCount);
    }
    this.dmaLimit = map.dmaLimit();
  }

  private static int @Nullable [][] distancesOf(MemoryMap map) {
    int side = map.distanceCount();
    if (side == 0) {
      return null;
    }
    int[][] copy = new int[side][side];
    for (int from = 0; from < side; from++) {
      for (int to = 0; to < side; to++) {
        copy[from][to] = map.distance(from, to);
      }
    }
    return copy;
  }

  /// Forgets all RAM that was added so far.
  ///
  /// @return this
  public MemoryMapBuilder clearMemory() {
    memoryCount = 0;
    return this;
  }

  /// Adds RAM. A size of 0 adds nothing; a range that passes 2^64 is cut there, with a warning.
  ///
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned
  /// @param node the NUMA node or [MemoryRegion#NO_NODE]
  /// @param hotpluggable whether it may be taken away
  /// @param record where the range is stated, for messages
  /// @param offset where the range is stated, in bytes
  /// @return this
  /// @throws MemoryMapException if there are too many ranges
  public MemoryMapBuilder addMemory(
      long base, long byteSize, int node, boolean hotpluggable, String record, long offset)
      throws MemoryMapException {
    if (byteSize == 0) {
      return this;
    }
    AddressRange range = clipped(base, byteSize, record);
    requireRoom(memoryCount, record, offset);
    if (memoryCount == memory.length) {
      MemoryRegion[] larger = new MemoryRegion[memoryCount * 2];
      System.arraycopy(memory, 0, larger, 0, memoryCount);
      memory = larger;
    }
    memory[memoryCount++] = new MemoryRegion(range, node, hotpluggable);
    return this;
  }

  /// Adds a reservation. A size of 0 adds nothing, with a warning; a range that passes 2^64 is cut
  /// there, with a warning.
  ///
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned
  /// @param name what lies there; may be empty
  /// @param source who asks for it
  /// @param noMap whether even a kernel must not map it
  /// @param reusable whether movable data may live there
  /// @param record where the range is stated, for messages
  /// @param offset where the range is stated, in bytes
  /// @return this
  /// @throws MemoryMapException if there are too many ranges
  public MemoryMapBuilder addReserved(
      long base,
      long byteSize,
      String name,
      ReservedRegion.Source source,
      boolean noMap,
      boolean reusable,
      String record,
      long offset)
      throws MemoryMapException {
    if (byteSize == 0) {
      addWarning(record + ": empty reservation at " + AddressRange.hex(base) + " left out");
      return this;
    }
    AddressRange range = clipped(base, byteSize, record);
    requireRoom(reservedCount, record, offset);
    if (reservedCount == reserved.length) {
      ReservedRegion[] larger = new ReservedRegion[reservedCount * 2];
      System.arraycopy(reserved, 0, larger, 0, reservedCount);
      reserved = larger;
    }
    reserved[reservedCount++] = new ReservedRegion(range, name, source, noMap, reusable);
    return this;
  }

  /// Adds a reservation whose place is chosen at boot.
  ///
  /// @param reservation what is wanted
  /// @param record where it is stated, for messages
  /// @param offset where it is stated, in bytes
  /// @return this
  /// @throws MemoryMapException if there are too many
  public MemoryMapBuilder addDynamicReservation(
      DynamicReservation reservation, String record, long offset) throws MemoryMapException {
    if (dynamicReservationCount == MemoryMap.MAX_DYNAMIC_RESERVATIONS) {
      throw new MemoryMapException(
          record,
          offset,
          "more than " + MemoryMap.MAX_DYNAMIC_RESERVATIONS + " reservations without a place");
    }
    if (dynamicReservationCount == dynamicReservations.length) {
      DynamicReservation[] larger = new DynamicReservation[dynamicReservationCount * 2];
      System.arraycopy(dynamicReservations, 0, larger, 0, dynamicReservationCount);
      dynamicReservations = larger;
    }
    dynamicReservations[dynamicReservationCount++] = reservation;
    return this;
  }

  /// Adds a boot module.
  ///
  /// @param module the module
  /// @param record where it is stated, for messages
  /// @param offset where it is stated, in bytes
  /// @return this
  /// @throws MemoryMapException if there are too many
  public MemoryMapBuilder addModule(BootModule module, String record, long offset)
      throws MemoryMapException {
    requireRoom(moduleCount, record, offset);
    if (moduleCount == modules.length) {
      BootModule[] larger = new BootModule[moduleCount * 2];
      System.arraycopy(modules, 0, larger, 0, moduleCount);
      modules = larger;
    }
    modules[moduleCount++] = module;
    return this;
  }

  /// Notes something odd. After 100 of them only a last line says that there were more.
  ///
  /// @param text one line
  /// @return this
  public MemoryMapBuilder addWarning(String text) {
    if (warningCount < MAX_WARNINGS - 1) {
      warnings[warningCount++] = text;
    } else {
      warnings[MAX_WARNINGS - 1] = "further warnings are left out";
      warningCount = MAX_WARNINGS;
    }
    return this;
  }

  /// Sets the kind of machine.
  ///
  /// @param value the architecture, null if unknown
  /// @return this
  public MemoryMapBuilder architecture(@Nullable Architecture value) {
    architecture = value;
    return this;
  }

  /// Sets how large virtual addresses may be.
  ///
  /// @param bits that all cores can translate, 0 if unknown
  /// @return this
  public MemoryMapBuilder virtualBits(int bits) {
    virtualBits = bits;
    return this;
  }

  /// Sets what every device reaches.
  ///
  /// @param end the address behind the last byte, 0 or more, or [MemoryMap#NO_DMA_LIMIT]
  /// @return this
  /// @throws IllegalArgumentException if it is negative
  public MemoryMapBuilder dmaLimit(long end) {
    if (end < 0) {
      throw new IllegalArgumentException("negative limit " + end);
    }
    this.dmaLimit = end;
    return this;
  }

  /// Sets the initial RAM disk.
  ///
  /// @param value its range, null for none
  /// @return this
  public MemoryMapBuilder initrd(@Nullable AddressRange value) {
    initrd = value;
    return this;
  }

  /// Sets the kernel's command line.
  ///
  /// @param value the line, null for none
  /// @return this
  public MemoryMapBuilder commandLine(@Nullable String value) {
    commandLine = value;
    return this;
  }

  /// Sets the boot loader's name.
  ///
  /// @param value the name, null for none
  /// @return this
  public MemoryMapBuilder loaderName(@Nullable String value) {
    loaderName = value;
    return this;
  }

  /// Adds a CPU. After [MemoryMap#MAX_CPUS] of them the rest is left out, with a warning.
  ///
  /// @param node its NUMA node or [MemoryRegion#NO_NODE]
  /// @return this
  /// @throws IllegalArgumentException if the node is below -1
  public MemoryMapBuilder addCpu(int node) {
    if (node < MemoryRegion.NO_NODE) {
      throw new IllegalArgumentException("node " + node);
    }
    if (cpuCount == MemoryMap.MAX_CPUS) {
      String text = "more than " + MemoryMap.MAX_CPUS + " CPUs; the rest is left out";
      if (warningCount == 0 || !warnings[warningCount - 1].equals(text)) {
        addWarning(text);
      }
      return this;
    }
    if (cpuCount == cpuNodes.length) {
      int[] larger = new int[cpuCount * 2];
      System.arraycopy(cpuNodes, 0, larger, 0, cpuCount);
      cpuNodes = larger;
    }
    cpuNodes[cpuCount++] = node;
    return this;
  }

  /// Forgets all CPUs that were added so far.
  ///
  /// @return this
  public MemoryMapBuilder clearCpus() {
    cpuCount = 0;
    return this;
  }

  /// Names a NUMA node that may have neither memory nor CPUs.
  ///
  /// @param node its number
  /// @return this
  /// @throws IllegalArgumentException if the number is below 0
  public MemoryMapBuilder addNode(int node) {
    if (node < 0) {
      throw new IllegalArgumentException("node " + node);
    }
    namedNodes.add(node);
    return this;
  }

  /// Forgets the nodes that were named by [#addNode] and [#distances]; those of memory and CPUs
  /// stay.
  MemoryMapBuilder clearNodes() {
    namedNodes = new NodeNumbers();
    return this;
  }

  /// Sets the table of distances between nodes and names all of its nodes, 0 to its side - 1.
  ///
  /// @param value square, `value[from][to]`; null for none; copied
  /// @return this
  /// @throws IllegalArgumentException if it is not square
  public MemoryMapBuilder distances(int @Nullable [][] value) {
    distancesOfNamed(value);
    for (int node = 0; value != null && node < value.length; node++) {
      namedNodes.add(node);
    }
    return this;
  }

  /// Sets the table of distances, in which rows may be gaps: it names no node.
  MemoryMapBuilder distancesOfNamed(int @Nullable [][] value) {
    if (value == null) {
      distances = null;
      return this;
    }
    int[][] copy = new int[value.length][];
    for (int i = 0; i < value.length; i++) {
      if (value[i].length != value.length) {
        throw new IllegalArgumentException("distance table is not square");
      }
      copy[i] = value[i].clone();
    }
    distances = copy;
    return this;
  }

  /// How many ranges of RAM were added so far.
  ///
  /// @return 0 or more
  public int memoryCount() {
    return memoryCount;
  }

  /// The finished map. The builder may be used further.
  ///
  /// @return a map of what was added so far
  public MemoryMap build() {
    int stated = warningCount;
    MemoryMap map = new MemoryMap(this);
    // Warnings about overlaps belong to that map: the next one may have other overlaps.
    warningCount = stated;
    return map;
  }

  String formatName() {
    return format;
  }

  long dmaLimit() {
    return dmaLimit;
  }

  @Nullable Architecture architecture() {
    return architecture;
  }

  @Nullable AddressRange initrd() {
    return initrd;
  }

  @Nullable String commandLine() {
    return commandLine;
  }

  @Nullable String loaderName() {
    return loaderName;
  }

  int @Nullable [][] distances() {
    return distances;
  }

  /// One more than the largest node that was named, or that a CPU has.
  int nodeLimit() {
    int[] named = namedNodes.sorted();
    int limit = named.length == 0 ? 0 : named[named.length - 1] + 1;
    for (int i = 0; i < cpuCount; i++) {
      limit = Math.max(limit, cpuNodes[i] + 1);
    }
    return limit;
  }

  int[] namedNodes() {
    return namedNodes.sorted();
  }

  int[] cpuNodes() {
    int[] result = new int[cpuCount];
    System.arraycopy(cpuNodes, 0, result, 0, cpuCount);
    return result;
  }

  DynamicReservation[] dynamicReservations() {
    DynamicReservation[] result = new DynamicReservation[dynamicReservationCount];
    System.arraycopy(dynamicReservations, 0, result, 0, result.length);
    return result;
  }

  BootModule[] modules() {
    BootModule[] result = new BootModule[moduleCount];
    System.arraycopy(modules, 0, result, 0, result.length);
    return result;
  }

  String[] warnings() {
    String[] result = new String[warningCount];
    System.arraycopy(warnings, 0, result, 0, result.length);
    return result;
  }

  ReservedRegion[] sortedReserved() {
    long[] bases = new long[reservedCount];
    for (int i = 0; i < reservedCount; i++) {
      bases[i] = reserved[i].range().base();
    }
    int[] order = RegionOrder.stableByUnsignedKey(bases);
    ReservedRegion[] result = new ReservedRegion[reservedCount];
    for (int i = 0; i < reservedCount; i++) {
      result[i] = reserved[order[i]];
    }
    return result;
  }

  /// The ranges in the order in which they were added.
  MemoryRegion[] statedMemory() {
    MemoryRegion[] stated = new MemoryRegion[memoryCount];
    System.arraycopy(memory, 0, stated, 0, memoryCount);
    return stated;
  }

  MemoryRegion[] normalisedMemory() {
    return RegionOrder.flatten(statedMemory(), this);
  }

  private AddressRange clipped(long base, long byteSize, String record) {
    AddressRange range = AddressRange.clipped(base, byteSize);
    if (range.byteSize() != byteSize) {
      addWarning(
          record
              + ": "
              + AddressRange.hex(base)
              + " + "
              + AddressRange.hex(byteSize)
              + " passes 2^64; cut there");
    }
    return range;
  }

  private static void requireRoom(int count, String record, long offset) throws MemoryMapException {
    if (count == MemoryMap.MAX_REGIONS) {
      throw new MemoryMapException(
          record, offset, "more than " + MemoryMap.MAX_REGIONS + " entries of one kind");
    }
  }
}
