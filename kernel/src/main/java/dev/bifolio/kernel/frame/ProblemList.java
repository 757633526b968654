package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.AddressRange;

/// What a validator found: every problem counted, the first of them told, one line each. One
/// thread.
final class ProblemList {
  /// Problems that are told in words; the others are only counted.
  private static final int TOLD = 20;

  private final StringBuilder text = new StringBuilder();
  private long count;

  long count() {
    return count;
  }

  String text() {
    return text.toString();
  }

  /// A problem at a frame.
  void atFrame(long pfn, String problem) {
    add("frame " + AddressRange.hex(pfn), problem);
  }

  /// A problem with the word of the area that begins at a frame.
  void atArea(long pfn, String problem) {
    add("area at frame " + AddressRange.hex(pfn), problem);
  }

  /// A problem at a place.
  void add(String place, String problem) {
    count++;
    if (count <= TOLD) {
      text.append(place).append(": ").append(problem).append('\n');
    } else if (count == TOLD + 1) {
      text.append("further problems are only counted\n");
    }
  }
}
