package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.unit.SortedRanges;

/// How much each block was used lately: a small count a frame, of which the first frame of a block
/// has the block's.
///
/// # Overview
///
/// Hardware keeps a bit for each mapping of a page. Frames here have owners instead of mappings,
/// and only they know when they use one: they [#touch] it. What moves frames between fast and slow
/// memory reads the counts, and halves all of them once those of middling frames have grown so
/// large that they tell apart what is to be told apart ([TierBalance]); so a count is what was used
/// lately, and a little of what was used before.
///
/// ```
///   bank 0  [ 7 63 63 0 0 1 … ]      one byte a frame, 0 … MAX_HEAT: 0.024 % of memory
///   bank 1  [ 2 0 0 0 5 0 … ]        a multiple of 64 bytes for each bank
/// ```
///
/// - I1 A block keeps its heat when it moves; one that is adopted begins with [#NEW_HEAT], whatever
///   its frame was before.
///
/// Cost of a touch: a search among the banks, a load, and a store until the count is full: what is
/// used most is only read, and what is not used is not touched. Counts are estimates: two threads
/// that touch one frame at once may count one touch, and one that is halved may lose it. A byte is
/// written by itself, so neighbours lose nothing. Any thread; no Java objects.
///
/// Rejected: to ask each owner ([MovableOwner] with a method for heat): every owner would need
/// counts and ageing of its own, they could not be compared, and a scan would be a call for each
/// frame. Generations (MGLRU): one number for when it was last used cannot tell often from once,
/// which is what decides where a frame should be for longer than a moment. One bit (CLOCK): the
/// same. Bits of [FrameInfo]: none is left, and a pin's compare-and-set would fail for a touch.
///
/// Sources: Corbató, A Paging Experiment with the Multics System, 1968 (CLOCK); Smith,
/// Sequentiality and Prefetching in Database Systems, 1978 (CLOCK with counts); Einziger, Friedman
/// and Manes, TinyLFU, 2017 (halving all counts at once); Lee et al., MEMTIS, SOSP 2023 (a
/// histogram of counts that are halved).
public final class FrameHeat {
  /// The largest heat.
  public static final int MAX_HEAT = 63;

  /// What a block begins with: colder than what is used, warmer than what is not.
  public static final int NEW_HEAT = 2;

  private static final long LINE = 64;

  private final long[] startPfns;
  private final long[] endPfns;

  /// By bank: what is added to a frame number.
  private final long[] biases;

  /// Counts over zero bytes: all is cold.
  ///
  /// @param planes whose frames they are for, by ascending frames
  /// @param address of [#byteSize(FrameInfo\[\])] zero bytes
  public FrameHeat(FrameInfo[] planes, long address) {
    startPfns = new long[planes.length];
    endPfns = new long[planes.length];
    biases = new long[planes.length];
    long next = address;
    for (int p = 0; p < planes.length; p++) {
      startPfns[p] = planes[p].startPfn();
      endPfns[p] = planes[p].endPfn();
      biases[p] = next - planes[p].startPfn();
      next += bytesFor(planes[p]);
    }
  }

  /// Bytes for the counts.
  ///
  /// @param planes whose frames they are for
  /// @return a multiple of 64
  public static long byteSize(FrameInfo[] planes) {
    long sum = 0;
    for (FrameInfo plane : planes) {
      sum += bytesFor(plane);
    }
    return sum;
  }

  private static long bytesFor(FrameInfo plane) {
    return Pages.alignUp(plane.endPfn() - plane.startPfn(), LINE);
  }

  /// Notes a use of a block.
  ///
  /// @param pfn its first frame
  /// @throws IllegalArgumentException if there is no such frame
  public void touch(long pfn) {
    long address = addressOf(pfn);
    int heat = Memory.getByte(address);
    if (heat < MAX_HEAT) {
      Memory.putByte(address, (byte) (heat + 1));
    }
  }

  /// How much a block was used lately.
  ///
  /// @param pfn its first frame
  /// @return 0 … [#MAX_HEAT]
  /// @throws IllegalArgumentException if there is no such frame
  public int heatOf(long pfn) {
    return Memory.getByte(addressOf(pfn));
  }

  /// Halves a count.
  void cool(long pfn) {
    long address = addressOf(pfn);
    Memory.putByte(address, (byte) (Memory.getByte(address) >> 1));
  }

  /// A block that is new.
  void begin(long pfn) {
    Memory.putByte(addressOf(pfn), (byte) NEW_HEAT);
  }

  /// A block that moves.
  void carry(long fromPfn, long toPfn) {
    Memory.putByte(addressOf(toPfn), Memory.getByte(addressOf(fromPfn)));
  }

  private long addressOf(long pfn) {
    int bank = SortedRanges.indexOf(startPfns, endPfns, endPfns.length, pfn);
    if (bank < 0) {
      throw new IllegalArgumentException("there is no heat of frame " + AddressRange.hex(pfn));
    }
    return biases[bank] + pfn;
  }
}
