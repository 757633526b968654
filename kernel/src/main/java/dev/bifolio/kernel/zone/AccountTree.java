package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.unit.AddressRange;

/// Quotas: a tree of accounts with hard limits and guaranteed minimums.
///
/// # Overview
///
/// Frames are charged to an account before they are allocated and refunded when they are freed, to
/// the account that their [FrameInfo] names. No account, with all that lies below it, ever has more
/// than its limit; and what an account is guaranteed, nobody else can eat up.
///
/// ```
///  0 root        limit 1000    held 600 + 100 + 20 = 720
///  ├─ 1 web      limit 800     held 100 + 500 = 600          minimum 0:   claims 600
///  │  └─ 3 cache limit 800     held 40                       minimum 500: claims 500
///  ├─ 2 jobs     limit 400     held 70                       minimum 100: claims 100
///  └─ 4 shell    limit none    held 20                       minimum 0:   claims 20
/// ```
///
/// An account *holds* what is charged to itself and what its children claim. It *claims* from its
/// parent what it holds, and never less than its minimum:
///
/// ```
///   held(a)  = own(a) + Σ claim(c) over the children c of a
///   claim(a) = max(held(a), minimum(a))
/// ```
///
/// So frames that are guaranteed count above as if they were in use. A charge raises what its
/// account holds; where the minimum swallows the rise, nothing above changes, and nothing above can
/// refuse it. `cache` has 460 frames that it will get whatever `jobs` and `shell` do; `jobs` may
/// have 310 more, 30 of them for nothing. Besides, each account knows its *usage*: the frames that
/// are really charged to it and to all below.
///
/// - I1 `held(a) <= limit(a)` for every account, and `minimum(a) <= limit(a)`.
/// - I2 `held` is the sum above; `usage(a) = own(a) + Σ usage(c)`; `usage(a) <= held(a)`.
/// - I3 A closed account has nothing and no children; its number may come again.
/// - I4 An operation that is refused changes nothing but the count of failed charges.
/// - I5 A charge that leaves `held(a) <= minimum(a)` succeeds: growth above is 0, and I1.
///
/// **Concurrency.** Any thread. One lock word guards every store; a change takes it for one walk to
/// the root, at most [#MAX_DEPTH] records, and calls nothing foreign under it. It is the point at
/// which a charge happens: it succeeds if and only if I1 then holds with it on the whole path. So
/// there are no failures without a reason and no overshoot. Readers take no lock; each number they
/// get was true at some moment, several together need not fit.
///
/// **Cost.** A charge or refund is one compare-and-set, one release store and a cache line or two a
/// level. With many processors the lock is where they meet; but so would be the root's counter.
///
/// **Rejected.** Adding on the way up and undoing where it does not fit, as Linux does
/// (`mm/page_counter.c`): while the sum to be undone stands, others fail who would fit, and a
/// request that asks too much makes its neighbours fail. A compare-and-set a level has the same
/// gap: no order of single words makes two limits one decision. Locks by level, taken from the leaf
/// upwards: exact, and the root is left alone by who stays within his minimum, but every other
/// charge costs a compare-and-set a level. Charges in advance per CPU: cheaper, but what lies ready
/// elsewhere refuses a charge that fits.
///
/// Sources: Linux `Documentation/admin-guide/cgroup-v2.rst`, `memory.max` and `memory.min`; there
/// the minimum is kept by reclaim, and here by the sums.
public final class AccountTree {
  /// The account of nobody: charges to it always succeed and are not counted. As a parent and in
  /// questions the same number is the root of all accounts.
  public static final int NOBODY = 0;

  /// The root of all accounts, to which nothing is charged directly.
  public static final int ROOT = 0;

  /// The limit of an account that has none.
  public static final long NO_LIMIT = Long.MAX_VALUE;

  /// How deep accounts nest: those directly below the root are at depth 1.
  public static final int MAX_DEPTH = 16;

  private final AccountRecords records;
  private final SpinLock lock;

  /// A tree in memory that is zero or holds such a tree already. Zeros are a tree without accounts
  /// whose root has no limit.
  ///
  /// @param address a multiple of 8, of [#byteSize] bytes; of 64 for speed
  /// @param maxAccounts 1 … 4095; the same as before if a tree is there
  /// @throws IllegalArgumentException if the address is not aligned or the count out of range
  public AccountTree(long address, int maxAccounts) {
    if ((address & (Long.BYTES - 1)) != 0) {
      throw new IllegalArgumentException("no accounts at " + AddressRange.hex(address));
    }
    requireCount(maxAccounts);
    records = new AccountRecords(address, maxAccounts);
    lock = new SpinLock(records.lockAddress());
  }

  /// Bytes that a tree needs.
  ///
  /// @param maxAccounts 1 … 4095
  /// @return a multiple of 64
  /// @throws IllegalArgumentException if the count is out of range
  public static long byteSize(int maxAccounts) {
    requireCount(maxAccounts);
    return AccountRecords.byteSize(maxAccounts);
  }

  /// Opens an account. Its minimum is set aside at once. Any thread; O(depth).
  ///
  /// @param parent [#ROOT] or an open account
  /// @param limitFrames 0 or more, [#NO_LIMIT] for none; it may be above the parent's
  /// @param minimumFrames 0 or more, guaranteed to the account and all below it
  /// @return the number of the account, 1 … 4095, or the code of a refusal, below 0: in this order
  ///   [AccountOutcome#TOO_DEEP], [AccountOutcome#MINIMUM_ABOVE_LIMIT],
  ///   [AccountOutcome#NOT_GUARANTEED], [AccountOutcome#NO_ACCOUNT_LEFT]
  /// @throws IllegalArgumentException if the parent is not open or a number of frames is negative
  public int open(int parent, long limitFrames, long minimumFrames) {
    requireFrames(limitFrames, 0);
    requireFrames(minimumFrames, 0);
    lock.lock();
    try {
      requireOpen(parent);
      if (records.depth(parent) == MAX_DEPTH) {
        return AccountOutcome.TOO_DEEP.code();
      }
      if (minimumFrames > limitFrames) {
        return AccountOutcome.MINIMUM_ABOVE_LIMIT.code();
      }
      if (!fits(parent, minimumFrames)) {
        return AccountOutcome.NOT_GUARANTEED.code();
      }
      int account = records.takeNumber();
      if (account == 0) {
        return AccountOutcome.NO_ACCOUNT_LEFT.code();
      }
      records.open(account, parent, limitFrames, minimumFrames);
      addHeld(parent, minimumFrames);
      return account;
    } finally {
      lock.unlock();
    }
  }

  /// Closes an account; what it was guaranteed is free for others. The number may be given out
  /// again. Any thread; O(depth).
  ///
  /// @param account open, not the root
  /// @return [AccountOutcome#DONE], or [AccountOutcome#HAS_CHILDREN] or [AccountOutcome#IN_USE]
  /// @throws IllegalArgumentException if there is no such account
  public AccountOutcome close(int account) {
    lock.lock();
    try {
      requireOwner(account);
      if (records.childCount(account) != 0) {
        return AccountOutcome.HAS_CHILDREN;
      }
      if (records.own(account) != 0) {
        return AccountOutcome.IN_USE;
      }
      addHeld(records.parent(account), -records.minimum(account));
      records.close(account);
      return AccountOutcome.DONE;
    } finally {
      lock.unlock();
    }
  }

  /// Sets a limit. Any thread.
  ///
  /// @param account open, or [#ROOT] for all accounts together
  /// @param limitFrames 0 or more, [#NO_LIMIT] for none
  /// @return [AccountOutcome#DONE], or [AccountOutcome#MINIMUM_ABOVE_LIMIT], or
  ///   [AccountOutcome#BELOW_USAGE] if the account holds more, guarantees to children included
  /// @throws IllegalArgumentException if the account is not open or the limit negative
  public AccountOutcome setLimit(int account, long limitFrames) {
    requireFrames(limitFrames, 0);
    lock.lock();
    try {
      requireOpen(account);
      if (limitFrames < records.minimum(account)) {
        return AccountOutcome.MINIMUM_ABOVE_LIMIT;
      }
      if (limitFrames < records.held(account)) {
        return AccountOutcome.BELOW_USAGE;
      }
      records.putLimit(account, limitFrames);
      return AccountOutcome.DONE;
    } finally {
      lock.unlock();
    }
  }

  /// Sets what an account is guaranteed. More is refused unless every account above can set it
  /// aside; less is always possible. Any thread; O(depth).
  ///
  /// @param account open, not the root
  /// @param minimumFrames 0 or more
  /// @return [AccountOutcome#DONE], or [AccountOutcome#MINIMUM_ABOVE_LIMIT] or
  ///   [AccountOutcome#NOT_GUARANTEED]
  /// @throws IllegalArgumentException if there is no such account or the minimum is negative
  public AccountOutcome setMinimum(int account, long minimumFrames) {
    requireFrames(minimumFrames, 0);
    lock.lock();
    try {
      requireOwner(account);
      if (minimumFrames > records.limit(account)) {
        return AccountOutcome.MINIMUM_ABOVE_LIMIT;
      }
      long held = records.held(account);
      int parent = records.parent(account);
      long growth = Math.max(held, minimumFrames) - Math.max(held, records.minimum(account));
      if (!fits(parent, growth)) {
        return AccountOutcome.NOT_GUARANTEED;
      }
      records.putMinimum(account, minimumFrames);
      addHeld(parent, growth);
      return AccountOutcome.DONE;
    } finally {
      lock.unlock();
    }
  }

  /// Charges frames, all or none: exactly if no limit from the account up to the root is exceeded.
  /// Any thread; O(depth).
  ///
  /// @param account open, or [#NOBODY], for whom it always succeeds
  /// @param frameCount 1 or more
  /// @return false if a limit stands against it; nothing is charged then, and the failure counted
  /// @throws IllegalArgumentException if the account is not open or the count below 1
  public boolean tryCharge(int account, long frameCount) {
    requireFrames(frameCount, 1);
    if (account == NOBODY) {
      return true;
    }
    lock.lock();
    try {
      requireOpen(account);
      if (!fits(account, frameCount)) {
        records.countFailedCharge(account);
        return false;
      }
      charge(account, frameCount);
      return true;
    } finally {
      lock.unlock();
    }
  }

  /// Takes charged frames off an account. Any thread; O(depth).
  ///
  /// @param account that was charged, or [#NOBODY]
  /// @param frameCount 1 or more
  /// @throws IllegalArgumentException if the account is not open, the count below 1, or above what
  ///   is charged to the account itself; nothing has changed then
  public void refund(int account, long frameCount) {
    requireFrames(frameCount, 1);
    if (account == NOBODY) {
      return;
    }
    lock.lock();
    try {
      requireOpen(account);
      long own = records.own(account);
      if (frameCount > own) {
        throw new IllegalArgumentException(
            "account " + account + " has " + own + " frames charged, not " + frameCount);
      }
      charge(account, -frameCount);
    } finally {
      lock.unlock();
    }
  }

  /// [#refund] with false for a mistake. Any thread; O(depth).
  ///
  /// @param account any
  /// @param frameCount 1 or more
  /// @return whether it was charged with as many; nothing has changed if not
  public boolean tryRefund(int account, long frameCount) {
    if (account <= NOBODY || frameCount < 1) {
      return account == NOBODY;
    }
    lock.lock();
    try {
      boolean may = isOpen(account) && frameCount <= records.own(account);
      if (may) {
        charge(account, -frameCount);
      }
      return may;
    } finally {
      lock.unlock();
    }
  }

  /// Whether there is such an account. The root always is.
  ///
  /// @param account any number
  /// @return false if it was never opened or is closed
  public boolean isOpen(int account) {
    return records.isOpen(account);
  }

  /// The account above.
  ///
  /// @param account open
  /// @return [#ROOT] or an account; the root is its own parent
  /// @throws IllegalArgumentException if the account is not open
  public int parent(int account) {
    requireOpen(account);
    return records.parent(account);
  }

  /// Frames that are charged to an account and all accounts below it.
  ///
  /// @param account open, or [#ROOT] for all that is charged
  /// @return 0 or more
  /// @throws IllegalArgumentException if the account is not open
  public long usage(int account) {
    requireOpen(account);
    return records.usage(account);
  }

  /// Frames that count against an account's limit: its usage, and what is guaranteed to accounts
  /// below it and not yet charged.
  ///
  /// @param account open, or [#ROOT]
  /// @return from the usage to the limit
  /// @throws IllegalArgumentException if the account is not open
  public long held(int account) {
    requireOpen(account);
    return records.held(account);
  }

  /// The limit of an account.
  ///
  /// @param account open, or [#ROOT]
  /// @return frames, [#NO_LIMIT] if it has none
  /// @throws IllegalArgumentException if the account is not open
  public long limit(int account) {
    requireOpen(account);
    return records.limit(account);
  }

  /// What an account is guaranteed.
  ///
  /// @param account open, or [#ROOT], which is guaranteed nothing
  /// @return frames
  /// @throws IllegalArgumentException if the account is not open
  public long minimum(int account) {
    requireOpen(account);
    return records.minimum(account);
  }

  /// How many charges to this very account failed since it was opened.
  ///
  /// @param account open
  /// @return 0 or more
  /// @throws IllegalArgumentException if the account is not open
  public long failedCharges(int account) {
    requireOpen(account);
    return records.failedCharges(account);
  }

  /// The highest usage since the account was opened.
  ///
  /// @param account open, or [#ROOT]
  /// @return frames
  /// @throws IllegalArgumentException if the account is not open
  public long peak(int account) {
    requireOpen(account);
    return records.peak(account);
  }

  /// Whether the sums hold and no limit is exceeded (I1 to I3). For tests and reports: the tree
  /// must be at rest, and the walk is quadratic in the number of accounts.
  ///
  /// @return empty, or one line for each contradiction
  public String validate() {
    return new AccountValidator(records).validate();
  }

  private void charge(int account, long delta) {
    records.addOwn(account, delta);
    addHeld(account, delta);
    int at = account;
    while (at != ROOT) {
      records.addUsage(at, delta);
      at = records.parent(at);
    }
    records.addUsage(ROOT, delta);
  }

  /// Whether what an account holds may grow, with all that this means above it.
  private boolean fits(int account, long growth) {
    int at = account;
    long rest = growth;
    while (rest > 0) {
      if (rest > records.limit(at) - records.held(at)) {
        return false;
      }
      if (at == ROOT) {
        return true;
      }
      rest = claimGrowth(at, rest);
      at = records.parent(at);
    }
    return true;
  }

  /// Changes what an account holds, and above it what follows.
  private void addHeld(int account, long delta) {
    int at = account;
    long rest = delta;
    while (rest != 0) {
      long next = at == ROOT ? 0 : claimGrowth(at, rest);
      records.addHeld(at, rest);
      rest = next;
      at = records.parent(at);
    }
  }

  /// How the claim of an account changes when it comes to hold so much more.
  private long claimGrowth(int account, long delta) {
    long held = records.held(account);
    long minimum = records.minimum(account);
    return Math.max(held + delta, minimum) - Math.max(held, minimum);
  }

  private void requireOpen(int account) {
    if (!records.isOpen(account)) {
      throw new IllegalArgumentException("account " + account + " is not open");
    }
  }

  private void requireOwner(int account) {
    requireOpen(account);
    if (account == ROOT) {
      throw new IllegalArgumentException("the root is no account of anybody");
    }
  }

  private static void requireFrames(long frameCount, int least) {
    if (frameCount < least) {
      throw new IllegalArgumentException("a count of " + frameCount + " frames");
    }
  }

  private static void requireCount(int maxAccounts) {
    if (maxAccounts < 1 || maxAccounts > FrameInfo.MAX_ACCOUNT) {
      throw new IllegalArgumentException(maxAccounts + " accounts");
    }
  }
}
