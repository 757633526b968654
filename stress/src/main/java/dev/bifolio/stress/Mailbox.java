package dev.bifolio.stress;

import java.util.concurrent.ArrayBlockingQueue;
import org.jspecify.annotations.Nullable;

/// What others want a thread of a [Storm] to free. It takes a few blocks only, so that a thread
/// that is late, or has ended, does not come by all of the memory. Any thread.
final class Mailbox {
  static final int MOST = 32;

  private final ArrayBlockingQueue<StormWorker.Block> blocks = new ArrayBlockingQueue<>(MOST);

  /// Whether there was room.
  boolean send(StormWorker.Block block) {
    return blocks.offer(block);
  }

  StormWorker.@Nullable Block receive() {
    return blocks.poll();
  }
}
