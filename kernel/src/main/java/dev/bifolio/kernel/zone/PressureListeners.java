package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.platform.SpinLock;
import org.jspecify.annotations.Nullable;

/// A bounded set of listeners, told one after the other under no lock. Any thread.
///
/// The lock is held for a look at one slot at a time, so a listener may come and go while others
/// are told, itself included.
final class PressureListeners {
  private final SpinLock lock;

  /// Read and written under the lock.
  private final @Nullable PressureListener[] slots;

  /// Written under the lock.
  private @Nullable Throwable lastFailure;

  /// No listeners yet.
  ///
  /// @param lockAddress of 8 bytes that are zero or a lock that nobody holds
  /// @param maxListeners 1 or more
  PressureListeners(long lockAddress, int maxListeners) {
    lock = new SpinLock(lockAddress);
    slots = new PressureListener[maxListeners];
  }

  /// Adds a listener; false if every slot is taken.
  boolean register(PressureListener listener) {
    return replaceFirst(null, listener);
  }

  /// Takes a listener away once; false if it was not there.
  boolean unregister(PressureListener listener) {
    return replaceFirst(listener, null);
  }

  /// Tells all of a change, and how many of them failed.
  int tell(int zoneIndex, PressureLevel from, PressureLevel to) {
    int failures = 0;
    for (int slot = 0; slot < slots.length; slot++) {
      PressureListener listener = at(slot);
      if (listener != null && !isTold(listener, zoneIndex, from, to)) {
        failures++;
      }
    }
    return failures;
  }

  @Nullable Throwable lastFailure() {
    lock.lock();
    try {
      return lastFailure;
    } finally {
      lock.unlock();
    }
  }

  @SuppressWarnings("checkstyle:IllegalCatch") // whatever a listener throws is not the observer's
  private boolean isTold(
      PressureListener listener, int zoneIndex, PressureLevel from, PressureLevel to) {
    try {
      listener.pressureChanged(zoneIndex, from, to);
      return true;
    } catch (Throwable e) {
      keep(e);
      return false;
    }
  }

  private void keep(Throwable failure) {
    lock.lock();
    try {
      lastFailure = failure;
    } finally {
      lock.unlock();
    }
  }

  private @Nullable PressureListener at(int slot) {
    lock.lock();
    try {
      return slots[slot];
    } finally {
      lock.unlock();
    }
  }

  @SuppressWarnings("ReferenceEquality") // the very same listener
  private boolean replaceFirst(
      @Nullable PressureListener found, @Nullable PressureListener replacement) {
    lock.lock();
    try {
      for (int slot = 0; slot < slots.length; slot++) {
        if (slots[slot] == found) {
          slots[slot] = replacement;
          return true;
        }
      }
      return false;
    } finally {
      lock.unlock();
    }
  }
}
