package dev.bifolio.lab;

import dev.bifolio.kernel.table.CollapseOutcome;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.ProtectOutcome;
import dev.bifolio.kernel.table.SplitOutcome;
import dev.bifolio.kernel.table.UnmapOutcome;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;

/// Says of an operation that was refused why, and where. One that was done passes.
///
/// A script has one space, which shares nothing and keeps no empty tables, so some outcomes cannot
/// come.
final class TableRefusal {
  private final TableMemory memory;
  private final PageFormat format;

  TableRefusal(TableMemory memory) {
    this.memory = memory;
    this.format = memory.format();
  }

  // ---- Each operation ----

  /// @param unitLevel of whose pages all has to be a multiple
  void ofMap(MapOutcome outcome, long va, long pa, long byteSize, int unitLevel)
      throws ScriptException {
    switch (outcome) {
      case MAPPED -> {}
      case ALREADY_MAPPED -> {
        long at = first(va, byteSize, true);
        TableWalk walk = TableWalk.of(memory, 0, at);
        throw new ScriptException(
            "already mapped: %s goes to %s, by a page of %s"
                .formatted(
                    AddressRange.hex(at),
                    AddressRange.hex(walk.page(format) + walk.offset(format)),
                    Numbers.bytes(format.pageByteSize(walk.last().level()))));
      }
      case NO_TABLE -> throw new ScriptException(noTable(1));
      case MISALIGNED -> {
        requireMultiple("VA", va, unitLevel);
        requireMultiple("PA", pa, unitLevel);
        throw misaligned("LENGTH", byteSize, unitLevel);
      }
      case NOT_CANONICAL -> throw notCanonical(va, byteSize);
      case TOO_HIGH ->
          throw new ScriptException(
              "%s from %s on: physical addresses of %s end at 2^%d"
                  .formatted(
                      Numbers.bytes(byteSize),
                      AddressRange.hex(pa),
                      format,
                      format.physicalBits()));
      case TABLE_IN_THE_WAY, TOP_IS_SHARED, KERNEL_HALF -> throw impossible(outcome);
    }
  }

  void ofUnmap(UnmapOutcome outcome, long va, long byteSize) throws ScriptException {
    switch (outcome) {
      case DONE -> {}
      case NOT_MAPPED -> throw notMapped(first(va, byteSize, false));
      case NO_TABLE -> throw new ScriptException(noTable(1));
      case MISALIGNED -> throw misalignedRange(va, byteSize);
      case NOT_CANONICAL -> throw notCanonical(va, byteSize);
      case TOP_IS_SHARED, KERNEL_HALF -> throw impossible(outcome);
    }
  }

  void ofProtect(ProtectOutcome outcome, long va, long byteSize) throws ScriptException {
    switch (outcome) {
      case DONE -> {}
      case NOT_MAPPED -> throw notMapped(first(va, byteSize, false));
      case NO_TABLE -> throw new ScriptException(noTable(1));
      case MISALIGNED -> throw misalignedRange(va, byteSize);
      case NOT_CANONICAL -> throw notCanonical(va, byteSize);
      case TOP_IS_SHARED, KERNEL_HALF -> throw impossible(outcome);
    }
  }

  void ofSplit(SplitOutcome outcome, long va) throws ScriptException {
    switch (outcome) {
      case DONE -> {}
      case NOT_MAPPED -> throw notMapped(va);
      case NO_TABLE -> throw new ScriptException(noTable(1));
      case NOT_CANONICAL -> throw notCanonical(va, 1);
      case TOP_IS_SHARED, KERNEL_HALF -> throw impossible(outcome);
    }
  }

  void ofCollapse(CollapseOutcome outcome, long va, int level) throws ScriptException {
    switch (outcome) {
      case DONE -> {}
      case NOT_MAPPED -> {
        long byteSize = format.pageByteSize(level);
        throw notMapped(first(va & -byteSize, byteSize, false));
      }
      case NOT_UNIFORM ->
          throw new ScriptException(
              "the pages of these %s are not one aligned run of memory with the same flags"
                  .formatted(Numbers.bytes(format.pageByteSize(level))));
      case NOT_CANONICAL -> throw notCanonical(va, 1);
      case TOP_IS_SHARED, KERNEL_HALF -> throw impossible(outcome);
    }
  }

  // ---- What they have in common ----

  /// @param needed tables, as far as it is known
  static String noTable(long needed) {
    return "no memory for its tables: %s more%s, and there are at most %s"
        .formatted(
            needed == 1 ? "one" : Numbers.count(needed),
            needed == 1 ? " at least" : " (" + Numbers.bytes(needed * Pages.PAGE_SIZE) + ")",
            Numbers.bytes(TableMemory.MAX_BYTE_SIZE));
  }

  private static ScriptException notMapped(long va) {
    return new ScriptException("not mapped: " + AddressRange.hex(va));
  }

  private ScriptException notCanonical(long va, long byteSize) {
    String what =
        byteSize == 1
            ? AddressRange.hex(va)
            : Numbers.bytes(byteSize) + " from " + AddressRange.hex(va) + " on";
    if (format.isCanonical(va) && format.isCanonical(va + byteSize - 1)) {
      return new ScriptException(what + " are addresses of both halves, or wrap around");
    }
    return new ScriptException("%s: %s".formatted(what, FormatText.canonicalRule(format)));
  }

  private ScriptException misalignedRange(long va, long byteSize) throws ScriptException {
    requireMultiple("VA", va, 1);
    return misaligned("LENGTH", byteSize, 1);
  }

  private void requireMultiple(String name, long value, int level) throws ScriptException {
    if ((value & (format.pageByteSize(level) - 1)) != 0) {
      throw misaligned(name, value, level);
    }
  }

  private ScriptException misaligned(String name, long value, int level) {
    return new ScriptException(
        value == 0
            ? "the LENGTH is 0"
            : "%s %s is no multiple of %s"
                .formatted(
                    name, AddressRange.hex(value), Numbers.bytes(format.pageByteSize(level))));
  }

  private static IllegalStateException impossible(Enum<?> outcome) {
    return new IllegalStateException(outcome + " in a space that shares nothing");
  }

  /// The first address of a range that is mapped, or that is not, whichever is wanted. What is not
  /// there is passed over in steps of what its entry spans.
  private long first(long va, long byteSize, boolean mapped) {
    long last = va + byteSize - 1;
    long at = va;
    while (true) {
      TableWalk walk = TableWalk.of(memory, 0, at);
      boolean isMapped = walk.fault() == null;
      long span = format.pageByteSize(walk.last().level());
      long next = at - walk.offset(format) + span;
      if (isMapped == mapped || next - 1 == last || next - va > byteSize) {
        return at;
      }
      at = next;
    }
  }
}
