package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.AddressRange;

/// What a validator found: every problem counted, the first of them told, one line each. One
/// thread.
public final class ProblemList {
  /// Problems that are told in words; the others are only counted.
  private static final int TOLD = 20;

  private final StringBuilder text = new StringBuilder();
  private long count;

  /// No problems yet.
  public ProblemList() {}

  /// How many there are.
  ///
  /// @return 0 or more
  public long count() {
    return count;
  }

  /// The first of them.
  ///
  /// @return a line each, empty if there is none
  public String text() {
    return text.toString();
  }

  /// A problem at a frame.
  ///
  /// @param pfn the frame
  /// @param problem what is wrong
  public void atFrame(long pfn, String problem) {
    add("frame " + AddressRange.hex(pfn), problem);
  }

  /// A problem with the word of the area that begins at a frame.
  void atArea(long pfn, String problem) {
    add("area at frame " + AddressRange.hex(pfn), problem);
  }

  /// A problem at a place.
  ///
  /// @param place where
  /// @param problem what is wrong
  public void add(String place, String problem) {
    count++;
    if (count <= TOLD) {
      text.append(place).append(": ").append(problem).append('\n');
    } else if (count == TOLD + 1) {
      text.append("further problems are only counted\n");
    }
  }
}
