package dev.bifolio.lab.text;

/// A line of a kernel log without what the way to us put before it: a level (`<6>`), a date and
/// host name of a log daemon, the time stamp, the printing task (`[ T0]`).
///
/// @param text the message itself
/// @param timed whether there was a time stamp or daemon's prefix, so the kernel said it itself
record LogMessage(String text, boolean timed) {
  private static final String DAEMON = " kernel: ";

  /// No stamp is longer, with its brackets: a date has 24 characters, a task's number ten digits.
  private static final int MAX_STAMP_LENGTH = 32;

  static LogMessage of(String line) {
    String rest = line;
    boolean timed = false;
    if (rest.startsWith("<")) {
      int close = rest.indexOf('>');
      if (close > 0 && close <= 4 && isNumber(rest.substring(1, close))) {
        rest = rest.substring(close + 1);
      }
    }
    int daemon = rest.indexOf(DAEMON);
    if (daemon > 0 && rest.charAt(0) != '[' && daemon < 80) {
      rest = rest.substring(daemon + DAEMON.length());
      timed = true;
    }
    // A hostile line may be nothing but stamps: the rest of it is copied once, behind the last.
    int from = 0;
    while (rest.startsWith("[", from)) {
      int close = rest.indexOf(']', from, Math.min(from + MAX_STAMP_LENGTH, rest.length()));
      if (close < 0 || !isStamp(rest.substring(from + 1, close).strip())) {
        break;
      }
      from = close + 1;
      timed = true;
    }
    // The stamp is followed by one blank; further blanks belong to the message.
    if (timed && rest.startsWith(" ", from)) {
      from++;
    }
    return new LogMessage(rest.substring(from), timed);
  }

  /// `0.000000`, `T0`, `C1`, or the date of `dmesg -T`.
  private static boolean isStamp(String text) {
    if (text.isEmpty()) {
      return false;
    }
    // First of all the date: it begins with a T on two days of the week.
    if (text.length() == 24 && text.charAt(13) == ':' && text.charAt(16) == ':') {
      return true;
    }
    char first = text.charAt(0);
    if (first == 'T' || first == 'C') {
      return isNumber(text.substring(1));
    }
    return isNumber(text.replace(".", ""));
  }

  private static boolean isNumber(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return !text.isEmpty();
  }
}
