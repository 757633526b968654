package dev.bifolio.lab;

import dev.bifolio.kernel.unit.AddressRange;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
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

    private String escape() {
      return "\u001b[38;5;" + colour + 'm';
    }

    private char cell(boolean inColour) {
      return inColour ? (this == HOLE ? '·' : '█') : letter;
    }
  }

  private static final String RESET = "\u001b[0m";

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
    long end = start + byteSpan;
    Set<Kind> seen = EnumSet.noneOf(Kind.class);
    StringBuilder out = new StringBuilder();
    out.append("one cell = ").append(Numbers.bytes(cellBytes)).append('\n');
    long row = start;
    while (row < end) {
      long hole = holeRows(row, rowBytes);
      if (hole > 1) {
        out.append("%16s  a hole of %s\n".formatted("...", Numbers.bytes(hole * rowBytes)));
        row += hole * rowBytes;
        continue;
      }
      out.append("%16s  ".formatted(AddressRange.hex(row)));
      appendRow(out, row, Math.min(end, row + rowBytes), cellBytes, colour, seen);
      row += rowBytes;
    }
    appendLegend(out, seen, columnCount, colour);
    return out.toString();
  }

  /// The smallest power of two with which what is no hole fits the rows.
  private long cellBytes(int cellsPerRow) {
    long bytes = 4096;
    while (rowsInUse(cellsPerRow * bytes) > MAX_ROWS) {
      bytes *= 2;
    }
    return bytes;
  }

  private long rowsInUse(long rowBytes) {
    long rows = 0;
    long behind = 0;
    for (Map.Entry<Long, Kind> piece : from.entrySet()) {
      Long end = from.higherKey(piece.getKey());
      if (piece.getValue() != Kind.HOLE && end != null) {
        long first = Math.max(behind, (piece.getKey() - start) / rowBytes);
        behind = (end - 1 - start) / rowBytes + 1;
        rows += Math.max(0, behind - first);
      }
    }
    return rows;
  }

  /// Whole rows of nothing but hole from a row on.
  private long holeRows(long row, long rowBytes) {
    if (from.floorEntry(row).getValue() != Kind.HOLE) {
      return 0;
    }
    Map.Entry<Long, Kind> next = from.higherEntry(row);
    while (next != null && next.getValue() == Kind.HOLE) {
      next = from.higherEntry(next.getKey());
    }
    return next == null ? 0 : (next.getKey() - row) / rowBytes;
  }

  private void appendRow(
      StringBuilder out, long row, long rowEnd, long cellBytes, boolean colour, Set<Kind> seen) {
    Kind last = null;
    for (long cell = row; cell < rowEnd; cell += cellBytes) {
      Kind kind = kindOf(cell, Math.min(cell + cellBytes, start + byteSpan));
      seen.add(kind);
      if (colour && kind != last) {
        out.append(kind.escape());
        last = kind;
      }
      out.append(kind.cell(colour));
    }
    out.append(colour ? RESET : "").append('\n');
  }

  private Kind kindOf(long first, long end) {
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

  private static void appendLegend(
      StringBuilder out, Set<Kind> seen, int columnCount, boolean colour) {
    int column = 0;
    for (Kind kind : seen) {
      int width = kind.label.length() + 4;
      if (column > 0 && column + width > columnCount) {
        out.append('\n');
        column = 0;
      }
      out.append("  ");
      out.append(colour ? kind.escape() : "").append(kind.cell(colour)).append(colour ? RESET : "");
      out.append(' ').append(kind.label);
      column += width;
    }
    out.append('\n');
  }
}
