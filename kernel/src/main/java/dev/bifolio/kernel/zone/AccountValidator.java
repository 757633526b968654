package dev.bifolio.kernel.zone;

/// Recomputes every sum of an [AccountTree] at rest from what is charged directly. One thread.
final class AccountValidator {
  private final AccountRecords records;
  private final StringBuilder problems = new StringBuilder();

  AccountValidator(AccountRecords records) {
    this.records = records;
  }

  /// Empty if all is well, else a line for each contradiction.
  String validate() {
    for (int account = 0; account <= records.used(); account++) {
      if (records.isOpen(account)) {
        check(account);
      }
    }
    return problems.toString();
  }

  private void check(int account) {
    long held = records.own(account);
    long usage = held;
    int children = 0;
    for (int child = 1; child <= records.used(); child++) {
      if (records.isOpen(child) && records.parent(child) == account) {
        held += Math.max(records.held(child), records.minimum(child));
        usage += records.usage(child);
        children++;
      }
    }
    expect(account, "held", held, records.held(account));
    expect(account, "usage", usage, records.usage(account));
    expect(account, "children", children, records.childCount(account));
    if (held > records.limit(account) || records.minimum(account) > records.limit(account)) {
      problem(account, "limit", records.limit(account) + " is exceeded");
    }
    if (usage > records.peak(account)) {
      problem(account, "peak", records.peak(account) + " is below the usage");
    }
    if (account != AccountTree.ROOT) {
      checkPlace(account);
    }
  }

  private void checkPlace(int account) {
    int parent = records.parent(account);
    if (!records.isOpen(parent)) {
      problem(account, "parent", parent + " is not open");
    } else {
      expect(account, "depth", records.depth(parent) + 1L, records.depth(account));
    }
  }

  private void expect(int account, String what, long expected, long found) {
    if (expected != found) {
      problem(account, what, "should be " + expected + ", is " + found);
    }
  }

  private void problem(int account, String what, String text) {
    problems.append("account ").append(account).append(": ").append(what).append(' ');
    problems.append(text).append('\n');
  }
}
