package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.testkit.Property;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// A million random operations: the tree and a model agree on every outcome and every number.
class AccountTreeModelTest {
  private static final int MAX_ACCOUNTS = 20;
  private static final int ROUNDS = 1000;
  private static final int STEPS = 1000;

  private enum Kind {
    OPEN,
    CLOSE,
    SET_LIMIT,
    SET_MINIMUM,
    CHARGE,
    REFUND
  }

  private record Step(Kind kind, long account, long first, long second) {}

  private final Map<AccountOutcome, Long> seen = new EnumMap<>(AccountOutcome.class);
  private long charged;
  private long failed;

  @Test
  @Tag("slow")
  void treeAndModelAgreeAfterEveryOperation() throws WindowException {
    try (Window window = Window.reserve(AccountTree.byteSize(MAX_ACCOUNTS))) {
      Property.check(
          4, ROUNDS, AccountTreeModelTest::draw, steps -> new Run(window.address()).run(steps));
    }
    for (AccountOutcome outcome : AccountOutcome.values()) {
      assertTrue(seen.getOrDefault(outcome, 0L) > 100, outcome + " was seldom met: " + seen);
    }
    assertTrue(charged > 10_000 && failed > 10_000, charged + " charged, " + failed + " failed");
  }

  private static List<Step> draw(SplitMix64 random) {
    List<Step> steps = new ArrayList<>();
    int limits = random.between(20, 300) > 60 ? 300 : 60;
    boolean deep = random.oneIn(4);
    for (int i = 0; i < STEPS; i++) {
      Kind kind = drawKind(random);
      long account = deep && kind == Kind.OPEN ? Long.MAX_VALUE : random.below(1L << 40);
      long first =
          switch (kind) {
            case OPEN, SET_LIMIT -> random.oneIn(4) ? Long.MAX_VALUE : random.below(limits);
            case SET_MINIMUM -> random.below(limits / 2);
            case CLOSE -> 0;
            case CHARGE, REFUND -> random.between(1, random.oneIn(3) ? limits / 2 : 10);
          };
      steps.add(new Step(kind, account, first, random.oneIn(2) ? 0 : random.below(limits / 4)));
    }
    return steps;
  }

  private static Kind drawKind(SplitMix64 random) {
    int draw = random.below(20);
    return draw < 3
        ? Kind.OPEN
        : draw < 5
            ? Kind.CLOSE
            : draw < 6
                ? Kind.SET_LIMIT
                : draw < 8 ? Kind.SET_MINIMUM : draw < 15 ? Kind.CHARGE : Kind.REFUND;
  }

  private final class Run {
    private final AccountTree tree;
    private final AccountModel model = new AccountModel(MAX_ACCOUNTS);

    Run(long address) {
      Memory.fill(address, AccountTree.byteSize(MAX_ACCOUNTS), (byte) 0);
      tree = new AccountTree(address, MAX_ACCOUNTS);
    }

    void run(List<Step> steps) {
      for (Step step : steps) {
        apply(step);
        compare();
      }
      assertEquals("", tree.validate());
    }

    /// One of the accounts that are open; the last for the largest choice.
    private int choose(long choice, boolean withRoot) {
      List<Integer> numbers = new ArrayList<>(model.entries.keySet());
      int from = withRoot ? 0 : 1;
      if (choice == Long.MAX_VALUE) {
        return numbers.getLast();
      }
      return numbers.get(from + (int) (choice % (numbers.size() - from)));
    }

    private void apply(Step step) {
      if (step.kind == Kind.OPEN) {
        open(step);
      } else if (step.kind == Kind.SET_LIMIT) {
        int account = choose(step.account, true);
        agree(model.setLimit(account, step.first), tree.setLimit(account, step.first));
      } else if (model.entries.size() > 1) {
        applyToAccount(step, choose(step.account, false));
      }
    }

    private void open(Step step) {
      int parent = choose(step.account, true);
      int answer = tree.open(parent, step.first, step.second);
      assertFalse(answer > 0 && model.entries.containsKey(answer), "given out twice: " + answer);
      agree(model.open(answer, parent, step.first, step.second), AccountOutcome.of(answer));
    }

    private void applyToAccount(Step step, int account) {
      switch (step.kind) {
        case CLOSE -> agree(model.close(account), tree.close(account));
        case SET_MINIMUM ->
            agree(model.setMinimum(account, step.first), tree.setMinimum(account, step.first));
        case CHARGE -> {
          boolean isCharged = tree.tryCharge(account, step.first);
          assertEquals(model.tryCharge(account, step.first), isCharged);
          charged += isCharged ? 1 : 0;
          failed += isCharged ? 0 : 1;
        }
        case REFUND -> assertEquals(model.refund(account, step.first), refund(account, step.first));
        case OPEN, SET_LIMIT -> throw new AssertionError(step);
      }
    }

    private boolean refund(int account, long frames) {
      try {
        tree.refund(account, frames);
        return true;
      } catch (IllegalArgumentException e) {
        return false;
      }
    }

    private void agree(AccountOutcome expected, AccountOutcome found) {
      assertEquals(expected, found);
      seen.merge(found, 1L, Long::sum);
    }

    private void compare() {
      for (int account = 0; account <= MAX_ACCOUNTS; account++) {
        AccountModel.Entry entry = model.entries.get(account);
        assertEquals(entry != null, tree.isOpen(account));
        if (entry != null) {
          assertEquals(entry.parent, tree.parent(account));
          assertEquals(entry.limit, tree.limit(account));
          assertEquals(entry.minimum, tree.minimum(account));
          assertEquals(entry.failed, tree.failedCharges(account));
          assertEquals(entry.peak, tree.peak(account));
        }
      }
      compareSums(0);
    }

    /// The sums of a whole tree in one walk.
    private long[] compareSums(int account) {
      long held = model.entries.get(account).own;
      long usage = held;
      for (Map.Entry<Integer, AccountModel.Entry> child : model.entries.entrySet()) {
        if (child.getKey() != 0 && child.getValue().parent == account) {
          long[] sums = compareSums(child.getKey());
          held += Math.max(sums[0], child.getValue().minimum);
          usage += sums[1];
        }
      }
      assertEquals(held, tree.held(account));
      assertEquals(usage, tree.usage(account));
      return new long[] {held, usage};
    }
  }
}
