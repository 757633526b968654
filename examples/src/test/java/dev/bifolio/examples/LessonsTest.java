package dev.bifolio.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Runs each lesson and looks for the lines it is about.
class LessonsTest {
  private interface Lesson {
    void run() throws Exception;
  }

  private static List<String> told(Lesson lesson) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      lesson.run();
    } finally {
      System.setOut(before);
    }
    return bytes.toString(StandardCharsets.UTF_8).lines().toList();
  }

  private static void assertTold(List<String> told, String... patterns) {
    int from = 0;
    for (String pattern : patterns) {
      int at = from;
      while (at < told.size() && !told.get(at).matches(pattern)) {
        at++;
      }
      assertTrue(at < told.size(), () -> "no line '" + pattern + "' in its place of " + told);
      from = at + 1;
    }
  }

  private static long number(List<String> told, String pattern) {
    return told.stream()
        .filter(line -> line.matches(pattern))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aBootTellsWhatTheTreeSaysAndItsMemoryIsReal() throws Exception {
    List<String> told = told(() -> E01_BootFromDeviceTree.main(new String[0]));
    assertTold(
        told,
        "  RAM       \\[0x40000000, 0x50000000\\)",
        "  reserved  \\[0x4e000000, 0x4e200000\\) monitor.*",
        "  wanted    a place for framebuffer",
        "The boot:",
        "  .*mem_map.*",
        "Of 65536 frames \\d+ are free.",
        "2 MiB were found at 0x4[0-9a-f]{2}00000.",
        "The first word is 0, as was asked for.",
        "We write to it, and read 42.",
        "Given back, \\d+ frames are free again.");
    long free = number(told, "Given back.*");
    assertTrue(told.contains("Of 65536 frames " + free + " are free."), told::toString);
  }

  @Test
  void memblocksListsGrowAndAddUpToTheRam() throws Exception {
    List<String> told = told(() -> E02_MemblockBeforeAnythingElse.main(new String[0]));
    assertTold(
        told,
        "  memory  \\[0x40000000, 0x44000000\\)",
        "  taken   \\[0x40100000, 0x40400000\\)",
        "100,000 bytes for a table were found at 0x43fe7940:",
        "  4 ranges taken, room for 4",
        "  \\d ranges taken, room for 8",
        "Free are then:",
        "  \\[0x40000000, 0x40100000\\)",
        "\\d+ bytes free \\+ \\d+ taken = 67108864 of RAM");
    String[] sum = told.getLast().replaceAll("[^0-9 ]", "").trim().split(" +", -1);
    assertEquals(Long.parseLong(sum[2]), Long.parseLong(sum[0]) + Long.parseLong(sum[1]));
  }

  @Test
  void aSheetOfSixteenFramesIsFoldedAndFlatAgain() throws Exception {
    List<String> told = told(() -> E03_BuddySplitsAndCoalesces.main(new String[0]));
    assertTold(
        told,
        "16 free frames +\\.{16}   0  0  0  0  1",
        "a = allocate\\(order 0\\) = 0 +a\\.{15}   1  1  1  1  0",
        "b = allocate\\(order 0\\) = 1 +ab\\.{14}   0  1  1  1  0",
        "c = allocate\\(order 1\\) = 2 +abcc\\.{12}   0  0  1  1  0",
        "d = allocate\\(order 2\\) = 4 +abccdddd\\.{8}   0  0  0  1  0",
        "e = allocate\\(order 1\\) = 8 +abccddddee\\.{6}   0  1  1  0  0",
        "  c: frame 2, order 1: buddy is frame 0",
        "free\\(b\\) +a\\.ccddddee\\.{6}   1  1  1  0  0",
        "free\\(c\\) +a\\.{3}ddddee\\.{6}   1  2  1  0  0",
        "free\\(a\\) +\\.{4}ddddee\\.{6}   0  1  2  0  0",
        "free\\(d\\) +\\.{8}ee\\.{6}   0  1  1  1  0",
        "free\\(e\\) +\\.{16}   0  0  0  0  1",
        "6 splits, 6 joins: the sheet is flat again.");
  }

  @Test
  void everyMistakeIsNamedAndChangesNothing() throws Exception {
    List<String> told = told(() -> E04_MisuseIsNoticed.main(new String[0]));
    assertTold(
        told,
        "  a second free: NOT_ALLOCATED",
        "  another order: SIZE_MISMATCH",
        "  the middle of a block: SIZE_MISMATCH",
        "  a frame that is reserved: OUT_OF_RANGE",
        "  a frame of another machine: OUT_OF_RANGE",
        "The free frames were 1000 and are 1000.",
        "tryFree says -6: Block is not allocated.*",
        "2 MiB: yes. 2 MiB more: no",
        "Counted: 520/1008 frames used.*");
    assertFalse(told.toString().contains("NOT NOTICED"));
  }

  @Test
  void noFrameHoldsAByteOfAReservation() throws Exception {
    List<String> told = told(() -> E05_ReservationsAreKept.main(new String[0]));
    long present = number(told, "  present.*");
    long reserved = number(told, "- reserved.*");
    long managed = number(told, "= managed.*");
    long free = number(told, "= free.*");
    assertEquals(16384, present);
    assertEquals(513, reserved, "2 MiB, and the one frame that 1,000 bytes touch");
    assertEquals(present - reserved - number(told, "- mem_map.*"), managed);
    assertEquals(managed - number(told, "- heap.*"), free);
    assertTold(
        told,
        "We took " + free + " frames, until there were none.",
        "0 of them hold a byte of somebody else:",
        "  \\[0x80000000, 0x80200000\\) firmware",
        "  \\[0x82000064, 0x8200044c\\) a log of the boot loader");
  }

  @Test
  void aFrameIsFreeUsedOrCachedAndTheWholeComesBack() throws Exception {
    List<String> told = told(() -> E06_ABlocksLife.main(new String[0]));
    assertTold(
        told,
        "4 MiB are handed over +\\.{32}  1024      0    0  1x2\\^10",
        "a = allocate\\(order 0\\) +a\\.{31}   992     31    1  1x2\\^9 .*1x2\\^5",
        "b = allocate\\(order 0\\) +ab\\.{30}   992     30    2  .*",
        "free\\(a\\) +\\.b\\.{30}   992     31    1  .*",
        "a is freed a second time: NOT_ALLOCATED",
        "c = allocate\\(order 4\\) +\\.b\\.{30}   976     31   17  1x2\\^9 1x2\\^8 .*1x2\\^6 1x2\\^4",
        "order 10: none +\\.b\\.{30}  1007      0   17  .*",
        "free\\(c\\) +\\.b\\.{30}  1023      0    1  1x2\\^9 .* 1x2\\^0",
        "d = allocate\\(order 0\\) +db\\.{30}  1022      0    2  1x2\\^9 .* 1x2\\^1",
        "free\\(b\\) +\\.{32}  1022      2    0  .*",
        "2 frames drained +\\.{32}  1024      0    0  1x2\\^10",
        "4 blocks allocated, 4 freed; 1 free refused: we were wrong;",
        "1 failure: there was no block of 4 MiB.",
        "Now there is: both areas in one block.");
  }

  @Test
  void marksArePassedOneByOneAndMemoryComesBack() throws Exception {
    List<String> told = told(() -> E07_MemoryUnderPressure.main(new String[0]));
    long high = number(told, "  high .*");
    long low = number(told, "  low .*");
    long min = number(told, "  min .*");
    assertTrue(0 < min && min < low && low < high, told::toString);
    assertTold(
        told,
        "Node 0, zone .*: \\d+ frames are managed",
        "Page \\d+ leaves less than low, and wakes the background. It was served.",
        "  available " + (low - 1),
        "\\d+ steps of 16 frames each, and high is reached:",
        "  available " + high,
        "  the cache gave " + (high - low + 1) + " pages back, which can be read again",
        "Nobody steps, and " + (high - min + 1) + " pages later .* less than min\\.",
        "1000 pages more are read, and make others go:",
        "  direct reclaims: 32",
        "We take all we get, and the cache is left with 0 pages.",
        "  available " + min,
        "  an ordinary request: no frame",
        "  an emergency: served",
        "The reserve lacks 1 frame.",
        "  available " + (min - 1),
        "A quarter of the pages is left, everywhere; \\d+ areas of 2 MiB are free.",
        "  we ask for \\d+: all are there",
        "  pages moved out of the way: [1-9]\\d*",
        "  pages whose content is not what it was: 0");
  }

  @Test
  void anAddressByHandIsWhatTheMmuMakesOfIt() throws Exception {
    List<String> told = told(() -> E08_TranslateByHand.main(new String[0]));
    assertTold(
        told,
        "Mapped: MAPPED",
        "0x12345678, with the root at 0x4443[0-9a-f]000:",
        "  level 4  index   0  entry at 0x4443[0-9a-f]000: 0x000000004443[0-9a-f]027",
        "  level 3  index   0  entry at 0x4443[0-9a-f]000: 0x000000004443[0-9a-f]027",
        "  level 2  index 145  entry at 0x4443[0-9a-f]488: 0x000000004443[0-9a-f]027",
        "  level 1  index 325  entry at 0x4443[0-9a-f]a28: 0x8000000044445007",
        "By hand          0x44445678",
        "The space says   0x44445678",
        "The MMU says     0x44445678",
        "It saw the same last entry.",
        "Nobody has used the page:   0x8000000044445007",
        "After a load, accessed:     0x8000000044445027",
        "After a store, dirty too:   0x8000000044445067",
        "And the memory holds 42.",
        "Unmapped: DONE",
        "The space says   -1",
        "The MMU still loads 42: it remembers.",
        "Flushed, and 3 tables are free.",
        "The MMU faults: NOT_PRESENT at level 4, error code 4, address 0x12345678");
  }

  @Test
  void aProcessHasWhatItTouches() throws Exception {
    List<String> told = told(() -> E09_AProcess.main(new String[0]));
    assertTold(
        told,
        "64 MiB are mapped, and 1 frames are gone: words of areas.",
        "A store to each of 100 pages: 100 faults,",
        "  and 10\\d frames are gone, some of them tables.",
        "Fork: FORKED, by [1-9] frames of tables.",
        "The child reads 1, and has copied 0 pages.",
        "It stores, and has copied 1.",
        "The parent still has 1.",
        "Behind the area: NOT_PRESENT, and then SEGFAULT.",
        "All frames are back.");
  }

  @Test
  void everyLessonIsListedInTheReadme() throws Exception {
    Path folder = Path.of(System.getProperty("bifolio.root"), "examples");
    String readme = Files.readString(folder.resolve("README.md"));
    try (var files = Files.list(folder.resolve("src/main/java/dev/bifolio/examples"))) {
      List<String> lessons =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> name.matches("E\\d\\d_.*\\.java"))
              .map(name -> name.substring(0, name.length() - ".java".length()))
              .toList();
      assertTrue(lessons.size() >= 5);
      for (String lesson : lessons) {
        assertTrue(readme.contains(lesson), lesson + " is missing in examples/README.md");
      }
    }
  }
}
