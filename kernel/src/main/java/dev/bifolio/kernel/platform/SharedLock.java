package dev.bifolio.kernel.platform;

/// A lock in one word of memory that many may share, or one may have alone.
///
/// ```
///   63            33   32    31             0
///   │ wait for it   │ alone │ how many share │      0: free
/// ```
///
/// Who wants it alone says so first; from then on nobody new shares it, so that it becomes free.
/// Sharing is one compare-and-set, and giving back one addition, which publishes what was written
/// under the lock. Waiters spin, then give their processor away, then rest, as those of [SpinLock].
/// It is not fair among those who want it alone, and a thread that has it must not take it again,
/// in neither way.
///
/// @param address of 8 zero bytes, a multiple of 8
public record SharedLock(long address) {
  private static final long ALONE = 1L << 32;
  private static final long WAITS = 1L << 33;

  /// Waits until nobody has or wants the lock alone, and shares it.
  public void lockShared() {
    for (int turn = 0; ; turn++) {
      long word = Memory.getLongVolatile(address);
      if (word < ALONE && Memory.compareAndSetLong(address, word, word + 1)) {
        return;
      }
      Cpu.await(turn);
    }
  }

  /// Ends the calling thread's share.
  public void unlockShared() {
    Memory.getAndAddLong(address, -1);
  }

  /// Waits until nobody else has the lock in any way, and takes it alone.
  public void lock() {
    Memory.getAndAddLong(address, WAITS);
    for (int turn = 0; ; turn++) {
      long word = Memory.getLongVolatile(address);
      if ((word & (WAITS - 1)) == 0
          && Memory.compareAndSetLong(address, word, word - WAITS + ALONE)) {
        return;
      }
      Cpu.await(turn);
    }
  }

  /// Takes the lock alone if nobody has or wants it.
  ///
  /// @return whether the caller has it now
  public boolean tryLock() {
    return Memory.compareAndSetLong(address, 0, ALONE);
  }

  /// Gives the lock back. For the thread that has it alone.
  public void unlock() {
    Memory.getAndAddLong(address, -ALONE);
  }
}
