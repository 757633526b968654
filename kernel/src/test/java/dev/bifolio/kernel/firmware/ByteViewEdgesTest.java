package dev.bifolio.kernel.firmware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ByteViewEdgesTest {
  private static final byte[] EIGHT = {1, 2, 3, 4, 5, 6, 7, (byte) 0x88};

  @Test
  void aViewAnswersForItsOwnBytesOnly() {
    ByteView view = ByteView.at(0x1000, EIGHT);
    assertTrue(view.isReadable(0x1000, 8));
    assertFalse(view.isReadable(0x1000, 9));
    assertFalse(view.isReadable(0xFFF, 1));
    assertFalse(view.isReadable(0x1008, 1));
    assertTrue(view.isReadable(0x1007, 1));
    assertThrows(IndexOutOfBoundsException.class, () -> view.byteAt(0x1008));
    assertThrows(IndexOutOfBoundsException.class, () -> view.byteAt(0xFFF));
  }

  @Test
  void anEmptyRangeIsReadableEverywhere() {
    assertTrue(ByteView.at(0x1000, EIGHT).isReadable(0, 0));
    assertTrue(ByteView.ofPieces().isReadable(-1, 0));
  }

  @Test
  void aRangeThatWrapsPastTheTopIsRefused() {
    ByteView view = ByteView.at(-8, EIGHT);
    assertTrue(view.isReadable(-8, 8));
    assertTrue(view.isReadable(-1, 1));
    assertFalse(view.isReadable(-1, 2));
    assertFalse(view.isReadable(-8, -1));
  }

  @Test
  void numbersAreReadInBothByteOrders() throws MemoryMapException {
    ByteView view = ByteView.of(EIGHT);
    assertEquals(0x88, view.u8("r", 7));
    assertEquals(0x8807, view.u16le("r", 6));
    assertEquals(0x88070605L, view.u32le("r", 4));
    assertEquals(0x05060788L, view.u32be("r", 4));
    assertEquals(0x8807060504030201L, view.u64le("r", 0));
    assertEquals(0x0102030405060788L, view.u64be("r", 0));
  }

  @Test
  void aReadAcrossTwoPiecesGivesTheSameNumber() throws MemoryMapException {
    ByteView split =
        ByteView.ofPieces(
            ByteView.at(0, new byte[] {1, 2, 3}),
            ByteView.at(3, new byte[] {4, 5, 6, 7, (byte) 0x88}));
    assertEquals(0x0102030405060788L, split.u64be("r", 0));
    assertFalse(split.isReadable(1, 8));
  }

  @Test
  void aRefusedReadNamesTheRecordAndTheAddress() {
    ByteView view = ByteView.of(EIGHT);
    MemoryMapException e =
        assertThrows(MemoryMapException.class, () -> view.u32le("some record", 5));
    assertEquals("some record", e.record());
    assertEquals(5, e.offset());
  }
}
