package dev.bifolio.kernel.mmu;

import dev.bifolio.kernel.table.Flusher;

/// The [Flusher] of one address space, for all processors of a [ShootdownLog].
///
/// Any thread that is not in the middle of an access, with or without the lock of the space.
public final class Shootdown implements Flusher {
  private final ShootdownLog log;
  private final int asid;

  /// Flushes one space.
  ///
  /// @param log of the processors
  /// @param asid the number under which they know the space
  public Shootdown(ShootdownLog log, int asid) {
    if (asid < 0 || asid >= Tlb.ASID_COUNT) {
      throw new IllegalArgumentException("ASID " + asid + " has more than 16 bits");
    }
    this.log = log;
    this.asid = asid;
  }

  @Override
  public void flushPage(long virtualAddress) {
    log.flushPage(asid, virtualAddress);
  }

  @Override
  public void flushAll(boolean globalToo) {
    log.flushAll(asid, globalToo);
  }
}
