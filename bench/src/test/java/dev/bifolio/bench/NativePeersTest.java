package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// This JVM decides for glibc, which is always there; the others have processes of their own.
class NativePeersTest {
  @Test
  void blocksAreMemoryOnAPagesBorder() {
    try (Subject subject = Subject.Kind.GLIBC.create(1 << 18)) {
      for (int order = 0; order <= 9; order++) {
        long address = subject.allocate(order);
        assertEquals(0, address & 4095);
        Memory.fill(address, 4096L << order, (byte) order);
        assertEquals(order, Memory.getByte(address + (4096L << order) - 1));
        subject.free(address, order);
      }
    }
  }

  @Test
  void aSecondOneInTheSameJvmIsRefused() {
    assertNull(NativeLibrary.choose(Subject.Kind.GLIBC));
    assertNull(NativeLibrary.choose(Subject.Kind.GLIBC));
    assertThrows(IllegalStateException.class, () -> NativeLibrary.choose(Subject.Kind.JEMALLOC));
  }

  @ParameterizedTest
  @ValueSource(strings = {"glibc", "jemalloc", "mimalloc"})
  void eachRunsInAJvmOfItsOwnOrIsSaidToBeMissing(String name) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Main.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(
                ("--suite w1,w2,w4:90,w5,w9,w10 --log2frames 14 --runs 1 --divide 1000 --csv"
                        + " --allocators "
                        + name)
                    .split(" "));
    assertEquals(0, code, err::toString);
    List<String> notes = err.toString().lines().toList();
    List<String> rows = out.toString().lines().skip(1).toList();
    if (rows.isEmpty()) {
      assertFalse(isInstalled(name), notes::toString);
      assertEquals(1, notes.size(), notes::toString);
      assertTrue(
          notes.get(0).matches("bifolio: " + name + ": left out: lib.* is not installed or .*"),
          notes::toString);
    } else {
      assertEquals(List.of(), notes);
      assertTrue(rows.stream().allMatch(row -> row.startsWith(name + ",14,")), rows::toString);
      assertTrue(rows.stream().anyMatch(row -> row.contains(",w9,ns_item,1,")), rows::toString);
    }
  }

  private static boolean isInstalled(String name) {
    return name.equals("glibc")
        || Stream.of("/usr/lib", "/usr/lib64", "/usr/lib/" + System.getProperty("os.arch"))
            .map(folder -> folder.replace("amd64", "x86_64-linux-gnu"))
            .map(folder -> folder.replace("aarch64", "aarch64-linux-gnu"))
            .anyMatch(folder -> Files.exists(Path.of(folder, "lib" + name + ".so.2")));
  }

  @Test
  void whoWritesIntoTheMemoryGetsLessOfIt() {
    assertEquals(18, Subject.Kind.GLIBC.log2framesFor(21));
    assertEquals(14, Subject.Kind.GLIBC.log2framesFor(14));
    assertEquals(21, Subject.Kind.JEMALLOC.log2framesFor(21));
    assertNull(Subject.Kind.GLIBC.sizeNote(18));
    assertTrue(String.valueOf(Subject.Kind.MIMALLOC.sizeNote(21)).contains("2^18"));
  }
}
