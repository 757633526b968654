package dev.bifolio.kernel.firmware;

/// The distinct ids of nodes, in ascending order; a node's index is its place among them.
///
/// Ids come from firmware, so they may be any numbers in any order: O(n log n) to build, O(log n)
/// to look up. Any thread, as nothing changes.
public final class NodeIds {
  private final int[] ids;

  /// Sorts ids and drops what comes twice.
  ///
  /// @param ids in any order; copied
  /// @param count how many of them count, from the first
  public NodeIds(int[] ids, int count) {
    int[] sorted = new int[count];
    System.arraycopy(ids, 0, sorted, 0, count);
    heapSort(sorted);
    int distinct = 0;
    for (int i = 0; i < count; i++) {
      if (i == 0 || sorted[i] != sorted[i - 1]) {
        sorted[distinct++] = sorted[i];
      }
    }
    this.ids = new int[distinct];
    System.arraycopy(sorted, 0, this.ids, 0, distinct);
  }

  private static void heapSort(int[] items) {
    for (int i = items.length / 2 - 1; i >= 0; i--) {
      sink(items, i, items.length);
    }
    for (int end = items.length - 1; end > 0; end--) {
      int largest = items[0];
      items[0] = items[end];
      items[end] = largest;
      sink(items, 0, end);
    }
  }

  private static void sink(int[] items, int from, int end) {
    int at = from;
    int item = items[at];
    while (2 * at + 1 < end) {
      int child = 2 * at + 1;
      if (child + 1 < end && items[child + 1] > items[child]) {
        child++;
      }
      if (items[child] <= item) {
        break;
      }
      items[at] = items[child];
      at = child;
    }
    items[at] = item;
  }

  /// How many nodes there are.
  ///
  /// @return 0 or more
  public int count() {
    return ids.length;
  }

  /// The id of a node.
  ///
  /// @param index 0 … [#count()] - 1
  /// @return as the firmware says it
  public int id(int index) {
    return ids[index];
  }

  /// All ids.
  ///
  /// @return a copy, ascending
  public int[] toArray() {
    return ids.clone();
  }

  /// The index of a node.
  ///
  /// @param id any
  /// @return 0 … [#count()] - 1, or -1 if there is no such node
  public int indexOf(int id) {
    int low = 0;
    int high = ids.length - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (ids[middle] == id) {
        return middle;
      }
      if (ids[middle] < id) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -1;
  }
}
