package dev.bifolio.kernel;

/// Where the boot sequence says what it does, line by line. Called by the booting thread only.
public interface BootLog {
  /// Takes nothing down.
  BootLog SILENT = new Silent();

  /// A step was done.
  ///
  /// @param text one line with the addresses and byte sizes that matter, without a line end
  void line(String text);

  /// Something odd that did not stop the boot. Also in [BootReport#warning].
  ///
  /// @param text one line
  default void warning(String text) {
    line("warning: " + text);
  }

  /// The log that takes nothing down.
  final class Silent implements BootLog {
    private Silent() {}

    @Override
    public void line(String text) {
      // Nothing is wanted.
    }
  }
}
