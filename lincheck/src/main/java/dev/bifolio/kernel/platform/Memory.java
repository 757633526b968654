package dev.bifolio.kernel.platform;

import java.util.concurrent.atomic.AtomicLongArray;

/// The heap twin of the kernel's memory: the same methods over an array, so that a model checker
/// sees every access. Addresses count from 0 up to the size of what [#renew] made. Stands before
/// the kernel's own class on the class path; a test compares the signatures of both.
///
/// Plain accesses are as strong as volatile ones here: the model checker knows no weaker memory
/// model. What depends on one is the business of jcstress.
public final class Memory {
  private static volatile AtomicLongArray words = new AtomicLongArray(0);

  private Memory() {}

  /// Fresh memory, all zero, in place of what there was.
  ///
  /// @param byteSize a multiple of 8
  public static void renew(int byteSize) {
    words = new AtomicLongArray(byteSize / Long.BYTES);
  }

  /// What the memory holds.
  ///
  /// @return 8 bytes an element
  public static long[] save() {
    AtomicLongArray from = words;
    long[] saved = new long[from.length()];
    for (int i = 0; i < saved.length; i++) {
      saved[i] = from.get(i);
    }
    return saved;
  }

  /// Fresh memory with saved contents, in place of what there was.
  ///
  /// @param saved by [#save]
  public static void restore(long[] saved) {
    words = new AtomicLongArray(saved);
  }

  private static int index(long address) {
    return Math.toIntExact(address >>> 3);
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 8
  /// @return the value
  public static long getLong(long address) {
    return words.get(index(address));
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 8
  /// @param value the value
  public static void putLong(long address, long value) {
    words.set(index(address), value);
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 4
  /// @return the value
  public static int getInt(long address) {
    return (int) (words.get(index(address)) >>> shift(address));
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 4
  /// @param value the value
  public static void putInt(long address, int value) {
    putBits(address, 0xFFFF_FFFFL, value);
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 4
  /// @return the value
  public static int getIntAcquire(long address) {
    return getInt(address);
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 4
  /// @param value the value
  public static void putIntRelease(long address, int value) {
    putInt(address, value);
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 4
  /// @param expected the value that must be there
  /// @param value the value to store
  /// @return true if the store took place
  public static boolean compareAndSetInt(long address, int expected, int value) {
    int shift = shift(address);
    while (true) {
      long before = words.get(index(address));
      if ((int) (before >>> shift) != expected) {
        return false;
      }
      long after = (before & ~(0xFFFF_FFFFL << shift)) | ((value & 0xFFFF_FFFFL) << shift);
      if (words.compareAndSet(index(address), before, after)) {
        return true;
      }
    }
  }

  /// See the kernel's class.
  ///
  /// @param address any
  /// @return the value
  public static byte getByte(long address) {
    return (byte) (words.get(index(address)) >>> shift(address));
  }

  /// See the kernel's class.
  ///
  /// @param address any
  /// @param value the value
  public static void putByte(long address, byte value) {
    putBits(address, 0xFF, value);
  }

  private static int shift(long address) {
    return (int) (address & 7) * Byte.SIZE;
  }

  private static void putBits(long address, long mask, long value) {
    int shift = shift(address);
    while (true) {
      long before = words.get(index(address));
      long after = (before & ~(mask << shift)) | ((value & mask) << shift);
      if (words.compareAndSet(index(address), before, after)) {
        return;
      }
    }
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 8
  /// @return the value
  public static long getLongAcquire(long address) {
    return words.get(index(address));
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 8
  /// @param value the value
  public static void putLongRelease(long address, long value) {
    words.set(index(address), value);
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 8
  /// @param expected the value that must be there
  /// @param value the value to store
  /// @return true if the store took place
  public static boolean compareAndSetLong(long address, long expected, long value) {
    return words.compareAndSet(index(address), expected, value);
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 8
  /// @return the value
  public static long getLongVolatile(long address) {
    return words.get(index(address));
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 8
  /// @param delta what is added
  /// @return the value before
  public static long getAndAddLong(long address, long delta) {
    return words.getAndAdd(index(address), delta);
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 8
  /// @param bits the bits to set
  /// @return the value before
  public static long getAndBitwiseOrLong(long address, long bits) {
    while (true) {
      long before = words.get(index(address));
      if (words.compareAndSet(index(address), before, before | bits)) {
        return before;
      }
    }
  }

  /// See the kernel's class.
  ///
  /// @param address a multiple of 8
  /// @param mask the bits to keep
  /// @return the value before
  public static long getAndBitwiseAndLong(long address, long mask) {
    while (true) {
      long before = words.get(index(address));
      if (words.compareAndSet(index(address), before, before & mask)) {
        return before;
      }
    }
  }

  /// See the kernel's class.
  ///
  /// @param address first byte
  /// @param byteSize bytes, 0 or more
  /// @param value the value of each
  public static void fill(long address, long byteSize, byte value) {
    for (long at = address; at < address + byteSize; at++) {
      putByte(at, value);
    }
  }

  /// See the kernel's class.
  ///
  /// @param from first byte of the source
  /// @param to first byte of the target
  /// @param byteSize bytes, 0 or more
  public static void copy(long from, long to, long byteSize) {
    byte[] bytes = new byte[Math.toIntExact(byteSize)];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = getByte(from + i);
    }
    for (int i = 0; i < bytes.length; i++) {
      putByte(to + i, bytes[i]);
    }
  }
}
