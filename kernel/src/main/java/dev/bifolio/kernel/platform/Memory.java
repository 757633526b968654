package dev.bifolio.kernel.platform;

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

  private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

  private Memory() {}

  /// Plain load of 8 bytes.
  ///
  /// @param address a multiple of 8
  /// @return the value
  public static long getLong(long address) {
    return ALL.get(ValueLayout.JAVA_LONG, address);
  }

  /// Plain store of 8 bytes.
  ///
  /// @param address a multiple of 8
  /// @param value the value
  public static void putLong(long address, long value) {
    ALL.set(ValueLayout.JAVA_LONG, address, value);
  }

  /// Plain load of 4 bytes.
  ///
  /// @param address a multiple of 4
  /// @return the value
  public static int getInt(long address) {
    return ALL.get(ValueLayout.JAVA_INT, address);
  }

  /// Plain store of 4 bytes.
  ///
  /// @param address a multiple of 4
  /// @param value the value
  public static void putInt(long address, int value) {
    ALL.set(ValueLayout.JAVA_INT, address, value);
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

  /// Load of 8 bytes with acquire semantics.
  ///
  /// @param address a multiple of 8
  /// @return the value
  public static long getLongAcquire(long address) {
    return (long) LONG.getAcquire(ALL, address);
  }

  /// Store of 8 bytes with release semantics.
  ///
  /// @param address a multiple of 8
  /// @param value the value
  public static void putLongRelease(long address, long value) {
    LONG.setRelease(ALL, address, value);
  }

  /// Compare-and-set of 8 bytes with volatile semantics.
  ///
  /// @param address a multiple of 8
  /// @param expected the value that must be there
  /// @param value the value to store
  /// @return true if the store took place
  public static boolean compareAndSetLong(long address, long expected, long value) {
    return LONG.compareAndSet(ALL, address, expected, value);
  }

  /// Fills bytes.
  ///
  /// @param address first byte
  /// @param byteSize bytes, 0 or more
  /// @param value the value of each
  public static void fill(long address, long byteSize, byte value) {
    ALL.asSlice(address, byteSize).fill(value);
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
