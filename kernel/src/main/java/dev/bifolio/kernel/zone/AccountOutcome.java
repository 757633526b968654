package dev.bifolio.kernel.zone;

/// What came of a change to the [AccountTree]. Everything but [#DONE] is a refusal, which has
/// changed nothing.
public enum AccountOutcome {
  /// The change took place.
  DONE("done"),
  /// The new account would lie below [AccountTree#MAX_DEPTH].
  TOO_DEEP("accounts are nested too deep"),
  /// An account may not be guaranteed more than it may have.
  MINIMUM_ABOVE_LIMIT("the minimum is above the limit"),
  /// The frames to be guaranteed are not there: an account above has given them out or guaranteed
  /// them to others.
  NOT_GUARANTEED("an account above cannot guarantee the minimum"),
  /// Every number is taken.
  NO_ACCOUNT_LEFT("no account is left"),
  /// Frames are charged to the account.
  IN_USE("frames are charged to the account"),
  /// Other accounts lie below the account.
  HAS_CHILDREN("the account has children"),
  /// The new limit is below what is charged and guaranteed already.
  BELOW_USAGE("the limit is below what is charged and guaranteed");

  private static final AccountOutcome[] VALUES = values();

  private final String text;

  AccountOutcome(String text) {
    this.text = text;
  }

  /// The outcome in words.
  ///
  /// @return part of a sentence, without a full stop
  public String text() {
    return text;
  }

  /// The number by which [AccountTree#open] refuses.
  ///
  /// @return 0 for [#DONE], else -1 … -7
  @SuppressWarnings("EnumOrdinal") // the order of the constants is the published order of the codes
  public int code() {
    return -ordinal();
  }

  /// The outcome behind an answer of [AccountTree#open].
  ///
  /// @param accountOrCode an account, or the code of a refusal
  /// @return [#DONE] for 0 and above
  /// @throws IllegalArgumentException if there is no such code
  public static AccountOutcome of(int accountOrCode) {
    if (accountOrCode >= 0) {
      return DONE;
    }
    if (accountOrCode <= -VALUES.length) {
      throw new IllegalArgumentException(accountOrCode + " is not the code of an outcome");
    }
    return VALUES[-accountOrCode];
  }
}
