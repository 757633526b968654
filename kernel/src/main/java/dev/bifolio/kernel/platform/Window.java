package dev.bifolio.kernel.platform;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// A reserved range of virtual addresses without memory behind it: pages get memory, filled with
/// zeros, when they are first written.
///
/// A window stands for the RAM of a machine. Reserving it costs a few microseconds whatever its
/// size, so that holes in a memory map, maps that lie about their size, and simulated terabytes
/// cost nothing until they are touched. It is anonymous private memory reserved with
/// `MAP_NORESERVE`.
///
/// Creating and closing are for one thread; the memory may be used by all. After [#close()] every
/// access to it is an error that may crash the process.
public final class Window implements AutoCloseable {
  /// The largest window, 2^46 bytes (64 TiB): half of what an x86-64 process can address.
  public static final long MAX_BYTE_SIZE = 1L << 46;

  private static final int PROT_READ_WRITE = 1 | 2;
  private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x02 | 0x20 | 0x4000;
  private static final int MADV_NOHUGEPAGE = 15;

  private final long address;
  private final long byteSize;
  private boolean open = true;

  private Window(long address, long byteSize) {
    this.address = address;
    this.byteSize = byteSize;
  }

  /// Reserves a range.
  ///
  /// @param byteSize bytes, 1 … [#MAX_BYTE_SIZE]; rounded up to whole pages
  /// @return the window, page-aligned
  /// @throws WindowException if the size is out of range, the operating system has no such call or
  ///   refuses; the message is one line
  public static Window reserve(long byteSize) throws WindowException {
    if (byteSize <= 0 || byteSize > MAX_BYTE_SIZE) {
      throw new WindowException(
          "a window of 0x"
              + Long.toHexString(byteSize)
              + " bytes cannot be reserved: the largest is 2^46 bytes (64 TiB)");
    }
    if (!System.getProperty("os.name", "").startsWith("Linux")) {
      throw new WindowException(
          "reserving memory without backing needs Linux on x86-64 or AArch64; "
              + "memory maps can be read here, machines cannot be booted");
    }
    long rounded = (byteSize + 4095) & -4096L;
    long address = Native.map(rounded);
    if (address == -1L) {
      throw new WindowException(
          "the operating system refused a window of 0x"
              + Long.toHexString(byteSize)
              + " bytes (see ulimit -v and vm.overcommit_memory)");
    }
    // Where huge pages are always on, each descriptor that is touched would back 2 MiB. A kernel
    // without huge pages refuses the advice, which is as well.
    Native.advise(address, rounded, MADV_NOHUGEPAGE);
    return new Window(address, rounded);
  }

  /// The first byte.
  ///
  /// @return a page-aligned virtual address
  public long address() {
    return address;
  }

  /// The size.
  ///
  /// @return bytes, a multiple of 4096
  public long byteSize() {
    return byteSize;
  }

  /// Returns the range to the operating system. Closing twice does nothing.
  @Override
  public void close() {
    if (open) {
      open = false;
      Native.unmap(address, byteSize);
    }
  }

  /// The system calls; a class of its own, so that nothing native is linked before it is needed.
  private static final class Native {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle MMAP =
        handle(
            "mmap",
            FunctionDescriptor.of(
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG));
    private static final MethodHandle MUNMAP =
        handle(
            "munmap",
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    private static final MethodHandle MADVISE =
        handle(
            "madvise",
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT));

    private Native() {}

    static long map(long byteSize) {
      try {
        return (long)
            MMAP.invokeExact(
                0L, byteSize, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0L);
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }

    static void unmap(long address, long byteSize) {
      try {
        int result = (int) MUNMAP.invokeExact(address, byteSize);
        assert result == 0 : "munmap failed";
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }

    static void advise(long address, long byteSize, int advice) {
      try {
        int _ = (int) MADVISE.invokeExact(address, byteSize, advice);
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }

    @SuppressWarnings("restricted")
    private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
      return LINKER.downcallHandle(
          LINKER.defaultLookup().find(name).orElse(MemorySegment.NULL), descriptor);
    }
  }
}
