package dev.bifolio.lab;

import java.io.PrintWriter;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;

/// Where a command writes: data on standard output, all else on standard error.
///
/// @param out for data
/// @param err for everything else
/// @param terminal whether `out` is a terminal, which is shown pictures
/// @param colour whether it may show colours
/// @param columnCount the terminal's width, 80 if it is unknown
record Console(
    PrintWriter out, PrintWriter err, boolean terminal, boolean colour, int columnCount) {
  private static final int DEFAULT_COLUMNS = 80;

  /// The console of a command that is being run.
  static Console of(@Nullable CommandSpec spec) {
    var commandLine = Objects.requireNonNull(spec).commandLine();
    // The launcher looks at standard output; asking the JVM would cost a terminal library at start.
    boolean terminal = "1".equals(System.getenv("BIFOLIO_TERMINAL"));
    return new Console(
        commandLine.getOut(),
        commandLine.getErr(),
        terminal,
        terminal && System.getenv("NO_COLOR") == null,
        columns(System.getenv("COLUMNS")));
  }

  /// One line about an input that cannot be used.
  void complain(String file, InputException e) {
    err.println("bifolio: " + MapText.printable(file + ": " + e.getMessage()));
    err.flush();
  }

  private static int columns(@Nullable String value) {
    try {
      return value == null ? DEFAULT_COLUMNS : Math.clamp(Integer.parseInt(value.trim()), 40, 400);
    } catch (NumberFormatException e) {
      return DEFAULT_COLUMNS;
    }
  }
}
