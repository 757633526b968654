package dev.bifolio.kernel.table;

import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// Copies what is mapped of a range into another space, and counts who shares it.
///
/// ```
///   stock up   what it takes to split the large pages of the source; nothing has changed yet
///   map        page by page into the target, with a sharer more for each frame; should that fail,
///              what was done is undone
///   guard      cannot fail: split, and take stores away in the source
/// ```
///
/// Sharers are counted by frames of 4 KiB, so large pages become small ones, but for an alias. For
/// who has the locks of both spaces; no processor uses the target yet.
final class TableCopier {
  private final TableTree tree;
  private final TableChanger changer;
  private final PageFormat format;

  // What is wanted.
  private CopyMode mode = CopyMode.ALIAS;
  private @Nullable FrameSharers sharers;
  private final FlushBatch undone = new FlushBatch(0, null);
  private long failedAt;

  TableCopier(TableTree tree, TableChanger changer) {
    this.tree = tree;
    this.changer = changer;
    this.format = tree.format;
  }

  /// Copies.
  ///
  /// @param counter of sharers; null for an alias
  TableResult copy(
      long root,
      long first,
      long last,
      SpaceCore target,
      CopyMode copyMode,
      @Nullable FrameSharers counter,
      FlushBatch batch) {
    mode = copyMode;
    sharers = counter;
    if (mode != CopyMode.ALIAS) {
      changer.beginSplit(false, 1);
      TableResult result = changer.prepare(root, first, last);
      if (result != TableResult.DONE) {
        return result;
      }
    }
    failedAt = first;
    TableResult result = map(root, format.levels(), first, last, target);
    if (result != TableResult.DONE) {
      tree.giveStockBack();
      if (failedAt != first) {
        undo(root, format.levels(), first, failedAt - 1, target);
      }
      target.flushedLocked(undone);
      return result;
    }
    if (mode != CopyMode.ALIAS) {
      changer.finish(root, first, last, batch);
    }
    if (mode == CopyMode.COPY_ON_WRITE) {
      guard(root, format.levels(), first, last, batch);
    }
    return TableResult.DONE;
  }

  // ---- Into the target ----

  private TableResult map(long table, int level, long first, long last, SpaceCore target) {
    int shift = format.shift(level);
    for (long entryAt = first >> shift; entryAt <= last >> shift; entryAt++) {
      long from = Math.max(first, entryAt << shift);
      long to = Math.min(last, (entryAt << shift) + ((1L << shift) - 1));
      long entry = tree.get(table, format.index(level, from));
      if (!format.isPresent(entry)) {
        continue;
      }
      TableResult result =
          format.isLeaf(level, entry)
              ? mapPage(level, entry, from, to, target)
              : map(format.address(0, entry), level - 1, from, to, target);
      if (result != TableResult.DONE) {
        return result;
      }
    }
    return TableResult.DONE;
  }

  private TableResult mapPage(int level, long entry, long from, long to, SpaceCore target) {
    failedAt = from;
    long inside = from & (format.pageByteSize(level) - 1);
    long physical = format.address(level, entry) + inside;
    long pfn = physical >>> Pages.PAGE_SHIFT;
    long frameCount = (to - from + 1) >>> Pages.PAGE_SHIFT;
    if (!share(pfn, frameCount)) {
      return TableResult.TOO_MANY_SHARERS;
    }
    int largestLevel = mode == CopyMode.ALIAS ? level : 1;
    int flags = guarded(format.flags(level, entry));
    TableResult result = target.mapLocked(from, to, physical - from, largestLevel, flags);
    if (result != TableResult.DONE) {
      unshare(pfn, frameCount);
    }
    return result;
  }

  /// What a page allows after the copy, in both spaces.
  private int guarded(int flags) {
    return mode == CopyMode.COPY_ON_WRITE && (flags & PageFlags.WRITE) != 0
        ? (flags & ~PageFlags.WRITE) | PageFlags.COPY_ON_WRITE
        : flags;
  }

  private boolean share(long pfn, long frameCount) {
    FrameSharers counter = sharers;
    if (counter != null) {
      for (long frame = 0; frame < frameCount; frame++) {
        if (!counter.add(pfn + frame)) {
          unshare(pfn, frame);
          return false;
        }
      }
    }
    return true;
  }

  private void unshare(long pfn, long frameCount) {
    FrameSharers counter = sharers;
    if (counter != null) {
      for (long frame = 0; frame < frameCount; frame++) {
        if (counter.drop(pfn + frame)) {
          throw new IllegalStateException("frame " + (pfn + frame) + " was not shared");
        }
      }
    }
  }

  private void undo(long table, int level, long first, long last, SpaceCore target) {
    int shift = format.shift(level);
    for (long entryAt = first >> shift; entryAt <= last >> shift; entryAt++) {
      long from = Math.max(first, entryAt << shift);
      long to = Math.min(last, (entryAt << shift) + ((1L << shift) - 1));
      long entry = tree.get(table, format.index(level, from));
      if (!format.isPresent(entry)) {
        continue;
      }
      if (!format.isLeaf(level, entry)) {
        undo(format.address(0, entry), level - 1, from, to, target);
        continue;
      }
      long inside = from & (format.pageByteSize(level) - 1);
      target.unmapLocked(from, to, undone);
      unshare(
          (format.address(level, entry) + inside) >>> Pages.PAGE_SHIFT,
          (to - from + 1) >>> Pages.PAGE_SHIFT);
    }
  }

  // ---- In the source ----

  private void guard(long table, int level, long first, long last, FlushBatch batch) {
    int shift = format.shift(level);
    for (long entryAt = first >> shift; entryAt <= last >> shift; entryAt++) {
      long from = Math.max(first, entryAt << shift);
      long to = Math.min(last, (entryAt << shift) + ((1L << shift) - 1));
      int index = format.index(level, from);
      long entry = tree.get(table, index);
      if (!format.isPresent(entry)) {
        continue;
      }
      if (!format.isLeaf(level, entry)) {
        guard(format.address(0, entry), level - 1, from, to, batch);
        continue;
      }
      int flags = format.flags(level, entry);
      if ((flags & PageFlags.WRITE) == 0) {
        continue;
      }
      batch.add(from, (flags & PageFlags.GLOBAL) != 0);
      while (!tree.compareAndSet(table, index, entry, guardedEntry(level, entry))) {
        entry = tree.get(table, index); // a processor has set a bit
      }
    }
  }

  private long guardedEntry(int level, long entry) {
    return format.leaf(level, format.address(level, entry), guarded(format.flags(level, entry)));
  }
}
