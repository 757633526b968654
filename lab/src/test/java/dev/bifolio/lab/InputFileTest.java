package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

class InputFileTest {
  @TempDir Path folder;

  @Test
  void aPlainFileIsReadWhole() throws Exception {
    Path file = Files.write(folder.resolve("plain"), new byte[] {1, 2, 3});
    assertArrayEquals(new byte[] {1, 2, 3}, InputFile.read(file.toString()));
  }

  @Test
  void gzipAndXzAreUnpackedByTheirMagicWhateverTheName() throws Exception {
    byte[] content =
        "a device tree, say".repeat(100).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    ByteArrayOutputStream gzip = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(gzip)) {
      out.write(content);
    }
    ByteArrayOutputStream xz = new ByteArrayOutputStream();
    try (OutputStream out = new XZOutputStream(xz, new LZMA2Options())) {
      out.write(content);
    }
    Path gzipFile = Files.write(folder.resolve("a"), gzip.toByteArray());
    Path xzFile = Files.write(folder.resolve("b"), xz.toByteArray());
    assertArrayEquals(content, InputFile.read(gzipFile.toString()));
    assertArrayEquals(content, InputFile.read(xzFile.toString()));
  }

  @Test
  void aBombIsRefusedAfterSixteenMebibytes() throws Exception {
    ByteArrayOutputStream gzip = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(gzip)) {
      for (int i = 0; i < 64; i++) {
        out.write(new byte[1 << 20]);
      }
    }
    Path file = Files.write(folder.resolve("bomb.gz"), gzip.toByteArray());
    refused(file, "unpacks to more than the 16 MiB");
  }

  @Test
  void aBrokenArchiveIsRefused() throws Exception {
    refused(Files.write(folder.resolve("x.gz"), new byte[] {0x1F, (byte) 0x8B, 8}), "unpacked");
    byte[] xz = {(byte) 0xFD, '7', 'z', 'X', 'Z', 0, 9, 9};
    refused(Files.write(folder.resolve("x.xz"), xz), "unpacked");
  }

  @Test
  void emptyMissingAndDirectoryAreToldApart() throws Exception {
    refused(Files.createFile(folder.resolve("empty")), "is empty");
    refused(folder.resolve("missing"), "no such file");
    refused(folder, "is a directory");
    InputException e = assertThrows(InputException.class, () -> InputFile.read("a\0b"));
    assertTrue(e.getMessage().startsWith("not a path"), e.getMessage());
  }

  @Test
  void aGibibyteOfZerosIsRefusedWithoutReadingIt() throws Exception {
    Path file = folder.resolve("zeros");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(1L << 30);
    }
    InputException e = refused(file, "has more than the 16 MiB");
    assertEquals(16 << 20, e.offset());
  }

  private static InputException refused(Path file, String message) throws IOException {
    InputException e = assertThrows(InputException.class, () -> InputFile.read(file.toString()));
    assertTrue(e.getMessage().contains(message), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
    return e;
  }
}
