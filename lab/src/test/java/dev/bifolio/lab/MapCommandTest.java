package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MapCommandTest {
  @TempDir Path folder;

  @Test
  void theJsonHasEveryFieldOfTheContractInItsOrder() throws Exception {
    Path tree = phone();
    CommandRun run = CommandRun.of("map", "--json", tree.toString());
    assertEquals(0, run.exit(), run.err());
    Map<String, Object> map = run.json().getFirst();
    assertEquals(
        List.of(
            "file",
            "format",
            "architecture",
            "memory",
            "reserved",
            "dynamicReserved",
            "initrd",
            "commandLine",
            "distances",
            "modules",
            "warnings"),
        List.copyOf(map.keySet()));
    assertEquals(tree.toString(), map.get("file"));
    assertTrue(
        run.out()
            .contains(
                "{\"base\":\"0x880000000\",\"size\":6442450944,\"node\":null,\"hotpluggable\":false}"));
    assertTrue(run.out().contains("\"initrd\":null"));
  }

  @Test
  void manyFilesAreReadInOneStartAndARefusedOneDoesNotStopTheRest() throws Exception {
    Path bad =
        Files.write(
            folder.resolve("bad.dtb"), new byte[] {(byte) 0xd0, 0x0d, (byte) 0xfe, (byte) 0xed, 0});
    String good = phone().toString();
    CommandRun run = CommandRun.of("map", "--json", good, bad.toString(), good);
    assertEquals(2, run.exit());
    List<Map<String, Object>> lines = run.json();
    assertEquals(3, lines.size());
    assertEquals(List.of("file", "error", "offset"), List.copyOf(lines.get(1).keySet()));
    assertEquals(lines.get(0), lines.get(2));
  }

  @Test
  void inTextTheRefusalGoesToStandardErrorAndTheMapsToStandardOutput() throws Exception {
    String missing = folder.resolve("missing").toString();
    CommandRun run = CommandRun.of("map", missing, phone().toString());
    assertEquals(2, run.exit());
    assertEquals("bifolio: " + missing + ": no such file\n", run.err());
    assertTrue(run.out().contains("fdt, aarch64"), run.out());
  }

  @Test
  void anE820ListOfEitherEntrySizeGivesTheSameMap() throws Exception {
    Path small = Files.write(folder.resolve("e820-20"), e820(20));
    Path large = Files.write(folder.resolve("e820-24"), e820(24));
    Map<String, Object> a =
        CommandRun.of("map", "--json", "--format", "e820", small.toString()).json().getFirst();
    Map<String, Object> b =
        CommandRun.of("map", "--json", "--format", "e820", "--entry-size", "24", large.toString())
            .json()
            .getFirst();
    a.remove("file");
    b.remove("file");
    assertEquals(a, b);
    assertEquals("x86_64", a.get("architecture"));
    assertEquals(1, ((List<?>) a.get("memory")).size());
  }

  @Test
  void aRawImageIsReadFromTheAddressAndStructureThatAreNamed() throws Exception {
    ByteBuffer image = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
    image.putInt(0, 1 << 6).putInt(44, 24).putInt(48, 0x9000 + 128);
    image.putInt(128, 20).putLong(132, 0x100000).putLong(140, 64 << 20).putInt(148, 1);
    Path file = Files.write(folder.resolve("image"), image.array());
    CommandRun run =
        CommandRun.of(
            "map",
            "--format",
            "multiboot1",
            "--at",
            "0x9000",
            "--info",
            "0x9000",
            "--json",
            file.toString());
    assertEquals(0, run.exit(), run.err());
    assertTrue(run.out().contains("{\"base\":\"0x100000\",\"size\":67108864"), run.out());
    CommandRun unnamed = CommandRun.of("map", "--format", "multiboot1", file.toString());
    assertEquals(2, unnamed.exit());
    assertTrue(unnamed.err().contains("--info"), unnamed.err());
  }

  @ParameterizedTest
  @ValueSource(strings = {"hello", "\0\0\0\0\0\0\0\0", "{\"a\":1}", "{", "<html>mem</html>"})
  void whatIsNoMapIsRefusedInOneLine(String content) throws Exception {
    Path file = Files.writeString(folder.resolve("file"), content);
    CommandRun run = CommandRun.of("map", file.toString());
    assertEquals(2, run.exit());
    assertEquals(1, run.err().lines().count(), run.err());
    assertFalse(run.err().contains("Exception"), run.err());
  }

  @Test
  void controlCharactersOfAFileDoNotReachTheTerminal() throws Exception {
    byte[] tree = Files.readAllBytes(phone());
    String text = new String(tree, java.nio.charset.StandardCharsets.ISO_8859_1);
    int at = text.indexOf("console=");
    tree[at] = 0x1B;
    CommandRun run = CommandRun.of("map", Files.write(folder.resolve("x"), tree).toString());
    assertEquals(0, run.exit(), run.err());
    assertFalse(run.out().contains("\u001b"), run.out());
    assertTrue(run.out().contains("\\x1bonsole="), run.out());
  }

  @Test
  void usageErrorsEndWithExitCodeTwo() {
    assertEquals(2, CommandRun.of("map").exit());
    assertEquals(2, CommandRun.of("map", "--no-such-option", "x").exit());
    assertEquals(2, CommandRun.of("no-such-command").exit());
    assertEquals(0, CommandRun.of("map", "--help").exit());
    assertEquals(0, CommandRun.of("help", "boot").exit());
  }

  @Test
  void theVersionAndACompletionScriptArePrinted() {
    assertTrue(CommandRun.of("--version").out().matches("bifolio \\d+\\.\\d+\\.\\d+.*\\s*"));
    assertTrue(CommandRun.of("generate-completion").out().contains("complete"));
  }

  private Path phone() throws IOException {
    try (var in = MapCommandTest.class.getResourceAsStream("phone-8g.dtb")) {
      Path file = folder.resolve("phone.dtb");
      Files.write(file, java.util.Objects.requireNonNull(in).readAllBytes());
      return file;
    }
  }

  private static byte[] e820(int entryByteSize) {
    ByteBuffer bytes = ByteBuffer.allocate(2 * entryByteSize).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(0, 0x100000).putLong(8, 64 << 20).putInt(16, 1);
    bytes.putLong(entryByteSize, 0xfffc0000L).putLong(entryByteSize + 8, 0x40000);
    bytes.putInt(entryByteSize + 16, 2);
    if (entryByteSize == 24) {
      bytes.putInt(20, 1).putInt(44, 1);
    }
    return bytes.array();
  }
}
