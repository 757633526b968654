package dev.bifolio.kernel.mmu;

import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.X86Format;

/// Bits of control registers that change what a memory management unit does, by the names of their
/// manuals. Those of one architecture mean nothing to another, and are refused there.
public final class MmuControl {
  /// x86, CR0.WP: what is read-only is so for the kernel too.
  public static final int X86_WP = 1;

  /// x86, EFER.NXE: entries may forbid execution; without it their bit 63 is reserved.
  public static final int X86_NXE = 1 << 1;

  /// x86, CR4.SMEP: the kernel executes no pages of the user.
  public static final int X86_SMEP = 1 << 2;

  /// x86, CR4.SMAP: the kernel loads and stores no data of the user, unless [#X86_AC].
  public static final int X86_SMAP = 1 << 3;

  /// x86, EFLAGS.AC: lifts SMAP for a while.
  public static final int X86_AC = 1 << 4;

  /// x86, CR4.PGE: pages may be global.
  public static final int X86_PGE = 1 << 5;

  /// AArch64, TCR_EL1.HA: hardware sets the access flag. Without it, an access to a page without
  /// the flag faults.
  public static final int ARM_HA = 1 << 8;

  /// AArch64, TCR_EL1.HD: a store makes a page with DBM writable. Nothing without HA.
  public static final int ARM_HD = 1 << 9;

  /// AArch64, PSTATE.PAN: the kernel loads and stores no data of the user.
  public static final int ARM_PAN = 1 << 10;

  /// AArch64, SCTLR_EL1.WXN: what is writable is not executable.
  public static final int ARM_WXN = 1 << 11;

  /// RISC-V, sstatus.SUM: the kernel may load and store data of the user.
  public static final int RISCV_SUM = 1 << 16;

  /// RISC-V, sstatus.MXR: what is executable is readable.
  public static final int RISCV_MXR = 1 << 17;

  /// RISC-V, menvcfg.ADUE (Svadu): hardware sets accessed and dirty bits. Without it, an access
  /// that would have to faults (Svade).
  public static final int RISCV_ADUE = 1 << 18;

  /// RISC-V, menvcfg.PBMTE (Svpbmt): entries have memory types; without it their bits 62 and 61 are
  /// reserved.
  public static final int RISCV_PBMTE = 1 << 19;

  /// Those that are looked at with each access; all others change what a [Tlb] may remember.
  static final int AT_EACH_ACCESS =
      X86_WP | X86_SMEP | X86_SMAP | X86_AC | ARM_PAN | RISCV_SUM | RISCV_MXR;

  private static final int X86_ALL = (1 << 6) - 1;
  private static final int ARM_ALL = 15 << 8;
  private static final int RISCV_ALL = 15 << 16;

  private MmuControl() {}

  /// What can be set for a format.
  ///
  /// @param format any
  /// @return bits
  public static int all(PageFormat format) {
    return switch (format) {
      case X86Format _ -> X86_ALL;
      case I386Format _ -> X86_WP | X86_PGE;
      case Aarch64Format _ -> ARM_ALL;
      case RiscvFormat _ -> RISCV_ALL;
    };
  }

  /// What a kernel sets that does the usual with tables of a format: nothing that keeps it from the
  /// data of the user.
  ///
  /// @param format any
  /// @return bits
  public static int usual(PageFormat format) {
    return switch (format) {
      case X86Format _ -> X86_WP | X86_NXE | X86_SMEP | X86_PGE;
      case I386Format _ -> X86_WP | X86_PGE;
      case Aarch64Format _ -> 0;
      case RiscvFormat riscv -> {
        int typed = PageFlags.READ | PageFlags.DEVICE;
        yield RISCV_SUM | (riscv.expressible(typed) == typed ? RISCV_PBMTE : 0);
      }
    };
  }
}
