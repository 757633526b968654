package dev.bifolio.kernel.table;

import org.jspecify.annotations.Nullable;

/// Maps RAM in the direct map of a [KernelLayout], by the largest pages that fit.
///
/// ```
///   RAM in order     ├───── node 0 ─────┤├──── node 1 ────┤ hole, or not to be mapped ├───
///   rights           ├─ data ─┤ image's text, rodata ├─ data and the image's data ─┤  ├───
///   mapped as one    ├────────┤├─────────────────────┤├───────────────────────────┤  ├───
/// ```
///
/// Ranges that touch and allow the same are mapped as one, so that no border that means nothing to
/// a processor keeps a large page from being used. What is text under another address can be
/// neither written nor executed under this one; where the direct map is the only place of the image
/// (i386), it is text here.
///
/// One thread, used once, for an empty part of a space.
public final class DirectMap {
  private final KernelLayout layout;
  private final AddressSpace space;
  private final @Nullable KernelSections image;
  private long start;
  private long end;
  private int flags;
  private long beyondBytes;
  private MapOutcome outcome = MapOutcome.MAPPED;

  /// Nothing is mapped yet.
  ///
  /// @param layout where
  /// @param space in which
  /// @param image of the kernel, in the RAM that will be mapped; null if there is none
  public DirectMap(KernelLayout layout, AddressSpace space, @Nullable KernelSections image) {
    this.layout = layout;
    this.space = space;
    this.image = image;
  }

  /// Maps RAM, at the latest with [#finish()]. What the layout does not reach is left out.
  ///
  /// @param base its first byte, a multiple of 4096, not below the end of the one before
  /// @param limit behind its last byte, a multiple of 4096
  public void add(long base, long limit) {
    long from = Math.max(base, layout.physicalBase());
    long to = Math.min(limit, layout.physicalEnd());
    beyondBytes += limit - base - Math.max(0, to - from);
    while (from < to) {
      long border = borderBehind(from, to);
      addPart(from, border, flagsAt(from));
      from = border;
    }
  }

  private long borderBehind(long from, long to) {
    if (image == null || from >= image.dataBase()) {
      return to;
    }
    long border = image.dataBase();
    if (from < image.textBase()) {
      border = image.textBase();
    } else if (from < image.rodataBase()) {
      border = image.rodataBase();
    }
    return Math.min(border, to);
  }

  private int flagsAt(long physicalAddress) {
    if (image == null
        || physicalAddress < image.textBase()
        || physicalAddress >= image.dataBase()) {
      return KernelLayout.DATA;
    }
    boolean isText = physicalAddress < image.rodataBase() && !layout.hasText();
    return isText ? KernelLayout.TEXT : KernelLayout.RODATA;
  }

  private void addPart(long base, long limit, int allowed) {
    if (base != end || allowed != flags) {
      mapPending();
      start = base;
      flags = allowed;
    }
    end = limit;
  }

  private void mapPending() {
    if (start < end && outcome == MapOutcome.MAPPED) {
      outcome = space.map(layout.directMapAddress(start), start, end - start, flags);
    }
    start = end;
  }

  /// Maps what is left to be mapped.
  ///
  /// @return what came of it all; after the first range that was not MAPPED, none was tried
  public MapOutcome finish() {
    mapPending();
    return outcome;
  }

  /// What the layout does not reach.
  ///
  /// @return bytes of what was added
  public long beyondBytes() {
    return beyondBytes;
  }
}
