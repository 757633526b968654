package dev.bifolio.kernel.zone;

import java.util.Map;
import java.util.TreeMap;

/// Accounts as the definitions have them: a change is made, every sum is computed anew from the
/// frames that are charged directly, and where a limit does not hold the change is taken back.
final class AccountModel {
  /// One account.
  static final class Entry {
    int parent;
    long limit;
    long minimum;
    long own;
    long failed;
    long peak;
  }

  final Map<Integer, Entry> entries = new TreeMap<>();
  private final int maxAccounts;

  AccountModel(int maxAccounts) {
    this.maxAccounts = maxAccounts;
    Entry root = new Entry();
    root.limit = Long.MAX_VALUE;
    entries.put(0, root);
  }

  long held(int account) {
    long held = entries.get(account).own;
    for (Map.Entry<Integer, Entry> other : entries.entrySet()) {
      if (other.getKey() != 0 && other.getValue().parent == account) {
        held += Math.max(held(other.getKey()), other.getValue().minimum);
      }
    }
    return held;
  }

  long usage(int account) {
    long usage = entries.get(account).own;
    for (Map.Entry<Integer, Entry> other : entries.entrySet()) {
      if (other.getKey() != 0 && other.getValue().parent == account) {
        usage += usage(other.getKey());
      }
    }
    return usage;
  }

  /// Whether every limit holds from an account up; a change reaches no other.
  private boolean isWithinLimits(int account) {
    int at = account;
    while (held(at) <= entries.get(at).limit) {
      if (at == 0) {
        return true;
      }
      at = entries.get(at).parent;
    }
    return false;
  }

  private int depth(int account) {
    return account == 0 ? 0 : 1 + depth(entries.get(account).parent);
  }

  private boolean hasChildren(int account) {
    return entries.entrySet().stream()
        .anyMatch(e -> e.getKey() != 0 && e.getValue().parent == account);
  }

  /// What must come of opening an account; `number` is what the tree would call it.
  AccountOutcome open(int number, int parent, long limit, long minimum) {
    if (depth(parent) == 16) {
      return AccountOutcome.TOO_DEEP;
    }
    if (minimum > limit) {
      return AccountOutcome.MINIMUM_ABOVE_LIMIT;
    }
    Entry entry = new Entry();
    entry.parent = parent;
    entry.limit = limit;
    entry.minimum = minimum;
    int key = number > 0 ? number : -1;
    entries.put(key, entry);
    AccountOutcome outcome =
        !isWithinLimits(key)
            ? AccountOutcome.NOT_GUARANTEED
            : entries.size() - 1 > maxAccounts
                ? AccountOutcome.NO_ACCOUNT_LEFT
                : AccountOutcome.DONE;
    if (outcome != AccountOutcome.DONE) {
      entries.remove(key);
    }
    return outcome;
  }

  AccountOutcome close(int account) {
    if (hasChildren(account)) {
      return AccountOutcome.HAS_CHILDREN;
    }
    if (usage(account) > 0) {
      return AccountOutcome.IN_USE;
    }
    entries.remove(account);
    return AccountOutcome.DONE;
  }

  AccountOutcome setLimit(int account, long limit) {
    Entry entry = entries.get(account);
    if (entry.minimum > limit) {
      return AccountOutcome.MINIMUM_ABOVE_LIMIT;
    }
    if (held(account) > limit) {
      return AccountOutcome.BELOW_USAGE;
    }
    entry.limit = limit;
    return AccountOutcome.DONE;
  }

  AccountOutcome setMinimum(int account, long minimum) {
    Entry entry = entries.get(account);
    if (minimum > entry.limit) {
      return AccountOutcome.MINIMUM_ABOVE_LIMIT;
    }
    long before = entry.minimum;
    entry.minimum = minimum;
    if (!isWithinLimits(account)) {
      entry.minimum = before;
      return AccountOutcome.NOT_GUARANTEED;
    }
    return AccountOutcome.DONE;
  }

  boolean tryCharge(int account, long frames) {
    Entry entry = entries.get(account);
    entry.own += frames;
    if (!isWithinLimits(account)) {
      entry.own -= frames;
      entry.failed++;
      return false;
    }
    for (int at = account; ; at = entries.get(at).parent) {
      entries.get(at).peak = Math.max(entries.get(at).peak, usage(at));
      if (at == 0) {
        return true;
      }
    }
  }

  boolean refund(int account, long frames) {
    Entry entry = entries.get(account);
    if (entry.own < frames) {
      return false;
    }
    entry.own -= frames;
    return true;
  }
}
