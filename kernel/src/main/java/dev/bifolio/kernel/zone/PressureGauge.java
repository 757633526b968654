package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.AddressRange;
import org.jspecify.annotations.Nullable;

/// Says how short memory is in each zone, and tells listeners when that changes.
///
/// # Overview
///
/// Requests and reclaimers tell the gauge what is available in a zone and where its watermarks are;
/// [PressureLevel] has the transitions and their hysteresis. Listeners may then give back what they
/// can spare before anybody has to wait for it.
///
/// ```
///  header   clock │ lock of the listeners │ failures of listeners
///  zone 0   state │ entered NONE │ entered SOME │ entered FULL      64 bytes each
///  zone 1   …
///
///  state    63                                      2 1    0
///          ┌─────────────────────────────────────────┬──────┐
///          │ clock when the level was entered        │ level│
///          └─────────────────────────────────────────┴──────┘
/// ```
///
/// - I1 A level changes by compare-and-set of the state. Who succeeds counts the change and tells
///   the listeners, so each change is told exactly once, by one thread.
/// - I2 The changes of a zone are a chain: each begins at the level where the one before ended.
///   `entered` of a level counts the changes that led to it; NONE at the start is not counted.
/// - I3 No lock is held while a listener runs. What it throws is counted and dropped.
///
/// **Concurrency.** Any thread. An observation that changes nothing is one load; there is no shared
/// write then. An observation may be old when it arrives, and bring a level that the next one puts
/// right. The gauge has no clock: who has one says what time it is, [#advance].
///
/// **Rejected.** A level of the machine kept beside those of the zones: two truths; [#worst] looks
/// at them. A queue of changes, to tell them in order: it must be bounded, and then either changes
/// are lost or observers wait for listeners.
public final class PressureGauge {
  /// How many listeners there can be.
  public static final int MAX_LISTENERS = 16;

  private static final int LINE_SHIFT = 6;
  private static final int LOCK = 8;
  private static final int FAILURES = 16;
  private static final int ENTERED = 8;
  private static final int LEVEL_BITS = 2;
  private static final int LEVEL_MASK = (1 << LEVEL_BITS) - 1;
  private static final long MAX_CLOCK = Long.MAX_VALUE >>> LEVEL_BITS;

  private static final PressureLevel[] LEVELS = PressureLevel.values();

  private final long address;
  private final int zoneCount;
  private final PressureListeners listeners;

  /// A gauge in memory that is zero: every zone at [PressureLevel#NONE], the clock at 0.
  ///
  /// @param address a multiple of 8, of [#byteSize] bytes; of 64 for speed
  /// @param zoneCount 1 or more
  /// @throws IllegalArgumentException if the address is not aligned or there are no zones
  public PressureGauge(long address, int zoneCount) {
    if ((address & (Long.BYTES - 1)) != 0) {
      throw new IllegalArgumentException("no gauge at " + AddressRange.hex(address));
    }
    requireZones(zoneCount);
    this.address = address;
    this.zoneCount = zoneCount;
    listeners = new PressureListeners(address + LOCK, MAX_LISTENERS);
  }

  /// Bytes that a gauge needs.
  ///
  /// @param zoneCount 1 or more
  /// @return a multiple of 64
  /// @throws IllegalArgumentException if there are no zones
  public static long byteSize(int zoneCount) {
    requireZones(zoneCount);
    return (zoneCount + 1L) << LINE_SHIFT;
  }

  /// Takes note of what is available in a zone. If that changes its level, tells the listeners
  /// before it returns. Any thread; one load if nothing changes; no allocation.
  ///
  /// @param zoneIndex 0 … zones - 1
  /// @param available frames that are free or that caches give back at once
  /// @param min the zone's watermarks, ascending
  /// @param low at or above min
  /// @param high at or above low
  /// @return the level that the observation led to
  /// @throws IndexOutOfBoundsException if there is no such zone
  public PressureLevel observe(int zoneIndex, long available, long min, long low, long high) {
    long zone = zone(zoneIndex);
    while (true) {
      long state = Memory.getLongVolatile(zone);
      PressureLevel from = levelOf(state);
      PressureLevel to = from.next(available, min, low, high);
      if (to == from) {
        return to;
      }
      long clock = Memory.getLongVolatile(address);
      if (Memory.compareAndSetLong(zone, state, clock << LEVEL_BITS | indexOf(to))) {
        Memory.getAndAddLong(entered(zone, to), 1);
        tell(zoneIndex, from, to);
        return to;
      }
    }
  }

  /// Says what time it is. An earlier time than the last is passed over. Any thread.
  ///
  /// @param clock 0 … 2^61 - 1, in any unit
  /// @throws IllegalArgumentException if it is out of range
  public void advance(long clock) {
    if (clock < 0 || clock > MAX_CLOCK) {
      throw new IllegalArgumentException("clock " + clock);
    }
    long before = Memory.getLongVolatile(address);
    while (before < clock && !Memory.compareAndSetLong(address, before, clock)) {
      before = Memory.getLongVolatile(address);
    }
  }

  /// The level of a zone.
  ///
  /// @param zoneIndex 0 … zones - 1
  /// @return as the last change left it
  /// @throws IndexOutOfBoundsException if there is no such zone
  public PressureLevel level(int zoneIndex) {
    return levelOf(Memory.getLongVolatile(zone(zoneIndex)));
  }

  /// The level of the machine: the worst of all zones. O(zones).
  ///
  /// @return the highest level that any zone has
  public PressureLevel worst() {
    PressureLevel worst = PressureLevel.NONE;
    for (int zoneIndex = 0; zoneIndex < zoneCount; zoneIndex++) {
      PressureLevel level = level(zoneIndex);
      if (level.compareTo(worst) > 0) {
        worst = level;
      }
    }
    return worst;
  }

  /// Since when a zone has its level.
  ///
  /// @param zoneIndex 0 … zones - 1
  /// @return the clock as it was last advanced before the change, 0 if there was no change
  /// @throws IndexOutOfBoundsException if there is no such zone
  public long since(int zoneIndex) {
    return Memory.getLongVolatile(zone(zoneIndex)) >>> LEVEL_BITS;
  }

  /// How often a zone came to a level.
  ///
  /// @param zoneIndex 0 … zones - 1
  /// @param level any; the start at [PressureLevel#NONE] is not counted
  /// @return changes that led there
  /// @throws IndexOutOfBoundsException if there is no such zone
  public long entered(int zoneIndex, PressureLevel level) {
    return Memory.getLongVolatile(entered(zone(zoneIndex), level));
  }

  /// Adds a listener, for all zones. One that is added twice is told twice. Any thread.
  ///
  /// @param listener who wants to know
  /// @return false if there are [#MAX_LISTENERS] already
  public boolean register(PressureListener listener) {
    return listeners.register(listener);
  }

  /// Takes a listener away. A change that is being told on another thread may still reach it after
  /// this. Any thread.
  ///
  /// @param listener the same object that was added
  /// @return false if it was not there
  public boolean unregister(PressureListener listener) {
    return listeners.unregister(listener);
  }

  /// How often a listener threw something.
  ///
  /// @return 0 or more
  public long failures() {
    return Memory.getLongVolatile(address + FAILURES);
  }

  /// What a listener threw last.
  ///
  /// @return null if none ever did
  public @Nullable Throwable lastFailure() {
    return listeners.lastFailure();
  }

  private void tell(int zoneIndex, PressureLevel from, PressureLevel to) {
    int failures = listeners.tell(zoneIndex, from, to);
    if (failures > 0) {
      Memory.getAndAddLong(address + FAILURES, failures);
    }
  }

  private static PressureLevel levelOf(long state) {
    return LEVELS[(int) state & LEVEL_MASK];
  }

  private static long entered(long zone, PressureLevel level) {
    return zone + ENTERED + (long) indexOf(level) * Long.BYTES;
  }

  @SuppressWarnings("EnumOrdinal") // the state has room for the order of the constants
  private static int indexOf(PressureLevel level) {
    return level.ordinal();
  }

  private long zone(int zoneIndex) {
    if (zoneIndex < 0 || zoneIndex >= zoneCount) {
      throw new IndexOutOfBoundsException("no zone " + zoneIndex);
    }
    return address + ((zoneIndex + 1L) << LINE_SHIFT);
  }

  private static void requireZones(int zoneCount) {
    if (zoneCount < 1) {
      throw new IllegalArgumentException(zoneCount + " zones");
    }
  }
}
