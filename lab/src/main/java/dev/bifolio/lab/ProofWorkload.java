package dev.bifolio.lab;

import dev.bifolio.kernel.BootReport;
import dev.bifolio.kernel.Machine;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A short seeded workload that shows that a booted machine's memory works: blocks and runs of many
/// sizes are allocated, marked, checked and freed, with an account of its own of who owns what.
///
/// It asks of every allocation that nobody else owns it and that no reservation covers it, of every
/// free that the mark is still there, halfway that no frame is missing from the machine's counts,
/// and of the end that every frame came back, from the caches too, and that the allocators' own
/// validation finds nothing (above 64 GiB it does not look inside free blocks).
///
/// @param operationCount allocations and frees done
/// @param failureCount requests for which there was no memory
/// @param checkedFrameCount frames that validation accounted for
/// @param problem what went wrong, null if nothing did
record ProofWorkload(
    long operationCount, long failureCount, long checkedFrameCount, @Nullable String problem) {
  private static final int OPERATIONS = 20_000;
  private static final int MAX_LIVE = 2_000;

  /// 64 GiB.
  private static final long FULL_WALK_FRAMES = 1L << 24;

  static ProofWorkload run(Machine machine, long seed) {
    return new Run(machine, seed).run();
  }

  private record Block(long pfn, int order, long frameCount, long mark) {
    boolean isRun() {
      return order < 0;
    }
  }

  private static final class Run {
    private final Machine machine;
    private final SplittableRandom random;
    private final List<Block> live = new ArrayList<>();

    /// First frame to exclusive end, of everything that is not free for the taking.
    private final NavigableMap<Long, Long> owned = new TreeMap<>();

    private final NavigableMap<Long, Long> reserved = new TreeMap<>();
    private long operations;
    private long failures;
    private @Nullable String problem;

    Run(Machine machine, long seed) {
      this.machine = machine;
      this.random = new SplittableRandom(seed);
      BootReport report = machine.report();
      for (ReservedRegion region : report.reservations()) {
        reserve(region.range());
      }
      for (BootReport.MemMapSection section : report.memMapSections()) {
        reserve(section.range());
      }
      reserve(report.heap());
    }

    ProofWorkload run() {
      long freeBefore = machine.freeFrameCount();
      while (operations < OPERATIONS && problem == null) {
        operations++;
        if (live.size() < MAX_LIVE && (live.isEmpty() || random.nextInt(100) < 55)) {
          allocate();
        } else {
          free(random.nextInt(live.size()));
        }
        if (operations == OPERATIONS / 2 && problem == null) {
          account(freeBefore);
        }
      }
      while (!live.isEmpty() && problem == null) {
        operations++;
        free(live.size() - 1);
      }
      machine.drainCaches();
      if (problem == null && machine.freeFrameCount() != freeBefore) {
        problem =
            "free frames: %d before, %d after".formatted(freeBefore, machine.freeFrameCount());
      }
      // With the classic allocator the full walk reads 16 bytes a frame: too long for a command
      // that simulates terabytes.
      boolean insideBlocks = machine.report().frames().managed() <= FULL_WALK_FRAMES;
      ValidationReport validation = insideBlocks ? machine.validate() : machine.validateBlocks();
      if (problem == null && !validation.isValid()) {
        problem = validation.problems();
      }
      return new ProofWorkload(operations, failures, validation.checkedFrames(), problem);
    }

    private void reserve(AddressRange range) {
      if (range.base() >= 0 && range.last() >= 0) {
        long start = Pages.addressToPfn(range.base());
        long end = Pages.addressToPfn(range.last()) + 1;
        Map.Entry<Long, Long> below = reserved.floorEntry(end);
        while (below != null && below.getValue() >= start) {
          start = Math.min(start, below.getKey());
          end = Math.max(end, below.getValue());
          reserved.remove(below.getKey());
          below = reserved.floorEntry(end);
        }
        reserved.put(start, end);
      }
    }

    private void allocate() {
      boolean run = random.nextInt(4) == 0;
      int order = run ? -1 : Math.min(9, Long.numberOfTrailingZeros(random.nextLong() | 1L << 9));
      long frameCount = run ? random.nextLong(1, 700) : Pages.orderToFrames(order);
      long pfn =
          run
              ? machine.allocateFrames(frameCount, AllocationFlags.NONE)
              : machine.allocate(order, AllocationFlags.NONE);
      if (pfn == FrameAllocator.NO_FRAME) {
        failures++;
        return;
      }
      String owner = overlapping(owned, pfn, pfn + frameCount);
      if (owner == null) {
        owner = overlapping(reserved, pfn, pfn + frameCount);
      }
      if (owner != null) {
        problem =
            "frames 0x%x + %d were handed out though %s is taken".formatted(pfn, frameCount, owner);
        return;
      }
      owned.put(pfn, pfn + frameCount);
      Block block = new Block(pfn, order, frameCount, random.nextLong());
      mark(block, block.mark());
      live.add(block);
    }

    private void free(int index) {
      Block block = live.get(index);
      live.set(index, live.getLast());
      live.removeLast();
      if (Memory.getLong(addressOf(block.pfn())) != block.mark()
          || Memory.getLong(addressOf(block.pfn() + block.frameCount() - 1)) != block.mark()) {
        problem = "the content of frame 0x%x changed while it was owned".formatted(block.pfn());
        return;
      }
      owned.remove(block.pfn());
      if (block.isRun()) {
        machine.freeFrames(block.pfn(), block.frameCount());
      } else {
        machine.free(block.pfn(), block.order());
      }
    }

    /// What is not free is cached or owned.
    private void account(long freeBefore) {
      long ownedFrames = 0;
      for (Block block : live) {
        ownedFrames += block.frameCount();
      }
      long free = machine.freeFrameCount();
      long cached = machine.cachedFrameCount();
      if (free + cached + ownedFrames != freeBefore) {
        problem =
            "%d free, %d cached and %d owned frames are not the %d that were free before"
                .formatted(free, cached, ownedFrames, freeBefore);
      }
    }

    private void mark(Block block, long value) {
      Memory.putLong(addressOf(block.pfn()), value);
      Memory.putLong(addressOf(block.pfn() + block.frameCount() - 1), value);
    }

    private long addressOf(long pfn) {
      return machine.physToVirt(Pages.pfnToAddress(pfn));
    }

    private static @Nullable String overlapping(
        NavigableMap<Long, Long> ranges, long start, long end) {
      Map.Entry<Long, Long> below = ranges.lowerEntry(end);
      if (below == null || below.getValue() <= start) {
        return null;
      }
      return "[0x%x, 0x%x)".formatted(below.getKey(), below.getValue());
    }
  }
}
