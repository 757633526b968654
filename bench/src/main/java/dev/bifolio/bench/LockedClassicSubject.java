package dev.bifolio.bench;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;

/// The classic buddy allocator for several threads: one lock around every call, which is what a
/// machine does with it.
final class LockedClassicSubject extends Subject {
  private final ClassicSubject classic;
  private final Window lock;

  private LockedClassicSubject(ClassicSubject classic, Window lock) {
    this.classic = classic;
    this.lock = lock;
  }

  static Subject create(long frameCount) {
    try {
      return new LockedClassicSubject(ClassicSubject.create(frameCount), Window.reserve(64));
    } catch (WindowException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  @Override
  long allocate(int order) {
    lock();
    try {
      return classic.allocate(order);
    } finally {
      unlock();
    }
  }

  @Override
  void free(long pfn, int order) {
    lock();
    try {
      classic.free(pfn, order);
    } finally {
      unlock();
    }
  }

  @Override
  void drain() {
    classic.drain();
  }

  @Override
  int maxOrder() {
    return classic.maxOrder();
  }

  @Override
  long metadataBytes() {
    return classic.metadataBytes();
  }

  @Override
  public void close() {
    classic.close();
    lock.close();
  }

  private void lock() {
    for (int turn = 0; !Memory.compareAndSetLong(lock.address(), 0, 1); turn++) {
      Cpu.relax(turn);
    }
  }

  private void unlock() {
    Memory.putLongRelease(lock.address(), 0);
  }
}
