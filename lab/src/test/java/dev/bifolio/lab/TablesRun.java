package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// What `bifolio tables --json --image` made of a script.
///
/// @param json the object that was printed
/// @param image the bytes from the base on, lowest first in each entry
record TablesRun(Map<String, Object> json, ByteBuffer image) {
  static TablesRun of(Path folder, String script, String... arguments) throws IOException {
    Path file = Files.writeString(folder.resolve("script"), script);
    Path image = folder.resolve("image");
    List<String> all = new ArrayList<>(List.of("tables", "--json", "--script", file.toString()));
    all.addAll(List.of("--image", image.toString()));
    all.addAll(List.of(arguments));
    CommandRun run = CommandRun.of(all.toArray(String[]::new));
    assertEquals(0, run.exit(), run.err());
    assertEquals("", run.err());
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(image)).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals(1, run.json().size());
    return new TablesRun(run.json().getFirst(), bytes);
  }

  /// The 8 bytes at a physical address.
  String at(long physical) {
    return "0x%016x".formatted(image.getLong((int) (physical - address("imageBase"))));
  }

  /// The 4 bytes at a physical address.
  String shortAt(long physical) {
    return "0x%08x".formatted(image.getInt((int) (physical - address("imageBase"))));
  }

  /// Entries of 8 bytes that are not 0.
  long entryCount() {
    long count = 0;
    for (int at = 0; at < image.capacity(); at += 8) {
      count += image.getLong(at) == 0 ? 0 : 1;
    }
    return count;
  }

  long address(String field) {
    return Long.parseUnsignedLong(((String) json.get(field)).substring(2), 16);
  }

  /// The translations, each as a map.
  List<Map<?, ?>> translations() {
    return SharedData.objects(json, "translations");
  }
}
