package dev.bifolio.lab;

import dev.bifolio.kernel.unit.AddressRange;
import java.util.EnumMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/// A machine's physical memory as a picture of cells: every cell is an equal share of the span from
/// the first byte of RAM to the last.
///
/// A cell shows what takes most of it, except that free memory and holes yield to anything else
/// that takes an eighth: a kernel of 32 MiB must not vanish in a cell of 128 MiB. Rows that are
/// nothing but hole are folded into one line, so that a bank far above the others does not fill the
/// screen.
final class MemoryPicture {
  /// What a byte of the span can be, with its letter and its colour (an ANSI 256-colour index).
  enum Kind {
    HOLE('-', 236, "hole"),
    FREE('.', 71, "free"),
    KERNEL('K', 75, "kernel image"),
    INITRD('I', 141, "initrd, modules"),
    BOOT('B', 180, "device tree, boot information"),
    RESERVED('R', 167, "reserved"),
    NO_MAP('N', 124, "reserved, no-map"),
    MEM_MAP('M', 220, "mem_map"),
    HEAP('H', 208, "kernel heap");

    private final char letter;
    private final int colour;
    private final String label;

    Kind(char letter, int colour, String label) {
      this.letter = letter;
      this.colour = colour;
      this.label = label;
    }
  }

  private static final int MAX_ROWS = 16;
  private static final int MARGIN = 20;
  private static final int YIELD_SHARE = 8;

  private final long start;
  private final long byteSpan;
  private final NavigableMap<Long, Kind> from = new TreeMap<>();

  /// A picture of nothing but hole.
  ///
  /// @param span from the first byte of RAM to the last; addresses below 2^63
  MemoryPicture(AddressRange span) {
    start = span.base();
    byteSpan = span.byteSize();
    from.put(start, Kind.HOLE);
    from.put(start + byteSpan, Kind.HOLE);
  }

  /// Paints over a range; what lies outside the span is left out.
  void paint(AddressRange range, Kind kind) {
    long last = Math.min(range.last() < 0 ? Long.MAX_VALUE : range.last(), start + byteSpan - 1);
    long first = Math.max(range.base(), start);
    if (range.base() < 0 || first > last) {
      return;
    }
    Kind after = from.floorEntry(last + 1).getValue();
    from.subMap(first, true, last + 1, true).clear();
    from.put(first, kind);
    from.put(last + 1, after);
  }

  /// Paints a range only where the span is free RAM so far.
  void paintWhereFree(AddressRange range, Kind kind) {
    long first = Math.max(range.base(), start);
    long end = Math.min(range.last() < 0 ? Long.MAX_VALUE : range.last(), start + byteSpan - 1) + 1;
    if (range.base() < 0 || first >= end) {
      return;
    }
    long at = first;
    while (at < end) {
      Kind here = from.floorEntry(at).getValue();
      Long next = from.higherKey(at);
      long pieceEnd = next == null ? end : Math.min(end, next);
      if (here == Kind.FREE) {
        paint(AddressRange.ofBounds(at, pieceEnd), kind);
      }
      at = pieceEnd;
    }
  }

  /// The picture.
  ///
  /// @param columnCount the width to fill, 40 or more
  /// @param colour coloured blocks instead of letters
  String render(int columnCount, boolean colour) {
    int cellsPerRow = Math.max(16, columnCount - MARGIN) & ~7;
    long cellBytes = cellBytes(cellsPerRow);
    long rowBytes = cellsPerRow * cellBytes;
    int cellCount = (int) Long.divideUnsigned(byteSpan + cellBytes - 1, cellBytes);
    Kind[] cells = new Kind[cellCount];
    for (int i = 0; i < cellCount; i++) {
      cells[i] = kindOf(i, cellBytes);
    }
    StringBuilder out = new StringBuilder();
    out.append("one cell = ").append(Numbers.bytes(cellBytes)).append('\n');
    for (int row = 0; row * cellsPerRow < cellCount; row++) {
      int hidden = holeRows(cells, row, cellsPerRow);
      if (hidden > 1) {
        out.append("%16s  a hole of %s\n".formatted("...", Numbers.bytes(hidden * rowBytes)));
        row += hidden - 1;
        continue;
      }
      out.append("%16s  ".formatted(AddressRange.hex(start + row * rowBytes)));
      for (int i = row * cellsPerRow; i < Math.min(cellCount, (row + 1) * cellsPerRow); i++) {
        append(out, cells[i], colour);
      }
      out.append('\n');
    }
    appendLegend(out, cells, columnCount, colour);
    return out.toString();
  }

  /// A power of two that lets the span fit the largest number of rows.
  private long cellBytes(int cellsPerRow) {
    long bytes = 4096;
    while (Long.divideUnsigned(byteSpan + bytes - 1, bytes) > (long) cellsPerRow * MAX_ROWS) {
      bytes *= 2;
    }
    return bytes;
  }

  private Kind kindOf(int cell, long cellBytes) {
    long first = start + cell * cellBytes;
    long end = Math.min(first + cellBytes, start + byteSpan);
    Map<Kind, Long> shares = new EnumMap<>(Kind.class);
    long at = first;
    while (at < end) {
      Long next = from.higherKey(at);
      long pieceEnd = next == null ? end : Math.min(end, next);
      shares.merge(from.floorEntry(at).getValue(), pieceEnd - at, Long::sum);
      at = pieceEnd;
    }
    Kind most = Kind.HOLE;
    long mostBytes = 0;
    Kind mostTaken = Kind.HOLE;
    long mostTakenBytes = 0;
    for (Map.Entry<Kind, Long> share : shares.entrySet()) {
      Kind kind = share.getKey();
      long bytes = share.getValue();
      if (bytes > mostBytes) {
        most = kind;
        mostBytes = bytes;
      }
      if (kind != Kind.FREE && kind != Kind.HOLE && bytes > mostTakenBytes) {
        mostTaken = kind;
        mostTakenBytes = bytes;
      }
    }
    boolean yields = most == Kind.FREE || most == Kind.HOLE;
    if (yields && mostTakenBytes * YIELD_SHARE >= end - first && mostTakenBytes > 0) {
      return mostTaken;
    }
    return most;
  }

  private static int holeRows(Kind[] cells, int row, int cellsPerRow) {
    int rows = 0;
    while ((row + rows + 1) * cellsPerRow <= cells.length) {
      for (int i = (row + rows) * cellsPerRow; i < (row + rows + 1) * cellsPerRow; i++) {
        if (cells[i] != Kind.HOLE) {
          return rows;
        }
      }
      rows++;
    }
    return rows;
  }

  private static void append(StringBuilder out, Kind kind, boolean colour) {
    if (colour) {
      out.append("\u001b[38;5;").append(kind.colour).append('m');
      out.append(kind == Kind.HOLE ? '·' : '█').append("\u001b[0m");
    } else {
      out.append(kind.letter);
    }
  }

  private static void appendLegend(
      StringBuilder out, Kind[] cells, int columnCount, boolean colour) {
    int column = 0;
    for (Kind kind : Kind.values()) {
      boolean seen = false;
      for (Kind cell : cells) {
        seen |= cell == kind;
      }
      if (!seen) {
        continue;
      }
      int width = kind.label.length() + 5;
      if (column > 0 && column + width > columnCount) {
        out.append('\n');
        column = 0;
      }
      out.append("  ");
      append(out, kind, colour);
      out.append(' ').append(kind.label).append(' ');
      column += width;
    }
    out.append('\n');
  }
}
