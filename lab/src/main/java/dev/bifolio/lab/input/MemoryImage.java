package dev.bifolio.lab.input;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.jr.ob.JSON;
import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.firmware.Multiboot1Reader;
import dev.bifolio.kernel.firmware.Multiboot2Reader;
import dev.bifolio.lab.input.SegmentedMemory.Segment;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A description of what a Multiboot loader left in memory: JSON beside a file with the bytes.
///
/// ```
///   { "protocol": "multiboot1" | "multiboot2",
///     "regs": { "ebx": 65536 },                     address of the boot information
///     "bin": "name.bin",                            in the folder of the description
///     "segments": [ { "phys": 65536, "len": 756, "file_offset": 0 }, … ] }
/// ```
///
/// Numbers may also be strings such as `"0x10000"`; other fields are ignored. `bin` names a regular
/// file in the same folder or below it, symbolic links followed, so that a description from
/// elsewhere cannot have other files read. Both files have at most 16 MiB, and there are at most
/// 65,536 segments.
///
/// @param protocol `multiboot1` or `multiboot2`
/// @param memory the bytes, by physical address
/// @param infoAddress where the boot information is
public record MemoryImage(String protocol, ByteView memory, long infoAddress) {
  private static final int MAX_SEGMENTS = MemoryMap.MAX_REGIONS;
  private static final BigInteger TWO_TO_64 = BigInteger.ONE.shiftLeft(64);

  /// Reads a description and the file that it names.
  ///
  /// @param description the JSON file
  /// @return the image
  /// @throws MemoryMapException if either file cannot be read or the description is wrong
  public static MemoryImage read(Path description) throws MemoryMapException {
    Path folder = description.toAbsolutePath().getParent();
    byte[] json = contentOf(description, "description");
    return of(json, folder == null ? Path.of("") : folder);
  }

  /// Reads a description.
  ///
  /// @param json the description
  /// @param folder where `bin` is looked for
  /// @return the image
  /// @throws MemoryMapException if the named file cannot be read or the description is wrong
  public static MemoryImage of(byte[] json, Path folder) throws MemoryMapException {
    Map<?, ?> top = asObject(parsed(json), "description");
    if (!top.containsKey("protocol")) {
      throw refusal(
          "description", "is JSON, but not a description of a Multiboot image (no protocol)");
    }
    String protocol = text(top, "protocol");
    if (!protocol.equals("multiboot1") && !protocol.equals("multiboot2")) {
      throw refusal("protocol", "neither multiboot1 nor multiboot2");
    }
    long infoAddress = number(asObject(top.get("regs"), "regs"), "ebx", "regs");
    if (infoAddress >>> 32 != 0) {
      throw refusal("regs", "ebx has 32 bits");
    }
    byte[] file = contentOf(binFile(text(top, "bin"), folder), "bin");
    if (!(top.get("segments") instanceof List<?> stated)) {
      throw refusal("segments", "missing, or not a list");
    }
    if (stated.size() > MAX_SEGMENTS) {
      throw refusal("segments", "more than " + MAX_SEGMENTS);
    }
    List<Segment> segments = new ArrayList<>();
    for (Object each : stated) {
      addSegment(asObject(each, "segment " + segments.size()), file.length, segments);
    }
    return new MemoryImage(protocol, new SegmentedMemory(file, segments), infoAddress);
  }

  /// Reads the boot information by its protocol.
  ///
  /// @return the map
  /// @throws MemoryMapException as the protocol's reader
  public MemoryMap readMap() throws MemoryMapException {
    return protocol.equals("multiboot1")
        ? Multiboot1Reader.read(memory, infoAddress)
        : Multiboot2Reader.read(memory, infoAddress);
  }

  private static Object parsed(byte[] json) throws MemoryMapException {
    if (json.length > MemoryMap.MAX_FILE_BYTES) {
      throw refusal("description", "larger than 16 MiB");
    }
    try {
      Object value = JSON.std.anyFrom(json);
      if (value == null) {
        throw refusal("description", "not a JSON object");
      }
      return value;
    } catch (JsonProcessingException e) {
      long offset = e.getLocation() == null ? 0 : e.getLocation().getByteOffset();
      throw new MemoryMapException(
          "description",
          Math.clamp(offset, 0, json.length),
          "not JSON: " + shortened(e.getOriginalMessage()));
    } catch (IOException e) {
      throw refusal("description", "not JSON: " + shortened(e.getMessage()));
    }
  }

  /// What the parser says, without the names of its own options and the place where an object
  /// began, which it gives with them. The place of the mistake is the offset.
  private static String shortened(@Nullable String message) {
    String text = message == null ? "unreadable" : message;
    for (String end : new String[] {"\n", " (start marker", " at [Source"}) {
      int at = text.indexOf(end);
      text = at < 0 ? text : text.substring(0, at);
    }
    return oneLine(text.replaceAll(", from `[^`]*`", ""));
  }

  /// Names and tokens are a stranger's: no line ends or other control characters in messages.
  private static String oneLine(String text) {
    return text.replaceAll("[\\p{Cc}\\u2028\\u2029]", "?");
  }

  private static void addSegment(Map<?, ?> stated, int fileByteSize, List<Segment> segments)
      throws MemoryMapException {
    String record = "segment " + segments.size();
    long base = number(stated, "phys", record);
    long byteSize = number(stated, "len", record);
    long fileOffset = number(stated, "file_offset", record);
    boolean inside =
        Long.compareUnsigned(fileOffset, fileByteSize) <= 0
            && Long.compareUnsigned(byteSize, fileByteSize - fileOffset) <= 0;
    if (!inside) {
      throw refusal(record, "not inside the bin file of " + fileByteSize + " bytes");
    }
    if (byteSize == 0) {
      throw refusal(record, "empty");
    }
    segments.add(new Segment(base, (int) byteSize, (int) fileOffset));
  }

  private static Path binFile(String name, Path folder) throws MemoryMapException {
    try {
      Path root = folder.toRealPath();
      // Twice: what lies elsewhere is not even looked for, and no link leads there.
      Path stated = root.resolve(name).normalize();
      if (!stated.startsWith(root)) {
        throw refusal("bin", "not in the folder of the description");
      }
      Path file = stated.toRealPath();
      if (!file.startsWith(root)) {
        throw refusal("bin", "a link out of the folder of the description");
      }
      return file;
    } catch (InvalidPathException e) {
      throw refusal("bin", "not a file name");
    } catch (IOException e) {
      throw refusal("bin", "no such file: " + oneLine(name));
    }
  }

  private static byte[] contentOf(Path file, String record) throws MemoryMapException {
    try {
      // Anything else, a pipe for one, could keep us waiting for ever.
      if (!Files.isRegularFile(file)) {
        throw refusal(record, "no such file: " + oneLine(String.valueOf(file.getFileName())));
      }
      if (Files.size(file) > MemoryMap.MAX_FILE_BYTES) {
        throw refusal(record, "larger than 16 MiB");
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw refusal(record, "cannot be read: " + oneLine(String.valueOf(file.getFileName())));
    }
  }

  private static Map<?, ?> asObject(@Nullable Object value, String record)
      throws MemoryMapException {
    if (value instanceof Map<?, ?> object) {
      return object;
    }
    throw refusal(record, "missing, or not an object");
  }

  private static String text(Map<?, ?> object, String field) throws MemoryMapException {
    if (object.get(field) instanceof String value) {
      return value;
    }
    throw refusal(field, "missing, or not a string");
  }

  private static long number(Map<?, ?> object, String field, String record)
      throws MemoryMapException {
    Object value = object.get(field);
    BigInteger number =
        switch (value) {
          case Integer i -> BigInteger.valueOf(i);
          case Long l -> BigInteger.valueOf(l);
          case BigInteger big -> big;
          case String digits -> hex(digits);
          case null, default -> null;
        };
    if (number == null || number.signum() < 0 || number.compareTo(TWO_TO_64) >= 0) {
      throw refusal(record, field + " is missing, or not a number of 64 bits");
    }
    return number.longValue();
  }

  private static @Nullable BigInteger hex(String digits) {
    boolean plausible = digits.startsWith("0x") && digits.length() > 2 && digits.length() <= 18;
    if (!plausible || !digits.substring(2).chars().allMatch(c -> Character.digit(c, 16) >= 0)) {
      return null;
    }
    return new BigInteger(digits.substring(2), 16);
  }

  private static MemoryMapException refusal(String record, String problem) {
    return new MemoryMapException(record, 0, problem);
  }
}
