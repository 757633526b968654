package dev.bifolio.kernel;

import dev.bifolio.kernel.platform.Clock;
import dev.bifolio.kernel.unit.AddressRange;

/// What a boot writes down on its way: lines for the log, warnings and steps for the report.
final class BootNotes {
  /// So many ranges of one kind are logged; of the others only the number. The report has all.
  private static final int MAX_LINES_OF_A_KIND = 64;

  /// A map has up to 100 of its own, which come first and must not hide those of the boot.
  static final int MAX_WARNINGS = 200;

  private final BootLog log;
  private final String[] warnings = new String[MAX_WARNINGS];
  private int warningCount;
  private final BootReport.Step[] steps = new BootReport.Step[16];
  private int stepCount;
  private long stepStart = Clock.nanoTime();

  BootNotes(BootLog log) {
    this.log = log;
  }

  void line(String text) {
    log.line(text);
  }

  /// Whether the range at `index` of `count` is to be logged; says so once if the rest is not.
  boolean isWanted(int index, int count, String kind) {
    if (index == MAX_LINES_OF_A_KIND) {
      log.line(kind + ": … and " + (count - index) + " more ranges");
    }
    return index < MAX_LINES_OF_A_KIND;
  }

  void warning(String text) {
    if (warningCount == MAX_WARNINGS) {
      return;
    }
    String line = warningCount == MAX_WARNINGS - 1 ? "further warnings are left out" : text;
    warnings[warningCount++] = line;
    log.warning(line);
  }

  /// Ends the step that ran since the last end.
  void endStep(String name) {
    long now = Clock.nanoTime();
    steps[stepCount++] = new BootReport.Step(name, now - stepStart);
    stepStart = now;
  }

  String[] warnings() {
    String[] result = new String[warningCount];
    System.arraycopy(warnings, 0, result, 0, warningCount);
    return result;
  }

  BootReport.Step[] steps() {
    BootReport.Step[] result = new BootReport.Step[stepCount];
    System.arraycopy(steps, 0, result, 0, stepCount);
    return result;
  }

  /// A range with its size, for the log.
  static String text(AddressRange range) {
    return range + " " + bytes(range.byteSize());
  }

  /// A byte size, for the log.
  static String bytes(long byteSize) {
    return AddressRange.sizeText(byteSize);
  }
}
