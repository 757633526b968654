package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.X86Format;

/// Numbers for address spaces, by which a processor tells their translations apart, so that it need
/// not flush at each switch.
///
/// # Overview
///
/// There are fewer numbers than spaces, so they are given out by *generations*. When the numbers of
/// one are used up, the next begins: all numbers are free again but those of the spaces that run at
/// that moment, and each processor flushes before it runs another space. A space keeps its number
/// together with the generation it is from; when it runs again later, it asks for its old number,
/// and gets another if that is taken.
///
/// ```
///   word of a space     63          bits bits-1    0
///                       │ generation    │ number  │     0: none yet; number 0 is the kernel's
///
///   active[cpu]    what the processor runs; 0 from the begin of a generation until it enters one
///   reserved[cpu]  what it ran when the generation began
///   taken          a bit for each number
/// ```
///
/// - I1 No two spaces of one generation have the same number.
/// - I2 A processor that enters a space has no translations of another one with its number: it was
///   told to flush since.
/// - I3 A space that runs while a generation begins keeps its number in it.
///
/// **Threads.** Any; a processor's number is used by one thread at a time. To enter a space of this
/// generation is a load and a compare-and-set on the processor's own word; it fails if a generation
/// begins meanwhile, which takes `active` away from all. All else is under a lock.
///
/// Source: Linux `arch/arm64/mm/context.c`, and for the proof C. Marinas and others, the model
/// `asidalloc.tla` in kernel-tla.git.
public final class Asids {
  /// The bit of [#enter]'s answer that says: flush all that is not global, before anything else.
  public static final long FLUSH = 1L << 62;

  private static final int LOCK = 0;
  private static final int GENERATION = 8;
  private static final int CURSOR = 16;
  private static final int ACTIVE = 64;
  private static final int CPU_BYTES = 64;

  // Words of a processor.
  private static final int RESERVED = 8;
  private static final int PENDING = 16;

  private final long address;
  private final int cpuCount;
  private final int bits;
  private final long numbers;
  private final long taken;
  private final SpinLock lock;

  /// All numbers are free.
  ///
  /// @param address of [#byteSize] zero bytes, a multiple of 64
  /// @param cpuCount processors, 1 or more
  /// @param bits of a number, 0 … 16: 0 for a processor that has none
  /// @throws IllegalArgumentException if there are not at least two numbers more than processors
  public Asids(long address, int cpuCount, int bits) {
    requireLegal(cpuCount, bits);
    this.address = address;
    this.cpuCount = cpuCount;
    this.bits = bits;
    numbers = 1L << bits;
    taken = address + ACTIVE + (long) cpuCount * CPU_BYTES;
    lock = new SpinLock(address + LOCK);
    Memory.putLong(address + GENERATION, numbers);
    Memory.putLong(taken, 1);
    Memory.putLong(address + CURSOR, 1);
  }

  /// Bytes of memory that it needs.
  ///
  /// @param cpuCount processors, 1 or more
  /// @param bits of a number, 0 … 16
  /// @return bytes
  /// @throws IllegalArgumentException if there are not at least two numbers more than processors
  public static long byteSize(int cpuCount, int bits) {
    requireLegal(cpuCount, bits);
    return ACTIVE
        + (long) cpuCount * CPU_BYTES
        + Math.max(1, (1L << bits) / Long.SIZE) * Long.BYTES;
  }

  private static void requireLegal(int cpuCount, int bits) {
    if (cpuCount < 1 || bits < 0 || bits > 16 || (bits > 0 && (1 << bits) < cpuCount + 2)) {
      throw new IllegalArgumentException(
          "no numbers of " + bits + " bits for " + cpuCount + " processors");
    }
  }

  /// How many bits the largest numbers of an architecture have. A processor may have fewer: 8 on
  /// AArch64, any number on RISC-V, which tells when one is written and read back.
  ///
  /// @param format of its tables
  /// @return 0 where there are none
  public static int mostBits(PageFormat format) {
    return switch (format) {
      case X86Format _ -> 12; // PCID
      case I386Format _ -> 0;
      case Aarch64Format _ -> 16;
      case RiscvFormat _ -> 16;
    };
  }

  // ---- Entering ----

  /// A processor begins to run a space.
  ///
  /// @param cpu 0 … cpuCount - 1
  /// @param space address of the space's word, which is zero at first
  /// @return the number to load into its register, and [#FLUSH] if it has to flush then
  public long enter(int cpu, long space) {
    if (bits == 0) {
      return FLUSH;
    }
    long active = activeOf(cpu);
    long known = Memory.getLongAcquire(active);
    long word = Memory.getLongVolatile(space);
    if (known != 0 && isCurrent(word) && Memory.compareAndSetLong(active, known, word)) {
      return word & (numbers - 1);
    }
    lock.lock();
    try {
      return enterLocked(active, space);
    } finally {
      lock.unlock();
    }
  }

  private long enterLocked(long active, long space) {
    long word = Memory.getLong(space);
    if (!isCurrent(word)) {
      word = renew(word);
      Memory.putLongRelease(space, word);
    }
    long flush = Memory.getLong(active + PENDING);
    Memory.putLong(active + PENDING, 0);
    Memory.putLongRelease(active, word);
    return (word & (numbers - 1)) | flush;
  }

  private boolean isCurrent(long word) {
    return (word & -numbers) == Memory.getLongVolatile(address + GENERATION);
  }

  private long activeOf(int cpu) {
    if (cpu < 0 || cpu >= cpuCount) {
      throw new IllegalArgumentException("there is no processor " + cpu);
    }
    return address + ACTIVE + (long) cpu * CPU_BYTES;
  }

  /// The number under which processors know a space: that of what is to be flushed. If the space
  /// gets another at this moment, the processor that has it walks the tables as they were before
  /// this call, or later.
  ///
  /// @param space address of the space's word
  /// @return the number, 0 if the space has none yet
  public int numberOf(long space) {
    // An addition rather than a load: the change of tables before it is to be seen by whoever gets
    // a number after it.
    return (int) (Memory.getAndAddLong(space, 0) & (numbers - 1));
  }

  // ---- Generations, under the lock ----

  /// The word of a space in this generation.
  private long renew(long word) {
    long number = word & (numbers - 1);
    if (word != 0) {
      long renewed = Memory.getLong(address + GENERATION) | number;
      if (renewReserved(word, renewed) || take(number)) {
        return renewed;
      }
    }
    number = findFree();
    if (number == 0) {
      beginGeneration();
      number = findFree();
    }
    take(number);
    Memory.putLong(address + CURSOR, number);
    return Memory.getLong(address + GENERATION) | number;
  }

  /// A space that ran when the generation began has its number still.
  private boolean renewReserved(long word, long renewed) {
    boolean isReserved = false;
    for (int cpu = 0; cpu < cpuCount; cpu++) {
      long reserved = activeOf(cpu) + RESERVED;
      if (Memory.getLong(reserved) == word) {
        Memory.putLong(reserved, renewed);
        isReserved = true;
      }
    }
    return isReserved;
  }

  private boolean take(long number) {
    long at = taken + number / Long.SIZE * Long.BYTES;
    long word = Memory.getLong(at);
    Memory.putLong(at, word | 1L << number);
    return (word >>> number & 1) == 0;
  }

  /// A free number, from the last one on; 0 if there is none.
  private long findFree() {
    long from = Memory.getLong(address + CURSOR);
    for (long tried = 0; tried < numbers; tried++) {
      long number = (from + tried) & (numbers - 1);
      long word = Memory.getLong(taken + number / Long.SIZE * Long.BYTES);
      if (word == -1) {
        tried += Long.SIZE - 1 - number % Long.SIZE; // none in the rest of this word
      } else if ((word >>> number & 1) == 0) {
        return number;
      }
    }
    return 0;
  }

  private void beginGeneration() {
    for (long at = taken; at < taken + Math.max(1, numbers / Long.SIZE) * Long.BYTES; at += 8) {
      Memory.putLong(at, 0);
    }
    take(0);
    Memory.getAndAddLong(address + GENERATION, numbers);
    for (int cpu = 0; cpu < cpuCount; cpu++) {
      long active = activeOf(cpu);
      long word = clear(active);
      // A processor that has entered nothing since the last generation still runs what it ran then.
      if (word == 0) {
        word = Memory.getLong(active + RESERVED);
      }
      take(word & (numbers - 1));
      Memory.putLong(active + RESERVED, word);
      Memory.putLong(active + PENDING, FLUSH);
    }
  }

  private static long clear(long at) {
    while (true) {
      long word = Memory.getLongVolatile(at);
      if (Memory.compareAndSetLong(at, word, 0)) {
        return word;
      }
    }
  }

  /// How many generations have begun after the first.
  ///
  /// @return a count
  public long rollovers() {
    return Memory.getLongVolatile(address + GENERATION) / numbers - 1;
  }
}
