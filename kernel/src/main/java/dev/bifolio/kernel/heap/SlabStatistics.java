package dev.bifolio.kernel.heap;

/// What a cache holds, in the terms of `/proc/slabinfo`.
///
/// @param name of the cache
/// @param activeObjects that somebody has
/// @param objectCount in all slabs, free or not
/// @param objectBytes of each, with what its alignment adds
/// @param objectsPerSlab as it says
/// @param framesPerSlab as it says
/// @param activeSlabs with an object that somebody has, or claimed
/// @param slabCount all slabs
/// @param slabsMade since the cache was made
/// @param slabsReleased since the cache was made
/// @param failures requests for which there was no memory
/// @param mistakes frees that were refused
/// @param doubleFrees frees of one object at the same time through its owner and elsewhere, found
///   when the owner came to the object again
public record SlabStatistics(
    String name,
    long activeObjects,
    long objectCount,
    int objectBytes,
    int objectsPerSlab,
    int framesPerSlab,
    long activeSlabs,
    long slabCount,
    long slabsMade,
    long slabsReleased,
    long failures,
    long mistakes,
    long doubleFrees) {
  /// The two lines above those of the caches. Source: Linux `mm/slab_common.c`, `slabinfo(5)`.
  public static final String SLABINFO_HEADER =
      "slabinfo - version: 2.1\n"
          + "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
          + " : tunables <limit> <batchcount> <sharedfactor>"
          + " : slabdata <active_slabs> <num_slabs> <sharedavail>\n";

  private static final int NAME_WIDTH = 17;
  private static final int COUNT_WIDTH = 6;
  private static final int FEW_WIDTH = 4;

  /// The cache's line of `/proc/slabinfo`. There are no tunables, so these are 0.
  ///
  /// @return a line without its end
  public String slabinfoLine() {
    StringBuilder line = new StringBuilder(name);
    pad(line, NAME_WIDTH - name.length());
    number(line, activeObjects, COUNT_WIDTH);
    number(line, objectCount, COUNT_WIDTH);
    number(line, objectBytes, COUNT_WIDTH);
    number(line, objectsPerSlab, FEW_WIDTH);
    number(line, framesPerSlab, FEW_WIDTH);
    line.append(" : tunables");
    for (int i = 0; i < 3; i++) {
      number(line, 0, FEW_WIDTH);
    }
    line.append(" : slabdata");
    number(line, activeSlabs, COUNT_WIDTH);
    number(line, slabCount, COUNT_WIDTH);
    number(line, 0, COUNT_WIDTH);
    return line.toString();
  }

  private static void number(StringBuilder line, long value, int width) {
    String digits = Long.toString(value);
    line.append(' ');
    pad(line, width - digits.length());
    line.append(digits);
  }

  private static void pad(StringBuilder line, int count) {
    for (int i = 0; i < count; i++) {
      line.append(' ');
    }
  }
}
