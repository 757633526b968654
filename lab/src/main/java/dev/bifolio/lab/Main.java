package dev.bifolio.lab;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// The `bifolio` command.
@Command(
    name = "bifolio",
    description = "A physical memory manager for the JVM.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    subcommands = {CommandLine.HelpCommand.class})
public final class Main {
  private Main() {}

  /// Runs a command line.
  ///
  /// @param arguments as given to the launcher
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new Main()).execute(arguments));
  }

  /// Reads the version from the module.
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"bifolio"};
    }
  }
}
