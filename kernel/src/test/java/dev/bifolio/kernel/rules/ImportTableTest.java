package dev.bifolio.kernel.rules;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import dev.bifolio.kernel.unit.Pages;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// Who may import whom inside the kernel, and the proof that a violation is seen.
class ImportTableTest {
  private static final String KERNEL = "dev.bifolio.kernel";
  private static final String PLANTED = "dev.bifolio.kernel.rules.planted";

  @Test
  void everyPackageUsesOnlyWhatTheTableGrantsIt() throws URISyntaxException {
    JavaClasses classes = new ClassFileImporter().importPath(kernelClasses());
    assertTrue(classes.size() > 10, "the kernel's classes were not found");
    assertEquals(Set.of(), new ImportTable(KERNEL).violationsOf(classes));
  }

  @Test
  void everyImportLineIsOneTheTableGrants() throws IOException {
    Path sources = Path.of(System.getProperty("bifolio.root"), "kernel/src/main/java");
    assertTrue(Files.isDirectory(sources), "no sources in " + sources);
    assertEquals(List.of(), new ImportTable(KERNEL).violationsOf(sources));
  }

  @Test
  void noPackagesFormACycle() throws URISyntaxException {
    slices()
        .matching(KERNEL + ".(*)..")
        .should()
        .beFreeOfCycles()
        .check(new ClassFileImporter().importPath(kernelClasses()));
  }

  @Test
  void theModuleNeedsNothingAtRunTimeButJavaBase() throws URISyntaxException, IOException {
    try (InputStream in = Files.newInputStream(kernelClasses().resolve("module-info.class"))) {
      Set<String> required =
          ModuleDescriptor.read(in).requires().stream()
              .filter(r -> !r.modifiers().contains(ModuleDescriptor.Requires.Modifier.STATIC))
              .map(ModuleDescriptor.Requires::name)
              .collect(Collectors.toSet());
      assertEquals(Set.of("java.base"), required);
    }
  }

  @Test
  void plantedUsesOfForbiddenPackagesAreSeen() {
    Set<String> found = new ImportTable(PLANTED).violationsOf(planted());
    assertTrue(
        found.stream().anyMatch(v -> v.contains("FrameThatReadsFirmware") && v.contains("(Frame")),
        () -> "frame uses firmware: " + found);
    assertTrue(
        found.stream().anyMatch(v -> v.contains("strange is not in the import table")),
        () -> "a package outside the table: " + found);
    assertTrue(
        found.stream().anyMatch(v -> v.contains("UnitWithDependency") && v.contains("junit")),
        () -> "a library: " + found);
    assertTrue(
        found.stream().noneMatch(v -> v.contains("frame.LegalFrame.use()> calls")),
        () -> "frame may use platform and unit: " + found);
  }

  @Test
  void plantedImportLinesAreSeenEvenIfTheConstantIsInlined() throws IOException {
    Path tests = Path.of(System.getProperty("bifolio.root"), "kernel/src/test/java");
    List<String> found =
        new ImportTable(PLANTED).violationsOf(tests.resolve(PLANTED.replace('.', '/')));
    assertTrue(
        found.stream().anyMatch(v -> v.matches(".*InlinedConstant.java:3 import .*firmware.*")),
        () -> "an inlined constant: " + found);
  }

  @Test
  void plantedCyclesAreSeen() {
    AssertionError seen =
        assertThrows(
            AssertionError.class,
            () -> slices().matching(PLANTED + ".(*)..").should().beFreeOfCycles().check(planted()));
    assertTrue(seen.getMessage().contains("Cycle detected"), seen.getMessage());
  }

  private static JavaClasses planted() {
    return new ClassFileImporter().importPackages(PLANTED);
  }

  static Path kernelClasses() throws URISyntaxException {
    return Path.of(Pages.class.getProtectionDomain().getCodeSource().getLocation().toURI());
  }
}
