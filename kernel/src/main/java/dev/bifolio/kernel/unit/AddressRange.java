package dev.bifolio.kernel.unit;

/// A range of physical addresses as firmware states it: any base, any size in bytes, any alignment.
///
/// Both numbers are unsigned 64-bit values. The end, `base + byteSize`, is at most 2^64 and cannot
/// wrap; a range that ends exactly there has an [#end()] of 0, therefore comparisons use [#last()].
///
/// @param base first byte, unsigned
/// @param byteSize bytes, unsigned, not 0
public record AddressRange(long base, long byteSize) {
  /// Checks the range.
  ///
  /// @throws IllegalArgumentException if the size is 0 or the range passes 2^64
  public AddressRange {
    if (byteSize == 0) {
      throw new IllegalArgumentException("empty address range at " + hex(base));
    }
    if (Long.compareUnsigned(base + (byteSize - 1), base) < 0) {
      throw new IllegalArgumentException(
          "address range " + hex(base) + " + " + hex(byteSize) + " passes 2^64");
    }
  }

  /// The range from `base` up to, not including, `end`.
  ///
  /// @param base first byte, unsigned
  /// @param end byte behind the last one, unsigned; 0 stands for 2^64
  /// @return the range
  /// @throws IllegalArgumentException if it would be empty or negative
  public static AddressRange ofBounds(long base, long end) {
    if (end != 0 && Long.compareUnsigned(end, base) <= 0) {
      throw new IllegalArgumentException("address range ends at " + hex(end) + ", before its base");
    }
    return new AddressRange(base, end - base);
  }

  /// The range of `byteSize` bytes at `base`, cut at 2^64 if it would pass it.
  ///
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned, not 0
  /// @return the range
  /// @throws IllegalArgumentException if the size is 0
  public static AddressRange clipped(long base, long byteSize) {
    if (byteSize != 0 && Long.compareUnsigned(base + (byteSize - 1), base) < 0) {
      return new AddressRange(base, -base);
    }
    return new AddressRange(base, byteSize);
  }

  /// The last byte that belongs to the range.
  ///
  /// @return an address, unsigned
  public long last() {
    return base + (byteSize - 1);
  }

  /// The byte behind the range.
  ///
  /// @return an address, unsigned; 0 stands for 2^64
  public long end() {
    return base + byteSize;
  }

  /// Whether `address` lies in the range.
  ///
  /// @param address unsigned
  /// @return true from base to last
  public boolean contains(long address) {
    return Long.compareUnsigned(address - base, byteSize) < 0;
  }

  /// Whether the two ranges have a byte in common; touching edges do not count.
  ///
  /// @param other another range
  /// @return true if they overlap
  public boolean overlaps(AddressRange other) {
    return Long.compareUnsigned(base, other.last()) <= 0
        && Long.compareUnsigned(other.base, last()) <= 0;
  }

  /// The first frame that lies wholly in the range, should there be one.
  ///
  /// @return a pfn, at most 2^52
  public long firstWholePfn() {
    return (base >>> Pages.PAGE_SHIFT) + (Pages.isPageAligned(base) ? 0 : 1);
  }

  /// The frame behind the last one that lies wholly in the range. If no frame does, it is not above
  /// [#firstWholePfn()].
  ///
  /// @return a pfn, at most 2^52
  public long endWholePfn() {
    long lastPfn = last() >>> Pages.PAGE_SHIFT;
    return Pages.pageOffset(last()) == Pages.PAGE_MASK ? lastPfn + 1 : lastPfn;
  }

  /// The first frame of which the range holds a byte.
  ///
  /// @return a pfn below 2^52
  public long firstTouchedPfn() {
    return base >>> Pages.PAGE_SHIFT;
  }

  /// The frame behind the last one of which the range holds a byte.
  ///
  /// @return a pfn, 1 … 2^52
  public long endTouchedPfn() {
    return (last() >>> Pages.PAGE_SHIFT) + 1;
  }

  /// `[0xbase, 0xend)`.
  @Override
  public String toString() {
    return "[" + hex(base) + ", " + (end() == 0 ? "2^64" : hex(end())) + ")";
  }

  /// A byte size as it is printed everywhere: in the largest unit of which there is one, exact or
  /// with one decimal, cut off and not rounded.
  ///
  /// @param byteSize unsigned
  /// @return such as `4 KiB` or `9.8 MiB`
  public static String sizeText(long byteSize) {
    int unit = (Long.SIZE - 1 - Long.numberOfLeadingZeros(byteSize | 1)) / 10;
    long whole = byteSize >>> (10 * unit);
    long rest = byteSize - (whole << (10 * unit));
    // Of the rest the ten highest bits are enough for a decimal, and cannot overflow.
    long tenth = unit == 0 ? 0 : ((rest >>> (10 * (unit - 1))) * 10) >>> 10;
    String name =
        switch (unit) {
          case 0 -> " B";
          case 1 -> " KiB";
          case 2 -> " MiB";
          case 3 -> " GiB";
          case 4 -> " TiB";
          case 5 -> " PiB";
          default -> " EiB";
        };
    return rest == 0 ? whole + name : whole + "." + tenth + name;
  }

  /// An address as it is printed everywhere: `0x` and lower-case digits without leading zeros.
  ///
  /// @param value unsigned
  /// @return the text
  public static String hex(long value) {
    return "0x" + Long.toHexString(value);
  }
}
