package dev.bifolio.bench;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// `mmap` and `munmap` of the operating system. A page gets its frame, of zeros, at the store that
/// touches it first; processor time of the system counts as the thread's.
final class MmapSubject extends VirtualSubject {
  private static final int READ_AND_WRITE = 3;
  private static final int PRIVATE_ANONYMOUS = 0x22; // Linux, on all architectures with a JVM
  private static final int NO_FILE = -1;
  private static final long FAILED = -1;

  private static final MethodHandle MMAP =
      function(
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
      function(
          "munmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

  @SuppressWarnings("restricted") // calls the operating system, which is the yardstick
  private static MethodHandle function(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
  }

  @Override
  long allocate(long byteSize, boolean zeroed) {
    long address = map(byteSize);
    for (long at = 0; at < byteSize; at += Pages.PAGE_SIZE) {
      Memory.putLong(address + at, 1);
    }
    return address;
  }

  private static long map(long byteSize) {
    long address;
    try {
      address =
          (long) MMAP.invokeExact(0L, byteSize, READ_AND_WRITE, PRIVATE_ANONYMOUS, NO_FILE, 0L);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
    if (address == FAILED) {
      throw new IllegalStateException("the operating system maps no " + byteSize + " bytes");
    }
    return address;
  }

  @Override
  void free(long address, long byteSize) {
    int failed;
    try {
      failed = (int) MUNMAP.invokeExact(address, byteSize);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
    if (failed != 0) {
      throw new IllegalStateException("the operating system does not unmap");
    }
  }

  /// There is nothing that stays.
  @Override
  public void close() {}
}
