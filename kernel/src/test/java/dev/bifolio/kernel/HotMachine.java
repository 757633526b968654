package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.BootOptions.AllocatorKind;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.reclaim.HotMemory;
import dev.bifolio.kernel.reclaim.MovableFrames;
import dev.bifolio.kernel.reclaim.MovableOwner;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneSet;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.IntPredicate;

/// A machine with headroom, and an owner of single movable frames: he knows where each is and what
/// it holds, without asking anything that is tested.
final class HotMachine implements MovableOwner, AutoCloseable {
  static final long AREA = 512;
  static final long NOWHERE = -1;
  static final long BASE_PFN = Maps.GIB >>> 12;

  final Machine machine;
  final MovableFrames movable;
  final int me;
  final AtomicLongArray places;
  IntPredicate accepts = item -> true;
  private int itemCount;

  private HotMachine(Machine machine, int mostItems) {
    this.machine = machine;
    movable = machine.reclaim().movable();
    me = movable.register(this);
    places = new AtomicLongArray(mostItems);
  }

  /// RAM at 1 GiB and headroom behind it.
  static HotMachine boot(AllocatorKind kind, long ramMib, long headroomMib, boolean movableZone)
      throws BootException {
    MemoryMap map = Maps.fdt().ram(Maps.GIB, ramMib * Maps.MIB).build();
    BootOptions options =
        BootOptions.DEFAULTS
            .withAllocator(kind)
            .withCpuCount(2)
            .withVerifiedMoves(true)
            .withHeadroom(headroomMib * Maps.MIB)
            .withMovableHeadroom(movableZone);
    return of(Machine.boot(map, options, BootLog.SILENT));
  }

  static HotMachine of(Machine machine) {
    return new HotMachine(machine, 1 << 18);
  }

  HotMemory hot() {
    return machine.hotMemory();
  }

  @Override
  public boolean relocate(long item, long fromPfn, long toPfn) {
    return accepts.test((int) item) && places.compareAndSet((int) item, fromPfn, toPfn);
  }

  int itemCount() {
    return itemCount;
  }

  /// A new item in a frame of the highest zone that has one; -1 if there is none.
  int add() {
    long pfn =
        machine.tryAllocate(
            0, AllocationFlags.MOVABLE | AllocationFlags.MOVABLE_ZONE | AllocationFlags.NOWAIT);
    return pfn < 0 ? -1 : adopt(pfn);
  }

  int adopt(long pfn) {
    int item = itemCount++;
    places.set(item, pfn);
    long address = addressOf(pfn);
    for (long at = 0; at < Pages.PAGE_SIZE; at += 512) {
      Memory.putLong(address + at, valueAt(item, at));
    }
    movable.adopt(pfn, me, item);
    return item;
  }

  void remove(int item) {
    long pfn = places.get(item);
    assertItem(item);
    assertTrue(movable.disown(pfn, me, item));
    places.set(item, NOWHERE);
    machine.free(pfn, 0);
  }

  long addressOf(long pfn) {
    return machine.physToVirt(pfn << Pages.PAGE_SHIFT);
  }

  private static long valueAt(long item, long at) {
    return (item + 1) * 0x9E37_79B9_7F4A_7C15L + at;
  }

  void assertItem(int item) {
    long address = addressOf(places.get(item));
    for (long at = 0; at < Pages.PAGE_SIZE; at += 512) {
      assertEquals(valueAt(item, at), Memory.getLong(address + at), "item " + item);
    }
  }

  /// Every item is there with its content, outside of what is offline; and what is in use is theirs
  /// but for so many frames.
  void assertAllThereBut(long others) {
    long live = others;
    for (int item = 0; item < itemCount; item++) {
      if (places.get(item) != NOWHERE) {
        assertItem(item);
        live++;
      }
    }
    machine.drainCaches();
    assertEquals(live, machine.statistics().usedFrames());
    assertEquals(machine.managedFrameCount(), machine.statistics().totalFrames());
    machine.assertValid();
  }

  int itemIn(long startPfn, long endPfn) {
    for (int item = 0; item < itemCount; item++) {
      if (places.get(item) >= startPfn && places.get(item) < endPfn) {
        return item;
      }
    }
    throw new AssertionError("nothing in " + startPfn);
  }

  void assertZero(long startPfn, long endPfn) {
    for (long pfn = startPfn; pfn < endPfn; pfn++) {
      long address = addressOf(pfn);
      for (long at = 0; at < Pages.PAGE_SIZE; at += 512) {
        assertEquals(0, Memory.getLong(address + at), "frame " + pfn);
      }
    }
  }

  /// What a failure leaves as it was.
  String digest() {
    machine.drainCaches();
    StringBuilder text = new StringBuilder();
    ZoneSet zones = machine.zones();
    for (int z = 0; z < zones.count(); z++) {
      Zone zone = zones.zone(z);
      text.append(zone)
          .append(" present ")
          .append(zone.presentFrames())
          .append(" managed ")
          .append(zone.managedFrames())
          .append(" offline ")
          .append(zone.offlineFrames())
          .append(" available ")
          .append(zone.availableFrames())
          .append(" marks ")
          .append(zone.minFrames())
          .append(' ')
          .append(zone.lowFrames())
          .append(' ')
          .append(zone.highFrames())
          .append(" blocks");
      for (int order = 0; order <= machine.maxOrder(); order++) {
        text.append(' ').append(zone.freeBlocks(order));
      }
      text.append('\n');
    }
    HotMemory hot = machine.hotMemory();
    for (int i = 0; i < hot.rangeCount(); i++) {
      text.append(hot.startPfn(i)).append('-').append(hot.endPfn(i)).append('\n');
    }
    return text.append("used ").append(machine.statistics().usedFrames()).toString();
  }

  @Override
  public void close() {
    machine.close();
  }
}
