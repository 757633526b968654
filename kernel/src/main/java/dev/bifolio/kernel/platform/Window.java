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
  private static final int MADV_DONTNEED = 4;
  private static final int MADV_HUGEPAGE = 14;
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
    int _ = Native.advise(address, rounded, MADV_NOHUGEPAGE);
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

  /// Gives the memory behind some pages back to the operating system; they stay reserved, and read
  /// as zero from then on. What others write there meanwhile may be lost or not. Costs a system
  /// call and what was touched of the pages.
  ///
  /// @param first address of the first page, a multiple of 4096
  /// @param bytes whole pages of this window, 0 or more
  /// @throws IllegalArgumentException if they are not; nothing has changed then
  /// @throws IllegalStateException after [#close()]
  public void discard(long first, long bytes) {
    requirePages(first, bytes);
    if (bytes != 0 && Native.advise(first, bytes, MADV_DONTNEED) != 0) {
      // Locked or shared memory alone can be refused, and a window is neither. Zeros all the same.
      Memory.fill(first, bytes, (byte) 0);
    }
  }

  /// Asks for huge pages of the operating system behind a range, where it has such: for memory that
  /// will all be written and is met in no order, since fewer translations of the processor reach
  /// it. A window begins without, because one touch of a huge page takes all of it. Only advice:
  /// where it is refused, nothing changes. Costs a system call.
  ///
  /// @param first address of the first page, a multiple of 4096
  /// @param bytes whole pages of this window, 0 or more
  /// @throws IllegalArgumentException if they are not
  /// @throws IllegalStateException after [#close()]
  public void preferHugePages(long first, long bytes) {
    requirePages(first, bytes);
    int _ = Native.advise(first, bytes, MADV_HUGEPAGE);
  }

  private void requirePages(long first, long bytes) {
    if (!open) {
      throw new IllegalStateException("the window is closed");
    }
    long offset = first - address;
    if (((first | bytes) & 4095) != 0
        || offset < 0
        || bytes < 0
        || offset > byteSize
        || bytes > byteSize - offset) {
      throw new IllegalArgumentException(
          "0x"
              + Long.toHexString(bytes)
              + " bytes from 0x"
              + Long.toHexString(offset)
              + " on are not whole pages of a window of 0x"
              + Long.toHexString(byteSize));
    }
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

    static int advise(long address, long byteSize, int advice) {
      try {
        return (int) MADVISE.invokeExact(address, byteSize, advice);
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
