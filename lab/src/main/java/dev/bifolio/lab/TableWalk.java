package dev.bifolio.lab;

import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.mmu.MmuFault;
import dev.bifolio.kernel.table.PageFormat;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// How one virtual address is translated by a processor that reads the bytes of the tables: from
/// the root down, one entry a level, until an entry maps a page or says nothing.
///
/// @param line of the script, from 1
/// @param virtualAddress what was asked for
/// @param steps each entry that was looked at
/// @param fault why there is no physical address; null if there is one
record TableWalk(int line, long virtualAddress, List<Step> steps, @Nullable Fault fault) {
  /// Why an address has no translation.
  enum Fault {
    /// No address of the format.
    NOT_CANONICAL("not-canonical"),
    /// An entry says nothing.
    NOT_PRESENT("not-present");

    private final String label;

    Fault(String label) {
      this.label = label;
    }

    /// As JSON has it.
    String label() {
      return label;
    }
  }

  /// One entry.
  ///
  /// @param level of its table
  /// @param table its physical address
  /// @param index of the entry
  /// @param entry its bits
  record Step(int level, long table, int index, long entry) {}

  static TableWalk of(TableMemory memory, int line, long virtualAddress) {
    List<Step> steps = new ArrayList<>(memory.format().levels());
    long physical =
        memory
            .processor()
            .trace(
                virtualAddress,
                Mmu.LOAD,
                (level, table, index, entry) -> steps.add(new Step(level, table, index, entry)));
    return new TableWalk(line, virtualAddress, steps, physical < 0 ? faultOf(physical) : null);
  }

  private static @Nullable Fault faultOf(long code) {
    MmuFault fault = MmuFault.of(code);
    return switch (fault) {
      case NOT_CANONICAL -> Fault.NOT_CANONICAL;
      case NOT_PRESENT -> Fault.NOT_PRESENT;
      case NO_LOAD -> null; // a page to be executed alone is translated like any other
      default -> throw new IllegalStateException("tables that no processor walks: " + fault);
    };
  }

  /// The entry with which it ended; only if the address is canonical.
  Step last() {
    return steps.getLast();
  }

  /// Where the page begins; only without fault.
  long page(PageFormat format) {
    return format.address(last().level(), last().entry());
  }

  /// How far into its page the address is; only if it is canonical.
  long offset(PageFormat format) {
    return virtualAddress & (format.pageByteSize(last().level()) - 1);
  }

  /// What the page allows; only without fault.
  int flags(PageFormat format) {
    return format.flags(last().level(), last().entry());
  }
}
