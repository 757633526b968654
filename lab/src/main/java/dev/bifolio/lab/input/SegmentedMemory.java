package dev.bifolio.lab.input;

import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.MemoryMapException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// Memory in pieces that all lie in one file; found by binary search, so that many pieces are no
/// slower to read than one.
final class SegmentedMemory implements ByteView {
  /// A piece.
  ///
  /// @param base its address, unsigned
  /// @param byteSize its size, 1 or more
  /// @param fileOffset where its bytes begin in the file
  record Segment(long base, int byteSize, int fileOffset) {
    long last() {
      return base + byteSize - 1;
    }
  }

  private final byte[] file;
  private final Segment[] segments;

  /// @param file the bytes of all segments
  /// @param stated in any order, each wholly inside the file
  /// @throws MemoryMapException if two overlap or one passes 2^64
  SegmentedMemory(byte[] file, List<Segment> stated) throws MemoryMapException {
    this.file = file;
    this.segments = stated.toArray(new Segment[0]);
    Arrays.sort(segments, Comparator.comparing(Segment::base, Long::compareUnsigned));
    for (int i = 0; i < segments.length; i++) {
      if (Long.compareUnsigned(segments[i].last(), segments[i].base()) < 0) {
        throw new MemoryMapException("segments", segments[i].base(), "a segment passes 2^64");
      }
      if (i > 0 && Long.compareUnsigned(segments[i - 1].last(), segments[i].base()) >= 0) {
        throw new MemoryMapException("segments", segments[i].base(), "two segments overlap");
      }
    }
  }

  @Override
  public boolean isReadable(long address, long byteCount) {
    if (byteCount == 0) {
      return true;
    }
    long end = address + (byteCount - 1);
    if (Long.compareUnsigned(end, address) < 0) {
      return false;
    }
    int index = indexOf(address);
    while (index >= 0 && Long.compareUnsigned(segments[index].last(), end) < 0) {
      long next = segments[index].last() + 1;
      index = index + 1 < segments.length && segments[index + 1].base() == next ? index + 1 : -1;
    }
    return index >= 0;
  }

  @Override
  public int byteAt(long address) {
    int index = indexOf(address);
    if (index < 0) {
      throw new IndexOutOfBoundsException("no byte at 0x" + Long.toHexString(address));
    }
    Segment segment = segments[index];
    return file[segment.fileOffset() + (int) (address - segment.base())] & 0xFF;
  }

  /// The segment that holds an address, or -1.
  private int indexOf(long address) {
    int low = 0;
    int high = segments.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Long.compareUnsigned(segments[middle].last(), address) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    boolean found =
        low < segments.length && Long.compareUnsigned(segments[low].base(), address) <= 0;
    return found ? low : -1;
  }
}
