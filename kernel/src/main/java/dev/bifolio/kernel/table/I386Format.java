package dev.bifolio.kernel.table;

/// i386 with two levels: 4 KiB, and 4 MiB where CR4.PSE is set.
///
/// ```
///   31 … 12                       11…9 8 7   6 5 4   3   2   1   0
///   address                       soft G PAT D A PCD PWT U/S R/W P     leaf of 4 KiB
///   31…22 │ 0 │ 39…32 in 20…13    soft G 1   D A PCD PWT U/S R/W P     leaf of 4 MiB
///   address                       -    - 0   - A PCD PWT U/S R/W P     table
/// ```
///
/// Nothing keeps a page from being executed here: text can be read-only, data cannot be anything
/// but executable. Physical addresses have 32 bits; bits 39…32 of large pages (PSE-36) are left 0.
///
/// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3A, 5.3 (tables 5-4
/// to 5-6 in the edition of 2024).
public final class I386Format extends PageFormat {
  /// The format.
  public static final I386Format INSTANCE = new I386Format();

  /// The usual border between user and kernel: 3 GiB and 1 GiB.
  private static final int KERNEL_INDEX = 768;

  private I386Format() {
    super("i386", 2, 10, 2, 2, 32, 0, X86Format.PRESENT, X86Format.LARGE, false);
  }

  @Override
  long startOf(int root, int index) {
    return (long) index << shift(levels());
  }

  @Override
  int kernelIndex() {
    return KERNEL_INDEX;
  }

  @Override
  public boolean isKernelHalf(long virtualAddress) {
    return virtualAddress >= startOf(0, KERNEL_INDEX);
  }

  @Override
  public boolean isCanonical(long virtualAddress) {
    return virtualAddress >>> Integer.SIZE == 0;
  }

  @Override
  public long table(long physicalAddress) {
    return physicalAddress
        | X86Format.PRESENT
        | X86Format.WRITABLE
        | X86Format.USER
        | X86Format.ACCESSED;
  }

  @Override
  public long leaf(int level, long physicalAddress, int flags) {
    return physicalAddress | X86Format.lowBits(level, flags);
  }

  @Override
  public int flags(int level, long entry) {
    return X86Format.lowFlags(entry) | PageFlags.EXECUTE;
  }

  @Override
  public int expressible(int flags) {
    return flags | PageFlags.READ | PageFlags.EXECUTE;
  }
}
