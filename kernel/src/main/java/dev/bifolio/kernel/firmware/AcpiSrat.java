package dev.bifolio.kernel.firmware;

import org.jspecify.annotations.Nullable;

/// The System Resource Affinity Table: which processors and which memory belong together.
///
/// ```
///   0         36            48
///   ┌─────────┬─────────────┬──────────────────┬──────────────────┬ …
///   │ header  │ reserved    │ type length …    │ type length …    │
///   └─────────┴─────────────┴──────────────────┴──────────────────┴ …
/// ```
///
/// An entry that is not enabled counts as absent. Proximity domains are the firmware's numbers, 32
/// bits wide (8 in tables of revision 1, whose upper bits are not defined); nodes are ours, given
/// out from 0 in the order in which domains appear: first those of processors, then those of
/// memory, each in the order of the table, as Linux does it.
///
/// Source: ACPI 6.5, section 5.2.16.
final class AcpiSrat {
  /// As many nodes as Linux can be built for.
  static final int MAX_NODES = 1024;

  private static final int ENTRIES_START = 48;
  private static final int LEAST_ENTRY = 2;
  private static final int TYPE_PROCESSOR = 0;
  private static final int TYPE_MEMORY = 1;
  private static final int TYPE_X2APIC = 2;
  private static final int TYPE_GICC = 3;
  private static final int TYPE_RINTC = 7;
  private static final int FLAG_ENABLED = 1;
  private static final int FLAG_HOTPLUGGABLE = 2;

  private final ByteView table;
  private final long byteSize;
  private final int revision;
  private final long[] domains = new long[MAX_NODES];
  private int nodeCount;
  private int[] processorNodes = new int[8];
  private int processorCount;
  private final MemoryRegion[] stated;
  private final MemoryMap sorted;

  /// Reads a table whose header was checked.
  ///
  /// @param table the table, from address 0
  /// @param byteSize its size
  /// @param revision its revision
  /// @throws MemoryMapException if an entry is too short, passes the end, or there are too many
  AcpiSrat(ByteView table, long byteSize, int revision) throws MemoryMapException {
    this.table = table;
    this.byteSize = byteSize;
    this.revision = revision;
    if (byteSize < ENTRIES_START) {
      throw new MemoryMapException("SRAT", 4, byteSize + " bytes, but 48 is the least");
    }
    MemoryMapBuilder affinities = new MemoryMapBuilder("acpi");
    walk(null);
    walk(affinities);
    stated = affinities.statedMemory();
    sorted = affinities.build();
  }

  int nodeCount() {
    return nodeCount;
  }

  long domainOf(int node) {
    return domains[node];
  }

  int processorCount() {
    return processorCount;
  }

  int processorNode(int index) {
    return processorNodes[index];
  }

  /// The enabled memory entries in the order of the table, empty ones left out.
  MemoryRegion[] memory() {
    return stated;
  }

  /// The enabled memory entries, sorted and without overlaps, with what was odd about them.
  MemoryMap sortedMemory() {
    return sorted;
  }

  /// Goes over the entries: those of processors without a builder, those of memory with one.
  private void walk(@Nullable MemoryMapBuilder affinities) throws MemoryMapException {
    long at = ENTRIES_START;
    for (long index = 0; at < byteSize; index++) {
      String record = "SRAT entry " + index;
      if (byteSize - at < LEAST_ENTRY) {
        throw new MemoryMapException(record, at, "passes the end of the table");
      }
      int type = table.u8(record, at);
      int entryByteSize = table.u8(record, at + 1);
      int least = leastSize(type);
      if (entryByteSize < least || entryByteSize > byteSize - at) {
        throw new MemoryMapException(
            record, at + 1, "length " + entryByteSize + " of an entry of type " + type);
      }
      if (affinities != null && type == TYPE_MEMORY) {
        readMemory(at, record, affinities);
      } else if (affinities == null && type != TYPE_MEMORY && least > LEAST_ENTRY) {
        readProcessor(type, at, record);
      }
      at += entryByteSize;
    }
  }

  private static int leastSize(int type) {
    return switch (type) {
      case TYPE_PROCESSOR -> 16;
      case TYPE_MEMORY -> 40;
      case TYPE_X2APIC -> 24;
      case TYPE_GICC -> 18;
      case TYPE_RINTC -> 20;
      default -> LEAST_ENTRY;
    };
  }

  private void readProcessor(int type, long at, String record) throws MemoryMapException {
    int flagsOffset =
        switch (type) {
          case TYPE_PROCESSOR -> 4;
          case TYPE_GICC -> 10;
          default -> 12;
        };
    if ((table.u32le(record, at + flagsOffset) & FLAG_ENABLED) == 0) {
      return;
    }
    long domain =
        switch (type) {
          case TYPE_PROCESSOR -> splitDomain(at, record);
          case TYPE_GICC -> table.u32le(record, at + 2);
          default -> table.u32le(record, at + 4);
        };
    if (processorCount == MemoryMap.MAX_REGIONS) {
      throw new MemoryMapException(record, at, "more than 65536 processors");
    }
    if (processorCount == processorNodes.length) {
      int[] larger = new int[processorCount * 2];
      System.arraycopy(processorNodes, 0, larger, 0, processorCount);
      processorNodes = larger;
    }
    processorNodes[processorCount++] = nodeOf(domain, at, record);
  }

  /// The first revision has one byte for a domain; the other three were found room elsewhere.
  private long splitDomain(long at, String record) throws MemoryMapException {
    long low = table.u8(record, at + 2);
    if (revision < 2) {
      return low;
    }
    return low
        | (long) table.u8(record, at + 9) << 8
        | (long) table.u8(record, at + 10) << 16
        | (long) table.u8(record, at + 11) << 24;
  }

  private void readMemory(long at, String record, MemoryMapBuilder affinities)
      throws MemoryMapException {
    long flags = table.u32le(record, at + 28);
    if ((flags & FLAG_ENABLED) == 0) {
      return;
    }
    long domain = table.u32le(record, at + 2);
    if (revision < 2) {
      domain &= 0xFF;
    }
    affinities.addMemory(
        table.u64le(record, at + 8),
        table.u64le(record, at + 16),
        nodeOf(domain, at, record),
        (flags & FLAG_HOTPLUGGABLE) != 0,
        record,
        at);
  }

  private int nodeOf(long domain, long at, String record) throws MemoryMapException {
    for (int node = 0; node < nodeCount; node++) {
      if (domains[node] == domain) {
        return node;
      }
    }
    if (nodeCount == MAX_NODES) {
      throw new MemoryMapException(record, at, "more than " + MAX_NODES + " proximity domains");
    }
    domains[nodeCount] = domain;
    return nodeCount++;
  }
}
