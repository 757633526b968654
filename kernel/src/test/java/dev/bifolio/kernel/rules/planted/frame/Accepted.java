package dev.bifolio.kernel.rules.planted.frame;

/// Not a violation: what ordinary code of the subset looks like.
@SuppressWarnings("all") // written for its bytecode
public final class Accepted {
  private final long[] words = new long[8];
  private Kind kind = Kind.FREE;

  enum Kind {
    FREE,
    HEAD
  }

  sealed interface Outcome {}

  record Served(long pfn) implements Outcome {}

  record Refused(String why, Kind kind) implements Outcome {}

  private static final class AcceptedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    AcceptedException(String message) {
      super(message);
    }
  }

  static Accepted create() {
    return new Accepted();
  }

  String describe(Outcome outcome) {
    return switch (outcome) {
      case Served(long pfn) -> "0x" + Long.toHexString(pfn);
      case Refused(String why, Kind k) when k == Kind.FREE -> why + " " + k;
      case Refused refused -> refused.why();
    };
  }

  int classify() {
    return switch (kind) {
      case FREE -> 1;
      case HEAD -> 2;
    };
  }

  int byText(String text) {
    return switch (text) {
      case "a" -> 1;
      case "b" -> 2;
      default -> Integer.parseInt(text);
    };
  }

  void shift(int from) {
    if (from < 0) {
      throw new AcceptedException("from " + from);
    }
    System.arraycopy(words, from, words, 0, Math.min(words.length - from, 4));
  }

  String text() {
    StringBuilder text = new StringBuilder();
    for (long word : words) {
      text.append(word).append(' ');
    }
    return text.toString();
  }

  Kind named(String name) {
    return Kind.valueOf(name);
  }

  long guarded(int at) {
    try {
      return words[at];
    } catch (ArrayIndexOutOfBoundsException e) {
      throw new IllegalStateException("at " + at, e);
    }
  }
}
