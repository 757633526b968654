package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  private record Result(int code, List<String> out, List<String> err) {}

  private static Result run(String line) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Main.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(line.split(" "));
    return new Result(code, out.toString().lines().toList(), err.toString().lines().toList());
  }

  @Test
  void runsAlternateBetweenTheAllocators() {
    Result result =
        run(
            "frames --allocators classic,linux-like --suite w1,frag_f4 --log2frames 12 --runs 2 --csv --divide 1000");
    assertEquals(0, result.code, result.err::toString);
    assertEquals("allocator,log2frames,workload,metric,run,value", result.out.get(0));
    List<String> keys =
        result.out.stream().skip(1).map(line -> line.substring(0, line.lastIndexOf(','))).toList();
    assertEquals(
        List.of(
            "classic,12,w1,ns_pair,1",
            "linux-like,12,w1,ns_pair,1",
            "classic,12,w1,ns_pair,2",
            "linux-like,12,w1,ns_pair,2",
            "classic,12,frag_f4,free2M_step0,1",
            "classic,12,frag_f4,ideal2M_step0,1",
            "classic,12,frag_f4,huge_allocs,1",
            "classic,12,frag_f4,huge_after_free_all,1",
            "classic,12,frag_f4,fails,1",
            "linux-like,12,frag_f4,free2M_step0,1",
            "linux-like,12,frag_f4,ideal2M_step0,1",
            "linux-like,12,frag_f4,huge_allocs,1",
            "linux-like,12,frag_f4,huge_after_free_all,1",
            "linux-like,12,frag_f4,fails,1"),
        keys);
  }

  @Test
  void theTableHasMediansAndTheirRatio() {
    Result result =
        run(
            "--suite w1,frag_f4 --allocators classic,linux-like,best-fit --log2frames 12 --divide 1000");
    assertEquals(0, result.code, result.err::toString);
    assertTrue(result.out.get(0).matches("median of +classic ratio +linux-like +best-fit ratio"));
    assertTrue(
        result.out.get(1).matches("w1 ns_pair +[0-9.]+ x[0-9.]+ +[0-9.]+ +-"),
        result.out::toString);
    assertTrue(
        result.out.stream()
            .anyMatch(line -> line.matches("frag_f4 huge_after_free_all +8 x1\\.00 +8 +8 x1\\.00")),
        result.out::toString);
  }

  @Test
  void withoutTheYardstickThereAreNoRatios() {
    Result result = run("--suite frag_f4 --allocators classic --log2frames 12 --divide 1000");
    assertEquals(0, result.code, result.err::toString);
    assertTrue(result.out.get(0).matches("median of +classic"), result.out::toString);
    assertTrue(result.out.get(4).matches("frag_f4 huge_after_free_all +8"), result.out::toString);
  }

  @Test
  void whatIsLeftOutIsSaidOnce() {
    Result result =
        run(
            "--suite w7,frag_f4c --allocators classic,linux-like,best-fit,glibc --log2frames 12"
                + " --runs 2 --csv --divide 1000");
    assertEquals(0, result.code);
    assertEquals(
        List.of(
            "bifolio: classic: left out of frag_f4c: it does not take the lifetime of a frame",
            "bifolio: linux-like: left out of frag_f4c: it does not take the lifetime of a frame",
            "bifolio: best-fit: left out of w7: it searches exactly, however long that takes; "
                + "frag only",
            "bifolio: best-fit: left out of frag_f4c: it does not take the lifetime of a frame",
            "bifolio: glibc: left out of frag_f4c: its blocks lie where it likes: there are no "
                + "areas of one memory to count",
            "bifolio: classic, w7: left out: order 13 and above, which the memory does not have",
            "bifolio: linux-like, w7: left out: order 11 and above, which it does not have",
            "bifolio: glibc, w7: left out: order 13 and above, which the memory does not have"),
        result.err);
  }

  @Test
  void aTerabyteIsMeasuredWhereFewFramesAreTouched() {
    Result result = run("--suite w2,w4:50 --log2frames 28 --runs 1 --csv --divide 1000");
    assertEquals(0, result.code, result.err::toString);
    assertTrue(
        result.out.stream()
            .skip(1)
            .allMatch(line -> line.matches("(hybrid|hybrid-owned-cache|classic),28,w2,ns_.*")),
        result.out::toString);
    assertEquals(7, result.out.size(), result.out::toString);
    assertTrue(
        result.err.stream().anyMatch(line -> line.startsWith("bifolio: linux-like: left out: ")),
        result.err::toString);
    assertTrue(
        result.err.stream()
            .anyMatch(line -> line.startsWith("bifolio: classic: left out of w4:50: ")),
        result.err::toString);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "heap --suite t1",
        "heap --allocators hybrid",
        "tables --suite w1",
        "tables --allocators hybrid",
        "nonsense",
        "frames --suite w99",
        "frames --allocators tcmalloc",
        "frames --allocators zone",
        "zones --allocators classic",
        "zones --suite w1",
        "frames --log2frames 9",
        "frames --log2frames 29",
        "frames --runs 0",
        "startup"
      })
  void badUsageIsOneLineAndExitCodeTwo(String line) {
    Result result = run(line);
    assertEquals(2, result.code);
    assertEquals(List.of(), result.out);
    assertEquals(1, result.err.size(), result.err::toString);
    assertTrue(result.err.get(0).startsWith("bifolio: "));
  }

  @Test
  void theMedianOfAnEvenCountIsTheMeanOfTheMiddle() {
    assertEquals(3.0, Medians.median(List.of(9.0, 1.0, 3.0)));
    assertEquals(2.0, Medians.median(List.of(9.0, 1.0, 3.0, 1.0)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--suite frag_f4 --allocators classic --log2frames 12 --divide 1000",
        "--suite frag_f4 --allocators classic --log2frames 12 --divide 1000 --csv",
        "--help"
      })
  void figuresThatCannotBeWrittenAreAFailure(String line) throws Exception {
    Path full = Path.of("/dev/full");
    assumeTrue(Files.exists(full), "left out: this system has no /dev/full");
    StringWriter err = new StringWriter();
    try (PrintStream out = new PrintStream(new FileOutputStream(full.toFile()))) {
      int code =
          Main.commandLine()
              .setOut(new PrintWriter(out, true, StandardCharsets.UTF_8))
              .setErr(new PrintWriter(err))
              .execute(line.split(" "));
      assertEquals(1, code);
    }
    assertEquals(
        List.of("bifolio: standard output cannot be written"), err.toString().lines().toList());
  }
}
