package dev.bifolio.kernel.rules;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The table of packages and what each may import, applied to a tree of packages.
///
/// It looks twice: at compiled classes, where every use is seen but constants of other packages
/// have been inlined, and at the import lines of the sources, where those are seen too.
record ImportTable(String rootPackage) {
  /// Package to all imports it may have besides `unit`; the root package may import all.
  static final Map<String, Set<String>> TABLE =
      Map.ofEntries(
          Map.entry("unit", Set.of()),
          Map.entry("platform", Set.of()),
          Map.entry("firmware", Set.of()),
          Map.entry("frame", Set.of("platform")),
          Map.entry("zone", Set.of("frame", "platform")),
          Map.entry("reclaim", Set.of("zone", "frame", "platform")),
          Map.entry("boot", Set.of("firmware", "platform")),
          Map.entry("table", Set.of("platform")),
          Map.entry("mmu", Set.of("table", "platform")),
          Map.entry("virtual", Set.of("table", "platform")),
          Map.entry("heap", Set.of("virtual", "table", "zone", "frame", "platform")));

  /// Packages outside the tree: of java.base all, as the freestanding subset decides on those.
  private static final Set<String> OUTSIDE = Set.of("java", "org.jspecify.annotations");

  /// Violations in compiled classes, one line each, sorted.
  Set<String> violationsOf(JavaClasses classes) {
    Set<String> violations = new TreeSet<>();
    for (JavaClass type : classes) {
      String from = packageOf(type.getPackageName());
      if (!from.isEmpty() && !TABLE.containsKey(from)) {
        violations.add("package " + type.getPackageName() + " is not in the import table");
        continue;
      }
      for (Dependency use : type.getDirectDependenciesFromSelf()) {
        String target = elementOf(use.getTargetClass().getName());
        if (target.indexOf('.') >= 0 && !mayUse(from, packageNameOf(target), target)) {
          violations.add(use.getDescription());
        }
      }
    }
    return violations;
  }

  /// Violations in the import lines of the sources below a folder, one line each.
  List<String> violationsOf(Path sourceRoot) throws IOException {
    List<String> violations = new ArrayList<>();
    try (Stream<Path> files = Files.walk(sourceRoot)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".java")).sorted().toList()) {
        violationsOf(file, Files.readString(file), violations);
      }
    }
    return violations;
  }

  private void violationsOf(Path file, String text, List<String> violations) {
    Matcher declared = Pattern.compile("(?m)^package ([\\w.]+);").matcher(text);
    if (!declared.find()) {
      return;
    }
    String from = packageOf(declared.group(1));
    Matcher imported = Pattern.compile("(?m)^import (?:static )?([a-z_0-9.]+)\\..*;").matcher(text);
    while (imported.find()) {
      if (!mayUse(from, imported.group(1), imported.group(1))) {
        long line = 1 + text.substring(0, imported.start()).lines().count();
        violations.add(file + ":" + line + " " + imported.group());
      }
    }
  }

  private boolean mayUse(String from, String targetPackage, String targetClass) {
    if (!isInTree(targetPackage)) {
      return OUTSIDE.stream()
          .anyMatch(p -> targetClass.equals(p) || targetClass.startsWith(p + "."));
    }
    String to = packageOf(targetPackage);
    if (from.isEmpty() || to.equals(from)) {
      return true;
    }
    Set<String> allowed = new HashSet<>(TABLE.getOrDefault(from, Set.of()));
    allowed.add("unit");
    return allowed.contains(to);
  }

  /// The element type of an array's binary name; a primitive one is a single letter.
  private static String elementOf(String className) {
    String element = className.substring(className.lastIndexOf('[') + 1);
    return element.endsWith(";") ? element.substring(1, element.length() - 1) : element;
  }

  private static String packageNameOf(String className) {
    return className.substring(0, className.lastIndexOf('.'));
  }

  private boolean isInTree(String name) {
    return name.equals(rootPackage) || name.startsWith(rootPackage + ".");
  }

  /// The package's name below the root, such as `frame`; empty for the root itself.
  private String packageOf(String name) {
    return name.equals(rootPackage) ? "" : name.substring(rootPackage.length() + 1);
  }
}
