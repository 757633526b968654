package dev.bifolio.kernel.firmware;

import org.jspecify.annotations.Nullable;

/// The kinds of machine a map can come from.
public enum Architecture {
  /// 64-bit x86.
  X86_64("x86_64", "x86-64", "amd64"),
  /// 32-bit x86.
  I386("i386", "x86", "i686"),
  /// 64-bit Arm.
  AARCH64("aarch64", "arm64", "armv8"),
  /// 32-bit Arm.
  ARM("arm", "armhf", "arm32"),
  /// 64-bit RISC-V.
  RISCV64("riscv64", "rv64", "riscv"),
  /// 32-bit RISC-V.
  RISCV32("riscv32", "rv32", "riscv-32");

  private final String label;
  private final String alias;
  private final String otherAlias;

  Architecture(String label, String alias, String otherAlias) {
    this.label = label;
    this.alias = alias;
    this.otherAlias = otherAlias;
  }

  /// The name used in reports and on the command line.
  ///
  /// @return lower case
  public String label() {
    return label;
  }

  /// The architecture of a name, in any of its usual spellings.
  ///
  /// @param name such as `aarch64` or `arm64`
  /// @return the architecture, or null if the name is not known
  public static @Nullable Architecture of(String name) {
    for (Architecture each : values()) {
      if (name.equals(each.label) || name.equals(each.alias) || name.equals(each.otherAlias)) {
        return each;
      }
    }
    return null;
  }
}
