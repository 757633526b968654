package dev.bifolio.kernel.firmware;

import dev.bifolio.testkit.SplitMix64;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/// The long hostile run over device trees. After `mvn test-compile`, from the root of the project:
///
/// ```
/// T=target/classes
/// java -cp kernel/$T:kernel/target/test-classes:testkit/$T \
///     dev.bifolio.kernel.firmware.HostileTrees FILE…
/// ```
///
/// Arguments: files (`.dtb`, `.dtb.gz`) or folders with such files; without any, the fixtures. Each
/// tree, without its padding, is read
///
/// - cut at every length, once as it is and once with a header that states the new length;
/// - with each byte replaced by 0x00, by 0xFF and by one seeded value.
///
/// Prints a line a tree and a sum; exits with 1 if anything but a map or a refusal came back, or if
/// one reading took longer than a second.
public final class HostileTrees {
  private static final long SEED = 20260101;
  private static final long LIMIT_NANOS = 1_000_000_000L;

  private HostileTrees() {}

  /// Runs it.
  ///
  /// @param args files and folders
  /// @throws IOException if one cannot be read
  public static void main(String[] args) throws IOException {
    HostileInput all = new HostileInput(FdtReader::read);
    int trees = 0;
    try {
      if (args.length == 0) {
        for (byte[] blob : FdtTrees.fixtures()) {
          run(all, blob, "fixture " + trees++);
        }
      }
      for (Path file : files(args)) {
        run(all, FdtTrees.bytes(file), file.getFileName().toString());
        trees++;
      }
    } catch (AssertionError e) {
      System.err.println(e.getMessage());
      e.printStackTrace();
      System.exit(1);
    }
    System.out.println(
        trees
            + " trees: "
            + all.maps()
            + " maps, "
            + all.refusals()
            + " refusals, nothing else; slowest "
            + all.slowestNanos() / 1_000
            + " us");
    if (all.slowestNanos() > LIMIT_NANOS) {
      System.err.println("a reading took longer than a second");
      System.exit(1);
    }
  }

  private static void run(HostileInput input, byte[] padded, String name) {
    byte[] blob = withoutPadding(padded);
    long maps = input.maps();
    long refusals = input.refusals();
    truncate(input, blob, name);
    replaceEachByte(input, blob, name);
    System.out.println(
        name
            + " ("
            + blob.length
            + " bytes): "
            + (input.maps() - maps)
            + " maps, "
            + (input.refusals() - refusals)
            + " refusals");
  }

  static void truncate(HostileInput input, byte[] blob, String name) {
    for (int length = 0; length < blob.length; length++) {
      byte[] cut = Arrays.copyOf(blob, length);
      input.feed(cut, name + " cut at " + length);
      if (length >= 8) {
        input.feed(FdtBlob.withU32(cut, 4, length), name + " cut and stated as " + length);
      }
    }
  }

  private static void replaceEachByte(HostileInput input, byte[] blob, String name) {
    SplitMix64 random = new SplitMix64(SEED);
    for (int at = 0; at < blob.length; at++) {
      byte good = blob[at];
      for (int value : new int[] {0x00, 0xFF, random.below(256)}) {
        blob[at] = (byte) value;
        input.feed(blob, name + " with " + value + " at " + at);
      }
      blob[at] = good;
    }
  }

  /// The tree up to the end of its last block, with a header that says so.
  static byte[] withoutPadding(byte[] blob) {
    ByteView bytes = ByteView.of(blob);
    try {
      FdtHeader header = FdtHeader.read(bytes);
      if (header.version() < 17) {
        return Arrays.copyOf(blob, header.totalBytes());
      }
      int end = Math.max(header.structEnd(), header.stringsEnd());
      return FdtBlob.withU32(Arrays.copyOf(blob, end), 4, end);
    } catch (MemoryMapException e) {
      return blob;
    }
  }

  private static List<Path> files(String[] args) throws IOException {
    List<Path> files = new ArrayList<>();
    for (String arg : args) {
      Path path = Path.of(arg);
      if (Files.isDirectory(path)) {
        try (Stream<Path> entries = Files.list(path)) {
          entries
              .filter(each -> each.toString().matches(".*\\.dtb(\\.gz)?"))
              .sorted()
              .forEach(files::add);
        }
      } else {
        files.add(path);
      }
    }
    return files;
  }
}
