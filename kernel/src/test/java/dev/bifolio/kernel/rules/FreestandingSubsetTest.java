package dev.bifolio.kernel.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The kernel stays in the freestanding subset, and each way of leaving it is seen.
class FreestandingSubsetTest {
  private static final String KERNEL = "dev/bifolio/kernel";
  private static final String PLANTED = "dev/bifolio/kernel/rules/planted";

  @Test
  void theKernelStaysInTheFreestandingSubset() throws IOException, URISyntaxException {
    List<String> violations = new ArrayList<>();
    List<ClassModel> types = typesOf(ImportTableTest.kernelClasses(), KERNEL);
    assertTrue(types.size() > 10, "the kernel's classes were not found");
    SubsetRules rules = new SubsetRules(KERNEL, superclassesOf(types));
    for (ClassModel type : types) {
      if (!type.thisClass().asInternalName().startsWith(KERNEL + "/platform/")) {
        violations.addAll(FreestandingSubset.violationsOf(rules, type));
      }
    }
    assertEquals(List.of(), violations, () -> String.join("\n", violations));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          volatileField          | Violations.volatileField(Violations.java): a volatile field
          synchronizedMethod     | a synchronized method
          synchronizedBlock      | a synchronized block
          lambda                 | a lambda or method reference
          methodReference        | a lambda or method reference
          collection             | java.util.ArrayList
          thread                 | java.lang.Thread
          systemProperty         | calls java.lang.System.getProperty
          environment            | calls java.lang.System.nanoTime
          format                 | calls java.lang.String.format
          reflection             | calls java.lang.Object.getClass
          classConstant          | calls java.lang.Class.getName
          stream                 | java.util.stream.IntStream
          floatingPoint          | floating point
          floatingConversion     | floating point: the instruction l2d
          hiddenProperty         | calls java.lang.Long.getLong
          createsObject          | creates a dev.bifolio.kernel.rules.planted.frame.Violations
          createsArray           | creates an array outside construction
          createsTable           | creates an array outside construction
          catchesOthers          | catches java.util.NoSuchElementException
          boxedUnit              | java.util.concurrent.TimeUnit
          """)
  void aPlantedViolationIsSeen(String method, String message)
      throws IOException, URISyntaxException {
    List<String> found = plantedViolations("Violations");
    assertTrue(
        found.stream().anyMatch(v -> v.contains("." + method + "(") && v.contains(message)),
        () -> String.join("\n", found));
  }

  @Test
  void aViolationNamesClassMethodAndLine() throws IOException, URISyntaxException {
    List<String> found = plantedViolations("Violations");
    assertTrue(
        found.stream()
            .anyMatch(v ->
                v.matches(
                    "dev\\.bifolio\\.kernel\\.rules\\.planted\\.frame\\.Violations\\.format"
                        + "\\(Violations\\.java:\\d+\\): calls java\\.lang\\.String\\.format")),
        () -> String.join("\n", found));
  }

  @Test
  void ordinaryCodeOfTheSubsetIsAccepted() throws IOException, URISyntaxException {
    assertEquals(List.of(), plantedViolations("Accepted"));
  }

  private static List<String> plantedViolations(String simpleName)
      throws IOException, URISyntaxException {
    Path testClasses =
        Path.of(
            FreestandingSubsetTest.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
    List<ClassModel> types = typesOf(testClasses, PLANTED);
    SubsetRules rules = new SubsetRules(PLANTED, superclassesOf(types));
    List<String> violations = new ArrayList<>();
    for (ClassModel type : types) {
      String name = type.thisClass().asInternalName();
      if (name.matches(".*/" + simpleName + "(\\$.*)?")) {
        violations.addAll(FreestandingSubset.violationsOf(rules, type));
      }
    }
    return violations;
  }

  private static List<ClassModel> typesOf(Path root, String folder) throws IOException {
    List<ClassModel> types = new ArrayList<>();
    try (Stream<Path> files = Files.walk(root.resolve(folder))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".class")).sorted().toList()) {
        if (!file.endsWith("package-info.class")) {
          types.add(ClassFile.of().parse(file));
        }
      }
    }
    return types;
  }

  private static Map<String, String> superclassesOf(List<ClassModel> types) {
    Map<String, String> superclasses = new HashMap<>();
    for (ClassModel type : types) {
      type.superclass()
          .ifPresent(s -> superclasses.put(type.thisClass().asInternalName(), s.asInternalName()));
    }
    return superclasses;
  }
}
