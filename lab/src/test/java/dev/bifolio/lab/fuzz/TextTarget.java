package dev.bifolio.lab.fuzz;

import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapException;

/// What must hold of a text reader's answer: a refusal with a record, or a map in order.
final class TextTarget {
  /// A reader under test.
  @FunctionalInterface
  interface Reader {
    MemoryMap read(byte[] text) throws MemoryMapException;
  }

  private TextTarget() {}

  static void check(Reader reader, byte[] input) {
    MemoryMap map;
    try {
      map = reader.read(input);
    } catch (MemoryMapException e) {
      require(!e.record().isEmpty(), "a refusal without a record");
      require(e.offset() >= 0 && e.offset() <= input.length, "an offset outside the text");
      return;
    }
    check(map);
  }

  static void check(MemoryMap map) {
    require(map.memoryCount() <= MemoryMap.MAX_REGIONS, "too many ranges of memory");
    require(map.reservedCount() <= MemoryMap.MAX_REGIONS, "too many reservations");
    for (int i = 1; i < map.memoryCount(); i++) {
      require(
          Long.compareUnsigned(map.memory(i - 1).range().last(), map.memory(i).range().base()) < 0,
          "memory is not in order, or overlaps");
    }
    for (int i = 1; i < map.reservedCount(); i++) {
      long before = map.reserved(i - 1).range().base();
      require(
          Long.compareUnsigned(before, map.reserved(i).range().base()) <= 0,
          "reservations are not in order");
    }
  }

  static void require(boolean holds, String problem) {
    if (!holds) {
      throw new AssertionError(problem);
    }
  }
}
