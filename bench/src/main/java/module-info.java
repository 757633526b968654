import org.jspecify.annotations.NullMarked;

/// The workload suite and the peers it is compared with. Not published.
@NullMarked
module dev.bifolio.bench {
  requires dev.bifolio.kernel;
  requires info.picocli;
  requires java.management;
  requires static org.jspecify;

  // picocli reads the options' annotations.
  opens dev.bifolio.bench to
      info.picocli;
}
