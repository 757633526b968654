package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.testkit.SplitMix64;
import dev.bifolio.testkit.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Storms of charges and refunds by eight threads.
///
/// A ledger beside the tree is raised after a charge and lowered before a refund, for the account
/// and all above it. So what it says is never above what is really charged, and if it is ever above
/// a limit, the tree has let too much in.
@Tag("slow")
class AccountTreeThreadsTest {
  private static final int MAX_ACCOUNTS = 16;
  private static final int STEPS = 60_000;

  private final AtomicLongArray ledger = new AtomicLongArray(MAX_ACCOUNTS + 1);
  private final AtomicLong failedCharges = new AtomicLong();
  private Window window;
  private AccountTree tree;

  @BeforeEach
  void reserve() throws WindowException {
    window = Window.reserve(AccountTree.byteSize(MAX_ACCOUNTS));
    tree = new AccountTree(window.address(), MAX_ACCOUNTS);
  }

  @AfterEach
  void release() {
    window.close();
  }

  @Test
  void noLimitIsExceededNoGuaranteeBrokenAndNothingLost() throws InterruptedException {
    tree.setLimit(AccountTree.ROOT, 400);
    int first = tree.open(AccountTree.ROOT, 150, 0);
    int second = tree.open(AccountTree.ROOT, 250, 60);
    int third = tree.open(first, 120, 10);
    int fourth = tree.open(first, 90, 0);
    int fifth = tree.open(second, 200, 0);
    int guaranteed = tree.open(second, 80, 30);
    int[] accounts = {first, second, third, fourth, fifth};
    List<Runnable> work = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      long seed = i;
      work.add(() -> storm(accounts, new SplitMix64(seed)));
    }
    work.add(() -> staysWithin(guaranteed, 30, new SplitMix64(99)));
    Threads.runAll(work);
    assertEquals("", tree.validate());
    for (int account = 0; account <= guaranteed; account++) {
      assertEquals(ledger.get(account), tree.usage(account));
      assertTrue(tree.peak(account) <= tree.limit(account));
    }
    assertTrue(tree.usage(AccountTree.ROOT) > 0);
    assertEquals(0, tree.failedCharges(guaranteed));
    long failed = 0;
    for (int account : accounts) {
      failed += tree.failedCharges(account);
    }
    assertTrue(failed > 1000, "a storm without failures: " + failed);
    assertEquals(failedCharges.get(), failed);
  }

  /// Where a charge were added first and undone when it does not fit, the greedy would make the
  /// modest fail now and then.
  @Test
  void whoAsksTooMuchDoesNotMakeHisNeighbourFail() throws InterruptedException {
    tree.setLimit(AccountTree.ROOT, 100);
    int group = tree.open(AccountTree.ROOT, 100, 0);
    int modest = tree.open(group, 40, 0);
    int greedy = tree.open(group, AccountTree.NO_LIMIT, 0);
    List<Runnable> work = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      long seed = i;
      work.add(() -> staysWithin(modest, 10, new SplitMix64(seed)));
      work.add(() -> asksTooMuch(greedy, 101));
    }
    Threads.runAll(work);
    assertEquals(0, tree.failedCharges(modest));
    assertEquals(4L * STEPS, tree.failedCharges(greedy));
    assertEquals(ledger.get(modest), tree.usage(AccountTree.ROOT));
    assertEquals("", tree.validate());
  }

  @Test
  void accountsComeAndGoWhileOthersCharge() throws InterruptedException {
    tree.setLimit(AccountTree.ROOT, 100);
    int steady = tree.open(AccountTree.ROOT, 100, 50);
    List<Runnable> work = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      long seed = i;
      work.add(() -> staysWithin(steady, 25, new SplitMix64(seed)));
    }
    for (int i = 0; i < 6; i++) {
      work.add(this::opensAndCloses);
    }
    Threads.runAll(work);
    assertEquals(0, tree.failedCharges(steady));
    assertEquals("", tree.validate());
    assertEquals(50, tree.held(AccountTree.ROOT));
    for (int account = 2; account <= MAX_ACCOUNTS; account++) {
      assertTrue(!tree.isOpen(account));
    }
  }

  private void opensAndCloses() {
    for (int step = 0; step < STEPS / 4; step++) {
      int group = tree.open(AccountTree.ROOT, 30, 0);
      int account = tree.open(group, 20, 8);
      assertTrue(group > 0 && account > 0, group + ", " + account);
      assertTrue(tree.tryCharge(account, 8));
      assertEquals(8, tree.usage(group));
      assertEquals(AccountOutcome.HAS_CHILDREN, tree.close(group));
      tree.refund(account, 8);
      assertEquals(AccountOutcome.DONE, tree.close(account));
      assertEquals(AccountOutcome.DONE, tree.close(group));
    }
  }

  private void storm(int[] accounts, SplitMix64 random) {
    long[] mine = new long[MAX_ACCOUNTS + 1];
    for (int step = 0; step < STEPS; step++) {
      int account = accounts[random.below(accounts.length)];
      if (random.oneIn(2)) {
        long frames = random.between(1, 40);
        if (tree.tryCharge(account, frames)) {
          mine[account] += frames;
          record(account, frames);
        } else {
          failedCharges.incrementAndGet();
        }
      } else if (mine[account] > 0) {
        long frames = random.between(1, mine[account]);
        mine[account] -= frames;
        record(account, -frames);
        tree.refund(account, frames);
      }
      assertTrue(tree.held(account) <= tree.limit(account));
      assertTrue(tree.usage(AccountTree.ROOT) <= tree.limit(AccountTree.ROOT));
    }
  }

  /// Charges and refunds, never more than `frames` at once, and none may fail.
  private void staysWithin(int account, long frames, SplitMix64 random) {
    long mine = 0;
    for (int step = 0; step < STEPS; step++) {
      if (mine == 0 || (mine < frames && random.oneIn(2))) {
        long more = random.between(1, frames - mine);
        assertTrue(tree.tryCharge(account, more), "a charge that had to succeed");
        mine += more;
        record(account, more);
      } else {
        long less = random.between(1, mine);
        mine -= less;
        record(account, -less);
        tree.refund(account, less);
      }
    }
  }

  private void asksTooMuch(int account, long frames) {
    for (int step = 0; step < STEPS; step++) {
      assertTrue(!tree.tryCharge(account, frames));
    }
  }

  private void record(int account, long delta) {
    int at = account;
    while (true) {
      long charged = ledger.addAndGet(at, delta);
      assertTrue(charged <= tree.limit(at), "account " + at + " has " + charged);
      if (at == AccountTree.ROOT) {
        return;
      }
      at = tree.parent(at);
    }
  }
}
