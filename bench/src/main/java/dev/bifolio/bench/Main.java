package dev.bifolio.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/// The `bifolio bench` command.
@Command(
    name = "bifolio bench",
    description = "Measures the allocators side by side, each workload in a JVM of its own.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footer = {
      "",
      "For figures that can be relied on: a quiet machine and, where allowed,",
      "  chrt -r 1 ./bifolio bench",
      "./bifolio bench jmh [ARGUMENTS] runs the JMH benches. docs/bench.md explains all figures.",
      "Exit code 0: well; 1: a measurement failed; 2: bad usage."
    })
public final class Main implements Callable<Integer> {
  /// What can be measured.
  enum Group {
    FRAMES,
    STARTUP,
    ZONES,
    TABLES,
    HEAP
  }

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(
      arity = "0..1",
      defaultValue = "frames",
      paramLabel = "GROUP",
      description = "frames (the default), zones, tables, heap or startup.")
  private Group group = Group.FRAMES;

  @Option(
      names = "--suite",
      split = ",",
      paramLabel = "ID",
      description = {
        "Only these workloads; w4 or frag stand for all that begin with it, growth for w4 and",
        "w4b at 10, 50 and 90 %%, all for those too that are not run by default. Of zones: z1 or",
        "z2. Of tables: t1 to t4. Of heap: h5."
      })
  private List<String> suite = List.of();

  @Option(
      names = "--allocators",
      split = ",",
      paramLabel = "NAME",
      description = {
        "Among hybrid, hybrid-owned-cache, classic, linux-like, best-fit (fragmentation only), glibc, jemalloc and",
        "mimalloc; all by default. Ratios are to linux-like. Of zones: among hybrid, zone,",
        "zone-near, zone-charged and two-zones; ratios are to hybrid. Of tables: among x86_64,",
        "aarch64, sv48 and hash-map; ratios are to hash-map. Of heap: vmalloc and mmap; ratios are",
        "to mmap."
      })
  private List<String> allocators = List.of();

  @Option(
      names = "--log2frames",
      defaultValue = "21",
      paramLabel = "N",
      description = "2^N frames, 10 to 28; 21 (8 GiB) by default.")
  private int log2frames;

  @Option(
      names = "--runs",
      defaultValue = "5",
      paramLabel = "R",
      description = "Timed runs of each workload; 5 by default.")
  private int runs;

  @Option(
      names = "--csv",
      description = {"All figures as lines of", "allocator,log2frames,workload,metric,run,value."})
  private boolean csv;

  @Option(names = "--divide", hidden = true, defaultValue = "1")
  private int divisor;

  private Main() {}

  /// Runs a command line and ends the JVM with its exit code.
  ///
  /// @param arguments as given to the launcher after `bench`
  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8))
        .setExecutionStrategy(Main::runAndCheckOutput)
        .setParameterExceptionHandler((e, _) -> {
          PrintWriter err = e.getCommandLine().getErr();
          err.println("bifolio: " + e.getMessage());
          err.flush();
          return 2;
        })
        .setExecutionExceptionHandler((e, command, _) -> {
          command.getErr().println("bifolio: " + e);
          command.getErr().flush();
          return 1;
        });
  }

  /// A print writer swallows its errors: figures that nobody got must not pass for a success.
  private static int runAndCheckOutput(ParseResult parsed) {
    int code = new CommandLine.RunLast().execute(parsed);
    CommandLine command = parsed.commandSpec().commandLine();
    if (!command.getOut().checkError()) {
      return code;
    }
    command.getErr().println("bifolio: standard output cannot be written");
    command.getErr().flush();
    return 1;
  }

  @Override
  public Integer call() throws IOException {
    if (runs < 1 || divisor < 1) {
      throw refusal("--runs must be 1 or more");
    }
    return switch (group) {
      case FRAMES -> frames();
      case STARTUP -> startup();
      case ZONES -> zones();
      case TABLES -> tables();
      case HEAP -> heap();
    };
  }

  private int frames() throws IOException {
    requireSize();
    List<Subject.Kind> kinds = kindsAmong(Subject.Kind.allocators());
    List<String> ids = idsOf(Workload::idsFor, Workload.defaultIds());
    FrameSuite frames = new FrameSuite(kinds, ids, log2frames, runs, divisor);
    report(rows -> frames.run(rows, this::tell), names(kinds), Subject.Kind.LINUX_LIKE.csvName());
    return 0;
  }

  private int zones() throws IOException {
    requireSize();
    List<Subject.Kind> kinds = kindsAmong(Subject.Kind.zones());
    List<String> ids = idsOf(ZoneSuite::idsFor, ZoneSuite.ids());
    ZoneSuite zones = new ZoneSuite(kinds, ids, log2frames, runs, divisor);
    report(rows -> zones.run(rows, this::tell), names(kinds), Subject.Kind.HYBRID.csvName());
    return 0;
  }

  private int tables() throws IOException {
    List<TableSubject.Kind> kinds =
        among(TableSubject.Kind.all(), TableSubject.Kind::csvName, "page tables");
    List<String> ids = idsOf(TableSuite::idsFor, TableWorkload.IDS);
    TableSuite tables = new TableSuite(kinds, ids, runs, divisor);
    report(
        rows -> tables.run(rows, this::tell),
        kinds.stream().map(TableSubject.Kind::csvName).toList(),
        TableSubject.Kind.HASH_MAP.csvName());
    return 0;
  }

  private int heap() throws IOException {
    List<VirtualSubject.Kind> kinds =
        among(VirtualSubject.Kind.all(), VirtualSubject.Kind::csvName, "heap");
    List<String> ids = idsOf(name -> TableSuite.idsFor(name, HeapSuite.IDS), HeapSuite.IDS);
    HeapSuite heap = new HeapSuite(kinds, ids, runs, divisor);
    report(
        rows -> heap.run(rows, this::tell),
        kinds.stream().map(VirtualSubject.Kind::csvName).toList(),
        VirtualSubject.Kind.MMAP.csvName());
    return 0;
  }

  private void requireSize() {
    if (log2frames < 10 || log2frames > 28) {
      throw refusal("--log2frames must be 10 to 28, not " + log2frames);
    }
  }

  private List<String> idsOf(Function<String, List<String>> meaning, List<String> all) {
    List<String> ids = new ArrayList<>();
    try {
      suite.forEach(name -> ids.addAll(meaning.apply(name)));
    } catch (IllegalArgumentException e) {
      throw refusal(String.valueOf(e.getMessage()));
    }
    return ids.isEmpty() ? all : ids;
  }

  private void tell(String note) {
    PrintWriter err = spec.commandLine().getErr();
    err.println("bifolio: " + note);
    err.flush();
  }

  private static List<String> names(List<Subject.Kind> kinds) {
    return kinds.stream().map(Subject.Kind::csvName).toList();
  }

  private int startup() throws IOException {
    if (!suite.isEmpty()) {
      throw refusal("--suite is for frames");
    }
    String launcher = System.getProperty("bifolio.launcher");
    if (launcher == null) {
      throw refusal("bench startup must be run by the launcher: ./bifolio bench startup");
    }
    StartupSuite startup = new StartupSuite(Path.of(launcher), runs);
    report(
        startup::run,
        List.of("bifolio-map", "java-version", "bifolio-map-no-cache", "machine"),
        null);
    return 0;
  }

  /// Something that produces figures.
  private interface Source {
    void run(Consumer<Row> rows) throws IOException;
  }

  private void report(Source source, List<String> columns, @Nullable String yardstick)
      throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (csv) {
      out.println(Row.HEADER);
      source.run(row -> out.println(row.toCsv()));
    } else {
      Medians medians = new Medians(columns, yardstick);
      source.run(medians::add);
      medians.lines().forEach(out::println);
    }
    out.flush();
  }

  private List<Subject.Kind> kindsAmong(List<Subject.Kind> all) {
    return among(all, Subject.Kind::csvName, "allocator");
  }

  /// Those that the command line names, or all.
  private <K> List<K> among(List<K> all, Function<K, String> name, String what) {
    List<K> chosen = new ArrayList<>();
    for (String wanted : allocators) {
      K found =
          all.stream().filter(kind -> name.apply(kind).equals(wanted)).findFirst().orElse(null);
      if (found == null) {
        String names = String.join(", ", all.stream().map(name).toList());
        throw refusal("no " + what + " '" + wanted + "'; there are " + names);
      }
      chosen.add(found);
    }
    return chosen.isEmpty() ? all : chosen;
  }

  private ParameterException refusal(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
