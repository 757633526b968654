package dev.bifolio.kernel.table;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/// Writes down what is flushed, and of which pages it is told, in the order in which it happens.
final class Recorder implements Flusher, PageReceiver {
  /// Such as `flush 1000`, `flush all`, `flush all and global`, `gone 5000 of 1 rw-------`.
  final List<String> events = new ArrayList<>();

  /// Is called with each address that is flushed, -1 for all.
  LongConsumer onFlush = address -> {};

  @Override
  public void flushPage(long virtualAddress) {
    onFlush.accept(virtualAddress);
    events.add("flush " + Long.toHexString(virtualAddress));
  }

  @Override
  public void flushAll(boolean globalToo) {
    onFlush.accept(-1);
    events.add(globalToo ? "flush all and global" : "flush all");
  }

  @Override
  public void unmapped(long physicalAddress, int level, int flags) {
    events.add(
        "gone "
            + Long.toHexString(physicalAddress)
            + " of "
            + level
            + " "
            + PageFlags.toString(flags));
  }

  /// What has happened since the last call.
  List<String> take() {
    List<String> taken = List.copyOf(events);
    events.clear();
    return taken;
  }
}
