package dev.bifolio.kernel.heap;

import static dev.bifolio.kernel.heap.VmallocWorld.PAGE;
import static dev.bifolio.kernel.heap.VmallocWorld.RUBBISH;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.KernelLayout;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.TestTables;
import dev.bifolio.kernel.table.UnmapOutcome;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.kernel.virtual.FaultOutcome;
import dev.bifolio.testkit.Behaviour;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class VmallocTest {
  private static final int ZERO = AllocationFlags.ZERO;
  private static final int LAZY = Vmalloc.LAZY;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  private static VmallocWorld world(int frameCount) {
    return new VmallocWorld(X86Format.LEVELS_4, frameCount);
  }

  // ---- Where it is ----

  @ParameterizedTest
  @MethodSource("formats")
  void theRangeIsTheLayoutsUpToSixteenTebibytes(PageFormat format) {
    try (VmallocWorld world = new VmallocWorld(format, 400)) {
      Vmalloc vmalloc = world.vmalloc;
      KernelLayout layout = world.layout;
      assertEquals(layout.vmallocBase(), vmalloc.base());
      long whole = layout.vmallocEnd() - layout.vmallocBase();
      assertEquals(Math.min(whole, 1L << 44), vmalloc.byteSize());
      assertEquals(1L << 44, Vmalloc.MOST_BYTES);
      assertTrue(vmalloc.isVmalloc(vmalloc.base()));
      assertTrue(vmalloc.isVmalloc(vmalloc.base() + vmalloc.byteSize() - 1));
      assertFalse(vmalloc.isVmalloc(vmalloc.base() - 1));
      assertFalse(vmalloc.isVmalloc(vmalloc.base() + vmalloc.byteSize()));
      assertFalse(vmalloc.isVmalloc(0));
      assertFalse(vmalloc.isVmalloc(layout.directMapBase()));
    }
  }

  @Test
  void userSpacesSeeWhatIsAllocatedLater() {
    try (VmallocWorld world = world(400)) {
      AddressSpace user =
          new AddressSpace(world.format, world.tables, world.own(AddressSpace.BYTE_SIZE));
      assertTrue(user.open(world.space));
      long address = world.vmalloc.allocate(PAGE, 0);
      assertEquals(world.space.translate(address), user.translate(address));
      assertTrue(user.translate(address) > 0);
      assertThrows(IllegalStateException.class, () -> world.vmalloc.open());
    }
  }

  @Test
  void withoutMemoryForItsTablesItIsNotOpen() {
    try (VmallocWorld world = world(400)) {
      world.drainPool();
      AddressSpace space =
          new AddressSpace(world.format, world.tables, world.own(AddressSpace.BYTE_SIZE));
      assertTrue(space.open());
      Vmalloc more =
          new Vmalloc(world.own(Vmalloc.BYTE_SIZE), world.layout, space, world, world, 0, 0, null);
      int before = world.inUse();
      world.serve(3);
      assertFalse(more.open());
      assertEquals(before, world.inUse());
      world.serve(Long.MAX_VALUE);
      assertTrue(more.open());
    }
  }

  // ---- Allocation ----

  @ParameterizedTest
  @MethodSource("formats")
  @Behaviour("141")
  void scatteredFramesAreOneRunAndAllOfThemComeBack(PageFormat format) {
    try (VmallocWorld world = new VmallocWorld(format, 2000)) {
      int before = world.inUse();
      Vmalloc vmalloc = world.vmalloc;
      long address = vmalloc.allocate(1100 * PAGE, 0);
      assertEquals(vmalloc.base(), address);
      int neighbours = 0;
      Mmu mmu = world.processor(0);
      for (long at = address; at < address + 1100 * PAGE; at += PAGE) {
        assertEquals(0, mmu.storeLong(at + 8, at));
        boolean isNext = world.space.translate(at + PAGE) == world.space.translate(at) + PAGE;
        neighbours += isNext ? 1 : 0;
      }
      assertTrue(neighbours < 20, "not scattered: " + neighbours);
      for (long at = address; at < address + 1100 * PAGE; at += PAGE) {
        assertEquals(at, mmu.loadLong(at + 8));
        assertEquals(at, world.load(at + 8));
      }
      long word = world.space.lookup(address);
      assertEquals(1, MappedPage.level(word));
      assertEquals(format.expressible(KernelLayout.DATA), MappedPage.flags(word));
      assertEquals(1100, vmalloc.mappedPages());
      assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(address));
      assertEquals(before, world.inUse());
      assertEquals(0, vmalloc.mappedPages());
      mmu.loadLong(address);
      assertTrue(mmu.fault() != 0);
    }
  }

  @Test
  void sizesAreRoundedUpToPagesAndAGuardIsBehindEach() {
    try (VmallocWorld world = world(200)) {
      Vmalloc vmalloc = world.vmalloc;
      long[] sizes = {1, 4095, 4096, 4097, 3 * PAGE};
      long[] pages = {1, 1, 1, 2, 3};
      long next = vmalloc.base();
      for (int i = 0; i < sizes.length; i++) {
        long address = vmalloc.allocate(sizes[i], 0);
        assertEquals(next, address);
        assertEquals(pages[i] * PAGE, vmalloc.sizeOf(address));
        next = address + (pages[i] + 1) * PAGE;
        assertTrue(world.space.translate(next - PAGE - 1) > 0);
        assertEquals(AddressSpace.NOT_MAPPED, world.space.translate(next - PAGE));
        assertEquals(AddressSpace.NOT_MAPPED, world.space.translate(next - 1));
        assertEquals(FaultOutcome.SEGFAULT, vmalloc.fault(next - PAGE));
        assertEquals(FaultOutcome.SEGFAULT, vmalloc.fault(next - 1));
      }
      assertEquals(8, vmalloc.mappedPages());
      assertEquals(5, vmalloc.areaCount());
    }
  }

  @Test
  void zerosAreWhereTheyWereWanted() {
    try (VmallocWorld world = world(200)) {
      long zeros = world.vmalloc.allocate(3 * PAGE, ZERO);
      long rubbish = world.vmalloc.allocate(3 * PAGE, 0);
      long lazy = world.vmalloc.allocate(3 * PAGE, LAZY);
      assertEquals(FaultOutcome.MAPPED, world.vmalloc.fault(lazy + PAGE + 77));
      for (long at = 0; at < 3 * PAGE; at += 8) {
        assertEquals(0, world.load(zeros + at));
        assertEquals(RUBBISH, world.load(rubbish + at));
      }
      for (long at = PAGE; at < 2 * PAGE; at += 8) {
        assertEquals(0, world.load(lazy + at));
      }
    }
  }

  @Test
  void sizesThatCannotBeAreRefusedBeforeAFrameIsTaken() {
    try (VmallocWorld world = world(100)) {
      Vmalloc vmalloc = world.vmalloc;
      world.writesEvents = true;
      String state = world.state();
      assertEquals(Vmalloc.BAD_SIZE, vmalloc.allocate(0, 0));
      assertEquals(Vmalloc.BAD_SIZE, vmalloc.allocate(-1, LAZY));
      assertEquals(Vmalloc.BAD_SIZE, vmalloc.allocate(Long.MIN_VALUE, 0));
      assertEquals(3, vmalloc.mistakes());
      assertEquals(0, vmalloc.failures());
      assertEquals(Vmalloc.NO_MEMORY, vmalloc.allocate(Long.MAX_VALUE, 0));
      assertEquals(Vmalloc.NO_MEMORY, vmalloc.allocate(Long.MAX_VALUE, LAZY));
      assertEquals(Vmalloc.NO_MEMORY, vmalloc.allocate(100 * PAGE + 1, 0));
      assertEquals(Vmalloc.NO_MEMORY, vmalloc.allocate(vmalloc.byteSize() - PAGE + 1, LAZY));
      assertEquals(4, vmalloc.failures());
      assertEquals(List.of(), world.events);
      assertThrows(
          IllegalArgumentException.class, () -> vmalloc.allocate(1, AllocationFlags.MOVABLE));
      assertEquals(state, world.state());
      assertEquals(0, vmalloc.allocations());
      // Not more than there are, but more than are left.
      assertEquals(Vmalloc.NO_MEMORY, vmalloc.allocate(100 * PAGE, 0));
      // The area took a frame too, and gave it back.
      assertEquals(List.of("take 100 0 0", "give " + (world.available() - 1)), world.events);
      assertEquals(5, vmalloc.failures());
      assertEquals(state, world.state());
    }
  }

  @Test
  void allAddressesCanBeGivenOutAtOnce() {
    try (VmallocWorld world = world(100)) {
      Vmalloc vmalloc = world.vmalloc;
      long address = vmalloc.allocate(vmalloc.byteSize() - PAGE, LAZY);
      assertEquals(vmalloc.base(), address);
      assertEquals(Vmalloc.NO_MEMORY, vmalloc.allocate(1, LAZY));
      assertEquals(1, vmalloc.failures());
      long last = address + vmalloc.byteSize() - 2 * PAGE;
      assertEquals(FaultOutcome.MAPPED, vmalloc.fault(last));
      assertEquals(FaultOutcome.SEGFAULT, vmalloc.fault(last + PAGE));
      assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(address));
      assertEquals(0, vmalloc.mappedPages());
    }
  }

  @Test
  void framesComeAndGoManyAtATimeAndGoAfterTheFlush() {
    try (VmallocWorld world = world(1500)) {
      Vmalloc vmalloc = world.vmalloc;
      long first = vmalloc.allocate(2 * PAGE, ZERO | AllocationFlags.LONG);
      world.writesEvents = true;
      long address = vmalloc.allocate(515 * PAGE, 0);
      assertEquals(List.of("take 512 0 3", "take 3 0 515"), world.events);
      world.events.clear();
      assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(address));
      // 512 pages make a batch full, which flushes then.
      assertEquals(
          List.of("flush all true", "give 512", "flush 515", "flush 516", "flush 517", "give 3"),
          world.events);
      world.events.clear();
      assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(first));
      assertEquals(List.of("flush 0", "flush 1", "give 2"), world.events);
      world.events.clear();
      vmalloc.allocate(PAGE, ZERO | AllocationFlags.LONG | AllocationFlags.charge(7));
      int flags = AllocationFlags.LONG | AllocationFlags.charge(7);
      assertEquals(List.of("take 1 " + flags + " 0"), world.events);
    }
  }

  // ---- Lazy ----

  @Test
  void lazyMemoryHasFramesWhereItWasTouched() {
    try (VmallocWorld world = world(300)) {
      Vmalloc vmalloc = world.vmalloc;
      int before = world.inUse();
      long other = vmalloc.allocate(PAGE, 0);
      int flags = AllocationFlags.LONG | AllocationFlags.charge(9);
      long address = vmalloc.allocate(1L << 30, LAZY | flags);
      assertEquals(other + 2 * PAGE, address);
      assertEquals(1, vmalloc.mappedPages());
      assertEquals(1L << 30, vmalloc.sizeOf(address));
      Mmu mmu = world.processor(0);
      mmu.loadLong(address + 77 * PAGE);
      assertTrue(mmu.fault() != 0);
      world.writesEvents = true;
      assertEquals(FaultOutcome.MAPPED, vmalloc.fault(address + 77 * PAGE + 4095));
      assertEquals(List.of("take 1 " + flags + " 79"), world.events);
      assertEquals(FaultOutcome.ALREADY, vmalloc.fault(address + 77 * PAGE));
      assertEquals(FaultOutcome.ALREADY, vmalloc.fault(other));
      assertEquals(0, mmu.loadLong(address + 77 * PAGE));
      assertEquals(0, mmu.fault());
      assertEquals(AddressSpace.NOT_MAPPED, world.space.translate(address + 76 * PAGE));
      assertEquals(FaultOutcome.MAPPED, vmalloc.fault(address + (1L << 30) - 1));
      assertEquals(FaultOutcome.SEGFAULT, vmalloc.fault(address + (1L << 30)));
      assertEquals(FaultOutcome.SEGFAULT, vmalloc.fault(address + (1L << 30) + PAGE));
      assertEquals(FaultOutcome.SEGFAULT, vmalloc.fault(vmalloc.base() - 1));
      assertEquals(FaultOutcome.SEGFAULT, vmalloc.fault(vmalloc.base() + vmalloc.byteSize()));
      assertEquals(2, vmalloc.faults());
      assertEquals(3, vmalloc.mappedPages());
      assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(address));
      assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(other));
      assertEquals(before, world.inUse());
    }
  }

  // ---- Free ----

  @Test
  @Behaviour("141")
  void whatIsFreedJoinsWhatIsFreeBesideIt() {
    try (VmallocWorld world = world(300)) {
      Vmalloc vmalloc = world.vmalloc;
      long base = vmalloc.base();
      long[] four = new long[4];
      for (int i = 0; i < 4; i++) {
        four[i] = vmalloc.allocate(3 * PAGE, 0);
        assertEquals(base + 4L * i * PAGE, four[i]);
      }
      vmalloc.tryFree(four[0]);
      vmalloc.tryFree(four[2]);
      // 4 pages with the guard fit where 3 were, and no more.
      assertEquals(base + 16 * PAGE, vmalloc.allocate(4 * PAGE, 0));
      vmalloc.tryFree(four[1]);
      assertEquals(base, vmalloc.allocate(11 * PAGE, 0));
      assertEquals(base + 21 * PAGE, vmalloc.allocate(PAGE, 0));
    }
  }

  @Test
  @Behaviour("141")
  void aFreeThatIsAMistakeSaysWhichAndChangesNothing() {
    try (VmallocWorld world = world(300)) {
      Vmalloc vmalloc = world.vmalloc;
      long one = vmalloc.allocate(3 * PAGE, 0);
      long lazy = vmalloc.allocate(3 * PAGE, LAZY);
      String state = world.state();
      assertEquals(VmallocOutcome.NULL, vmalloc.tryFree(0));
      assertEquals(1, vmalloc.mistakes() + 1);
      long direct = world.layout.directMapAddress(world.space.translate(one));
      assertEquals(VmallocOutcome.FOREIGN, vmalloc.tryFree(direct));
      assertEquals(VmallocOutcome.FOREIGN, vmalloc.tryFree(vmalloc.base() - PAGE));
      assertEquals(VmallocOutcome.FOREIGN, vmalloc.tryFree(vmalloc.base() + vmalloc.byteSize()));
      assertEquals(VmallocOutcome.INTERIOR, vmalloc.tryFree(one + 8));
      assertEquals(VmallocOutcome.INTERIOR, vmalloc.tryFree(one + PAGE));
      assertEquals(VmallocOutcome.INTERIOR, vmalloc.tryFree(one + 3 * PAGE));
      assertEquals(VmallocOutcome.INTERIOR, vmalloc.tryFree(lazy + PAGE));
      assertEquals(VmallocOutcome.NOT_ALLOCATED, vmalloc.tryFree(lazy + 4 * PAGE));
      assertEquals(8, vmalloc.mistakes());
      for (long at : new long[] {direct, one + 8, one + PAGE, lazy + 4 * PAGE, 0}) {
        assertEquals(0, vmalloc.sizeOf(at));
      }
      assertEquals(state, world.state());
      assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(one));
      assertEquals(VmallocOutcome.NOT_ALLOCATED, vmalloc.tryFree(one));
      assertEquals(9, vmalloc.mistakes());
      assertEquals(1, vmalloc.frees());
      assertEquals(2, vmalloc.allocations());
      assertEquals(1, vmalloc.areaCount());
      for (VmallocOutcome outcome : VmallocOutcome.values()) {
        boolean isFine = outcome == VmallocOutcome.FREED || outcome == VmallocOutcome.NULL;
        assertEquals(!isFine, outcome.isMistake());
      }
    }
  }

  @Test
  void aVisitorSeesAllThatIsAllocated() {
    try (VmallocWorld world = world(300)) {
      Vmalloc vmalloc = world.vmalloc;
      List<String> seen = new ArrayList<>();
      VmallocVisitor visitor =
          (address, byteSize, isLazy) ->
              seen.add((address - vmalloc.base()) / PAGE + " " + byteSize / PAGE + " " + isLazy);
      vmalloc.visit(visitor);
      assertEquals(List.of(), seen);
      long gone = vmalloc.allocate(PAGE, 0);
      vmalloc.allocate(3 * PAGE, LAZY);
      vmalloc.allocate(2 * PAGE, ZERO);
      vmalloc.visit(visitor);
      assertEquals(List.of("0 1 false", "2 3 true", "6 2 false"), seen);
      vmalloc.tryFree(gone);
      seen.clear();
      vmalloc.visit(visitor);
      assertEquals(List.of("2 3 true", "6 2 false"), seen);
      // The lock is open again.
      assertEquals(vmalloc.base(), vmalloc.allocate(PAGE, 0));
    }
  }

  // ---- What others did to the tables ----

  @Test
  void pagesThatSomebodyElseMappedOrUnmappedAreFoundOut() {
    try (VmallocWorld world = world(1500)) {
      Vmalloc vmalloc = world.vmalloc;
      long base = vmalloc.base();
      FlushBatch batch = new FlushBatch(0, null);
      assertEquals(
          MapOutcome.MAPPED, world.space.map(base + 1000 * PAGE, 0, PAGE, KernelLayout.DATA));
      int before = world.inUse();
      assertThrows(IllegalStateException.class, () -> vmalloc.allocate(1010 * PAGE, 0));
      assertEquals(0, vmalloc.areaCount());
      assertEquals(0, vmalloc.mappedPages());
      assertEquals(1, world.space.pageCount(1));
      assertEquals(VmallocOutcome.NOT_ALLOCATED, vmalloc.tryFree(base));
      assertEquals(before, world.inUse());
      long address = vmalloc.allocate(2 * PAGE, 0);
      assertEquals(base, address);
      long lost = world.space.translate(address + PAGE);
      assertEquals(UnmapOutcome.DONE, world.space.unmap(address + PAGE, PAGE, batch));
      assertThrows(IllegalStateException.class, () -> vmalloc.tryFree(address));
      assertEquals(2 * PAGE, vmalloc.sizeOf(address));
      assertEquals(
          MapOutcome.MAPPED, world.space.map(address + PAGE, lost, PAGE, KernelLayout.DATA));
      assertEquals(VmallocOutcome.FREED, vmalloc.tryFree(address));
    }
  }

  @Test
  void framesThatCannotBeAskedForLeaveNothingBehind() {
    try (VmallocWorld world = new VmallocWorld(RiscvFormat.SV39, 300)) {
      VmallocFrames none =
          new VmallocFrames() {
            @Override
            public int take(long[] pfns, int wanted, int flags, long firstPage) {
              throw new IllegalArgumentException("there are no accounts");
            }

            @Override
            public void give(long[] pfns, int count) {
              throw new IllegalStateException("nothing was taken");
            }

            @Override
            public long mostFrames() {
              return 300;
            }
          };
      Vmalloc vmalloc = world.another(none);
      int before = world.inUse();
      assertThrows(IllegalArgumentException.class, () -> vmalloc.allocate(PAGE, 0));
      assertEquals(before, world.inUse());
      assertEquals(0, vmalloc.areaCount());
      assertEquals(vmalloc.base(), vmalloc.allocate(PAGE, LAZY));
    }
  }
}
