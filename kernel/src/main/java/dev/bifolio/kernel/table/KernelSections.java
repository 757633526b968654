package dev.bifolio.kernel.table;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;

/// The parts of a kernel image that want different rights, one behind the other in physical memory:
///
/// ```
///   textBase        rodataBase          dataBase                end
///      ├─ read, execute ─┼─── read ─────────┼─── read, write ──────┤
/// ```
///
/// @param textBase where the instructions begin, and the image
/// @param rodataBase where what is only read begins
/// @param dataBase where what is written begins
/// @param end behind the image
public record KernelSections(long textBase, long rodataBase, long dataBase, long end) {
  /// Checks the borders.
  ///
  /// @throws IllegalArgumentException if one is no multiple of 4096 or below the one before, or the
  ///   image is empty
  public KernelSections {
    if (((textBase | rodataBase | dataBase | end) & Pages.PAGE_MASK) != 0) {
      throw new IllegalArgumentException("sections of a kernel begin and end with a page");
    }
    if (textBase < 0 || rodataBase < textBase || dataBase < rodataBase || end < dataBase) {
      throw new IllegalArgumentException("sections of a kernel are in order: text, rodata, data");
    }
    if (textBase == end) {
      throw new IllegalArgumentException("a kernel image is not empty");
    }
  }

  /// The sections of an image of which only the place is known. Its first half is taken for text,
  /// the next quarter for what is only read, the rest for data. That is a guess: the proportions
  /// are those of no kernel in particular, and whoever knows the borders gives them.
  ///
  /// @param image its bytes; the pages that it touches are all its own
  /// @return the sections
  /// @throws IllegalArgumentException if it passes 2^63
  public static KernelSections of(AddressRange image) {
    long base = Pages.alignDown(image.base());
    long end = image.endTouchedPfn() << Pages.PAGE_SHIFT;
    long quarter = Pages.alignDown((end - base) / 4);
    return new KernelSections(base, base + 2 * quarter, base + 3 * quarter, end);
  }

  /// The whole image.
  ///
  /// @return its pages
  public AddressRange range() {
    return AddressRange.ofBounds(textBase, end);
  }
}
