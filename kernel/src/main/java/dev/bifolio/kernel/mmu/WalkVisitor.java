package dev.bifolio.kernel.mmu;

/// Is shown each step of a walk through page tables.
public interface WalkVisitor {
  /// An entry that hardware has looked at.
  ///
  /// @param level of the table: 1 has pages of 4 KiB
  /// @param table its physical address
  /// @param index of the entry
  /// @param entry its bits
  void step(int level, long table, int index, long entry);
}
