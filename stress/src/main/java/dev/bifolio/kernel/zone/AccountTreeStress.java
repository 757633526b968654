package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.Allowed;
import dev.bifolio.kernel.frame.Race;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races of charges, refunds, guarantees and closing, in one group of ten frames.
///
/// Results: whether each actor succeeded (1 for yes), and whether the sums are right in the end
/// (1).
public final class AccountTreeStress {
  private AccountTreeStress() {}

  /// A group that may have ten frames, and accounts below it.
  static class Group extends Race {
    static final int LIMIT = 10;

    final AccountTree tree;
    final int group;

    Group() {
      super(AccountTree.byteSize(4));
      tree = new AccountTree(words, 4);
      group = tree.open(AccountTree.ROOT, LIMIT, 0);
    }

    final int account(long minimum) {
      return tree.open(group, AccountTree.NO_LIMIT, minimum);
    }

    final int charge(int account, int frames) {
      return yes(tree.tryCharge(account, frames));
    }

    final int refund(int account, int frames) {
      return yes(tree.tryRefund(account, frames));
    }

    final int ended(long usage, boolean good) {
      boolean right =
          good
              && tree.usage(group) == usage
              && tree.usage(AccountTree.ROOT) == usage
              && tree.validate().isEmpty();
      return ended(right);
    }
  }

  /// Such a group with two accounts.
  static class TwoAccounts extends Group {
    final int first = account(0);
    final int second = account(0);
  }

  /// One of them, and the other's failure is counted.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoChargesForTheLastOfAGroup extends TwoAccounts {
    @Actor
    public void one(III_Result r) {
      r.r1 = charge(first, 6);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = charge(second, 6);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(6, tree.failedCharges(first) + tree.failedCharges(second) == 1);
    }
  }

  /// Both fit, and nothing is lost of either.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoChargesThatFit extends TwoAccounts {
    @Actor
    public void one(III_Result r) {
      r.r1 = charge(first, 4);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = charge(second, 6);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(LIMIT, tree.peak(group) == LIMIT);
    }
  }

  /// The refund always; the charge if it comes after it.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
  @State
  public static class AChargeBesideARefund extends TwoAccounts {
    public AChargeBesideARefund() {
      charge(second, 6);
    }

    @Actor
    public void charge(III_Result r) {
      r.r1 = charge(first, 6);
    }

    @Actor
    public void refund(III_Result r) {
      r.r2 = refund(second, 6);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(6L * r.r1, tree.failedCharges(first) == 1 - r.r1);
    }
  }

  /// One charge is taken back once.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoRefundsOfOneCharge extends Group {
    private final int account = account(0);

    public TwoRefundsOfOneCharge() {
      charge(account, 6);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = refund(account, 6);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = refund(account, 6);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(0, true);
    }
  }

  /// An account is charged and stays, or it is closed and cannot be charged.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class AChargeBesideAClose extends Group {
    private final int account = account(3);

    @Actor
    public void charge(III_Result r) {
      try {
        r.r1 = charge(account, 6);
      } catch (IllegalArgumentException e) {
        r.r1 = NO; // closed
      }
    }

    @Actor
    public void close(III_Result r) {
      r.r2 = yes(tree.close(account) == AccountOutcome.DONE);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean held = tree.held(group) == 6L * r.r1;
      r.r3 = ended(6L * r.r1, held && tree.isOpen(account) == (r.r1 == 1));
    }
  }

  /// What is guaranteed is there, however much the neighbour asks for at the same time.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheFirst.class)
  @State
  public static class AGuaranteeBesideTheGreedy extends Group {
    private final int guaranteed = account(5);
    private final int greedy = account(0);

    @Actor
    public void one(III_Result r) {
      r.r1 = charge(guaranteed, 5);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = charge(greedy, 6);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(5, tree.held(group) == 5);
    }
  }

  /// The group can set only one of them aside.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoGuaranteesForTheLastOfAGroup extends Group {
    private int first;
    private int second;

    @Actor
    public void one(III_Result r) {
      first = account(6);
      r.r1 = yes(first > 0);
    }

    @Actor
    public void other(III_Result r) {
      second = account(6);
      r.r2 = yes(second > 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(0, tree.held(group) == 6 && Math.max(first, second) == group + 1);
    }
  }

  /// A limit is set below what is asked for, or it is found to be below what is charged.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class AChargeBesideALowerLimit extends Group {
    private final int account = account(0);

    @Actor
    public void charge(III_Result r) {
      r.r1 = charge(account, 6);
    }

    @Actor
    public void limit(III_Result r) {
      r.r2 = yes(tree.setLimit(group, 5) == AccountOutcome.DONE);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(6L * r.r1, tree.limit(group) == (r.r2 == 1 ? 5 : LIMIT));
    }
  }
}
