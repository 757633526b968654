package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

/// Outcomes and their codes.
class AccountOutcomeTest {
  @Test
  void codesAreAccountsOrOutcomes() {
    assertEquals(AccountOutcome.DONE, AccountOutcome.of(0));
    assertEquals(AccountOutcome.DONE, AccountOutcome.of(4095));
    assertEquals(-1, AccountOutcome.TOO_DEEP.code());
    assertEquals(-7, AccountOutcome.BELOW_USAGE.code());
    for (AccountOutcome outcome : AccountOutcome.values()) {
      assertEquals(outcome, AccountOutcome.of(outcome.code()));
    }
    assertThrows(IllegalArgumentException.class, () -> AccountOutcome.of(-8));
    assertThrows(IllegalArgumentException.class, () -> AccountOutcome.of(Integer.MIN_VALUE));
  }

  @Test
  void outcomesAreToldInWords() {
    assertEquals("no account is left", AccountOutcome.NO_ACCOUNT_LEFT.text());
    assertEquals("frames are charged to the account", AccountOutcome.IN_USE.text());
  }
}
