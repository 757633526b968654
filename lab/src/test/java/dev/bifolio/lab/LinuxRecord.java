package dev.bifolio.lab;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A recorded boot of Linux: its log, its files of `/proc`, and which frames it kept for itself.
final class LinuxRecord {
  static final List<String> NAMES =
      List.of(
          "x86-pc-512M-k612",
          "x86-q35-numa2-1G-k612",
          "arm64-virt-numa2-1G-k72",
          "riscv64-virt-512M-k72");

  private static final Pattern RANGE =
      Pattern.compile(
          "(reserved\\[0x[0-9a-f]+]\\s+|memblock_reserve: |memblock_phys_free: )"
              + "\\[0x([0-9a-f]+)-0x([0-9a-f]+)]");

  private final Path folder;
  private final String name;
  private final String log;

  private LinuxRecord(Path folder, String name) throws Exception {
    this.folder = folder;
    this.name = name;
    byte[] bytes = SharedData.bytes(folder.resolve(name + ".log.xz"));
    log = new String(bytes, StandardCharsets.UTF_8).replace("\r\n", "\n");
  }

  static LinuxRecord of(String name) throws Exception {
    return new LinuxRecord(SharedData.folder("boot"), name);
  }

  /// What `boot` is given of it: the log with the ACPI tables, or the device tree.
  List<String> arguments() {
    if (!name.startsWith("x86")) {
      return List.of(folder.resolve(name + ".fdt.bin.gz").toString());
    }
    List<String> arguments = new ArrayList<>(List.of(folder.resolve(name + ".log.xz").toString()));
    for (String table : name.contains("numa") ? List.of("SRAT", "SLIT") : List.<String>of()) {
      arguments.add("--acpi");
      arguments.add(folder.resolve(name + "." + table + ".bin").toString());
    }
    return arguments;
  }

  /// The log alone, with what Linux says of it.
  List<String> logArguments() {
    return List.of(folder.resolve(name + ".log.xz").toString());
  }

  /// What was read from the log when it was recorded.
  Map<?, ?> json() throws Exception {
    return SharedData.json(folder.resolve(name + ".json"));
  }

  /// A file that was printed at the end of the log.
  String file(String path) {
    String begin = "=====BEGIN " + path + "\n";
    int start = log.indexOf(begin) + begin.length();
    return log.substring(start, log.indexOf("=====END " + path, start));
  }

  private String bootLog() {
    return log.substring(0, log.indexOf("=====BEGIN "));
  }

  // ---- What Linux kept ----

  /// Whether the log of the early boot is whole, up to the line that sums it up.
  boolean hasSum() {
    return bootLog().contains("] Memory: ");
  }

  /// The frames that the line sums up as reserved, those of movable areas with them.
  long keptBySum() {
    Matcher sum = find("Memory: .*[ ,(]([0-9]+)K reserved, ([0-9]+)K cma-reserved\\)", bootLog());
    return (Long.parseLong(sum.group(1)) + Long.parseLong(sum.group(2))) / 4;
  }

  /// Every frame that memblock held when the frames were handed over: the reservations of the
  /// firmware, of the kernel's image and of all that was allocated before, of which the log has one
  /// line each. Where the log lost lines, the list that the running kernel shows.
  BitSet kept() {
    BitSet frames = new BitSet();
    if (!hasSum()) {
      Matcher range =
          Pattern.compile("0x([0-9a-f]+)\\.\\.0x([0-9a-f]+)")
              .matcher(file("/sys/kernel/debug/memblock/reserved"));
      while (range.find()) {
        frames.set(pfn(range.group(1)), pfn(range.group(2)) + 1);
      }
      return frames;
    }
    for (long[] range : replayed()) {
      frames.set((int) (range[0] >>> 12), (int) ((range[1] - 1) >>> 12) + 1);
    }
    return frames;
  }

  /// Byte ranges, from the reservations and frees in their order; a printed list begins anew.
  private List<long[]> replayed() {
    List<long[]> held = new ArrayList<>();
    for (String line : bootLog().lines().toList()) {
      Matcher range = RANGE.matcher(line);
      if (line.contains("reserved size = ")) {
        held.clear();
      } else if (range.find()) {
        long start = Long.parseLong(range.group(2), 16);
        long end = Long.parseLong(range.group(3), 16) + 1;
        if (!range.group(1).startsWith("memblock_phys_free")) {
          held.add(new long[] {start, end});
        } else if (start < end) {
          held = without(held, start, end);
        }
      }
    }
    return held;
  }

  private static List<long[]> without(List<long[]> held, long start, long end) {
    List<long[]> rest = new ArrayList<>();
    for (long[] range : held) {
      if (range[0] < Math.min(range[1], start)) {
        rest.add(new long[] {range[0], Math.min(range[1], start)});
      }
      if (Math.max(range[0], end) < range[1]) {
        rest.add(new long[] {Math.max(range[0], end), range[1]});
      }
    }
    return rest;
  }

  /// Areas for movable frames and devices: reserved first, handed over later.
  BitSet contiguousAreas() {
    BitSet frames = new BitSet();
    Matcher area =
        Pattern.compile("cma: Reserved ([0-9]+) MiB at 0x([0-9a-f]+)").matcher(bootLog());
    while (area.find()) {
      int start = pfn(area.group(2));
      frames.set(start, start + Integer.parseInt(area.group(1)) * 256);
    }
    return frames;
  }

  /// Frames that Linux handed over when it no longer needed them: the initial RAM disk, code and
  /// data of the boot.
  ///
  /// @param beforeSum whether those count that it freed before it summed up
  long freedLater(boolean beforeSum) {
    String boot = bootLog();
    String text = beforeSum ? boot.substring(0, boot.indexOf("] Memory: ")) : boot;
    Matcher freed = Pattern.compile("\\] Freeing .* memory: ([0-9]+)K").matcher(text);
    long kib = 0;
    while (freed.find()) {
      kib += Long.parseLong(freed.group(1));
    }
    return kib / 4;
  }

  private static int pfn(String hex) {
    return Math.toIntExact(Long.parseLong(hex, 16) >>> 12);
  }

  private static Matcher find(String pattern, String text) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    if (!matcher.find()) {
      throw new AssertionError("no " + pattern);
    }
    return matcher;
  }
}
