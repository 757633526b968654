package dev.bifolio.kernel.boot;

/// Where memory of one kind of zone ends and that of the next begins, and what memory there is that
/// is no RAM; the composition root knows, this package only cuts ([BankPlan]).
///
/// Types of zones are numbers here, for this package does not know what they are called. Any
/// thread, as nothing changes.
public interface BankCuts {
  /// The type of zone that a frame of RAM belongs to.
  ///
  /// @param node its NUMA node
  /// @param pfn its number
  /// @return a number, 0 or more
  int typeAt(int node, long pfn);

  /// Where the type of [#typeAt] ends.
  ///
  /// @param node a NUMA node
  /// @param pfn any
  /// @return the first frame behind `pfn` at which a node's RAM is of another type, or
  ///   [Long#MAX_VALUE] if there is none
  long borderAfter(int node, long pfn);

  /// Whether mem_map may be taken from RAM of a type at will. Where it may not, because the RAM is
  /// to be emptied one day, it is taken only when there is no other.
  ///
  /// @param type of a zone
  /// @return true if it may
  boolean isForMetadata(int type);

  /// How many ranges of device memory there are.
  ///
  /// @return 0 or more
  int deviceCount();

  /// Where a range of device memory begins; ranges are sorted and touch neither each other nor RAM.
  ///
  /// @param device 0 … [#deviceCount()] - 1
  /// @return its first frame
  long deviceStartPfn(int device);

  /// Where a range of device memory ends.
  ///
  /// @param device 0 … [#deviceCount()] - 1
  /// @return the frame behind its last
  long deviceEndPfn(int device);

  /// The node of a range of device memory, which need not have RAM.
  ///
  /// @param device 0 … [#deviceCount()] - 1
  /// @return a NUMA node
  int deviceNode(int device);

  /// Where memory begins that may be added later: behind all RAM and device memory.
  ///
  /// @return a frame
  default long headroomStartPfn() {
    return 0;
  }

  /// Where memory ends that may be added later.
  ///
  /// @return the frame behind the last; [#headroomStartPfn()] or less if there is to be none
  default long headroomEndPfn() {
    return 0;
  }

  /// The node of memory that may be added later, which need not have RAM. Its types are those of
  /// [#typeAt].
  ///
  /// @return a NUMA node
  default int headroomNode() {
    return 0;
  }

  /// The type of zone that all device memory belongs to.
  ///
  /// @return a number that [#typeAt] never answers
  int deviceType();
}
