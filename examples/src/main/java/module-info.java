import org.jspecify.annotations.NullMarked;

/// Numbered lessons, each a program. Not published.
@NullMarked
module dev.bifolio.examples {
  requires dev.bifolio.kernel;
  requires static org.jspecify;
}
