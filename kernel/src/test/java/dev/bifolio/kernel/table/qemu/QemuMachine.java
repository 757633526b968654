package dev.bifolio.kernel.table.qemu;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A machine of QEMU's that is stopped before its first instruction and has bytes of ours in its
/// memory. Its stub for gdb is on the standard streams, so there is neither a port nor a socket.
///
/// It never outlives a test by much: `close` ends it, and if that was not called, `timeout` does.
final class QemuMachine implements AutoCloseable {
  private static final String LIMIT_SECONDS = "100";

  /// Memory of each machine.
  static final String MEMORY = "64M";

  /// Bytes that are in memory before the machine starts.
  static final class Image {
    private final String name;
    private final long physicalAddress;
    private final byte[] bytes;

    Image(String name, long physicalAddress, byte[] bytes) {
      this.name = name;
      this.physicalAddress = physicalAddress;
      this.bytes = bytes;
    }
  }

  private final Process process;
  private final Path log;
  private final GdbStub stub;

  /// Starts a machine.
  ///
  /// @param folder for its files
  /// @param program such as `qemu-system-x86_64`
  /// @param options machine, processor and firmware
  /// @param images what is in its memory
  QemuMachine(Path folder, String program, List<String> options, List<Image> images)
      throws IOException {
    List<String> command = new ArrayList<>(List.of("timeout", "-k", "1", LIMIT_SECONDS, program));
    command.addAll(options);
    command.addAll(List.of("-m", MEMORY, "-S", "-nodefaults", "-display", "none", "-gdb", "stdio"));
    for (Image image : images) {
      Path file = folder.resolve(image.name);
      Files.write(file, image.bytes);
      String at = Long.toHexString(image.physicalAddress);
      command.addAll(
          List.of("-device", "loader,file=%s,addr=0x%s,force-raw=on".formatted(file, at)));
    }
    log = folder.resolve(program + ".log");
    process = new ProcessBuilder(command).redirectError(log.toFile()).start();
    try {
      stub =
          new GdbStub(
              new BufferedInputStream(process.getInputStream()),
              new BufferedOutputStream(process.getOutputStream()));
    } catch (IOException e) {
      process.destroy();
      throw new IOException(e.getMessage() + "; " + command + " said: " + said(), e);
    }
  }

  /// Why a program cannot be used.
  ///
  /// @return a message, empty if it can
  static String whyNot(String program) {
    for (String each : List.of("timeout", program)) {
      if (!isOnPath(each)) {
        return "left out: " + each + " is not on PATH, so no other processor can be asked";
      }
    }
    return "";
  }

  private static boolean isOnPath(String program) {
    String path = System.getenv("PATH");
    for (String folder : path == null ? new String[0] : path.split(File.pathSeparator, -1)) {
      if (Files.isExecutable(Path.of(folder, program))) {
        return true;
      }
    }
    return false;
  }

  GdbStub stub() {
    return stub;
  }

  private String said() throws IOException {
    return Files.readString(log, StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    try {
      stub.kill();
    } catch (IOException e) {
      process.destroy(); // it has ended, or does not listen
    }
    try {
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        process.destroy(); // `timeout` passes it on
      }
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
    }
  }
}
