package dev.bifolio.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The one native allocator of this JVM: its functions as constants, which C2 calls directly.
///
/// [#choose] names it, once: a JVM that measures one must never load another. The calls are
/// *critical* downcalls, the fastest that there are: they leave out the change of the thread's
/// state.
final class NativeLibrary {
  private static Subject.@Nullable Kind chosen;
  private static SymbolLookup functions = Linker.nativeLinker().defaultLookup();

  private NativeLibrary() {}

  /// Decides for an allocator and loads it. Deciding for the same one again changes nothing.
  ///
  /// @return what is not installed, with the package that has it, or null if all is well
  /// @throws IllegalStateException if this JVM has decided for another one
  static synchronized @Nullable String choose(Subject.Kind kind) {
    if (chosen == kind) {
      return null;
    }
    if (chosen != null) {
      throw new IllegalStateException(chosen + " is loaded in this JVM; " + kind + " must not be");
    }
    SymbolLookup found = load(kind);
    if (found == null) {
      return files(kind).getFirst()
          + " is not installed or cannot be loaded (Debian package "
          + debianPackage(kind)
          + ")";
    }
    functions = found;
    chosen = kind;
    return null;
  }

  /// Memory of `byteSize` bytes on a page's border.
  ///
  /// @return its address, or 0 if there is none
  static long allocate(long byteSize) {
    try {
      return (long) Calls.ALLOCATE.invokeExact(4096L, byteSize);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /// Gives it back.
  static void free(long address) {
    try {
      Calls.FREE.invokeExact(address);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /// Lets the allocator return to the operating system what it holds: the next run then begins with
  /// an allocator as fresh as it can be.
  static void trim() {
    try {
      if (chosen == Subject.Kind.MIMALLOC) {
        function("mi_collect", FunctionDescriptor.ofVoid(ValueLayout.JAVA_BOOLEAN))
            .invokeExact(true);
      } else if (chosen == Subject.Kind.JEMALLOC) {
        purgeJemalloc();
      } else {
        int _ =
            (int)
                function(
                        "malloc_trim",
                        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG))
                    .invokeExact(0L);
      }
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /// Its control call takes the name of an action; 4096 stands for all of its arenas.
  private static void purgeJemalloc() throws Throwable {
    MethodHandle control =
        function(
            "mallctl",
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG));
    try (Arena names = Arena.ofConfined()) {
      MemorySegment name = names.allocateFrom("arena.4096.purge");
      int failed = (int) control.invokeExact(name, 0L, 0L, 0L, 0L);
      if (failed != 0) {
        throw new IllegalStateException("jemalloc does not purge: error " + failed);
      }
    }
  }

  private static @Nullable SymbolLookup load(Subject.Kind kind) {
    if (kind == Subject.Kind.GLIBC) {
      return Linker.nativeLinker().defaultLookup();
    }
    for (String file : files(kind)) {
      SymbolLookup found = load(file);
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  @SuppressWarnings("restricted") // loads the library under test
  private static @Nullable SymbolLookup load(String file) {
    try {
      return SymbolLookup.libraryLookup(file, Arena.global());
    } catch (IllegalArgumentException _) {
      return null;
    }
  }

  private static List<String> files(Subject.Kind kind) {
    return switch (kind) {
      case JEMALLOC -> List.of("libjemalloc.so.2", "libjemalloc.so");
      case MIMALLOC -> List.of("libmimalloc.so.2", "libmimalloc.so.3", "libmimalloc.so");
      default -> List.of("libc.so.6");
    };
  }

  private static String debianPackage(Subject.Kind kind) {
    return switch (kind) {
      case JEMALLOC -> "libjemalloc2";
      case MIMALLOC -> "libmimalloc2.0";
      default -> "libc6";
    };
  }

  @SuppressWarnings("restricted") // calls the library under test
  private static MethodHandle function(
      String name, FunctionDescriptor descriptor, Linker.Option... options) {
    return Linker.nativeLinker().downcallHandle(functions.findOrThrow(name), descriptor, options);
  }

  /// Linked after the decision.
  private static final class Calls {
    private static final String PREFIX = chosen == Subject.Kind.MIMALLOC ? "mi_" : "";

    static final MethodHandle ALLOCATE =
        function(
            PREFIX + "aligned_alloc",
            FunctionDescriptor.of(
                ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG),
            Linker.Option.critical(false));

    static final MethodHandle FREE =
        function(
            PREFIX + "free",
            FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG),
            Linker.Option.critical(false));

    private Calls() {}
  }
}
