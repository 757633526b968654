package dev.bifolio.kernel.firmware;

import org.jspecify.annotations.Nullable;

/// Reads the ACPI tables that speak of memory, SRAT and SLIT, and lays them over a map.
///
/// ```
///   the map       │   RAM    │hole│      RAM            │
///   SRAT        │ node 0      │ node 0 │ node 1    │        │ node 1, hot-add area │
///   result        │ node 0   │    │ 0  │  1        │ -  │
/// ```
///
/// The tables come each as its bytes, as Linux shows them in `/sys/firmware/acpi/tables`; other
/// tables are passed over with a warning. Rules of the overlay:
///
/// 1. SRAT never makes memory: bytes that only SRAT knows stay out, and an entry without any RAM (a
///    slot for memory to come) leaves a warning.
/// 2. Bytes that no entry covers keep what the map says of them, with a warning.
/// 3. Of two entries that claim a byte, the one stated first has it.
/// 4. SLIT counts proximity domains; the result counts nodes. A pair that SLIT does not know gets
///    10 (same node) or 20. A table that breaks the specification (a node's distance to itself is
///    not 10, or another's is 10 or less) is not used, with a warning.
///
/// 5. SRAT's enabled processors, if it lists any, are the map's CPUs in the order of the table, and
///    its domains are the map's nodes, those without RAM too.
///
/// Immutable; any thread. Source: ACPI 6.5, sections 5.2.6, 5.2.16 and 5.2.17.
public final class AcpiTables {
  private static final int HEADER_BYTES = 36;
  private static final int SLIT_MATRIX_START = 44;
  private static final int LOCAL_DISTANCE = 10;
  private static final int REMOTE_DISTANCE = 20;

  private final @Nullable AcpiSrat srat;
  private final int @Nullable [][] slit;
  private final String[] warnings;

  private AcpiTables(@Nullable AcpiSrat srat, int @Nullable [][] slit, String[] warnings) {
    this.srat = srat;
    this.slit = slit;
    this.warnings = warnings;
  }

  /// Reads tables, in any order.
  ///
  /// @param tables each from its own address 0
  /// @return what they say
  /// @throws MemoryMapException if a header, sum or entry is wrong, if a table ends early, or if
  ///   there are two of a kind; the offset is within its table
  public static AcpiTables read(ByteView... tables) throws MemoryMapException {
    AcpiSrat srat = null;
    int[][] slit = null;
    boolean slitSeen = false;
    MemoryMapBuilder notes = new MemoryMapBuilder("acpi");
    for (ByteView table : tables) {
      String signature = signatureOf(table);
      long byteSize = checkedSize(table, signature);
      switch (signature) {
        case "SRAT" -> {
          if (srat != null) {
            throw new MemoryMapException("SRAT", 0, "a second table of this kind");
          }
          srat = new AcpiSrat(table, byteSize, table.u8("SRAT", 8));
        }
        case "SLIT" -> {
          if (slitSeen) {
            throw new MemoryMapException("SLIT", 0, "a second table of this kind");
          }
          slitSeen = true;
          slit = slitOf(table, byteSize, notes);
        }
        default -> notes.addWarning("ACPI table " + signature + " says nothing of memory");
      }
    }
    return new AcpiTables(srat, slit, notes.warnings());
  }

  private static String signatureOf(ByteView table) throws MemoryMapException {
    StringBuilder signature = new StringBuilder();
    for (int i = 0; i < 4; i++) {
      int letter = table.u8("ACPI header", i);
      if ((letter < 'A' || letter > 'Z') && (letter < '0' || letter > '9') && letter != '_') {
        throw new MemoryMapException("ACPI header", i, "not the signature of a table");
      }
      signature.append((char) letter);
    }
    return signature.toString();
  }

  private static long checkedSize(ByteView table, String signature) throws MemoryMapException {
    long byteSize = table.u32le(signature, 4);
    if (byteSize < HEADER_BYTES || byteSize > MemoryMap.MAX_FILE_BYTES) {
      throw new MemoryMapException(signature, 4, "length " + byteSize);
    }
    table.require(signature, 0, byteSize);
    int sum = 0;
    for (long i = 0; i < byteSize; i++) {
      sum += table.byteAt(i);
    }
    if ((sum & 0xFF) != 0) {
      throw new MemoryMapException(signature, 9, "wrong checksum");
    }
    return byteSize;
  }

  private static int @Nullable [][] slitOf(ByteView table, long byteSize, MemoryMapBuilder notes)
      throws MemoryMapException {
    long side = table.u64le("SLIT", HEADER_BYTES);
    if (Long.compareUnsigned(side, AcpiSrat.MAX_NODES) > 0
        || side * side > byteSize - SLIT_MATRIX_START) {
      throw new MemoryMapException(
          "SLIT",
          HEADER_BYTES,
          Long.toUnsignedString(side) + " localities do not fit " + byteSize + " bytes");
    }
    int count = (int) side;
    int[][] matrix = new int[count][count];
    for (int from = 0; from < count; from++) {
      for (int to = 0; to < count; to++) {
        long at = SLIT_MATRIX_START + (long) from * count + to;
        int distance = table.u8("SLIT", at);
        if (from == to ? distance != LOCAL_DISTANCE : distance <= LOCAL_DISTANCE) {
          notes.addWarning(
              "SLIT: distance " + distance + " from " + from + " to " + to + "; table not used");
          return null;
        }
        matrix[from][to] = distance;
      }
    }
    return matrix;
  }

  /// How many nodes there are: as many as SRAT has proximity domains, or as SLIT has localities if
  /// there is no SRAT.
  ///
  /// @return 0 or more
  public int nodeCount() {
    if (srat != null) {
      return srat.nodeCount();
    }
    return slit == null ? 0 : slit.length;
  }

  /// The firmware's number of a node.
  ///
  /// @param node 0 … [#nodeCount()] - 1
  /// @return the proximity domain, 0 … 2^32 - 1
  public long proximityDomain(int node) {
    return srat == null ? node : srat.domainOf(node);
  }

  /// How many processors SRAT lists as enabled.
  ///
  /// @return 0 or more
  public int processorCount() {
    return srat == null ? 0 : srat.processorCount();
  }

  /// The node of a processor.
  ///
  /// @param index 0 … [#processorCount()] - 1, in the order of the table
  /// @return the node
  public int processorNode(int index) {
    if (srat == null || index < 0 || index >= srat.processorCount()) {
      throw new IndexOutOfBoundsException("processor " + index);
    }
    return srat.processorNode(index);
  }

  /// How many ranges SRAT lists as enabled.
  ///
  /// @return 0 or more
  public int affinityCount() {
    return srat == null ? 0 : srat.memory().length;
  }

  /// A range of SRAT, in the order of the table.
  ///
  /// @param index 0 … [#affinityCount()] - 1
  /// @return range, node and whether it is hot-pluggable
  public MemoryRegion affinity(int index) {
    if (srat == null) {
      throw new IndexOutOfBoundsException("affinity " + index);
    }
    return srat.memory()[index];
  }

  /// How many nodes the distances cover.
  ///
  /// @return [#nodeCount()], or 0 if there is no SLIT that can be used
  public int distanceCount() {
    return slit == null ? 0 : nodeCount();
  }

  /// The distance between two nodes.
  ///
  /// @param from 0 … [#distanceCount()] - 1
  /// @param to 0 … [#distanceCount()] - 1
  /// @return 10 for a node itself, more for others
  /// @throws IndexOutOfBoundsException if there is no such pair
  public int distance(int from, int to) {
    int count = distanceCount();
    if (slit == null || from < 0 || from >= count || to < 0 || to >= count) {
      throw new IndexOutOfBoundsException("distance from " + from + " to " + to);
    }
    long fromDomain = proximityDomain(from);
    long toDomain = proximityDomain(to);
    if (fromDomain < slit.length && toDomain < slit.length) {
      return slit[(int) fromDomain][(int) toDomain];
    }
    return from == to ? LOCAL_DISTANCE : REMOTE_DISTANCE;
  }

  /// Gives the memory of a map its nodes and hot-plug flags, and the map its distances.
  ///
  /// @param map what firmware or boot log say; unchanged
  /// @return a new map by the rules above
  /// @throws MemoryMapException if it has too many ranges
  public MemoryMap applyTo(MemoryMap map) throws MemoryMapException {
    MemoryMapBuilder result = new MemoryMapBuilder(map);
    for (String warning : warnings) {
      result.addWarning(warning);
    }
    if (srat != null) {
      nameNodes(srat, result);
    }
    if (srat != null && srat.memory().length > 0) {
      AcpiOverlay.splitMemory(map, srat.sortedMemory(), result);
      for (MemoryRegion affinity : srat.memory()) {
        AcpiOverlay.warnIfWithoutRam(map, affinity.range(), result);
      }
    }
    if (slit != null) {
      result.distances(distancesByNode());
    }
    return result.build();
  }

  private static void nameNodes(AcpiSrat srat, MemoryMapBuilder result) {
    if (srat.nodeCount() > 0) {
      result.clearNodes();
    }
    for (int node = 0; node < srat.nodeCount(); node++) {
      result.addNode(node);
    }
    if (srat.processorCount() > 0) {
      result.clearCpus();
    }
    for (int i = 0; i < srat.processorCount(); i++) {
      result.addCpu(srat.processorNode(i));
    }
  }

  private int[][] distancesByNode() {
    int count = distanceCount();
    int[][] result = new int[count][count];
    for (int from = 0; from < count; from++) {
      for (int to = 0; to < count; to++) {
        result[from][to] = distance(from, to);
      }
    }
    return result;
  }
}
