package dev.bifolio.kernel.table;

/// How an operation on tables ended; each public outcome is one of these by another name.
enum TableResult {
  DONE(0),
  ALREADY_MAPPED(-1),
  TABLE_IN_THE_WAY(-2),
  NOT_MAPPED(-3),
  TOP_IS_SHARED(-4),
  NOT_UNIFORM(-5),
  CHANGED(-6),
  NO_TABLE(-7),
  TOO_MANY_SHARERS(-8),
  MISALIGNED(-9),
  NOT_CANONICAL(-10),
  KERNEL_HALF(-11),
  TOO_HIGH(-12);

  private static final TableResult[] ALL = values();

  private final long code;

  TableResult(long code) {
    this.code = code;
  }

  /// As a number, for walks that count otherwise.
  long code() {
    return code;
  }

  /// The result behind a code.
  static TableResult of(long code) {
    for (TableResult result : ALL) {
      if (result.code == code) {
        return result;
      }
    }
    throw new IllegalStateException("no result has the code " + code);
  }
}
