package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// Who is charged for a block: the account in the word of its head frame.
///
/// A free refunds whom the word names, not who frees. The word is cleared by compare-and-set before
/// the frames are freed, since afterwards they may be somebody else's; so of two frees of one block
/// one finds the account. Whether a free is right is looked at before the word is touched. Two that
/// look right are a double free that races: the one that found the account refunds it, whichever of
/// the two frees the frames.
///
/// A range that was taken as such has its account at the head of each of its blocks, since each may
/// be freed by itself. Any thread; no Java objects.
final class Charges {
  private final AccountTree accounts;

  Charges(AccountTree accounts) {
    this.accounts = accounts;
  }

  /// The charges of a machine that has accounts.
  ///
  /// @throws IllegalArgumentException if it has none
  static Charges require(@Nullable Charges charges) {
    if (charges == null) {
      throw new IllegalArgumentException("there are no accounts");
    }
    return charges;
  }

  boolean tryCharge(int account, long frameCount) {
    return account == AccountTree.NOBODY || accounts.tryCharge(account, frameCount);
  }

  /// Refunds whom a word names. A word that names an account that was never charged so much was
  /// written by somebody else, and changes nothing.
  void refund(int account, long frameCount) {
    boolean _ = accounts.tryRefund(account, frameCount);
  }

  /// Notes who was charged for a block that was just allocated.
  static void write(FrameInfo info, long pfn, int account) {
    while (true) {
      long word = info.getAcquire(pfn);
      long next =
          FrameInfo.word(
              FrameInfo.kindOf(word), account, FrameInfo.sharesOf(word), FrameInfo.ownerOf(word));
      if (info.compareAndSet(pfn, word, next)) {
        return;
      }
    }
  }

  /// Takes the account out of the word of a block that is to be freed.
  ///
  /// @return the account, which the caller refunds or writes again
  static int clear(FrameInfo info, long pfn) {
    while (true) {
      long word = info.getAcquire(pfn);
      int account = FrameInfo.accountOf(word);
      if (account == AccountTree.NOBODY) {
        return account;
      }
      long next =
          FrameInfo.word(
              FrameInfo.kindOf(word), 0, FrameInfo.sharesOf(word), FrameInfo.ownerOf(word));
      if (info.compareAndSet(pfn, word, next)) {
        return account;
      }
    }
  }

  /// Writes the account of a run into each frame of it, when it becomes single frames.
  static void spread(FrameInfo info, long pfn, long frameCount) {
    int account = FrameInfo.accountOf(info.getAcquire(pfn));
    for (long frame = pfn + 1; account != 0 && frame < pfn + frameCount; frame++) {
      write(info, frame, account);
    }
  }

  /// The blocks of a range, see [dev.bifolio.kernel.frame.FrameAllocator#allocateRange].
  static long blockAt(long pfn, long endPfn, int maxOrder) {
    return Pages.orderToFrames(Pages.largestOrderAt(pfn, endPfn, maxOrder));
  }
}
