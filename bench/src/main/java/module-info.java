import org.jspecify.annotations.NullMarked;

/// The workload suite and the peers it is compared with. Not published.
@NullMarked
module dev.bifolio.bench {
  requires dev.bifolio.kernel;
  requires info.picocli;
  requires com.carrotsearch.hppc;
  requires java.management;
  requires jdk.management;
  requires static org.jspecify;

  // picocli reads the options' annotations.
  opens dev.bifolio.bench to
      info.picocli;
}
