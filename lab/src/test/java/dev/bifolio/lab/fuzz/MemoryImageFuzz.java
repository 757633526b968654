package dev.bifolio.lab.fuzz;

import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.lab.input.MemoryImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/// Fuzz target: descriptions of Multiboot images. The input is the JSON; beside it lies `a.bin`,
/// 128 bytes with a Multiboot information of either kind for address 0x10000.
public final class MemoryImageFuzz {
  private static final Path FOLDER = folder();

  private MemoryImageFuzz() {}

  /// Runs one input.
  ///
  /// @param input from the fuzzer
  public static void fuzzerTestOneInput(byte[] input) {
    MemoryImage image;
    try {
      image = MemoryImage.of(input, FOLDER);
    } catch (MemoryMapException e) {
      String message = String.valueOf(e.getMessage());
      TextTarget.require(!e.record().isEmpty(), "a refusal without a record");
      TextTarget.require(e.offset() >= 0 && e.offset() <= input.length, "an offset outside");
      TextTarget.require(message.indexOf('\n') < 0, "a message of several lines");
      return;
    }
    try {
      TextTarget.check(image.readMap());
    } catch (MemoryMapException e) {
      TextTarget.require(!e.record().isEmpty(), "a refusal without a record");
    }
  }

  private static Path folder() {
    ByteBuffer bin = ByteBuffer.allocate(128).order(ByteOrder.LITTLE_ENDIAN);
    // Multiboot 1 at 0: flags, lower and upper memory in KiB, one entry of the memory map at 100.
    bin.putInt(0, 0x41).putInt(4, 640).putInt(8, 1024).putInt(44, 24).putInt(48, 0x10064);
    bin.putInt(100, 20).putLong(104, 0x100000).putLong(112, 0x100000).putInt(120, 1);
    // Multiboot 2 at 56: its length, the tag of lower and upper memory, the last tag.
    bin.putInt(56, 32).putInt(64, 4).putInt(68, 16).putInt(72, 640).putInt(76, 1024);
    bin.putInt(80, 0).putInt(84, 8);
    try {
      Path folder = Files.createTempDirectory("bifolio-fuzz");
      Path file = Files.write(folder.resolve("a.bin"), bin.array());
      folder.toFile().deleteOnExit();
      file.toFile().deleteOnExit();
      return folder;
    } catch (IOException e) {
      throw new IllegalStateException("no temporary folder", e);
    }
  }
}
