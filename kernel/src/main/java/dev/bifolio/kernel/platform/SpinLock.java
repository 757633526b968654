package dev.bifolio.kernel.platform;

/// A lock in one word of memory: 0 free, 1 taken.
///
/// Taking it is a compare-and-set; the release store that gives it back publishes what was written
/// under it. A waiter only reads until the word is 0, so that it does not take the line from the
/// holder; it spins, then gives its processor away, and after many turns rests, because the holder
/// has then lost its processor and runs the sooner the fewer want one. It is not fair, and the
/// thread that holds it must not take it again: nothing foreign is ever called under it.
///
/// @param address of 8 zero bytes, a multiple of 8
public record SpinLock(long address) {
  /// Waits until the lock is open, and takes it.
  public void lock() {
    for (int turn = 0; !tryLock(); turn++) {
      Cpu.await(turn);
    }
  }

  /// Takes the lock if it is open.
  ///
  /// @return whether the caller has it now
  public boolean tryLock() {
    return Memory.getLongVolatile(address) == 0 && Memory.compareAndSetLong(address, 0, 1);
  }

  /// Gives the lock back. For the thread that has it.
  public void unlock() {
    Memory.putLongRelease(address, 0);
  }
}
