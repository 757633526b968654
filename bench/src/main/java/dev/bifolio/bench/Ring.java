package dev.bifolio.bench;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;

/// A queue of 1,024 numbers from one thread to one other, off the heap.
///
/// ```
/// 0    pushed | popped, as the producer last saw it     written by the producer
/// 128  popped | pushed, as the consumer last saw it     written by the consumer
/// 256  the numbers; number i in entry i mod 1024
/// ```
///
/// 128 bytes apart, so that neither's lines are fetched with the other's. A side looks at the
/// other's line only when the queue seems full, or empty.
final class Ring implements AutoCloseable {
  static final int CAPACITY = 1024;

  private static final long PRODUCER = 0;
  private static final long CONSUMER = 128;
  private static final long SEEN = 8;
  private static final long ENTRIES = 256;

  private final Window window;
  private final long address;

  Ring() {
    try {
      window = Window.reserve(ENTRIES + (long) CAPACITY * Long.BYTES);
    } catch (WindowException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
    address = window.address();
  }

  /// For the producer.
  ///
  /// @return false if there is no room
  boolean push(long number) {
    long pushed = Memory.getLong(address + PRODUCER);
    if (pushed - Memory.getLong(address + PRODUCER + SEEN) == CAPACITY) {
      long popped = Memory.getLongAcquire(address + CONSUMER);
      if (pushed - popped == CAPACITY) {
        return false;
      }
      Memory.putLong(address + PRODUCER + SEEN, popped);
    }
    Memory.putLong(entry(pushed), number);
    Memory.putLongRelease(address + PRODUCER, pushed + 1);
    return true;
  }

  /// For the consumer.
  ///
  /// @return [Subject#NO_FRAME] if there is nothing
  long pop() {
    long popped = Memory.getLong(address + CONSUMER);
    if (popped == Memory.getLong(address + CONSUMER + SEEN)) {
      long pushed = Memory.getLongAcquire(address + PRODUCER);
      if (pushed == popped) {
        return Subject.NO_FRAME;
      }
      Memory.putLong(address + CONSUMER + SEEN, pushed);
    }
    long number = Memory.getLong(entry(popped));
    Memory.putLongRelease(address + CONSUMER, popped + 1);
    return number;
  }

  private long entry(long count) {
    return address + ENTRIES + (count & (CAPACITY - 1)) * Long.BYTES;
  }

  @Override
  public void close() {
    window.close();
  }
}
