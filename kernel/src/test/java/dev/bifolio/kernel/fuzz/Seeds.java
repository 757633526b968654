package dev.bifolio.kernel.fuzz;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/// Writes the first inputs of each target, from the fixtures and, when it is there, from the folder
/// of shared data beside the repository: `Seeds ROOT FOLDER` fills FOLDER/TARGET for all targets.
public final class Seeds {
  private static final int LARGEST_SEED_BYTES = 64 << 10;
  private static final int LARGEST_PIECE_BYTES = 8 << 10;

  private final Path folder;

  private Seeds(Path folder) {
    this.folder = folder;
  }

  /// Writes them.
  ///
  /// @param arguments the repository's root and the folder to be filled
  /// @throws IOException if a file cannot be read or written
  public static void main(String[] arguments) throws IOException {
    Path root = Path.of(arguments[0]);
    Path shared = root.resolve("../shared/data").normalize();
    Seeds seeds = new Seeds(Path.of(arguments[1]));
    seeds.addTrees(root.resolve("kernel/src/test/resources/fdt"));
    seeds.addTrees(shared.resolve("dtb"));
    seeds.addTrees(shared.resolve("dtb-malformed"));
    seeds.addTrees(shared.resolve("boot"));
    seeds.addImages(shared.resolve("multiboot"));
    seeds.addTables(shared.resolve("boot"));
    seeds.addLists();
  }

  private void addTrees(Path from) throws IOException {
    for (Path file : filesOf(from, ".*\\.dtb(\\.gz)?|.*\\.fdt\\.bin\\.gz")) {
      write("FdtFuzz", file.getFileName().toString(), trimmed(content(file)));
    }
  }

  /// Device trees from QEMU are padded; what counts is the size that their header states.
  private static byte[] trimmed(byte[] tree) {
    if (tree.length < 8) {
      return tree;
    }
    int byteSize = ByteBuffer.wrap(tree).getInt(4);
    return byteSize >= 8 && byteSize < tree.length ? Arrays.copyOf(tree, byteSize) : tree;
  }

  private void addImages(Path from) throws IOException {
    Pattern segment =
        Pattern.compile("\"phys\": (\\d+),\\s*\"len\": (\\d+),\\s*\"file_offset\": (\\d+)");
    for (Path description : filesOf(from, ".*\\.json")) {
      String text = Files.readString(description);
      byte[] image = content(Path.of(description.toString().replace(".json", ".bin")));
      Matcher info = Pattern.compile("\"ebx\": (\\d+)").matcher(text);
      if (!info.find()) {
        continue;
      }
      FuzzMemory.Writer input = new FuzzMemory.Writer(Long.parseLong(info.group(1)));
      for (Matcher found = segment.matcher(text); found.find(); ) {
        int length = Integer.parseInt(found.group(2));
        int offset = Integer.parseInt(found.group(3));
        if (length <= LARGEST_PIECE_BYTES) {
          byte[] piece = Arrays.copyOfRange(image, offset, offset + length);
          input.addPiece(Long.parseLong(found.group(1)), piece);
          addEfiMap(description.getFileName().toString(), piece);
        }
      }
      boolean isFirst = text.contains("\"multiboot1\"");
      write(
          isFirst ? "Multiboot1Fuzz" : "Multiboot2Fuzz",
          description.getFileName().toString(),
          input.toBytes());
    }
  }

  /// Looks for tag 17 in what may be Multiboot 2 information: its payload is an EFI memory map.
  private void addEfiMap(String name, byte[] info) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(info).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 8; at + 8 <= info.length; ) {
      int byteSize = in.getInt(at + 4);
      if (byteSize < 8 || byteSize > info.length - at) {
        return;
      }
      if (in.getInt(at) == 17) {
        byte[] payload = Arrays.copyOfRange(info, at + 8, at + byteSize);
        write("EfiMemoryMapFuzz", name, concat(new byte[1], payload));
      }
      at += byteSize + 7 & ~7;
    }
  }

  private void addTables(Path from) throws IOException {
    byte[] all = {};
    for (Path file : filesOf(from, ".*\\.(SRAT|SLIT|APIC)\\.bin")) {
      byte[] table = content(file);
      write("AcpiFuzz", file.getFileName().toString(), acpiInput(table, new byte[0]));
      if (all.length > 0) {
        write("AcpiFuzz", "two-" + file.getFileName(), acpiInput(all, table));
      }
      all = table;
    }
  }

  private static byte[] acpiInput(byte[] first, byte[] second) {
    byte[] header = {1, (byte) (first.length >> 8), (byte) first.length};
    return concat(concat(header, first), second);
  }

  /// A list as BIOSes give them, in both entry sizes, and a small EFI map.
  private void addLists() throws IOException {
    for (int entryByteSize : new int[] {20, 24}) {
      ByteBuffer list = ByteBuffer.allocate(2 + 4 * entryByteSize).order(ByteOrder.LITTLE_ENDIAN);
      list.put((byte) (entryByteSize == 20 ? 0 : 1)).put((byte) 0);
      long[][] entries = {
        {0, 0x9FC00, 1}, {0x9FC00, 0x400, 2}, {0x100000, 0x7EE0000, 1}, {0x7FE0000, 0x20000, 3}
      };
      for (long[] entry : entries) {
        list.putLong(entry[0]).putLong(entry[1]).putInt((int) entry[2]);
        if (entryByteSize == 24) {
          list.putInt(1);
        }
      }
      write("E820Fuzz", "entries-of-" + entryByteSize, list.array());
    }
    ByteBuffer efi = ByteBuffer.allocate(1 + 8 + 2 * 48).order(ByteOrder.LITTLE_ENDIAN);
    efi.put((byte) 0).putInt(48).putInt(1);
    for (int i = 0; i < 2; i++) {
      efi.putInt(7)
          .putInt(0)
          .putLong(i * 0x100000L)
          .putLong(0)
          .putLong(0x80)
          .putLong(0xF)
          .putLong(0);
    }
    write("EfiMemoryMapFuzz", "two-descriptors", efi.array());
    write("ByteViewFuzz", "zeros", new byte[48]);
  }

  private void write(String target, String name, byte[] input) throws IOException {
    if (input.length <= LARGEST_SEED_BYTES) {
      Files.createDirectories(folder.resolve(target));
      Files.write(folder.resolve(target).resolve(name), input);
    }
  }

  private static List<Path> filesOf(Path from, String pattern) throws IOException {
    if (!Files.isDirectory(from)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(from)) {
      return files.filter(f -> f.getFileName().toString().matches(pattern)).sorted().toList();
    }
  }

  private static byte[] content(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return file.toString().endsWith(".gz")
          ? new GZIPInputStream(in).readAllBytes()
          : in.readAllBytes();
    }
  }

  private static byte[] concat(byte[] first, byte[] second) {
    byte[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }
}
