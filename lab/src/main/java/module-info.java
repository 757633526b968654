import org.jspecify.annotations.NullMarked;

/// The `bifolio` command, text formats and reports.
@NullMarked
module dev.bifolio.lab {
  requires com.fasterxml.jackson.jr.ob;
  requires dev.bifolio.kernel;
  requires info.picocli;
  requires org.tukaani.xz;
  requires static org.jspecify;

  // picocli reads the options' annotations.
  opens dev.bifolio.lab to
      info.picocli;
}
