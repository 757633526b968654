package dev.bifolio.kernel;

import dev.bifolio.kernel.mmu.ShootdownLog;
import dev.bifolio.kernel.table.Flusher;
import dev.bifolio.kernel.virtual.Asids;

/// Makes the processors of a machine forget one user space, under the number that it has at that
/// moment.
///
/// A space that changes its number while this runs is no danger: what was remembered under the old
/// one is flushed here, or was when the generation of numbers ended, and what is remembered under
/// the new one was read after the tables had changed ([Asids#numberOf]).
///
/// @param log of the processors
/// @param asids who gives numbers
/// @param asidWord address of the space's word there
record SpaceFlusher(ShootdownLog log, Asids asids, long asidWord) implements Flusher {
  @Override
  public void flushPage(long virtualAddress) {
    log.flushPage(asids.numberOf(asidWord), virtualAddress);
  }

  @Override
  public void flushAll(boolean globalToo) {
    log.flushAll(asids.numberOf(asidWord), globalToo);
  }
}
