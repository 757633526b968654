package dev.bifolio.stress;

import dev.bifolio.kernel.Machine;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.reclaim.MovableFrames;
import dev.bifolio.kernel.reclaim.MovableOwner;
import dev.bifolio.kernel.unit.Pages;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/// Blocks that may be moved at any time, each with a content that its owner knows. An item belongs
/// to one thread; only its place is changed by others.
final class StormItems implements MovableOwner {
  private static final long NOWHERE = -1;
  private static final int STRIDE = 1016;

  /// Who owns the frames of items in the table.
  static final int OWNER = 1_000_000;

  private final Machine machine;
  private final OwnerTable owners;
  private final MovableFrames movable;
  private final AtomicLongArray places;
  private final AtomicIntegerArray orders;
  private final long[] versions;
  private final int me;
  final AtomicLong moves = new AtomicLong();
  final AtomicLong refusals = new AtomicLong();

  StormItems(Machine machine, OwnerTable owners, int itemCount) {
    this.machine = machine;
    this.owners = owners;
    movable = machine.reclaim().movable();
    places = new AtomicLongArray(itemCount);
    orders = new AtomicIntegerArray(itemCount);
    versions = new long[itemCount];
    for (int item = 0; item < itemCount; item++) {
      places.set(item, NOWHERE);
    }
    me = movable.register(this);
  }

  boolean isEmpty(int item) {
    return places.get(item) == NOWHERE;
  }

  /// Every 16th move is refused.
  @Override
  public boolean relocate(long item, long fromPfn, long toPfn) {
    if ((fromPfn + toPfn & 15) == 0) {
      refusals.incrementAndGet();
      return false;
    }
    int frames = 1 << orders.get((int) item);
    owners.take(OWNER, toPfn, frames);
    if (!places.compareAndSet((int) item, fromPfn, toPfn)) {
      throw new AssertionError("item " + item + " is not at 0x" + Long.toHexString(fromPfn));
    }
    owners.leave(OWNER, fromPfn, frames);
    moves.incrementAndGet();
    return true;
  }

  /// The item begins in a block that was just allocated.
  void put(int item, long pfn, int order) {
    owners.take(OWNER, pfn, 1L << order);
    orders.set(item, order);
    versions[item]++;
    write(item, pfn);
    places.set(item, pfn);
    movable.adopt(pfn, me, item);
  }

  /// Looks at the content, and sometimes changes it, under a pin.
  void visit(int item, boolean change) {
    long pfn = places.get(item);
    while (!movable.pin(pfn, me, item)) {
      Thread.onSpinWait();
      pfn = places.get(item);
    }
    check(item, pfn);
    if (change) {
      versions[item]++;
      write(item, pfn);
    }
    movable.unpin(pfn, me, item);
  }

  /// Ends the item and frees its block.
  void remove(int item) {
    long pfn = places.get(item);
    while (!movable.disown(pfn, me, item)) {
      Thread.onSpinWait();
      pfn = places.get(item);
    }
    if (pfn != places.get(item)) {
      throw new AssertionError("item " + item + " was moved without an owner");
    }
    check(item, pfn);
    int order = orders.get(item);
    places.set(item, NOWHERE);
    owners.leave(OWNER, pfn, 1L << order);
    machine.free(pfn, order);
  }

  private long valueAt(int item, long at) {
    return (item * 0x1_0000L + versions[item]) * 0x9E37_79B9_7F4A_7C15L + at;
  }

  private long address(long pfn) {
    return machine.physToVirt(Pages.pfnToAddress(pfn));
  }

  private void write(int item, long pfn) {
    long byteSize = Pages.framesToBytes(1L << orders.get(item));
    for (long at = 0; at < byteSize; at += STRIDE) {
      Memory.putLong(address(pfn) + at, valueAt(item, at));
    }
  }

  private void check(int item, long pfn) {
    long byteSize = Pages.framesToBytes(1L << orders.get(item));
    for (long at = 0; at < byteSize; at += STRIDE) {
      if (Memory.getLong(address(pfn) + at) != valueAt(item, at)) {
        throw new AssertionError(
            "item " + item + " at 0x" + Long.toHexString(pfn) + " has another content");
      }
    }
  }
}
