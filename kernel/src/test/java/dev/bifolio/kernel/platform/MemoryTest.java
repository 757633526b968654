package dev.bifolio.kernel.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Threads;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Every access reads and writes just its bytes.
class MemoryTest {
  private static final long VALUE = 0x8123_4567_89AB_CDEFL;

  private Window window;
  private long at;

  @BeforeEach
  void reserve() throws WindowException {
    window = Window.reserve(4096);
    at = window.address() + 64;
  }

  @AfterEach
  void close() {
    window.close();
  }

  private void assertNeighboursAreZero() {
    assertEquals(0, Memory.getLong(at - 8));
    assertEquals(0, Memory.getLong(at + 8));
  }

  @Test
  void everyStoreIsReadByEveryLoad() {
    Memory.putLong(at, VALUE);
    assertEquals(VALUE, Memory.getLong(at));
    assertEquals(VALUE, Memory.getLongAcquire(at));
    assertEquals(VALUE, Memory.getLongVolatile(at));
    Memory.putLongRelease(at, ~VALUE);
    assertEquals(~VALUE, Memory.getLong(at));
    assertNeighboursAreZero();
  }

  @Test
  void smallerAccessesTouchTheirBytesOnly() {
    Memory.putInt(at + 4, 0x8123_4567);
    assertEquals(0x8123_4567, Memory.getInt(at + 4));
    assertEquals(0, Memory.getInt(at));
    boolean little = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
    assertEquals(little ? 0x67 : (byte) 0x81, Memory.getByte(at + 4));
    Memory.putByte(at + 3, (byte) -1);
    assertEquals(-1, Memory.getByte(at + 3));
    assertEquals(0, Memory.getByte(at + 2));
    assertEquals(0x8123_4567, Memory.getInt(at + 4));
    assertNeighboursAreZero();
  }

  @Test
  void aCompareAndSetStoresOnlyOverTheExpectedValue() {
    assertFalse(Memory.compareAndSetLong(at, 1, VALUE));
    assertEquals(0, Memory.getLong(at));
    assertTrue(Memory.compareAndSetLong(at, 0, VALUE));
    assertEquals(VALUE, Memory.getLong(at));
    assertFalse(Memory.compareAndSetLong(at, 0, 5));
    assertEquals(VALUE, Memory.getLong(at));
    assertNeighboursAreZero();
  }

  @Test
  void aCompareAndSetOfFourBytesLeavesTheirNeighbours() {
    Memory.putLong(at, VALUE);
    assertFalse(Memory.compareAndSetInt(at + 4, 1, 2));
    assertEquals(VALUE, Memory.getLong(at));
    int before = Memory.getInt(at + 4);
    int beside = Memory.getInt(at);
    assertTrue(Memory.compareAndSetInt(at + 4, before, -5));
    assertEquals(-5, Memory.getInt(at + 4));
    assertEquals(beside, Memory.getInt(at));
    assertTrue(Memory.compareAndSetInt(at, beside, 7));
    assertEquals(-5, Memory.getInt(at + 4));
    assertNeighboursAreZero();
  }

  @Test
  void anAdditionTellsTheValueBeforeAndWraps() {
    assertEquals(0, Memory.getAndAddLong(at, 5));
    assertEquals(5, Memory.getAndAddLong(at, -7));
    assertEquals(-2, Memory.getAndAddLong(at, Long.MIN_VALUE));
    assertEquals(Long.MAX_VALUE - 1, Memory.getLong(at));
    assertNeighboursAreZero();
  }

  @Test
  void bitsAreSetAndClearedAndTheValueBeforeIsTold() {
    assertEquals(0, Memory.getAndBitwiseOrLong(at, 0b1100));
    assertEquals(0b1100, Memory.getAndBitwiseOrLong(at, 0b0110));
    assertEquals(0b1110, Memory.getAndBitwiseAndLong(at, ~0b0100L));
    assertEquals(0b1010, Memory.getAndBitwiseAndLong(at, VALUE));
    assertEquals(0b1010 & VALUE, Memory.getLong(at));
    assertNeighboursAreZero();
  }

  @Test
  void addsFromManyThreadsAreNotLost() throws InterruptedException {
    List<Runnable> work = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      long bit = 1L << (32 + t);
      work.add(() -> {
        for (int i = 0; i < 10_000; i++) {
          Memory.getAndAddLong(at, 1);
          Memory.getAndBitwiseOrLong(at, bit);
          Memory.getAndBitwiseAndLong(at, ~bit);
        }
      });
    }
    Threads.runAll(work);
    assertEquals(40_000, Memory.getLongVolatile(at));
  }

  @Test
  void bytesAreFilledAndCopiedAlsoWhenTheyOverlap() {
    Memory.fill(at, 3, (byte) 7);
    Memory.fill(at + 3, 0, (byte) 9);
    for (int i = 0; i < 8; i++) {
      assertEquals(i < 3 ? 7 : 0, Memory.getByte(at + i));
      Memory.putByte(at + i, (byte) (i + 1));
    }
    Memory.copy(at, at + 2, 5);
    byte[] expected = {1, 2, 1, 2, 3, 4, 5, 8};
    for (int i = 0; i < 8; i++) {
      assertEquals(expected[i], Memory.getByte(at + i));
    }
    assertNeighboursAreZero();
  }
}
