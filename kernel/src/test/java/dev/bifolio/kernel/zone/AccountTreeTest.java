package dev.bifolio.kernel.zone;

import static dev.bifolio.kernel.zone.AccountTree.NOBODY;
import static dev.bifolio.kernel.zone.AccountTree.NO_LIMIT;
import static dev.bifolio.kernel.zone.AccountTree.ROOT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Every rule of accounts by itself.
class AccountTreeTest {
  private static final int MAX = 40;

  private Window window;
  private AccountTree tree;

  @BeforeEach
  void reserve() throws WindowException {
    window = Window.reserve(1 << 20);
    tree = new AccountTree(window.address(), MAX);
  }

  @AfterEach
  void assertSumsAndRelease() {
    try {
      assertEquals("", tree.validate());
    } finally {
      window.close();
    }
  }

  private int open(int parent, long limit, long minimum) {
    int account = tree.open(parent, limit, minimum);
    assertEquals(AccountOutcome.DONE, AccountOutcome.of(account));
    return account;
  }

  private void assertRefused(AccountOutcome outcome, int answer) {
    assertTrue(answer < 0);
    assertEquals(outcome, AccountOutcome.of(answer));
  }

  @Test
  void memoryOfZerosIsATreeWithoutAccountsAndWithoutALimit() {
    assertEquals(NO_LIMIT, tree.limit(ROOT));
    assertEquals(0, tree.usage(ROOT));
    assertEquals(0, tree.held(ROOT));
    assertEquals(0, tree.minimum(ROOT));
    assertEquals(0, tree.peak(ROOT));
    assertEquals(0, tree.failedCharges(ROOT));
    assertEquals(ROOT, tree.parent(ROOT));
    assertTrue(tree.isOpen(ROOT));
    for (int account = -1; account <= MAX + 1; account++) {
      assertEquals(account == ROOT, tree.isOpen(account));
    }
  }

  @Test
  void anAccountBeginsWithWhatItWasOpenedWith() {
    int group = open(ROOT, 100, 30);
    int account = open(group, NO_LIMIT, 7);
    assertEquals(1, group);
    assertEquals(2, account);
    assertEquals(100, tree.limit(group));
    assertEquals(30, tree.minimum(group));
    assertEquals(ROOT, tree.parent(group));
    assertEquals(NO_LIMIT, tree.limit(account));
    assertEquals(7, tree.minimum(account));
    assertEquals(group, tree.parent(account));
    assertEquals(0, tree.usage(account));
    assertEquals(0, tree.held(account));
    assertEquals(7, tree.held(group));
    assertEquals(30, tree.held(ROOT));
    assertEquals(0, tree.usage(group));
  }

  @Test
  void chargesCountForTheAccountAndAllAbove() {
    int group = open(ROOT, 100, 0);
    int account = open(group, 50, 0);
    int other = open(ROOT, 50, 0);
    assertTrue(tree.tryCharge(account, 20));
    assertTrue(tree.tryCharge(group, 5));
    assertTrue(tree.tryCharge(other, 3));
    assertEquals(20, tree.usage(account));
    assertEquals(25, tree.usage(group));
    assertEquals(3, tree.usage(other));
    assertEquals(28, tree.usage(ROOT));
    tree.refund(account, 8);
    assertEquals(12, tree.usage(account));
    assertEquals(17, tree.usage(group));
    assertEquals(20, tree.usage(ROOT));
    assertEquals(20, tree.peak(account));
    assertEquals(25, tree.peak(group));
    assertEquals(28, tree.peak(ROOT));
  }

  @Test
  void aChargeUpToTheLimitSucceedsAndOneFrameMoreFails() {
    int account = open(ROOT, 10, 0);
    assertFalse(tree.tryCharge(account, 11));
    assertTrue(tree.tryCharge(account, 10));
    assertFalse(tree.tryCharge(account, 1));
    assertEquals(2, tree.failedCharges(account));
    assertEquals(10, tree.usage(account));
    tree.refund(account, 1);
    assertTrue(tree.tryCharge(account, 1));
    assertFalse(tree.tryCharge(account, NO_LIMIT));
    assertEquals(3, tree.failedCharges(account));
  }

  @Test
  void aLimitOfZeroLetsNothingIn() {
    int account = open(ROOT, 0, 0);
    assertFalse(tree.tryCharge(account, 1));
    assertEquals(0, tree.usage(ROOT));
  }

  @Test
  void everyLimitOnThePathCounts() {
    assertEquals(AccountOutcome.DONE, tree.setLimit(ROOT, 30));
    int group = open(ROOT, 20, 0);
    int account = open(group, NO_LIMIT, 0);
    int other = open(ROOT, NO_LIMIT, 0);
    assertFalse(tree.tryCharge(account, 21));
    assertTrue(tree.tryCharge(account, 20));
    assertFalse(tree.tryCharge(group, 1));
    assertFalse(tree.tryCharge(other, 11));
    assertTrue(tree.tryCharge(other, 10));
    tree.refund(account, 1);
    assertTrue(tree.tryCharge(other, 1));
    assertFalse(tree.tryCharge(account, 1));
    assertEquals(2, tree.failedCharges(account));
    assertEquals(1, tree.failedCharges(group));
    assertEquals(1, tree.failedCharges(other));
    assertEquals(0, tree.failedCharges(ROOT));
  }

  @Test
  void theExampleOfTheOverviewIsTrue() {
    tree.setLimit(ROOT, 1000);
    int web = open(ROOT, 800, 0);
    int jobs = open(ROOT, 400, 100);
    int cache = open(web, 800, 500);
    int shell = open(ROOT, NO_LIMIT, 0);
    assertTrue(tree.tryCharge(web, 100));
    assertTrue(tree.tryCharge(cache, 40));
    assertTrue(tree.tryCharge(jobs, 70));
    assertTrue(tree.tryCharge(shell, 20));
    assertEquals(720, tree.held(ROOT));
    assertEquals(600, tree.held(web));
    assertEquals(230, tree.usage(ROOT));
    assertTrue(tree.tryCharge(jobs, 30));
    assertEquals(720, tree.held(ROOT));
    assertFalse(tree.tryCharge(jobs, 281));
    assertTrue(tree.tryCharge(jobs, 280));
    assertEquals(1000, tree.held(ROOT));
    assertFalse(tree.tryCharge(shell, 1));
    assertFalse(tree.tryCharge(web, 1));
    assertTrue(tree.tryCharge(cache, 460));
    assertFalse(tree.tryCharge(cache, 1));
    assertEquals(1000, tree.held(ROOT));
    assertEquals(1000, tree.usage(ROOT));
  }

  @Test
  void siblingsCannotEatWhatIsGuaranteed() {
    int group = open(ROOT, 100, 0);
    int guaranteed = open(group, 100, 40);
    int greedy = open(group, NO_LIMIT, 0);
    assertFalse(tree.tryCharge(greedy, 61));
    assertTrue(tree.tryCharge(greedy, 60));
    assertFalse(tree.tryCharge(group, 1));
    assertTrue(tree.tryCharge(guaranteed, 40));
    assertFalse(tree.tryCharge(guaranteed, 1));
    tree.refund(greedy, 10);
    assertTrue(tree.tryCharge(guaranteed, 10));
    assertFalse(tree.tryCharge(greedy, 1));
    tree.refund(guaranteed, 25);
    assertFalse(tree.tryCharge(greedy, 11));
    assertTrue(tree.tryCharge(greedy, 10));
    assertEquals(100, tree.held(group));
    assertEquals(85, tree.usage(group));
  }

  @Test
  void aGuaranteeHoldsAboveItsParentToo() {
    tree.setLimit(ROOT, 100);
    int group = open(ROOT, 80, 0);
    int guaranteed = open(group, 80, 30);
    int outside = open(ROOT, NO_LIMIT, 0);
    assertFalse(tree.tryCharge(outside, 71));
    assertTrue(tree.tryCharge(outside, 70));
    assertFalse(tree.tryCharge(group, 1));
    assertTrue(tree.tryCharge(guaranteed, 30));
  }

  @Test
  void childrenShareWhatTheirParentIsGuaranteed() {
    tree.setLimit(ROOT, 100);
    int group = open(ROOT, 80, 60);
    int first = open(group, 80, 25);
    int second = open(group, 80, 0);
    assertEquals(60, tree.held(ROOT));
    int outside = open(ROOT, NO_LIMIT, 0);
    assertTrue(tree.tryCharge(outside, 40));
    assertTrue(tree.tryCharge(second, 35));
    assertFalse(tree.tryCharge(second, 1));
    assertTrue(tree.tryCharge(first, 25));
    assertEquals(100, tree.held(ROOT));
    tree.refund(second, 1);
    assertEquals(100, tree.held(ROOT));
    assertTrue(tree.tryCharge(first, 1));
    assertEquals(34, tree.usage(second));
  }

  @Test
  void openRefusesWhatCannotBeGuaranteed() {
    int group = open(ROOT, 100, 0);
    int first = open(group, 100, 60);
    assertRefused(AccountOutcome.NOT_GUARANTEED, tree.open(group, 100, 41));
    int second = open(group, 100, 30);
    assertTrue(tree.tryCharge(group, 10));
    assertRefused(AccountOutcome.NOT_GUARANTEED, tree.open(group, 100, 1));
    assertEquals(3, open(group, 100, 0) - group);
    assertEquals(AccountOutcome.DONE, tree.close(second));
    assertTrue(tree.tryCharge(first, 70));
    assertRefused(AccountOutcome.NOT_GUARANTEED, tree.open(group, 100, 21));
    open(group, 20, 20);
  }

  @Test
  void openAsksEveryAccountAboveForTheGuarantee() {
    tree.setLimit(ROOT, 50);
    int group = open(ROOT, 100, 20);
    assertRefused(AccountOutcome.NOT_GUARANTEED, tree.open(group, 100, 51));
    open(group, 50, 50);
    assertEquals(50, tree.held(ROOT));
  }

  @Test
  void openRefusesAMinimumAboveTheLimit() {
    assertRefused(AccountOutcome.MINIMUM_ABOVE_LIMIT, tree.open(ROOT, 10, 11));
    assertFalse(tree.isOpen(1));
    open(ROOT, 10, 10);
  }

  @Test
  void accountsNestSixteenDeep() {
    int account = ROOT;
    for (int depth = 1; depth <= 16; depth++) {
      account = open(account, 100, 0);
    }
    assertRefused(AccountOutcome.TOO_DEEP, tree.open(account, 1, 2));
    assertTrue(tree.tryCharge(account, 100));
    assertEquals(100, tree.usage(ROOT));
    assertFalse(tree.tryCharge(tree.parent(account), 1));
  }

  @Test
  void everyNumberIsGivenOutOnceAndAgainAfterItWasClosed() {
    for (int account = 1; account <= MAX; account++) {
      assertEquals(account, open(ROOT, 10, 0));
    }
    assertRefused(AccountOutcome.NO_ACCOUNT_LEFT, tree.open(ROOT, 10, 0));
    tree.close(7);
    tree.close(MAX);
    tree.close(3);
    assertEquals(3, open(ROOT, 10, 0));
    assertEquals(MAX, open(ROOT, 10, 0));
    assertEquals(7, open(ROOT, 10, 0));
    assertRefused(AccountOutcome.NO_ACCOUNT_LEFT, tree.open(ROOT, 10, 0));
  }

  @Test
  void aNumberThatComesAgainHasForgottenItsPast() {
    int group = open(ROOT, 10, 0);
    int account = open(group, 10, 5);
    assertTrue(tree.tryCharge(account, 10));
    assertFalse(tree.tryCharge(account, 1));
    tree.refund(account, 10);
    tree.close(account);
    assertFalse(tree.isOpen(account));
    assertEquals(account, open(ROOT, 20, 0));
    assertEquals(ROOT, tree.parent(account));
    assertEquals(20, tree.limit(account));
    assertEquals(0, tree.minimum(account));
    assertEquals(0, tree.peak(account));
    assertEquals(0, tree.failedCharges(account));
    assertEquals(AccountOutcome.DONE, tree.close(group));
  }

  @Test
  void closeRefusesWhileFramesAreChargedOrChildrenOpen() {
    int group = open(ROOT, 100, 0);
    int account = open(group, 100, 10);
    assertEquals(AccountOutcome.HAS_CHILDREN, tree.close(group));
    assertTrue(tree.tryCharge(account, 1));
    assertEquals(AccountOutcome.IN_USE, tree.close(account));
    assertTrue(tree.isOpen(account));
    tree.refund(account, 1);
    assertEquals(AccountOutcome.DONE, tree.close(account));
    assertEquals(0, tree.held(group));
    assertEquals(0, tree.held(ROOT));
    assertEquals(AccountOutcome.DONE, tree.close(group));
    assertThrows(IllegalArgumentException.class, () -> tree.close(group));
  }

  @Test
  void aLimitCanBeSetDownToWhatIsHeld() {
    int group = open(ROOT, 100, 0);
    int account = open(group, 100, 40);
    assertTrue(tree.tryCharge(group, 5));
    assertEquals(AccountOutcome.BELOW_USAGE, tree.setLimit(group, 44));
    assertEquals(100, tree.limit(group));
    assertEquals(AccountOutcome.DONE, tree.setLimit(group, 45));
    assertEquals(45, tree.limit(group));
    assertEquals(AccountOutcome.BELOW_USAGE, tree.setLimit(ROOT, 44));
    assertEquals(AccountOutcome.DONE, tree.setLimit(ROOT, 45));
    assertEquals(AccountOutcome.MINIMUM_ABOVE_LIMIT, tree.setLimit(account, 39));
    assertEquals(AccountOutcome.DONE, tree.setLimit(account, 40));
    assertEquals(AccountOutcome.DONE, tree.setLimit(group, NO_LIMIT));
    assertEquals(NO_LIMIT, tree.limit(group));
  }

  @Test
  void aMinimumCanBeRaisedAsFarAsItCanBeGuaranteed() {
    tree.setLimit(ROOT, 100);
    int account = open(ROOT, 90, 10);
    int other = open(ROOT, 90, 20);
    assertTrue(tree.tryCharge(account, 15));
    assertEquals(35, tree.held(ROOT));
    assertEquals(AccountOutcome.MINIMUM_ABOVE_LIMIT, tree.setMinimum(account, 91));
    assertEquals(AccountOutcome.NOT_GUARANTEED, tree.setMinimum(account, 81));
    assertEquals(10, tree.minimum(account));
    assertEquals(AccountOutcome.DONE, tree.setMinimum(account, 15));
    assertEquals(35, tree.held(ROOT));
    assertEquals(AccountOutcome.DONE, tree.setMinimum(account, 80));
    assertEquals(80, tree.minimum(account));
    assertEquals(100, tree.held(ROOT));
    assertFalse(tree.tryCharge(other, 21));
    assertTrue(tree.tryCharge(other, 20));
  }

  @Test
  void aLoweredMinimumIsFreeForOthers() {
    tree.setLimit(ROOT, 100);
    int account = open(ROOT, 90, 80);
    int other = open(ROOT, 90, 0);
    assertTrue(tree.tryCharge(account, 30));
    assertEquals(AccountOutcome.DONE, tree.setMinimum(account, 50));
    assertEquals(50, tree.held(ROOT));
    assertEquals(AccountOutcome.DONE, tree.setMinimum(account, 0));
    assertEquals(30, tree.held(ROOT));
    assertTrue(tree.tryCharge(other, 70));
    assertFalse(tree.tryCharge(account, 1));
    assertEquals(AccountOutcome.DONE, tree.setMinimum(account, 30));
    assertEquals(AccountOutcome.NOT_GUARANTEED, tree.setMinimum(account, 31));
  }

  @Test
  void nobodyIsChargedNothing() {
    tree.setLimit(ROOT, 0);
    assertTrue(tree.tryCharge(NOBODY, NO_LIMIT));
    tree.refund(NOBODY, 5);
    assertEquals(0, tree.usage(ROOT));
    assertEquals(0, tree.peak(ROOT));
  }

  @Test
  void aRefundOfMoreThanTheAccountItselfWasChargedIsRefused() {
    int group = open(ROOT, 100, 0);
    int account = open(group, 100, 0);
    assertTrue(tree.tryCharge(account, 10));
    assertTrue(tree.tryCharge(group, 4));
    IllegalArgumentException refusal =
        assertThrows(IllegalArgumentException.class, () -> tree.refund(group, 5));
    assertEquals("account 1 has 4 frames charged, not 5", refusal.getMessage());
    assertThrows(IllegalArgumentException.class, () -> tree.refund(account, 11));
    assertEquals(14, tree.usage(group));
    tree.refund(group, 4);
    tree.refund(account, 10);
    assertEquals(0, tree.usage(ROOT));
  }

  @Test
  void callersMistakesAreRefusedAndChangeNothing() {
    int account = open(ROOT, 10, 0);
    assertRefusesAll(account + 1);
    assertRefusesAll(-1);
    assertRefusesAll(MAX + 1);
    assertRefusesAll(Integer.MAX_VALUE);
    assertThrows(IllegalArgumentException.class, () -> tree.tryCharge(account, 0));
    assertThrows(IllegalArgumentException.class, () -> tree.tryCharge(NOBODY, 0));
    assertThrows(IllegalArgumentException.class, () -> tree.tryCharge(account, -1));
    assertThrows(IllegalArgumentException.class, () -> tree.refund(account, 0));
    assertThrows(IllegalArgumentException.class, () -> tree.refund(NOBODY, -1));
    assertThrows(IllegalArgumentException.class, () -> tree.open(ROOT, -1, 0));
    assertThrows(IllegalArgumentException.class, () -> tree.open(ROOT, 10, -1));
    assertThrows(IllegalArgumentException.class, () -> tree.setLimit(account, -1));
    assertThrows(IllegalArgumentException.class, () -> tree.setMinimum(account, -1));
    assertThrows(IllegalArgumentException.class, () -> tree.setMinimum(ROOT, 0));
    assertThrows(IllegalArgumentException.class, () -> tree.close(ROOT));
    assertTrue(tree.tryCharge(account, 10));
    assertEquals(10, tree.held(ROOT));
    assertEquals(0, tree.failedCharges(account));
  }

  private void assertRefusesAll(int account) {
    assertThrows(IllegalArgumentException.class, () -> tree.open(account, 1, 0));
    assertThrows(IllegalArgumentException.class, () -> tree.close(account));
    assertThrows(IllegalArgumentException.class, () -> tree.setLimit(account, 1));
    assertThrows(IllegalArgumentException.class, () -> tree.setMinimum(account, 1));
    assertThrows(IllegalArgumentException.class, () -> tree.tryCharge(account, 1));
    assertThrows(IllegalArgumentException.class, () -> tree.refund(account, 1));
    assertThrows(IllegalArgumentException.class, () -> tree.parent(account));
    assertThrows(IllegalArgumentException.class, () -> tree.usage(account));
    assertThrows(IllegalArgumentException.class, () -> tree.held(account));
    assertThrows(IllegalArgumentException.class, () -> tree.limit(account));
    assertThrows(IllegalArgumentException.class, () -> tree.minimum(account));
    assertThrows(IllegalArgumentException.class, () -> tree.failedCharges(account));
    assertThrows(IllegalArgumentException.class, () -> tree.peak(account));
  }

  @Test
  void anotherTreeOverTheSameMemoryGoesOn() {
    int account = open(ROOT, 10, 4);
    assertTrue(tree.tryCharge(account, 3));
    AccountTree other = new AccountTree(window.address(), MAX);
    assertEquals(3, other.usage(account));
    assertEquals(4, other.held(ROOT));
    other.refund(account, 3);
    assertEquals(0, tree.usage(account));
    assertEquals(2, other.open(ROOT, 1, 0));
  }

  @Test
  void aTreeStaysWithinItsMemory() {
    assertEquals(64 * (2 + 1), AccountTree.byteSize(1));
    assertEquals(64 * (2 + 4095), AccountTree.byteSize(4095));
    long behind = window.address() + AccountTree.byteSize(MAX);
    Memory.putLong(behind, 0x5A5A);
    for (int account = 1; account <= MAX; account++) {
      open(ROOT, 10, 1);
      assertTrue(tree.tryCharge(account, 2));
      assertFalse(tree.tryCharge(account, 9));
    }
    assertEquals(0x5A5A, Memory.getLong(behind));
  }

  @Test
  void asManyAccountsAsAFrameCanName() {
    tree = new AccountTree(window.address(), 4095);
    for (int account = 1; account <= 4095; account++) {
      assertEquals(account, tree.open(account > 2000 ? 2000 : ROOT, account, 0));
    }
    assertRefused(AccountOutcome.NO_ACCOUNT_LEFT, tree.open(ROOT, 1, 0));
    assertTrue(tree.tryCharge(4095, 2000));
    assertFalse(tree.tryCharge(4094, 1));
    assertEquals(AccountOutcome.HAS_CHILDREN, tree.close(2000));
    assertEquals(2000, tree.usage(ROOT));
  }

  @Test
  void aTreeNeedsAnAlignedAddressAndAPossibleCount() {
    long address = window.address();
    assertThrows(IllegalArgumentException.class, () -> new AccountTree(address + 4, 1));
    assertThrows(IllegalArgumentException.class, () -> new AccountTree(address, 0));
    assertThrows(IllegalArgumentException.class, () -> new AccountTree(address, 4096));
    assertThrows(IllegalArgumentException.class, () -> AccountTree.byteSize(0));
    assertThrows(IllegalArgumentException.class, () -> AccountTree.byteSize(4096));
    assertTrue(new AccountTree(address + 8, 1).isOpen(ROOT));
  }
}
