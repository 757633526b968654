package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Zones of a random layout and a [ZoneModel] of them, which are given the same steps.
///
/// The reclaimer is as simple as the model's: it gives back the frames that were cached last, and
/// says of compaction that it helped as often as it was told to.
final class ZoneWorld implements Reclaimer, AutoCloseable {
  private static final int[] LIMITS = {
    AllocationFlags.NONE,
    AllocationFlags.NONE,
    AllocationFlags.NONE,
    AllocationFlags.DMA,
    AllocationFlags.DMA32,
    AllocationFlags.HIGHMEM_OK,
    AllocationFlags.MOVABLE_ZONE | AllocationFlags.MOVABLE,
    AllocationFlags.DEVICE
  };

  private static final List<ZoneType> TYPES = List.of(ZoneType.values());

  private static final int ACCOUNTS = 6;

  /// What somebody owns, and by which account.
  private record Owned(long pfn, int count, boolean isRange, int account) {}

  private final TestZones zones;
  private final ZonedFrames frames;
  private final NumaTopology topology;
  private final ZoneModel model;
  private final AccountModel quotas = new AccountModel(64);
  private final List<Integer> accounts = new ArrayList<>();
  private final List<NumaPolicyModel> policyModels = new ArrayList<>();
  private final List<NumaPolicy> policies = new ArrayList<>();
  private final List<Owned> owned = new ArrayList<>();
  private final List<List<Long>> caches = new ArrayList<>();
  private final List<String> calls = new ArrayList<>();
  private final boolean hasOneHome;
  private int compactions;

  ZoneWorld(long seed) {
    SplitMix64 random = new SplitMix64(seed);
    TestZones.Plan plan = TestZones.plan().charged().classic(random.oneIn(4));
    int nodes = 1 + random.below(3);
    List<TestZones.Part> parts = ZoneLayouts.draw(random, nodes);
    parts.forEach(p -> plan.part(p.nid(), p.type(), p.startPfn(), p.frameCount()));
    if (random.oneIn(3)) {
      plan.node(100);
      nodes++;
    }
    if (random.oneIn(2)) {
      plan.distances(Topologies.distances(random, nodes));
    }
    int[] cpus = ZoneLayouts.cpus(random, parts);
    hasOneHome = cpus.length < 2;
    zones = plan.cpus(cpus).build();
    frames = zones.frames();
    topology = frames.topology();
    model = ZoneLayouts.model(parts, topology);
    assertEquals(model.areas.size(), frames.zones().count());
    model.areas.forEach(_ -> caches.add(new ArrayList<>()));
    frames.setReclaimer(this);
    for (int i = 0; i < ACCOUNTS; i++) {
      openAccount(random);
    }
    for (int i = 0; i < 4; i++) {
      policyModels.add(NumaPolicyModel.random(random, topology));
      policies.add(policyModels.getLast().policy());
    }
  }

  private void openAccount(SplitMix64 random) {
    int parent = accounts.isEmpty() ? 0 : accounts.get(random.below(accounts.size()));
    long limit = 50L + random.below(800);
    long minimum = random.below(20);
    int number = zones.accounts().open(parent, limit, minimum);
    assertEquals(quotas.open(number, parent, limit, minimum) == AccountOutcome.DONE, number > 0);
    if (number > 0) {
      accounts.add(number);
    }
  }

  @Override
  public void close() {
    zones.close();
  }

  // ---- The reclaimer ----

  @Override
  public void wake(Zone zone, int order) {
    calls.add("wake " + zone.index() + " " + order);
  }

  @Override
  public long reclaim(Zone zone, int order, long wantedFrames) {
    calls.add("reclaim " + zone.index() + " " + order + " " + wantedFrames);
    List<Long> cache = caches.get(zone.index());
    long freed = 0;
    for (; freed < Math.min(wantedFrames, model.generosity) && !cache.isEmpty(); freed++) {
      assertEquals(0, frames.tryFree(cache.removeLast(), 0));
    }
    return freed;
  }

  @Override
  public boolean compact(Zone zone, int order) {
    calls.add("compact " + zone.index() + " " + order);
    return compactions-- > 0;
  }

  // ---- Steps ----

  void run(ZoneSteps.Step step) {
    long a = step.a();
    long b = step.b();
    switch (step.op()) {
      case ONE -> block(cpu(a), 0, flags(b));
      case BLOCK -> block(cpu(a), 1 + (int) (step.c() % 5), flags(b));
      case RUN -> run((int) (a % topology.nodeCount()), 1 + (int) (step.c() % 40), flags(b));
      case POLICY -> policy(a, (int) Math.max(0, step.c() % 9 - 5), flags(b));
      case RANGE -> range(a, 1 + (int) (step.c() % 50), (int) b & AllocationFlags.FRAME_BITS);
      case BULK -> bulk(1 + (int) (a % 60), flags(b));
      case CACHE -> cache(cpu(a), flags(b) & ~(0xFFF << AllocationFlags.ACCOUNT_SHIFT));
      case FREE -> free(a, (int) (b % 3));
      case FREE_MANY -> freeMany(a, 1 + (int) (b % 20));
      case MISTAKE -> mistake(a, b);
      case SPLIT -> split(a);
      case LIMIT, MINIMUM -> quota(step);
      default -> set(step);
    }
  }

  private static int cpu(long number) {
    return (int) (number % 8);
  }

  private int flags(long bits) {
    int flags = LIMITS[(int) (bits % LIMITS.length)] | ((int) (bits >>> 8) & AllocationFlags.LONG);
    flags |= (bits >>> 16) % 4 == 0 ? AllocationFlags.NOWAIT : 0;
    flags |= (bits >>> 20) % 5 == 0 ? AllocationFlags.EMERGENCY : 0;
    flags |= (bits >>> 24) % 6 == 0 ? AllocationFlags.EXACT_NODE : 0;
    flags |= (bits >>> 28) % 2 == 0 ? AllocationFlags.MOVABLE : 0;
    return (bits >>> 32) % 3 == 0 && !accounts.isEmpty()
        ? flags | AllocationFlags.charge(accounts.get((int) ((bits >>> 36) % accounts.size())))
        : flags;
  }

  private ZoneModel.Request request(long count, int flags, int home) {
    List<Integer> nodes = Topologies.expectedOrder(topology, home);
    if ((flags & AllocationFlags.EXACT_NODE) != 0) {
      nodes.retainAll(List.of(home));
    }
    return new ZoneModel.Request(count, flags, nodes, nodes);
  }

  /// What the model says of a charged request.
  private ZoneModel.@Nullable Area expect(ZoneModel.Request request) {
    int account = AllocationFlags.accountOf(request.flags());
    if (account != 0 && !quotas.tryCharge(account, request.count())) {
      model.failures++;
      return null;
    }
    ZoneModel.Area area = model.serve(request);
    if (area == null && account != 0) {
      assertTrue(quotas.refund(account, request.count()));
    }
    return area;
  }

  /// Compares who served, and enters what was got.
  private boolean enter(ZoneModel.@Nullable Area area, long pfn, int count, int flags) {
    if (area == null) {
      assertEquals(FrameAllocator.NO_FRAME, pfn);
      return false;
    }
    assertTrue(pfn >= 0, () -> "no frame, expected one of zone " + area.index);
    assertEquals(area.index, model.areaOf(pfn).index, "served by another zone");
    area.own(pfn, count);
    owned.add(new Owned(pfn, count, false, AllocationFlags.accountOf(flags)));
    return true;
  }

  private void block(int cpu, int order, int flags) {
    int count = 1 << order;
    ZoneModel.Area area = expect(request(count, flags, topology.nodeOfCpu(cpu)));
    long pfn = frames.tryAllocateOn(cpu, order, flags);
    enter(area, pfn, count, flags);
    assertTrue(pfn < 0 || pfn % count == 0);
  }

  private void run(int node, int count, int flags) {
    ZoneModel.Area area = expect(request(count, flags, node));
    enter(area, frames.tryAllocateNear(node, count, flags), count, flags);
  }

  private void policy(long which, int order, int flags) {
    NumaPolicyModel said = policyModels.get((int) (which % policies.size()));
    int cpu = cpu(which >>> 8);
    int current = topology.nodeOfCpu(cpu);
    List<Integer> nodes = new ArrayList<>(said.candidates(current));
    List<Integer> reclaimed = Topologies.expectedOrder(topology, said.home(current));
    reclaimed.retainAll(new TreeSet<>(nodes));
    if ((flags & AllocationFlags.EXACT_NODE) != 0) {
      nodes.retainAll(List.of(said.home(current)));
      reclaimed.retainAll(nodes);
    }
    int count = 1 << order;
    ZoneModel.Area area = expect(new ZoneModel.Request(count, flags, nodes, reclaimed));
    NumaPolicy policy = policies.get((int) (which % policies.size()));
    if (enter(area, frames.tryAllocate(policy, cpu, order, flags), count, flags)) {
      said.served();
    }
  }

  private void range(long where, int count, int flags) {
    ZoneModel.Area area = model.areas.get((int) (where % model.areas.size()));
    TestZones.Part bank = area.banks.get((int) ((where >>> 8) % area.banks.size()));
    int most = (int) Math.min(count, bank.frameCount());
    long start = bank.startPfn() + (where >>> 16) % (bank.frameCount() - most + 1);
    int all = flags | charge(where >>> 40);
    int account = AllocationFlags.accountOf(all);
    boolean served = account == 0 || quotas.tryCharge(account, most);
    if (served && !area.isFree(start, most)) {
      assertTrue(account == 0 || quotas.refund(account, most));
      served = false;
    }
    model.failures += served ? 0 : 1;
    long expected = served ? start : FrameAllocator.NO_FRAME;
    assertEquals(expected, frames.tryAllocateRange(start, most, all));
    if (served) {
      area.own(start, most);
      owned.add(new Owned(start, most, true, account));
    }
  }

  private int charge(long bits) {
    boolean isCharged = bits % 3 == 0 && !accounts.isEmpty();
    int at = (int) (bits % Math.max(1, accounts.size()));
    return isCharged ? AllocationFlags.charge(accounts.get(at)) : 0;
  }

  /// Only where the node does not depend on the CPU that runs the test.
  private void bulk(int count, int flags) {
    if (!hasOneHome) {
      return;
    }
    ZoneModel.Request one = request(1, flags, topology.nodeOfCpu(0));
    List<ZoneModel.Area> expected = model.serveBulk(one, count);
    boolean together = !expected.isEmpty();
    ZoneModel.Area area = null;
    long[] pfns = new long[count];
    while (!together && expected.size() < count && (area = expect(one)) != null) {
      expected.add(area);
      area.pending++;
    }
    model.areas.forEach(each -> each.pending = 0);
    int got = frames.allocateBulk(pfns, 0, count, flags);
    assertEquals(expected.size(), got);
    for (int i = 0; i < got; i++) {
      enter(expected.get(i), pfns[i], 1, flags);
    }
  }

  private void cache(int cpu, int flags) {
    ZoneModel.Area area = expect(request(1, flags, topology.nodeOfCpu(cpu)));
    long pfn = frames.tryAllocateOn(cpu, 0, flags);
    if (enter(area, pfn, 1, flags) && area != null) {
      owned.removeLast();
      area.cache.add(pfn);
      caches.get(area.index).add(pfn);
    }
  }

  // ---- Frees ----

  private @Nullable Owned pick(long which) {
    return owned.isEmpty() ? null : owned.get((int) (which % owned.size()));
  }

  private void drop(Owned one) {
    int at = owned.indexOf(one);
    owned.set(at, owned.getLast());
    owned.removeLast();
    model.areaOf(one.pfn).release(one.pfn, one.count);
    if (one.account != 0) {
      assertTrue(quotas.refund(one.account, one.count));
    }
  }

  private void free(long which, int way) {
    Owned one = pick(which);
    if (one == null) {
      return;
    }
    drop(one);
    int order = Integer.numberOfTrailingZeros(one.count);
    if (one.isRange) {
      assertEquals(0, frames.tryFreeRange(one.pfn, one.count));
    } else if (1 << order == one.count && way == 0) {
      assertEquals(0, frames.tryFree(one.pfn, order));
    } else if (way == 1) {
      frames.freeFrames(one.pfn, one.count);
    } else {
      assertEquals(0, frames.tryFreeFrames(one.pfn, one.count));
    }
  }

  private void freeMany(long which, int most) {
    List<Owned> singles =
        owned.stream().filter(o -> o.count == 1 && !o.isRange).skip(which % 7).limit(most).toList();
    singles.forEach(this::drop);
    frames.freeBulk(singles.stream().mapToLong(Owned::pfn).toArray(), 0, singles.size());
  }

  /// Refused, and nothing changes: another size, the second frame, what is free.
  private void mistake(long which, long kind) {
    Owned one = pick(which);
    if (one == null || one.isRange) {
      return;
    }
    long result;
    if (kind % 3 == 0 && one.count > 1) {
      result = frames.tryFreeFrames(one.pfn + 1, 1);
    } else if (kind % 3 == 1 && one.count > 1) {
      result = frames.tryFreeFrames(one.pfn, one.count - 1L);
    } else {
      free(which, 0);
      result = frames.tryFreeFrames(one.pfn, one.count);
    }
    assertNotEquals(0, result, () -> "a mistaken free of " + one);
  }

  private void split(long which) {
    Owned one = pick(which);
    if (one == null || one.isRange || one.count == 1) {
      return;
    }
    frames.splitFrames(one.pfn, one.count);
    owned.remove(one);
    for (int i = 0; i < one.count; i++) {
      owned.add(new Owned(one.pfn + i, 1, false, one.account));
    }
  }

  // ---- Settings ----

  private void set(ZoneSteps.Step step) {
    ZoneModel.Area area = model.areas.get((int) (step.a() % model.areas.size()));
    Zone zone = frames.zones().zone(area.index);
    long unit = Math.max(1, area.total / 8);
    long some = step.b() % unit;
    switch (step.op()) {
      case MARKS -> {
        long low = some + step.c() % unit;
        long high = low + (step.c() >>> 16) % unit;
        zone.setWatermarks(some, low, high);
        area.setMarks(some, low, high);
      }
      case CAP -> {
        area.cap = step.b() % (area.min + 1);
        zone.setReserveCap(area.cap);
      }
      case LOWMEM -> {
        ZoneType wanted = TYPES.get((int) (step.c() % ZoneType.COUNT));
        area.lowmem[wanted.index()] = some;
        zone.setLowmemReserve(wanted, some);
      }
      case BOOST -> {
        zone.boost(some);
        area.boost(some);
      }
      case END_BOOST -> {
        zone.endBoost();
        area.boost = 0;
      }
      default -> {
        model.generosity = step.b() % 20;
        model.compactions = (int) (step.c() % 30);
        compactions = model.compactions;
      }
    }
  }

  private void quota(ZoneSteps.Step step) {
    if (accounts.isEmpty()) {
      return;
    }
    int account = accounts.get((int) (step.a() % accounts.size()));
    if (step.op() == ZoneSteps.Op.LIMIT) {
      long limit = step.b() % 900;
      assertEquals(quotas.setLimit(account, limit), zones.accounts().setLimit(account, limit));
    } else {
      long least = step.b() % 100;
      assertEquals(quotas.setMinimum(account, least), zones.accounts().setMinimum(account, least));
    }
  }

  // ---- Comparison ----

  /// Everything that can be seen equals the model.
  void compare() {
    assertEquals(model.calls, calls, "calls of the reclaimer");
    model.calls.clear();
    calls.clear();
    for (ZoneModel.Area area : model.areas) {
      compare(area, frames.zones().zone(area.index));
    }
    for (int account : accounts) {
      assertEquals(quotas.usage(account), zones.accounts().usage(account), "usage");
      assertEquals(quotas.held(account), zones.accounts().held(account), "held");
      AccountModel.Entry entry = quotas.entries.get(account);
      assertEquals(entry.failed, zones.accounts().failedCharges(account), "failed charges");
      assertEquals(entry.peak, zones.accounts().peak(account), "peak");
    }
  }

  private static void compare(ZoneModel.Area area, Zone zone) {
    long available = area.available();
    assertEquals(available, zone.availableFrames(), () -> "available in zone " + area.index);
    assertEquals(available, zone.memory.availableFrames(), () -> "really in zone " + area.index);
    assertEquals(area.min, zone.minFrames());
    assertEquals(area.low + area.boost, zone.lowFrames());
    assertEquals(area.high + area.boost, zone.highFrames());
    assertEquals(area.cap, zone.reserveCapFrames());
    assertEquals(Math.max(0, area.min - available), zone.reserveUsedFrames());
    for (Zone.Event event : Zone.Event.values()) {
      assertEquals(area.events.getOrDefault(event, 0L), zone.eventCount(event), event::name);
    }
  }

  /// Frees all: every frame is there again, every account is empty.
  void finish() {
    assertEquals(model.failures, frames.zones().statistics().failures());
    while (!owned.isEmpty()) {
      free(owned.size() - 1L, 2);
    }
    for (ZoneModel.Area area : model.areas) {
      area.cache.forEach(pfn -> area.release(pfn, 1));
      caches.get(area.index).forEach(pfn -> frames.free(pfn, 0));
      assertEquals(area.total, area.available());
    }
    compare();
    accounts.forEach(account -> assertEquals(0, zones.accounts().usage(account)));
    assertEquals("", zones.accounts().validate());
    frames.zones().drainCaches();
    assertEquals("", frames.zones().validate(true).problems());
    for (ZoneModel.Area area : model.areas) {
      Zone zone = frames.zones().zone(area.index);
      assertEquals(area.total, zone.freeFrames());
      for (TestZones.Part bank : area.banks) {
        long end = bank.startPfn() + bank.frameCount();
        for (long pfn = bank.startPfn(); pfn < end; ) {
          int order = Pages.largestOrderAt(pfn, end, TestZones.MAX_ORDER);
          assertEquals(pfn, frames.tryAllocateRange(pfn, 1L << order, 0), "a block is in pieces");
          pfn += 1L << order;
        }
      }
    }
  }
}
