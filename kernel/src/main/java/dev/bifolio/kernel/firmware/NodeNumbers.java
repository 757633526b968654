package dev.bifolio.kernel.firmware;

/// A set of node numbers, sorted when it is asked for; one thread.
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
    long[] keys = new long[count];
    for (int i = 0; i < count; i++) {
      keys[i] = ids[i];
    }
    int[] order = RegionOrder.stableByUnsignedKey(keys);
    int different = 0;
    for (int i = 0; i < count; i++) {
      different += i == 0 || keys[order[i]] != keys[order[i - 1]] ? 1 : 0;
    }
    int[] result = new int[different];
    int at = 0;
    for (int i = 0; i < count; i++) {
      if (i == 0 || keys[order[i]] != keys[order[i - 1]]) {
        result[at++] = (int) keys[order[i]];
      }
    }
    return result;
  }
}
