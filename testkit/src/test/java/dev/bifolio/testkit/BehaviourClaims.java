package dev.bifolio.testkit;

import com.sun.source.tree.AnnotationTree;
import com.sun.source.tree.AssignmentTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ExpressionTree;
import com.sun.source.tree.LiteralTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.NewArrayTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreeScanner;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/// The claims made by test sources, read from their syntax trees: nothing is compiled or run.
///
/// @param testsOfId id to the tests that claim it, as `Class.method` or `Class`
/// @param mistakes claims that cannot count, one line each
record BehaviourClaims(Map<String, Set<String>> testsOfId, List<String> mistakes) {
  /// A source and where it is from.
  record Source(String name, String text) {}

  private static final Set<String> TEST_ANNOTATIONS =
      Set.of("Test", "ParameterizedTest", "RepeatedTest", "TestFactory");

  /// All test sources of the modules below a repository's root.
  static List<Source> sourcesBelow(Path root) throws IOException {
    List<Source> sources = new ArrayList<>();
    try (Stream<Path> modules = Files.list(root)) {
      for (Path module : modules.sorted().toList()) {
        Path tests = module.resolve("src/test/java");
        if (Files.isDirectory(tests)) {
          try (Stream<Path> files = Files.walk(tests)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".java")).sorted().toList()) {
              sources.add(new Source(root.relativize(file).toString(), Files.readString(file)));
            }
          }
        }
      }
    }
    return sources;
  }

  static BehaviourClaims of(List<Source> sources) throws IOException {
    BehaviourClaims claims = new BehaviourClaims(new TreeMap<>(), new ArrayList<>());
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    if (compiler == null) {
      throw new AssertionError("the tests run on a JRE; a JDK is needed to read their sources");
    }
    List<JavaFileObject> files = new ArrayList<>();
    sources.forEach(s -> files.add(new InMemory(s)));
    JavacTask task =
        (JavacTask) compiler.getTask(null, null, _ -> {}, List.of("-proc:none"), null, files);
    for (CompilationUnitTree unit : task.parse()) {
      unit.accept(new Scanner(claims, unit.getSourceFile().getName()), null);
    }
    return claims;
  }

  private static final class InMemory extends SimpleJavaFileObject {
    private final Source source;

    InMemory(Source source) {
      super(URI.create("string:///" + source.name()), Kind.SOURCE);
      this.source = source;
    }

    @Override
    public String getName() {
      return source.name();
    }

    @Override
    public boolean isNameCompatible(String simpleName, Kind kind) {
      return kind == Kind.SOURCE;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return new String(source.text().getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }
  }

  private static final class Scanner extends TreeScanner<Void, Void> {
    private final BehaviourClaims claims;
    private final String file;
    private final Deque<String> types = new ArrayDeque<>();

    Scanner(BehaviourClaims claims, String file) {
      this.claims = claims;
      this.file = file;
    }

    @Override
    public Void visitClass(ClassTree type, Void unused) {
      types.addLast(type.getSimpleName().toString());
      boolean hasTests =
          type.getMembers().stream()
              .anyMatch(m -> m instanceof MethodTree method && isTest(method.getModifiers()));
      claim(
          type.getModifiers(),
          String.join(".", types),
          hasTests || type.getExtendsClause() != null);
      super.visitClass(type, null);
      types.removeLast();
      return null;
    }

    @Override
    public Void visitMethod(MethodTree method, Void unused) {
      claim(
          method.getModifiers(),
          String.join(".", types) + "." + method.getName(),
          isTest(method.getModifiers()));
      return super.visitMethod(method, null);
    }

    private static boolean isTest(ModifiersTree modifiers) {
      return modifiers.getAnnotations().stream()
          .anyMatch(a -> TEST_ANNOTATIONS.contains(nameOf(a)));
    }

    private void claim(ModifiersTree modifiers, String test, boolean isTest) {
      for (AnnotationTree annotation : modifiers.getAnnotations()) {
        if (!nameOf(annotation).equals("Behaviour")) {
          continue;
        }
        boolean isDisabled =
            modifiers.getAnnotations().stream().anyMatch(a -> nameOf(a).startsWith("Disabled"));
        if (!isTest || isDisabled) {
          claims.mistakes.add(
              file + ": " + test + (isDisabled ? " is disabled" : " is no test") + " and claims");
        } else {
          annotation.getArguments().forEach(a -> addIds(a, test));
        }
      }
    }

    private void addIds(ExpressionTree value, String test) {
      switch (value) {
        case AssignmentTree assignment -> addIds(assignment.getExpression(), test);
        case NewArrayTree array -> array.getInitializers().forEach(i -> addIds(i, test));
        case LiteralTree literal ->
            claims
                .testsOfId
                .computeIfAbsent(String.valueOf(literal.getValue()), _ -> new TreeSet<>())
                .add(test);
        default ->
            claims.mistakes.add(file + ": " + test + " claims with something not written out");
      }
    }

    private static String nameOf(AnnotationTree annotation) {
      String name = annotation.getAnnotationType().toString();
      return name.substring(name.lastIndexOf('.') + 1);
    }
  }
}
