package dev.bifolio.lab;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/// The `bifolio` command.
@Command(
    name = "bifolio",
    description = "A physical memory manager for the JVM.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      MapCommand.class,
      BootCommand.class,
      TablesCommand.class,
      TrainCommand.class,
      CommandLine.HelpCommand.class,
      picocli.AutoComplete.GenerateCompletion.class
    },
    footer = {
      "",
      "Run by the launcher itself: test (the tests, as CI runs them), bench (the workload suite).",
      "Exit code 0: well; 1: the work failed; 2: bad usage or input."
    })
public final class Main {
  private Main() {}

  /// Runs a command line and ends the JVM with its exit code.
  ///
  /// @param arguments as given to the launcher
  public static void main(String[] arguments) {
    CommandLine command = commandLine();
    int exit = command.execute(arguments);
    // A full disk or a closed pipe must not look like success.
    if (command.getOut().checkError()) {
      command.getErr().println("bifolio: the output could not be written");
      command.getErr().flush();
      exit = Math.max(exit, 1);
    }
    System.exit(exit);
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOut(new PrintWriter(System.out, false, StandardCharsets.UTF_8))
        .setParameterExceptionHandler((e, arguments) -> {
          String name = e.getCommandLine().getCommandName();
          String help = name.equals("bifolio") ? "bifolio help" : "bifolio help " + name;
          String message = String.valueOf(e.getMessage()).replaceAll("\\s*\\R\\s*", " ");
          PrintWriter err = e.getCommandLine().getErr();
          err.println("bifolio: " + MapText.printable(message) + " (see " + help + ")");
          err.flush();
          return 2;
        })
        .setExecutionExceptionHandler((e, command, parsed) -> {
          command.getErr().println("bifolio: internal error: " + e);
          if (Boolean.getBoolean("bifolio.trace")) {
            e.printStackTrace(command.getErr());
          }
          command.getErr().flush();
          return 1;
        });
  }

  /// Reads the version that the build wrote into the module.
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() throws IOException {
      Properties properties = new Properties();
      try (InputStream in = Main.class.getResourceAsStream("version.properties")) {
        properties.load(in);
      }
      return new String[] {"bifolio " + properties.getProperty("version")};
    }
  }
}
