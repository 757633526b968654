package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.platform.Window;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The account in the words of frames, beside what others keep there.
class ChargesTest {
  private static final long START = 0x100;
  private static final long END = 0x110;

  private Window window;
  private FrameInfo info;

  @BeforeEach
  void open() throws Exception {
    window = Window.reserve(FrameInfo.byteSize(START, END) + AccountTree.byteSize(8));
    info = new FrameInfo(window.address(), START, END);
  }

  @AfterEach
  void close() {
    window.close();
  }

  private static long word(int account) {
    return FrameInfo.word(3, account, 5, 77);
  }

  @Test
  void anAccountIsWrittenAndTakenOutWithoutTouchingTheRestOfTheWord() {
    info.put(START + 1, word(0));
    Charges.write(info, START + 1, 9);
    assertEquals(word(9), info.get(START + 1));
    Charges.write(info, START + 1, 12);
    assertEquals(word(12), info.get(START + 1));
    assertEquals(12, Charges.clear(info, START + 1));
    assertEquals(word(0), info.get(START + 1));
    assertEquals(AccountTree.NOBODY, Charges.clear(info, START + 1));
    assertEquals(word(0), info.get(START + 1));
    assertEquals(0, info.get(START));
    assertEquals(0, info.get(START + 2));
  }

  @Test
  void eachFrameOfARunThatIsSplitNamesTheAccountAndNoFrameBehindIt() {
    info.put(START + 2, word(9));
    info.put(START + 4, word(0));
    Charges.spread(info, START + 2, 4);
    assertEquals(0, info.get(START + 1));
    assertEquals(word(9), info.get(START + 2));
    assertEquals(9, FrameInfo.accountOf(info.get(START + 3)));
    assertEquals(word(9), info.get(START + 4));
    assertEquals(9, FrameInfo.accountOf(info.get(START + 5)));
    assertEquals(0, info.get(START + 6));
  }

  @Test
  void aRunOfNobodyIsSplitWithoutAWord() {
    info.put(START + 2, word(0));
    info.put(START + 3, word(8));
    Charges.spread(info, START + 2, 4);
    assertEquals(word(8), info.get(START + 3));
    assertEquals(0, info.get(START + 4));
  }

  @Test
  void nobodyIsAlwaysChargedAndAnAccountUpToItsLimit() {
    AccountTree accounts = new AccountTree(window.address() + FrameInfo.byteSize(START, END), 8);
    Charges charges = new Charges(accounts);
    assertSame(charges, Charges.require(charges));
    assertThrows(IllegalArgumentException.class, () -> Charges.require(null));
    int account = accounts.open(AccountTree.ROOT, 10, 0);
    assertTrue(charges.tryCharge(AccountTree.NOBODY, Long.MAX_VALUE));
    assertTrue(charges.tryCharge(account, 10));
    assertFalse(charges.tryCharge(account, 1));
    charges.refund(account, 4);
    assertEquals(6, accounts.usage(account));
    // What somebody else wrote into a word changes nothing.
    charges.refund(account, 7);
    charges.refund(account + 1, 1);
    assertEquals(6, accounts.usage(account));
  }

  @Test
  void aRangeIsMadeOfTheLargestBlocksThatLieInIt() {
    long[] expected = {1, 2, 8, 4, 1};
    long pfn = 5;
    for (long frames : expected) {
      assertEquals(frames, Charges.blockAt(pfn, 21, 20));
      pfn += frames;
    }
    assertEquals(21, pfn);
    assertEquals(4, Charges.blockAt(8, 16, 2));
  }
}
