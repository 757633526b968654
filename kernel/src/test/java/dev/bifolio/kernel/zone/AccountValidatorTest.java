package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The validator sees planted corruptions of every word it looks at.
class AccountValidatorTest {
  private static final int RECORD_BYTES = 64;

  private Window window;
  private AccountTree tree;
  private int group;
  private int account;

  @BeforeEach
  void reserve() throws WindowException {
    window = Window.reserve(AccountTree.byteSize(4));
    tree = new AccountTree(window.address(), 4);
    group = tree.open(AccountTree.ROOT, 50, 5);
    account = tree.open(group, 40, 10);
    tree.tryCharge(account, 7);
    tree.tryCharge(group, 3);
  }

  @AfterEach
  void release() {
    window.close();
  }

  private void plant(int number, int word, long delta) {
    long address = window.address() + (number + 1L) * RECORD_BYTES + 8L * word;
    Memory.putLong(address, Memory.getLong(address) + delta);
  }

  @Test
  void aSoundTreeHasNoProblems() {
    assertEquals("", tree.validate());
    tree.close(tree.open(group, 1, 0));
    assertEquals("", tree.validate());
  }

  @Test
  void whatIsHeldIsSummedUp() {
    plant(group, 4, 1);
    assertEquals(
        """
        account 0: held should be 14, is 13
        account 1: held should be 13, is 14
        """,
        tree.validate());
  }

  @Test
  void chargesAreSummedUp() {
    plant(account, 3, -1);
    assertEquals(
        """
        account 2: held should be 6, is 7
        account 2: usage should be 6, is 7
        """,
        tree.validate());
  }

  @Test
  void usageIsSummedUp() {
    plant(AccountTree.ROOT, 5, -2);
    assertEquals("account 0: usage should be 10, is 8\n", tree.validate());
  }

  @Test
  void peaksAreNotBelowTheUsage() {
    plant(account, 6, -1);
    assertEquals("account 2: peak 6 is below the usage\n", tree.validate());
  }

  @Test
  void limitsHold() {
    plant(group, 1, 38);
    assertEquals("account 1: limit 12 is exceeded\n", tree.validate());
    plant(group, 1, -1);
    assertEquals("", tree.validate());
  }

  @Test
  void minimumsAreNotAboveLimits() {
    plant(account, 1, 31);
    assertEquals("account 2: limit 9 is exceeded\n", tree.validate());
  }

  @Test
  void childrenAreCounted() {
    plant(group, 0, 1L << 32);
    assertEquals("account 1: children should be 1, is 2\n", tree.validate());
  }

  @Test
  void depthsFollowTheParents() {
    plant(account, 0, 1 << 12);
    assertEquals("account 2: depth should be 2, is 3\n", tree.validate());
  }

  @Test
  void parentsAreOpen() {
    plant(group, 0, -(1 << 17));
    assertEquals(
        """
        account 0: held should be 0, is 13
        account 0: usage should be 0, is 10
        account 0: children should be 0, is 1
        account 2: parent 1 is not open
        """,
        tree.validate());
  }
}
