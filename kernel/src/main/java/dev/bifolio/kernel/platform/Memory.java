package dev.bifolio.kernel.platform;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/// Loads, stores and compare-and-set on absolute virtual addresses: the one memory seam.
///
/// Everything is static and monomorphic on purpose. One constant segment spans the address space,
/// so C2 compiles an access to a bare load or store; a segment in an instance field costs 20 % on
/// an allocation pair and an interface with several implementations two to four times (ADR 0002).
///
/// Addresses must lie in memory that the caller owns, usually a [Window]; any other address may
/// crash the process. `Long` accesses need 8-byte and `Int` accesses 4-byte alignment. Values are
/// in the machine's byte order. Plain accesses are ordered like those of ordinary Java fields; the
/// access mode of the others is in their name. Any thread; no allocation.
public final class Memory {
  @SuppressWarnings("restricted")
  private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private static final MemorySegment ZEROS = Arena.global().allocate(1 << 16, 64);

  private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

  private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

  /// Every legal address passes these masks unchanged. With them C2 knows that an offset is
  /// aligned, not negative and far from the end, and leaves out the checks of bounds and alignment,
  /// which it cannot do for an address it knows nothing of. One bit more, and the largest offset
  /// would not fit: the check of bounds would stay, a fifth of all instructions of a pair.
  private static final long ALIGNED_8 = (Long.MAX_VALUE >>> 1) & -8L;

  private static final long ALIGNED_4 = (Long.MAX_VALUE >>> 1) & -4L;

  private Memory() {}

  /// Plain load of 8 bytes.
  ///
  /// @param address a multiple of 8
  /// @return the value
  public static long getLong(long address) {
    return ALL.get(ValueLayout.JAVA_LONG, address & ALIGNED_8);
  }

  /// Plain store of 8 bytes.
  ///
  /// @param address a multiple of 8
  /// @param value the value
  public static void putLong(long address, long value) {
    ALL.set(ValueLayout.JAVA_LONG, address & ALIGNED_8, value);
  }

  /// Plain load of 4 bytes.
  ///
  /// @param address a multiple of 4
  /// @return the value
  public static int getInt(long address) {
    return ALL.get(ValueLayout.JAVA_INT, address & ALIGNED_4);
  }

  /// Plain store of 4 bytes.
  ///
  /// @param address a multiple of 4
  /// @param value the value
  public static void putInt(long address, int value) {
    ALL.set(ValueLayout.JAVA_INT, address & ALIGNED_4, value);
  }

  /// Plain load of a byte.
  ///
  /// @param address any
  /// @return the value, signed
  public static byte getByte(long address) {
    return ALL.get(ValueLayout.JAVA_BYTE, address);
  }

  /// Plain store of a byte.
  ///
  /// @param address any
  /// @param value the value
  public static void putByte(long address, byte value) {
    ALL.set(ValueLayout.JAVA_BYTE, address, value);
  }

  /// Load of 4 bytes with acquire semantics.
  ///
  /// @param address a multiple of 4
  /// @return the value
  public static int getIntAcquire(long address) {
    return (int) INT.getAcquire(ALL, address & ALIGNED_4);
  }

  /// Store of 4 bytes with release semantics.
  ///
  /// @param address a multiple of 4
  /// @param value the value
  public static void putIntRelease(long address, int value) {
    INT.setRelease(ALL, address & ALIGNED_4, value);
  }

  /// Compare-and-set of 4 bytes with volatile semantics.
  ///
  /// @param address a multiple of 4
  /// @param expected the value that must be there
  /// @param value the value to store
  /// @return true if the store took place
  public static boolean compareAndSetInt(long address, int expected, int value) {
    return INT.compareAndSet(ALL, address & ALIGNED_4, expected, value);
  }

  /// Load of 8 bytes with acquire semantics.
  ///
  /// @param address a multiple of 8
  /// @return the value
  public static long getLongAcquire(long address) {
    return (long) LONG.getAcquire(ALL, address & ALIGNED_8);
  }

  /// Store of 8 bytes with release semantics.
  ///
  /// @param address a multiple of 8
  /// @param value the value
  public static void putLongRelease(long address, long value) {
    LONG.setRelease(ALL, address & ALIGNED_8, value);
  }

  /// Compare-and-set of 8 bytes with volatile semantics.
  ///
  /// @param address a multiple of 8
  /// @param expected the value that must be there
  /// @param value the value to store
  /// @return true if the store took place
  public static boolean compareAndSetLong(long address, long expected, long value) {
    return LONG.compareAndSet(ALL, address & ALIGNED_8, expected, value);
  }

  /// Load of 8 bytes with volatile semantics: ordered after every volatile access before it.
  ///
  /// @param address a multiple of 8
  /// @return the value
  public static long getLongVolatile(long address) {
    return (long) LONG.getVolatile(ALL, address & ALIGNED_8);
  }

  /// Adds to 8 bytes with volatile semantics.
  ///
  /// @param address a multiple of 8
  /// @param delta what is added, modulo 2^64
  /// @return the value before
  public static long getAndAddLong(long address, long delta) {
    return (long) LONG.getAndAdd(ALL, address & ALIGNED_8, delta);
  }

  /// Sets bits of 8 bytes with volatile semantics.
  ///
  /// @param address a multiple of 8
  /// @param bits the bits to set
  /// @return the value before
  public static long getAndBitwiseOrLong(long address, long bits) {
    return (long) LONG.getAndBitwiseOr(ALL, address & ALIGNED_8, bits);
  }

  /// Clears the bits of 8 bytes that are not in a mask, with volatile semantics.
  ///
  /// @param address a multiple of 8
  /// @param mask the bits to keep
  /// @return the value before
  public static long getAndBitwiseAndLong(long address, long mask) {
    return (long) LONG.getAndBitwiseAnd(ALL, address & ALIGNED_8, mask);
  }

  /// Fills bytes.
  ///
  /// @param address first byte
  /// @param byteSize bytes, 0 or more
  /// @param value the value of each
  public static void fill(long address, long byteSize, byte value) {
    if (value == 0) {
      // A slice is an object until C2 has seen that nobody keeps it; requests make no objects.
      for (long done = 0; done < byteSize; done += ZEROS.byteSize()) {
        long bytes = Math.min(ZEROS.byteSize(), byteSize - done);
        MemorySegment.copy(ZEROS, 0, ALL, address + done, bytes);
      }
    } else {
      ALL.asSlice(address, byteSize).fill(value);
    }
  }

  /// Copies bytes; the ranges may overlap.
  ///
  /// @param from first byte of the source
  /// @param to first byte of the target
  /// @param byteSize bytes, 0 or more
  public static void copy(long from, long to, long byteSize) {
    MemorySegment.copy(ALL, from, ALL, to, byteSize);
  }
}
