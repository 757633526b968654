package dev.bifolio.kernel.firmware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ByteViewTest {
  private static final byte[] BYTES = {
    (byte) 0x81, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, (byte) 0xF8, 0x09
  };

  @Test
  void numbersAreReadInBothOrders() throws MemoryMapException {
    ByteView view = ByteView.of(BYTES);
    assertEquals(0x81, view.u8("r", 0));
    assertEquals(0x0281, view.u16le("r", 0));
    assertEquals(0x04030281L, view.u32le("r", 0));
    assertEquals(0x81020304L, view.u32be("r", 0));
    assertEquals(0xF807060504030281L, view.u64le("r", 0));
    assertEquals(0x81020304050607F8L, view.u64be("r", 0));
    assertEquals(0x0203040506_07F809L, view.u64be("r", 1));
  }

  @Test
  void aReadThatPassesTheEndIsRefusedWithItsPlace() {
    ByteView view = ByteView.of(BYTES);
    MemoryMapException e = assertThrows(MemoryMapException.class, () -> view.u64le("entry", 2));
    assertEquals("entry", e.record());
    assertEquals(2, e.offset());
    assertEquals("entry at 0x2: 8 bytes needed, but the data end before that", e.getMessage());
    assertThrows(MemoryMapException.class, () -> view.u8("r", 9));
    assertThrows(MemoryMapException.class, () -> view.u8("r", -1));
    assertThrows(MemoryMapException.class, () -> view.u16le("r", 8));
    assertThrows(MemoryMapException.class, () -> view.u32be("r", 6));
    assertThrows(IndexOutOfBoundsException.class, () -> view.byteAt(9));
  }

  @Test
  void rangesNearTheEndAndOfAnyLengthAreJudgedWithoutWrapping() {
    ByteView view = ByteView.at(0x1000, BYTES);
    assertTrue(view.isReadable(0x1000, 9));
    assertFalse(view.isReadable(0x1000, 10));
    assertFalse(view.isReadable(0xFFF, 2));
    assertFalse(view.isReadable(0x1001, -1));
    assertFalse(view.isReadable(0x1001, Long.MIN_VALUE));
    assertFalse(view.isReadable(-1, 0x1002));
    assertTrue(view.isReadable(5, 0));
    ByteView top = ByteView.at(-9, BYTES);
    assertTrue(top.isReadable(-1, 1));
    assertFalse(top.isReadable(-1, 2));
    assertEquals(9, top.byteAt(-1));
  }

  @Test
  void aReadMayRunOnFromOnePieceIntoTheNext() throws MemoryMapException {
    ByteView view =
        ByteView.ofPieces(
            ByteView.at(12, new byte[] {5, 6}),
            ByteView.at(8, new byte[] {1, 2, 3, 4}),
            ByteView.at(100, new byte[] {7}));
    assertEquals(0x0304_0506L, view.u32be("r", 10));
    assertTrue(view.isReadable(8, 6));
    assertFalse(view.isReadable(8, 7));
    assertFalse(view.isReadable(13, 88));
    assertFalse(view.isReadable(8, MemoryMap.MAX_FILE_BYTES + 1L));
    assertEquals(7, view.byteAt(100));
    assertThrows(MemoryMapException.class, () -> view.u16le("r", 13));
    assertThrows(IndexOutOfBoundsException.class, () -> view.byteAt(14));
  }

  @Test
  void aViewWithoutPiecesHoldsNothing() {
    ByteView view = ByteView.ofPieces();
    assertFalse(view.isReadable(0, 1));
    assertTrue(view.isReadable(0, 0));
  }
}
