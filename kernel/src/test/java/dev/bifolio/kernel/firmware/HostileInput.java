package dev.bifolio.kernel.firmware;

/// Feeds a reader data that may be anything and counts what it answers: a map, or a refusal. Any
/// other exception, or a map that breaks its own rules, is an error.
final class HostileInput {
  /// A reader under test.
  @FunctionalInterface
  interface Reader {
    MemoryMap read(ByteView bytes) throws MemoryMapException;
  }

  private final Reader reader;
  private long maps;
  private long refusals;
  private long slowestNanos;

  HostileInput(Reader reader) {
    this.reader = reader;
  }

  long maps() {
    return maps;
  }

  long refusals() {
    return refusals;
  }

  long slowestNanos() {
    return slowestNanos;
  }

  /// Reads once.
  ///
  /// @param what says what was done to the data, for the message
  void feed(byte[] bytes, String what) {
    long start = System.nanoTime();
    try {
      assertWellFormed(reader.read(ByteView.of(bytes)));
      maps++;
    } catch (MemoryMapException e) {
      if (e.record().isEmpty()) {
        throw new AssertionError(what + ": a refusal without a record", e);
      }
      refusals++;
    } catch (RuntimeException | Error e) {
      throw new AssertionError(what + ": " + e, e);
    }
    slowestNanos = Math.max(slowestNanos, System.nanoTime() - start);
  }

  /// Checks the rules that a map states for itself.
  static void assertWellFormed(MemoryMap map) {
    for (int i = 0; i < map.memoryCount(); i++) {
      MemoryRegion each = map.memory(i);
      require(each.range().byteSize() != 0, "an empty range of memory");
      if (i > 0) {
        MemoryRegion before = map.memory(i - 1);
        require(
            Long.compareUnsigned(before.range().last(), each.range().base()) < 0,
            "memory is not in order");
        require(
            before.range().end() != each.range().base()
                || before.node() != each.node()
                || before.hotpluggable() != each.hotpluggable(),
            "equal neighbours are not merged");
      }
    }
    for (int i = 1; i < map.reservedCount(); i++) {
      require(
          Long.compareUnsigned(map.reserved(i - 1).range().base(), map.reserved(i).range().base())
              <= 0,
          "reservations are not in order");
    }
    for (int i = 0; i < map.dynamicReservationCount(); i++) {
      long alignment = map.dynamicReservation(i).byteAlignment();
      require((alignment & (alignment - 1)) == 0, "an alignment is no power of two");
      require(map.dynamicReservation(i).byteSize() != 0, "an empty dynamic reservation");
    }
    for (int from = 0; from < map.distanceCount(); from++) {
      require(map.distance(from, from) == 10, "a node is not local to itself");
    }
    require(map.cpuCount() <= MemoryMap.MAX_CPUS, "too many CPUs");
    require(map.nodeCount() <= FdtReader.MAX_NUMA_NODES, "too many nodes");
    for (int i = 1; i < map.nodeCount(); i++) {
      require(map.node(i - 1) < map.node(i), "nodes are not in order");
    }
  }

  private static void require(boolean holds, String problem) {
    if (!holds) {
      throw new IllegalStateException(problem);
    }
  }
}
