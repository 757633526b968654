package dev.bifolio.examples;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.BuddyAllocator;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.Pages;

/// Lesson 3: memory folds like a sheet of paper.
///
/// The buddy allocator knows only blocks of 1, 2, 4, 8 … frames, each at a multiple of its own
/// length. So a block has one partner with which it makes a block of twice the length, its *buddy*,
/// and the buddy's number differs in one bit. To serve a small request, a large block is folded in
/// half until it fits; when both halves are free, it unfolds along the same crease.
public final class E03_BuddySplitsAndCoalesces {
  private static final int FRAMES = 16;
  private static final int MAX_ORDER = 4;

  private final BuddyAllocator frames;

  /// What we hold, for the picture: one letter a frame, a dot for a free one.
  private final char[] picture = ".".repeat(FRAMES).toCharArray();

  private E03_BuddySplitsAndCoalesces(BuddyAllocator frames) {
    this.frames = frames;
  }

  /// Runs the lesson.
  ///
  /// @param arguments none
  /// @throws WindowException if this system reserves no memory
  public static void main(String[] arguments) throws WindowException {
    // The allocator keeps its lists in memory that we give it; zeros mean "nothing here".
    try (Window metadata = Window.reserve(BuddyAllocator.metadataBytes(0, FRAMES))) {
      BuddyAllocator frames = new BuddyAllocator(MAX_ORDER, metadata.address(), 0, FRAMES);
      frames.addFrames(0, FRAMES);
      new E03_BuddySplitsAndCoalesces(frames).tell();
    }
  }

  private void tell() {
    IO.println("                                               free blocks of order");
    IO.println("                            frames             0  1  2  3  4");
    show("16 free frames");

    // One frame is wanted, and there is only the block of 16. It is split four times: each time
    // the lower half is split further, and the upper half is free.
    long a = allocate('a', 0);

    // A free frame is there already: no split.
    long b = allocate('b', 0);

    // A pair: the free block of order 1 serves.
    long c = allocate('c', 1);

    // Four frames next, and a second pair out of the block of eight.
    long d = allocate('d', 2);
    long e = allocate('e', 1);

    tellBuddies(a, c, d);

    // b's buddy is a, which is in use: b stays alone. c's buddy are frames 0 and 1: a again. So
    // frames 1, 2 and 3 are free now, side by side, and do not join. Only buddies do.
    free('b', b, 0);
    free('c', c, 1);

    // Now one free undoes two folds: 0 joins 1, and both join 2 and 3. Their buddy, d, is in use;
    // it is d's free that goes on from there, and e's that ends it.
    free('a', a, 0);
    free('d', d, 2);
    free('e', e, 1);

    long splits = frames.statistics().splits();
    long joins = frames.statistics().coalesces();
    IO.println();
    IO.println(splits + " splits, " + joins + " joins: the sheet is flat again.");
  }

  private static void tellBuddies(long a, long c, long d) {
    IO.println();
    IO.println("Who is whose buddy? The one whose number differs in bit `order`:");
    IO.println("  a: frame " + a + ", order 0: buddy is frame " + Pages.buddyOf(a, 0));
    IO.println("  c: frame " + c + ", order 1: buddy is frame " + Pages.buddyOf(c, 1));
    IO.println("  d: frame " + d + ", order 2: buddy is frame " + Pages.buddyOf(d, 2));
    IO.println();
  }

  private long allocate(char letter, int order) {
    long pfn = frames.allocate(order, AllocationFlags.NONE);
    draw(pfn, order, letter);
    show(letter + " = allocate(order " + order + ") = " + pfn);
    return pfn;
  }

  private void free(char letter, long pfn, int order) {
    frames.free(pfn, order);
    draw(pfn, order, '.');
    show("free(" + letter + ")");
  }

  private void draw(long pfn, int order, char letter) {
    for (int i = 0; i < 1 << order; i++) {
      picture[(int) pfn + i] = letter;
    }
  }

  private void show(String step) {
    StringBuilder line = new StringBuilder(step);
    line.repeat(" ", 28 - step.length()).append(picture).append(' ');
    for (int order = 0; order <= MAX_ORDER; order++) {
      line.append("  ").append(frames.freeBlockCount(order));
    }
    IO.println(line);
  }
}
