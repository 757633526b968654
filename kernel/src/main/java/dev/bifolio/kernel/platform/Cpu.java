package dev.bifolio.kernel.platform;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.MutableCallSite;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// What a thread may ask of the processor it runs on.
public final class Cpu {
  private static final long REST_NANOS = 50_000;

  /// Turns after which a waiter takes it that the other does not run.
  private static final int TURNS_BEFORE_REST = 256;

  /// No CPU, for [#simulate]: the one that runs the thread.
  public static final int REAL = -1;

  private static final @Nullable MethodHandle GETCPU = systemHandle();
  private static final MethodHandle SYSTEM = GETCPU == null ? ownHandle("hashOfThread") : GETCPU;
  private static final MethodHandle SIMULATION = ownHandle("simulatedCpu");

  /// Who answers; as long as that does not change, compiled code calls him directly.
  private static final MutableCallSite ANSWER = new MutableCallSite(SYSTEM);

  private static final MethodHandle CURRENT = ANSWER.dynamicInvoker();

  /// What [#simulate] was told.
  private static int simulated = REAL;

  private Cpu() {}

  /// The processor that runs the calling thread, at this moment: a hint, which may be out of date
  /// when it arrives. Right for virtual threads too, whose carrier it tells. About 2.5 ns; no
  /// allocation.
  ///
  /// Where the operating system does not say, a number derived from the thread.
  ///
  /// @return 0 or more; it may be [#count()] or above where processors can be taken away
  public static int current() {
    try {
      return (int) CURRENT.invokeExact();
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /// Whether the operating system tells which processor runs a thread. Where it does not,
  /// [#current()] is the same for threads that run at the same time.
  ///
  /// @return true on Linux
  public static boolean isTold() {
    return GETCPU != null;
  }

  /// From now on [#current()] answers the same on all threads, whatever runs them: a replay says on
  /// which CPU each of its operations was. To begin and to end is dear, since compiled code that
  /// asks is given up; to go from one CPU to another costs a store.
  ///
  /// @param cpu 0 or more; [#REAL] ends it
  public static void simulate(int cpu) {
    if (cpu < REAL) {
      throw new IllegalArgumentException("no CPU " + cpu);
    }
    boolean changes = (simulated == REAL) != (cpu == REAL);
    simulated = cpu;
    if (changes) {
      ANSWER.setTarget(cpu == REAL ? SYSTEM : SIMULATION);
      MutableCallSite.syncAll(new MutableCallSite[] {ANSWER});
    }
  }

  /// The processors that this process may use.
  ///
  /// @return 1 or more
  public static int count() {
    return Runtime.getRuntime().availableProcessors();
  }

  @SuppressWarnings("restricted")
  private static @Nullable MethodHandle systemHandle() {
    Linker linker = Linker.nativeLinker();
    MemorySegment function = linker.defaultLookup().find("sched_getcpu").orElse(MemorySegment.NULL);
    if (!function.equals(MemorySegment.NULL)) {
      MethodHandle handle =
          linker.downcallHandle(
              function, FunctionDescriptor.of(ValueLayout.JAVA_INT), Linker.Option.critical(false));
      if (isKnown(handle)) {
        return handle;
      }
    }
    return null;
  }

  private static MethodHandle ownHandle(String method) {
    try {
      return MethodHandles.lookup().findStatic(Cpu.class, method, MethodType.methodType(int.class));
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  /// A kernel without the call answers -1.
  private static boolean isKnown(MethodHandle handle) {
    try {
      return (int) handle.invokeExact() >= 0;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /// A number that tells threads apart as [#current()] tells CPUs, for what is only counted: it
  /// costs a fraction, and the same thread always has the same.
  ///
  /// @param count how many numbers there are, 1 or more
  /// @return 0 … `count` - 1
  public static int ofThread(int count) {
    long scattered = (Thread.currentThread().threadId() * 0x9E37_79B9L) & 0xFFFF_FFFFL;
    return (int) ((scattered * count) >>> 32);
  }

  /// Who is running: what a word holds to say which thread is at work behind it.
  ///
  /// @return 1 or more, the same for a thread's whole life and no other thread's meanwhile
  public static long threadId() {
    return Thread.currentThread().threadId();
  }

  @SuppressWarnings("UnusedMethod") // called through a handle
  private static int simulatedCpu() {
    return simulated;
  }

  @SuppressWarnings("UnusedMethod") // called through the handle where there is no sched_getcpu
  private static int hashOfThread() {
    return (int) (Thread.currentThread().threadId() & 0xFFFF);
  }

  /// One turn of a wait for another thread. Spins first and gives the processor away after a
  /// bounded number of turns, so that a waiter never starves the thread it waits for.
  ///
  /// @param turn how often this wait has called already, 0 or more
  @SuppressWarnings("ThreadPriorityCheck") // giving way after a bounded spin is the purpose
  public static void relax(int turn) {
    if (turn < 64) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
    }
  }

  /// A turn of a wait for a thread that must have lost its processor: leaves this one for a moment
  /// (some 50 µs), because [#relax(int)] gives way only to threads that wait here.
  public static void rest() {
    LockSupport.parkNanos(REST_NANOS);
  }

  /// One turn of a wait for another thread that is short unless that thread has lost its processor:
  /// [#relax(int)] at first, and [#rest()] once it must have.
  ///
  /// @param turn how often this wait has called already, 0 or more
  public static void await(int turn) {
    if (turn < TURNS_BEFORE_REST) {
      relax(turn);
    } else {
      rest();
    }
  }
}
