package dev.bifolio.lab;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// A run of the command inside the test's JVM.
record CommandRun(int exit, String out, String err) {
  static CommandRun of(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exit =
        Main.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(arguments);
    return new CommandRun(exit, out.toString(), err.toString());
  }

  /// The JSON objects that were printed, one a line.
  List<Map<String, Object>> json() throws IOException {
    List<Map<String, Object>> objects = new ArrayList<>();
    for (String line : out.lines().toList()) {
      objects.add(JSON.std.mapFrom(line));
    }
    return objects;
  }
}
