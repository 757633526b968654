package dev.bifolio.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// Ties a thread to one processor: `sched_setaffinity` of Linux.
final class Processors {
  /// Bytes of the set of processors: 8,192 of them.
  private static final long SET_BYTES = 1024;

  private static final FunctionDescriptor SIGNATURE =
      FunctionDescriptor.of(
          ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS);

  private Processors() {}

  /// Ties the calling thread to the processor that is the `index`-th of those it may run on.
  ///
  /// @return whether that was done; not where there is no such call or no such processor
  static boolean pin(int index) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment set = arena.allocate(SET_BYTES, Long.BYTES);
      if (call("sched_getaffinity", set) < 0) {
        return false;
      }
      int found = -1;
      for (int rest = index; rest >= 0; rest--) {
        found = next(set, found + 1);
        if (found < 0) {
          return false;
        }
      }
      set.fill((byte) 0);
      set.setAtIndex(ValueLayout.JAVA_LONG, found >>> 6, 1L << (found & 63));
      return call("sched_setaffinity", set) == 0;
    }
  }

  private static int next(MemorySegment set, int from) {
    for (int cpu = from; cpu < SET_BYTES * Byte.SIZE; cpu++) {
      if ((set.getAtIndex(ValueLayout.JAVA_LONG, cpu >>> 6) >>> (cpu & 63) & 1) != 0) {
        return cpu;
      }
    }
    return -1;
  }

  @SuppressWarnings("restricted") // a system call that has no other way
  private static int call(String name, MemorySegment set) {
    Linker linker = Linker.nativeLinker();
    MemorySegment function = linker.defaultLookup().find(name).orElse(MemorySegment.NULL);
    if (function.equals(MemorySegment.NULL)) {
      return -1;
    }
    MethodHandle handle = linker.downcallHandle(function, SIGNATURE);
    try {
      return (int) handle.invokeExact(0, SET_BYTES, set); // 0: the calling thread
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
