package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;

/// A spin lock in one word, for what takes some loads and stores: 0 free, 1 taken.
///
/// Nothing foreign is called while it is held. Not fair, and not to be taken twice.
///
/// @param address of 8 zero bytes, a multiple of 8
record WordLock(long address) {
  void lock() {
    for (int turn = 0; !Memory.compareAndSetLong(address, 0, 1); turn++) {
      Cpu.relax(turn);
    }
  }

  void unlock() {
    Memory.putLongRelease(address, 0);
  }
}
