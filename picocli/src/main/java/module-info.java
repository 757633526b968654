/// picocli as a named module, so that an ahead-of-time cache can hold the whole module graph.
module info.picocli {
  requires static java.sql;

  exports picocli;
}
