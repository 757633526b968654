package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The launcher script in a checkout of its own, among JDKs and a Maven that are only scripts.
class LauncherTest {
  private static final List<String> TOOLS =
      List.of(
          "sh",
          "dirname",
          "readlink",
          "find",
          "head",
          "grep",
          "cksum",
          "cut",
          "date",
          "mkdir",
          "rmdir",
          "sleep",
          "stty",
          "rm",
          "mv",
          "cat",
          "touch");

  @TempDir Path temporary;
  private Path checkout;
  private Path tools;
  private Path jvms;

  /// What a run of the launcher gave.
  private record Outcome(int exit, String out, String err) {}

  @BeforeEach
  void makeCheckout() throws IOException {
    checkout = Files.createDirectories(temporary.resolve("a check out"));
    Files.copy(Path.of(System.getProperty("bifolio.root"), "bifolio"), checkout.resolve("bifolio"));
    for (String module : List.of("picocli", "kernel", "lab", "bench")) {
      Files.createDirectories(checkout.resolve(module).resolve("src/main"));
      Files.writeString(checkout.resolve(module).resolve("pom.xml"), "<project/>");
    }
    Files.writeString(checkout.resolve("pom.xml"), "<project/>");
    tools = Files.createDirectories(temporary.resolve("tools"));
    for (String tool : TOOLS) {
      for (String folder : List.of("/bin", "/usr/bin")) {
        if (Files.exists(Path.of(folder, tool)) && Files.notExists(tools.resolve(tool))) {
          Files.createSymbolicLink(tools.resolve(tool), Path.of(folder, tool));
        }
      }
    }
    jvms = Files.createDirectories(temporary.resolve("jvm folder"));
  }

  @Test
  void withoutAnyJdkItSaysWhatItNeedsAndWhatItFound() throws Exception {
    fakeJdk("java-17-openjdk", "17.0.15", true);
    Outcome outcome = run(Map.of(), "help");
    assertEquals(2, outcome.exit());
    assertTrue(outcome.err().contains("no JDK 25 or newer found"), outcome.err());
    assertTrue(outcome.err().contains("Java 17.0.15 in " + jvms), outcome.err());
  }

  @Test
  void aRuntimeWithoutCompilerIsNoJdk() throws Exception {
    fakeJdk("jre-25", "25.0.1", false);
    Outcome outcome = run(Map.of(), "help");
    assertEquals(2, outcome.exit());
    assertTrue(outcome.err().contains("which has no compiler"), outcome.err());
  }

  @Test
  void aWrongOwnVariableIsToldAndNothingElseIsTried() throws Exception {
    Path old = fakeJdk("java-17-openjdk", "17.0.15", true);
    fakeJdk("temurin-25", "25.0.3", true);
    Outcome outcome = run(Map.of("BIFOLIO_JAVA_HOME", old.toString()), "help");
    assertEquals(2, outcome.exit());
    assertTrue(outcome.err().contains("BIFOLIO_JAVA_HOME="), outcome.err());
    assertTrue(outcome.err().contains("17.0.15"), outcome.err());
  }

  @Test
  void aMissingMavenIsTold() throws Exception {
    fakeJdk("temurin-25", "25.0.3", true);
    Outcome outcome = run(Map.of(), "help");
    assertEquals(2, outcome.exit());
    assertTrue(outcome.err().contains("Maven is needed"), outcome.err());
    assertTrue(outcome.err().contains("temurin-25"), outcome.err());
  }

  @Test
  void anOlderJavaHomeIsPassedOverAndMavenRunsOnTheJdkThatWasFound() throws Exception {
    Path old = fakeJdk("java-17-openjdk", "17.0.15", true);
    Path jdk = fakeJdk("temurin-26", "26", true);
    fakeMaven(0);
    Outcome outcome = run(Map.of("JAVA_HOME", old.toString()), "map", "a file", "--json");
    assertEquals(0, outcome.exit(), outcome.err());
    assertTrue(outcome.err().contains("building with"), outcome.err());
    assertEquals(jdk.toString(), Files.readString(checkout.resolve("maven-java-home")).strip());
    assertTrue(outcome.out().contains("[map][a file][--json]"), outcome.out());
  }

  @Test
  void aSecondRunDoesNotBuildAgainUntilASourceChanges() throws Exception {
    fakeJdk("temurin-25", "25.0.3", true);
    fakeMaven(0);
    run(Map.of(), "help");
    Outcome second = run(Map.of(), "help");
    assertEquals("", second.err());
    Path source = checkout.resolve("kernel/src/main/New.java");
    Files.writeString(source, "class New {}");
    Files.setLastModifiedTime(
        source, java.nio.file.attribute.FileTime.fromMillis(System.currentTimeMillis() + 2_000));
    Outcome third = run(Map.of(), "help");
    assertTrue(third.err().contains("building with"), third.err());
  }

  @Test
  void theStartUpCacheIsMadeOnceAndThenUsed() throws Exception {
    fakeJdk("temurin-25", "25.0.3", true);
    fakeMaven(0);
    Outcome first = run(Map.of(), "help");
    assertTrue(first.err().contains("making the start-up cache"), first.err());
    Outcome second = run(Map.of(), "help");
    assertFalse(second.err().contains("start-up cache"), second.err());
    assertTrue(second.out().contains("[-XX:AOTCache=" + temporary.resolve("cache")), second.out());
  }

  @Test
  void aFailedBuildShowsItsErrorsAndLeavesNothingThatLooksBuilt() throws Exception {
    fakeJdk("temurin-25", "25.0.3", true);
    fakeMaven(1);
    Outcome outcome = run(Map.of(), "help");
    assertEquals(1, outcome.exit());
    assertTrue(outcome.err().contains("[ERROR] planted"), outcome.err());
    assertFalse(Files.exists(checkout.resolve("target/bifolio/built")));
    assertFalse(Files.exists(checkout.resolve("target/bifolio/lock")));
  }

  @Test
  void aSourceThatChangesDuringTheBuildIsBuiltNextTime() throws Exception {
    fakeJdk("temurin-25", "25.0.3", true);
    script(tools.resolve("mvn"), "sleep 1; : >kernel/src/main/Edited.java");
    run(Map.of(), "help");
    assertTrue(run(Map.of(), "help").err().contains("building with"));
  }

  @Test
  void aCopiedCheckoutIsBuiltAnew() throws Exception {
    fakeJdk("temurin-25", "25.0.3", true);
    fakeMaven(0);
    run(Map.of(), "help");
    Path moved = temporary.resolve("moved");
    Files.move(checkout, moved);
    checkout = moved;
    assertTrue(run(Map.of(), "help").err().contains("building with"));
  }

  @Test
  void theLockOfABuildThatDiedIsNoticed() throws Exception {
    fakeJdk("temurin-25", "25.0.3", true);
    fakeMaven(0);
    Path lock = Files.createDirectories(checkout.resolve("target/bifolio/lock"));
    Files.writeString(lock.resolve("pid"), "999999999\n");
    Outcome outcome = run(Map.of(), "help");
    assertEquals(0, outcome.exit(), outcome.err());
    assertFalse(Files.exists(lock));
  }

  @Test
  void withoutAHomeThereIsNoCacheAndNoFolderForIt() throws Exception {
    fakeJdk("temurin-25", "25.0.3", true);
    fakeMaven(0);
    Outcome outcome = run(Map.of("HOME", "", "BIFOLIO_CACHE", ""), "help");
    assertEquals(0, outcome.exit(), outcome.err());
    assertFalse(outcome.err().contains("start-up cache"), outcome.err());
    assertFalse(outcome.out().contains("AOTCache"), outcome.out());
  }

  @Test
  void aColonInTheCheckoutsPathIsTold() throws Exception {
    fakeJdk("temurin-25", "25.0.3", true);
    Path moved = temporary.resolve("a:b");
    Files.move(checkout, moved);
    checkout = moved;
    Outcome outcome = run(Map.of(), "help");
    assertEquals(2, outcome.exit());
    assertTrue(outcome.err().contains("colon"), outcome.err());
  }

  @Test
  void testRunsMavenVerifyAndPassesItsExitCodeOn() throws Exception {
    fakeJdk("temurin-25", "25.0.3", true);
    fakeMaven(1);
    Outcome outcome = run(Map.of(), "test");
    assertEquals(1, outcome.exit());
    assertTrue(Files.readString(checkout.resolve("maven-arguments")).contains("verify"));
  }

  private Path fakeJdk(String name, String version, boolean compiler) throws IOException {
    Path home = jvms.resolve(name);
    Files.createDirectories(home.resolve("bin"));
    Files.writeString(
        home.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\n");
    // Prints its arguments; writes the cache it is asked for.
    script(
        home.resolve("bin/java"),
        "for a in \"$@\"; do printf '[%s]' \"$a\"; case $a in -XX:AOTCacheOutput=*) : "
            + ">\"${a#*=}\";; esac; done; echo");
    if (compiler) {
      script(home.resolve("bin/javac"), "exit 0");
    }
    return home;
  }

  private void fakeMaven(int exit) throws IOException {
    script(
        tools.resolve("mvn"),
        "printf '%s\\n' \"$JAVA_HOME\" >maven-java-home; printf '%s\\n' \"$*\" >maven-arguments; "
            + (exit == 0 ? "exit 0" : "echo '[ERROR] planted'; exit " + exit));
  }

  private static void script(Path file, String body) throws IOException {
    Files.writeString(file, "#!/bin/sh\n" + body + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Outcome run(Map<String, String> environment, String... arguments) throws Exception {
    ProcessBuilder builder = new ProcessBuilder();
    builder.command().add(checkout.resolve("bifolio").toString());
    builder.command().addAll(List.of(arguments));
    builder.environment().clear();
    builder.environment().put("PATH", tools.toString());
    builder.environment().put("HOME", temporary.toString());
    builder.environment().put("BIFOLIO_JVM_FOLDER", jvms.toString());
    builder.environment().put("BIFOLIO_CACHE", temporary.resolve("cache").toString());
    builder.environment().putAll(environment);
    Path out = temporary.resolve("out");
    Path err = temporary.resolve("err");
    builder.redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
    Process process = builder.start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the launcher hangs");
    return new Outcome(process.exitValue(), Files.readString(out), Files.readString(err));
  }
}
