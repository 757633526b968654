package dev.bifolio.lab;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Assumptions;
import org.tukaani.xz.XZInputStream;

/// Real inputs that lie beside the repository, if they do.
public final class SharedData {
  private SharedData() {}

  /// A folder of it; the test is left out, and says so, if there is none.
  public static Path folder(String name) {
    Path root = Path.of(System.getProperty("bifolio.root", "."));
    Path folder = root.resolve("../shared/data").resolve(name).normalize();
    Assumptions.assumeTrue(Files.isDirectory(folder), "left out: no shared data at " + folder);
    return folder;
  }

  /// The content of a file, without `.xz` or `.gz`.
  public static byte[] bytes(Path file) throws Exception {
    byte[] raw = Files.readAllBytes(file);
    if (file.toString().endsWith(".xz")) {
      return new XZInputStream(new ByteArrayInputStream(raw)).readAllBytes();
    }
    if (file.toString().endsWith(".gz")) {
      return new GZIPInputStream(new ByteArrayInputStream(raw)).readAllBytes();
    }
    return raw;
  }

  /// A JSON file.
  public static Map<?, ?> json(Path file) throws Exception {
    String text = new String(bytes(file), StandardCharsets.UTF_8);
    return JSON.std.mapFrom(text);
  }

  /// A list of objects in a JSON object; empty if it is missing.
  public static List<Map<?, ?>> objects(Map<?, ?> top, String field) {
    if (!(top.get(field) instanceof List<?> list)) {
      return List.of();
    }
    return list.stream().<Map<?, ?>>map(each -> (Map<?, ?>) each).toList();
  }

  /// A number in a JSON object.
  public static long number(Map<?, ?> object, String field) {
    return ((Number) object.get(field)).longValue();
  }
}
