package dev.bifolio.kernel;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;

/// A lock in one word of the machine's memory: 0 free, 1 taken.
///
/// Taking it is a compare-and-set; the release store that gives it back publishes what was written
/// under it. A waiter spins a bounded number of turns and then gives its processor away. It is not
/// fair, and the thread that holds it must not take it again.
///
/// @param address of 8 zero bytes, a multiple of 8
record SpinLock(long address) {
  void lock() {
    for (int turn = 0; !Memory.compareAndSetLong(address, 0, 1); turn++) {
      Cpu.relax(turn);
    }
  }

  void unlock() {
    Memory.putLongRelease(address, 0);
  }
}
