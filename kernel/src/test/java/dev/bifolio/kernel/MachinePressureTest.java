package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.reclaim.MovableBinding;
import dev.bifolio.kernel.reclaim.PageBacking;
import dev.bifolio.kernel.reclaim.PageCache;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.zone.PressureLevel;
import dev.bifolio.kernel.zone.Zone;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A machine that runs short: who begins, who stops where, who is spared. One zone of 64 MiB and a
/// page cache that can give back what it has.
class MachinePressureTest {
  private static final int PAGES = 4000;
  private static final int FILE = 1;
  private static final int NOWAIT = AllocationFlags.NOWAIT;
  private static final int EMERGENCY = AllocationFlags.EMERGENCY;

  private Machine machine;
  private Zone zone;
  private Window window;
  private PageCache cache;
  private final List<Long> taken = new ArrayList<>();
  private final List<String> told = new ArrayList<>();

  @BeforeEach
  void boot() throws Exception {
    MemoryMap map = Maps.e820(Architecture.RISCV64).ram(4 * Maps.GIB, 64 * Maps.MIB, 0).build();
    BootOptions options = BootOptions.DEFAULTS.withCpuCount(1).withMinFreeKib(4000);
    machine = Machine.boot(map, options, BootLog.SILENT);
    assertEquals(1, machine.zones().count());
    zone = machine.zones().zone(0);
    zone.setWatermarks(1000, 1250, 1500);
    window = Window.reserve(PageCache.byteSize(PAGES));
    MovableBinding binding = new MovableBinding(machine.reclaim().movable());
    cache =
        new PageCache(
            window.address(),
            PAGES,
            0,
            new MachineFrames(machine),
            new NoBacking(),
            machine.physToVirt(4 * Maps.GIB) - 4 * Maps.GIB,
            binding);
    binding.register(cache);
    machine.reclaim().shrinkers().register(cache);
    machine.reclaim().pressure().register((index, from, to) -> told.add(index + from.name() + to));
  }

  @AfterEach
  void close() {
    machine.close();
    window.close();
  }

  private record MachineFrames(Machine machine) implements FrameSource {
    @Override
    public long allocate(int order, int flags) {
      return machine.tryAllocate(order, flags);
    }

    @Override
    public void free(long pfn, int order) {
      machine.free(pfn, order);
    }
  }

  private static final class NoBacking implements PageBacking {
    @Override
    public boolean read(int file, long page, long toAddress) {
      return true;
    }

    @Override
    public boolean write(int file, long page, long fromAddress) {
      return true;
    }
  }

  private void fillCache(int pages) {
    for (int page = 0; page < pages; page++) {
      assertTrue(cache.get(FILE, page) >= 0);
      cache.release(FILE, page, false);
    }
  }

  /// Takes single frames until so many are left.
  private void takeTo(long available) {
    while (zone.availableFrames() > available) {
      long pfn = machine.tryAllocate(0, NOWAIT);
      assertTrue(pfn >= 0, () -> "with " + zone.availableFrames() + " frames");
      taken.add(pfn);
    }
    assertEquals(available, zone.availableFrames());
  }

  private void give(int count) {
    for (int i = 0; i < count; i++) {
      machine.free(taken.removeLast(), 0);
    }
  }

  private long directReclaims() {
    return zone.eventCount(Zone.Event.DIRECT_RECLAIM);
  }

  @Test
  void belowLowTheStepsBeginAndAtHighTheyStop() {
    fillCache(2000);
    takeTo(1250);
    assertFalse(machine.step(100));
    assertEquals(1250, zone.availableFrames());
    takeTo(1249);
    assertTrue(machine.reclaim().isWoken(zone));
    assertTrue(machine.step(100));
    assertEquals(1349, zone.availableFrames());
    // Above low again; it goes on to high all the same.
    int steps = 1;
    while (machine.step(100)) {
      steps++;
      assertTrue(zone.availableFrames() < 1500);
    }
    assertEquals(2, steps);
    assertEquals(1500, zone.availableFrames());
    assertEquals(2000 - 251, cache.counters().pages());
    assertEquals(0, directReclaims());
    takeTo(1250);
    assertFalse(machine.step(100));
    assertEquals(1250, zone.availableFrames());
    assertEquals(2000 - 251, cache.counters().pages());
  }

  @Test
  void atMinAnOrdinaryRequestReclaimsForItselfAndANowaitOneNever() {
    fillCache(500);
    takeTo(1000);
    assertEquals(FrameAllocator.NO_FRAME, machine.tryAllocate(0, NOWAIT));
    assertEquals(FrameAllocator.NO_FRAME, machine.tryAllocate(3, NOWAIT));
    assertEquals(0, directReclaims());
    assertEquals(500, cache.counters().pages());
    long pfn = machine.tryAllocate(0, AllocationFlags.NONE);
    assertTrue(pfn >= 0);
    assertEquals(1, directReclaims());
    assertEquals(500 - 32, cache.counters().pages());
    assertEquals(1000 + 32 - 1, zone.availableFrames());
    // What came back serves the next ones without another reclaim.
    takeTo(1000);
    assertEquals(1, directReclaims());
    assertTrue(machine.tryAllocateFrames(100, AllocationFlags.NONE) >= 0);
    assertTrue(cache.counters().pages() <= 500 - 132);
  }

  @Test
  void whenNothingIsLeftToReclaimRequestsFailInBoundedTime() {
    fillCache(10);
    takeTo(1000);
    assertTrue(machine.tryAllocate(0, AllocationFlags.NONE) >= 0);
    takeTo(1000);
    assertEquals(0, cache.counters().pages());
    long before = directReclaims();
    assertEquals(FrameAllocator.NO_FRAME, machine.tryAllocate(0, AllocationFlags.NONE));
    assertEquals(before + 1, directReclaims());
    assertEquals(1000, zone.availableFrames());
    boolean more = machine.step(100);
    assertFalse(more && machine.step(99), "nothing can be given back, and it goes on");
  }

  @Test
  void emergencyRequestsTakeTheReserveUpToItsCapAndItIsRefilledFirst() {
    zone.setReserveCap(300);
    takeTo(1000);
    List<Long> reserve = new ArrayList<>();
    for (long pfn = machine.tryAllocate(0, EMERGENCY | NOWAIT);
        pfn >= 0;
        pfn = machine.tryAllocate(0, EMERGENCY | NOWAIT)) {
      reserve.add(pfn);
    }
    assertEquals(300, reserve.size());
    assertEquals(300, zone.reserveUsedFrames());
    assertEquals(300, zone.eventCount(Zone.Event.EMERGENCY_REQUEST));
    assertEquals(300, zone.eventCount(Zone.Event.EMERGENCY_FRAME));
    assertEquals(0, directReclaims());
    give(299);
    assertEquals(1, zone.reserveUsedFrames());
    assertEquals(FrameAllocator.NO_FRAME, machine.tryAllocate(0, NOWAIT));
    give(1);
    assertEquals(0, zone.reserveUsedFrames());
    assertEquals(FrameAllocator.NO_FRAME, machine.tryAllocate(0, NOWAIT));
    give(1);
    assertTrue(machine.tryAllocate(0, NOWAIT) >= 0);
  }

  /// The reserve is taken before anything is reclaimed: who may use it is in a hurry.
  @Test
  void anEmergencyRequestThatMayWaitReclaimsOnlyWhenTheReserveIsGone() {
    fillCache(100);
    zone.setReserveCap(2);
    takeTo(1000);
    assertTrue(machine.tryAllocate(0, EMERGENCY) >= 0);
    assertTrue(machine.tryAllocate(0, EMERGENCY) >= 0);
    assertEquals(0, directReclaims());
    assertEquals(100, cache.counters().pages());
    assertTrue(machine.tryAllocate(0, EMERGENCY) >= 0);
    assertEquals(1, directReclaims());
    assertEquals(100 - 32, cache.counters().pages());
  }

  @Test
  void listenersAreToldOnceAtEachMarkAndAgainOnlyOneMarkFurtherBack() {
    takeTo(1250);
    assertEquals(List.of(), told);
    takeTo(1248);
    machine.step(1);
    assertEquals(List.of("0NONESOME"), told);
    for (int i = 0; i < 20; i++) { // to and fro about low: nothing new
      give(10);
      machine.step(1);
      takeTo(1248);
    }
    assertEquals(List.of("0NONESOME"), told);
    takeTo(1000);
    assertEquals(FrameAllocator.NO_FRAME, machine.tryAllocate(0, NOWAIT));
    assertTrue(machine.tryAllocate(0, EMERGENCY | NOWAIT) >= 0);
    assertEquals(FrameAllocator.NO_FRAME, machine.tryAllocate(0, NOWAIT));
    assertEquals(List.of("0NONESOME", "0SOMEFULL"), told);
    give(101); // above min, below low
    machine.step(1);
    assertEquals(PressureLevel.FULL, machine.reclaim().pressure().level(0));
    give(200); // above low
    machine.step(1);
    assertEquals(List.of("0NONESOME", "0SOMEFULL", "0FULLSOME"), told);
    give(198);
    assertEquals(1499, zone.availableFrames() + 1);
    assertFalse(machine.step(1));
    assertEquals(3, told.size());
    give(2); // high: nobody asks for memory, and still the end is told
    assertFalse(machine.step(1));
    assertEquals(List.of("0NONESOME", "0SOMEFULL", "0FULLSOME", "0SOMENONE"), told);
    assertFalse(machine.step(1));
    assertEquals(4, told.size());
  }

  @Test
  void aListenerThatTakesMemoryInTheMiddleOfARequestDoesNotBreakIt() {
    List<Long> got = new ArrayList<>();
    machine.reclaim().pressure().register((_, _, _) -> got.add(machine.tryAllocate(0, EMERGENCY)));
    takeTo(1251);
    for (int i = 0; i < 3; i++) {
      taken.add(machine.tryAllocate(0, NOWAIT));
    }
    assertEquals(1, got.size());
    assertTrue(got.getFirst() >= 0 && taken.getLast() >= 0);
    assertEquals(1251 - 3 - 1, zone.availableFrames());
    machine.assertValid();
  }
}
