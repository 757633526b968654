package dev.bifolio.kernel.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.DynamicReservation;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.unit.AddressRange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Reservations on the largest maps: the answer is right and does not come late.
class ReservationsTest {
  private static final int RANGES = 1 << 16;
  private static final int CAPACITY = 8 * RANGES;
  private static final long MIB = 1L << 20;

  private Window window;
  private Memblock memblock;
  private Reservations reservations;

  @BeforeEach
  void begin() throws Exception {
    window = Window.reserve(Memblock.storageByteSize(CAPACITY));
    memblock = new Memblock(window.address(), CAPACITY, 0);
    reservations = new Reservations(memblock);
  }

  @AfterEach
  void end() {
    window.close();
  }

  @Test
  void areasForMovableDataAreMadeOfWholePageBlocks() {
    memblock.add(0, 64 * MIB + 4096);
    AddressRange[] anywhere = {};
    reservations.place(new DynamicReservation("a", 4096, 0, anywhere, false, false, false));
    reservations.place(new DynamicReservation("b", MIB, 0, anywhere, false, true, true));
    reservations.place(new DynamicReservation("c", MIB, 0, anywhere, true, true, false));
    assertEquals(64 * MIB, reservations.get(0).range().base());
    assertEquals(62 * MIB, reservations.get(1).range().base());
    assertEquals(63 * MIB, reservations.get(2).range().base());
  }

  @Test
  @Timeout(10)
  void nestedRangesThatMayNotBeMappedAreMarkedInTime() {
    memblock.add(0, 4L * RANGES * MIB);
    for (long i = 0; i < RANGES; i++) {
      memblock.reserve(2 * i * MIB, MIB);
    }
    for (long i = 0; i < 4096; i++) {
      AddressRange range = AddressRange.ofBounds(i, 2L * RANGES * MIB - i);
      reservations.reserve(
          new ReservedRegion(range, "n", ReservedRegion.Source.RESERVED_MEMORY, true, false));
    }
    reservations.markUnmapped();
    assertTrue(memblock.nextFree(0, Memblock.NO_NODE));
    assertEquals(2L * RANGES * MIB, memblock.freeBase());
    assertEquals(2 * RANGES + 1, memblock.memory().count());
  }

  @Test
  @Tag("slow")
  @Timeout(10)
  void manyAllowedRangesInManyRangesOfRamAreSearchedInTime() {
    for (int i = 0; i < RANGES; i++) {
      memblock.add(2L * i * MIB, MIB);
    }
    AddressRange[] allowed = new AddressRange[16_384];
    for (int i = 0; i < allowed.length; i++) {
      allowed[i] = new AddressRange((2L * i + 1) * MIB, MIB);
    }
    allowed[allowed.length - 1] = new AddressRange(0, MIB);
    assertTrue(
        reservations.place(new DynamicReservation("d", MIB, 0, allowed, false, false, false)));
    assertEquals(0, reservations.get(0).range().base());
  }
}
