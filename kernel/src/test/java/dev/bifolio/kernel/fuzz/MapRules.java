package dev.bifolio.kernel.fuzz;

import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.firmware.MemoryRegion;

/// What must hold of an answer to any input, for the targets of all modules.
public final class MapRules {
  private MapRules() {}

  /// A reader under test.
  @FunctionalInterface
  public interface Reader {
    /// Reads.
    ///
    /// @return a map
    /// @throws MemoryMapException as a refusal
    MemoryMap read() throws MemoryMapException;
  }

  /// Runs a reader: a refusal is fine if it names a record, a map if it keeps its rules.
  ///
  /// @param reader with its input
  public static void check(Reader reader) {
    try {
      requireWellFormed(reader.read());
    } catch (MemoryMapException e) {
      require(!e.record().isEmpty(), "a refusal without a record");
    }
  }

  /// Checks the rules that a map states for itself.
  ///
  /// @param map any
  public static void requireWellFormed(MemoryMap map) {
    require(map.memoryCount() <= MemoryMap.MAX_REGIONS, "too many ranges of memory");
    require(map.reservedCount() <= MemoryMap.MAX_REGIONS, "too many reservations");
    require(map.dynamicReservationCount() <= MemoryMap.MAX_REGIONS, "too many dynamic ones");
    require(map.moduleCount() <= MemoryMap.MAX_REGIONS, "too many modules");
    require(map.warningCount() <= MemoryMap.MAX_FILE_BYTES, "too many warnings");
    for (int i = 0; i < map.memoryCount(); i++) {
      MemoryRegion each = map.memory(i);
      require(each.range().byteSize() != 0, "an empty range of memory");
      if (i > 0) {
        requireOrdered(map.memory(i - 1), each);
      }
    }
    for (int i = 1; i < map.reservedCount(); i++) {
      long before = map.reserved(i - 1).range().base();
      require(
          Long.compareUnsigned(before, map.reserved(i).range().base()) <= 0,
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
  }

  private static void requireOrdered(MemoryRegion before, MemoryRegion each) {
    require(
        Long.compareUnsigned(before.range().last(), each.range().base()) < 0,
        "memory is not in order, or overlaps");
    require(
        before.range().end() != each.range().base()
            || before.node() != each.node()
            || before.hotpluggable() != each.hotpluggable(),
        "equal neighbours are not merged");
  }

  private static void require(boolean holds, String problem) {
    if (!holds) {
      throw new AssertionError(problem);
    }
  }
}
