package dev.bifolio.kernel.firmware;

/// The node numbers of a map that is being read, of which [NodeIds] are made; one thread.
///
/// Numbers are noted as they come, repeated or not. When the array is full it is sorted, and grows
/// only if more than half of it were different numbers, so memory is linear in those and not in
/// what a hostile input repeats.
final class NodeNumbers {
  private int[] ids = new int[8];
  private int count;

  /// Notes a number.
  ///
  /// @param id 0 or more
  void add(int id) {
    if (count > 0 && ids[count - 1] == id) {
      return;
    }
    if (count == ids.length) {
      int[] different = sorted();
      int[] next = new int[different.length > ids.length / 2 ? 2 * ids.length : ids.length];
      System.arraycopy(different, 0, next, 0, different.length);
      ids = next;
      count = different.length;
    }
    ids[count++] = id;
  }

  /// Notes all of a list.
  void addAll(int[] list) {
    for (int id : list) {
      add(id);
    }
  }

  /// Every number once, ascending; a new array.
  int[] sorted() {
    return new NodeIds(ids, count).toArray();
  }
}
