package dev.bifolio.lab;

import dev.bifolio.kernel.firmware.MemoryMap;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import org.tukaani.xz.XZInputStream;

/// Reads an input file whole, within bounds, and unpacks `.gz` and `.xz` by their magic numbers.
final class InputFile {
  private static final int MAX_BYTES = MemoryMap.MAX_FILE_BYTES;

  /// More than any 16 MiB file needs, and a bound on what a hostile header can ask for.
  private static final int XZ_MEMORY_LIMIT_KIB = 128 << 10;

  private InputFile() {}

  /// The content of a file.
  ///
  /// @throws InputException with one line that says what is wrong
  static byte[] read(String name) throws InputException {
    if (name.isEmpty()) {
      throw new InputException(0, "the name of the file is empty");
    }
    Path path;
    try {
      path = Path.of(name);
    } catch (InvalidPathException e) {
      throw new InputException(0, "not a path: " + e.getReason());
    }
    if (Files.isDirectory(path)) {
      throw new InputException(0, "is a directory");
    }
    byte[] bytes;
    // Files under /proc have no length, so the stream is read until it ends or passes the bound.
    try (InputStream in = Files.newInputStream(path)) {
      bytes = in.readNBytes(MAX_BYTES + 1);
    } catch (NoSuchFileException e) {
      throw new InputException(0, "no such file");
    } catch (AccessDeniedException e) {
      throw new InputException(0, "no permission to read it");
    } catch (IOException e) {
      throw new InputException(0, "cannot be read: " + oneLine(e));
    }
    requireWithinBound(bytes, "has");
    byte[] content = unpack(bytes);
    if (content.length == 0) {
      throw new InputException(0, "is empty");
    }
    return content;
  }

  private static byte[] unpack(byte[] bytes) throws InputException {
    boolean gzip = startsWith(bytes, 0x1F, 0x8B);
    boolean xz = startsWith(bytes, 0xFD, '7', 'z', 'X', 'Z', 0);
    if (!gzip && !xz) {
      return bytes;
    }
    try (InputStream packed = new ByteArrayInputStream(bytes);
        InputStream in =
            gzip ? new GZIPInputStream(packed) : new XZInputStream(packed, XZ_MEMORY_LIMIT_KIB)) {
      byte[] plain = in.readNBytes(MAX_BYTES + 1);
      requireWithinBound(plain, "unpacks to");
      return plain;
    } catch (IOException e) {
      throw new InputException(0, "cannot be unpacked: " + oneLine(e));
    }
  }

  private static void requireWithinBound(byte[] bytes, String verb) throws InputException {
    if (bytes.length > MAX_BYTES) {
      throw new InputException(
          MAX_BYTES, verb + " more than the " + (MAX_BYTES >> 20) + " MiB that are read");
    }
  }

  private static boolean startsWith(byte[] bytes, int... magic) {
    if (bytes.length < magic.length) {
      return false;
    }
    for (int i = 0; i < magic.length; i++) {
      if ((bytes[i] & 0xFF) != magic[i]) {
        return false;
      }
    }
    return true;
  }

  private static String oneLine(IOException e) {
    String message = e.getMessage();
    if (e instanceof EOFException) {
      return "it ends too early";
    }
    return message == null ? e.getClass().getSimpleName() : message.lines().findFirst().orElse("");
  }
}
