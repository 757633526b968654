package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.platform.Memory;

/// The words of an [AccountTree] in memory: a header, and a record of 64 bytes for every account.
///
/// ```
/// header   lock │ numbers used so far │ first closed number │ (free)
/// record   link │ NO_LIMIT - limit │ minimum │ own │ held │ usage │ peak │ failed charges
///
///  link    63          32 31   18  17  16    12 11             0
///         ┌──────────────┬───────┬────┬────────┬────────────────┐
///         │ children     │ (0)   │open│ depth  │ parent         │   open
///         ├──────────────┴───────┴────┴────────┼────────────────┤
///         │ 0                                  │ next closed    │   closed
///         └────────────────────────────────────┴────────────────┘
/// ```
///
/// The limit is stored as what it lacks of "none", so that memory of zeros is the account of a tree
/// that limits nothing. One record is one cache line: a charge touches one line a level, and the
/// lock in a line of its own keeps waiters away from them.
///
/// Every store happens under the tree's lock. Loads outside it see some value that was stored, for
/// each word by itself.
final class AccountRecords {
  private static final int RECORD_SHIFT = 6;
  private static final int HEADER_BYTES = 64;

  private static final int USED = 8;
  private static final int CLOSED = 16;

  private static final int LIMIT = 8;
  private static final int MINIMUM = 16;
  private static final int OWN = 24;
  private static final int HELD = 32;
  private static final int USAGE = 40;
  private static final int PEAK = 48;
  private static final int FAILED = 56;

  private static final int NUMBER_MASK = 0xFFF;
  private static final int DEPTH_SHIFT = 12;
  private static final int DEPTH_MASK = 0x1F;
  private static final long OPEN = 1L << 17;
  private static final int CHILDREN_SHIFT = 32;
  private static final long CHILD = 1L << CHILDREN_SHIFT;

  private final long address;
  private final int maxAccounts;

  AccountRecords(long address, int maxAccounts) {
    this.address = address;
    this.maxAccounts = maxAccounts;
  }

  static long byteSize(int maxAccounts) {
    return HEADER_BYTES + ((maxAccounts + 1L) << RECORD_SHIFT);
  }

  long lockAddress() {
    return address;
  }

  int maxAccounts() {
    return maxAccounts;
  }

  /// The highest number that was ever given out.
  int used() {
    return (int) Memory.getLongVolatile(address + USED);
  }

  /// Takes a number that is closed or was never used.
  ///
  /// @return 0 if none is left
  int takeNumber() {
    int closed = (int) Memory.getLong(address + CLOSED);
    if (closed != 0) {
      Memory.putLong(address + CLOSED, Memory.getLong(record(closed)));
      return closed;
    }
    int used = used();
    if (used == maxAccounts) {
      return 0;
    }
    Memory.putLong(address + USED, used + 1L);
    return used + 1;
  }

  /// Writes the record of a number that was taken.
  void open(int account, int parent, long limit, long minimum) {
    long record = record(account);
    putLimit(account, limit);
    putMinimum(account, minimum);
    for (int word = OWN; word <= FAILED; word += Long.BYTES) {
      Memory.putLong(record + word, 0);
    }
    Memory.putLong(record(parent), Memory.getLong(record(parent)) + CHILD);
    long depth = depth(parent) + 1L;
    Memory.putLongRelease(record, OPEN | depth << DEPTH_SHIFT | parent);
  }

  /// Gives a number back.
  void close(int account) {
    int parent = parent(account);
    Memory.putLong(record(parent), Memory.getLong(record(parent)) - CHILD);
    Memory.putLongRelease(record(account), Memory.getLong(address + CLOSED));
    Memory.putLong(address + CLOSED, account);
  }

  /// Whether there is such an account; the root of all counts as one.
  boolean isOpen(int account) {
    return account == AccountTree.ROOT
        || (account > 0
            && account <= maxAccounts
            && (Memory.getLongVolatile(record(account)) & OPEN) != 0);
  }

  int parent(int account) {
    return (int) Memory.getLong(record(account)) & NUMBER_MASK;
  }

  int depth(int account) {
    return (int) (Memory.getLong(record(account)) >>> DEPTH_SHIFT) & DEPTH_MASK;
  }

  int childCount(int account) {
    return (int) (Memory.getLong(record(account)) >>> CHILDREN_SHIFT);
  }

  long limit(int account) {
    return AccountTree.NO_LIMIT - Memory.getLongVolatile(record(account) + LIMIT);
  }

  void putLimit(int account, long limit) {
    Memory.putLongRelease(record(account) + LIMIT, AccountTree.NO_LIMIT - limit);
  }

  long minimum(int account) {
    return Memory.getLongVolatile(record(account) + MINIMUM);
  }

  void putMinimum(int account, long minimum) {
    Memory.putLongRelease(record(account) + MINIMUM, minimum);
  }

  long own(int account) {
    return Memory.getLongVolatile(record(account) + OWN);
  }

  void addOwn(int account, long delta) {
    add(record(account) + OWN, delta);
  }

  long held(int account) {
    return Memory.getLongVolatile(record(account) + HELD);
  }

  void addHeld(int account, long delta) {
    add(record(account) + HELD, delta);
  }

  long usage(int account) {
    return Memory.getLongVolatile(record(account) + USAGE);
  }

  /// Changes the usage, and the peak with it.
  void addUsage(int account, long delta) {
    long record = record(account);
    add(record + USAGE, delta);
    if (Memory.getLong(record + USAGE) > Memory.getLong(record + PEAK)) {
      Memory.putLongRelease(record + PEAK, Memory.getLong(record + USAGE));
    }
  }

  long peak(int account) {
    return Memory.getLongVolatile(record(account) + PEAK);
  }

  long failedCharges(int account) {
    return Memory.getLongVolatile(record(account) + FAILED);
  }

  void countFailedCharge(int account) {
    add(record(account) + FAILED, 1);
  }

  /// The lock makes load and store one step; the release is for readers without the lock.
  private static void add(long word, long delta) {
    Memory.putLongRelease(word, Memory.getLong(word) + delta);
  }

  private long record(int account) {
    return address + HEADER_BYTES + ((long) account << RECORD_SHIFT);
  }
}
