package dev.bifolio.lab;

import java.io.PrintWriter;
import java.io.Writer;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/// Runs what people start most, for the launcher: the JVM watches and writes its start-up cache.
@Command(name = "train", hidden = true, description = "Runs once for the start-up cache.")
final class TrainCommand implements Callable<Integer> {
  @Override
  public Integer call() throws Exception {
    java.nio.file.Path tree = java.nio.file.Files.createTempFile("bifolio", ".dtb");
    java.nio.file.Path script = java.nio.file.Files.createTempFile("bifolio", ".tables");
    try {
      java.nio.file.Files.writeString(script, "map 0 0 6M rw\ntranslate 0x1234\n");
      java.nio.file.Files.write(tree, BootCommand.bundled());
      String[][] lines = {
        {"map", tree.toString()},
        {"map", "--json", tree.toString()},
        {"boot"},
        {"boot", "--json"},
        {"tables", "--arch", "x86_64", "--script", script.toString()},
        {"tables", "--arch", "x86_64", "--json", "--script", script.toString()}
      };
      int worst = 0;
      for (String[] line : lines) {
        PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
        CommandLine command = Main.commandLine().setOut(nowhere).setErr(nowhere);
        worst = Math.max(worst, command.execute(line));
      }
      return worst;
    } finally {
      java.nio.file.Files.delete(tree);
      java.nio.file.Files.delete(script);
    }
  }
}
