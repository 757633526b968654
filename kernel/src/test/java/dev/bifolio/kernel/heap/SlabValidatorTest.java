package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.platform.Memory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Every planted contradiction is found, and the others are not blamed for it.
class SlabValidatorTest {
  private static final long PARTIAL_SLAB = 1;
  private static final long FULL_SLAB = 2;
  private static final long EMPTY_SLAB = 3;
  private static final long CLAIMED_SLAB = 4;
  private static final long OWNED_SLAB = 5;

  private final HeapWorld world = new HeapWorld(100);
  private final SlabCache cache = world.caches.create(HeapWorld.spec(96, 0, 4));

  @BeforeEach
  void slabsOfEveryKind() {
    List<List<Long>> slabs = new ArrayList<>();
    for (int slab = 0; slab < 3; slab++) {
      slabs.add(new ArrayList<>());
      for (int i = 0; i < 42; i++) {
        slabs.get(slab).add(cache.allocate(0));
      }
    }
    cache.allocate(0);
    SlabOwner owner = cache.openOwner();
    owner.allocate();
    slabs.get(0).subList(0, 9).forEach(cache::free);
    slabs.get(2).forEach(cache::free);
    ValidationReport report = cache.validate();
    assertEquals("", report.problems());
    assertEquals(5, report.checkedFrames());
    assertEquals(SlabLists.PARTIAL, list(PARTIAL_SLAB));
    assertEquals(SlabLists.FULL, list(FULL_SLAB));
    assertEquals(SlabLists.EMPTY, list(EMPTY_SLAB));
    assertEquals(SlabLists.CLAIMED, list(CLAIMED_SLAB));
    assertEquals(SlabLists.CLAIMED, list(OWNED_SLAB));
  }

  @AfterEach
  void giveBack() {
    world.close();
  }

  private long at(long record) {
    return cache.records().at(record);
  }

  private int list(long record) {
    return SlabRecords.listOf(SlabRecords.state(at(record)));
  }

  private void flip(long address, long bits) {
    Memory.putLong(address, Memory.getLong(address) ^ bits);
  }

  private void assertFound(long address, long bits, String... problems) {
    flip(address, bits);
    ValidationReport report = cache.validate();
    assertTrue(!report.isValid());
    for (String problem : problems) {
      assertTrue(report.problems().contains(problem), report.problems());
    }
    flip(address, bits);
    assertTrue(cache.validate().isValid());
  }

  @Test
  void aSlabInTheWrongListForItsObjects() {
    assertFound(SlabRecords.row(at(FULL_SLAB), 0), 1, "slab 2: has 1 free objects in list 10");
    assertFound(SlabRecords.row(at(EMPTY_SLAB), 0), 1, "slab 3: has 41 free objects in list 9");
    flip(SlabRecords.row(at(PARTIAL_SLAB), 0), 0x1FF);
    assertTrue(cache.validate().problems().contains("slab 1: has 0 free objects in list 1"));
  }

  @Test
  void aPartialSlabMayHaveMoreFreeThanItsListSaysButNotAll() {
    flip(SlabRecords.row(at(PARTIAL_SLAB), 0), ~0x1FFL & 0xFFFF_FFFFL);
    assertTrue(cache.validate().isValid());
    flip(SlabRecords.row(at(PARTIAL_SLAB), 1), 0x3FF);
    assertTrue(cache.validate().problems().contains("slab 1: has 42 free objects in list 1"));
  }

  @Test
  void objectsThatThereAreNot() {
    assertFound(
        SlabRecords.row(at(CLAIMED_SLAB), 1), 1 << 10, "slab 4: row 1 has free objects that");
  }

  @Test
  void anOwnerWhoCannotBe() {
    long word = SlabRecords.ownerWord(at(OWNED_SLAB));
    assertFound(word, 3L << 32, "slab 5: its owner has free objects that there are not");
    assertFound(word, 2L << 32, "slab 5: in list 11 has an owner's row 2");
    assertFound(word, 1L << 32, "slab 5: in list 11 has an owner's row -1");
    assertFound(
        SlabRecords.ownerWord(at(CLAIMED_SLAB)),
        1L << 32,
        "claimed slabs: are 2, by CPUs 1, by owners 2");
    assertFound(
        SlabRecords.ownerWord(at(FULL_SLAB)), 1L << 32, "slab 2: in list 10 has an owner's");
  }

  @Test
  void framesThatSayOtherwise() {
    long pfn = HeapWorld.START_PFN + FULL_SLAB - 1;
    long word = world.info.get(pfn);
    world.info.put(pfn, FrameInfo.word(FrameInfo.KIND_LARGE, 0, 0, FULL_SLAB));
    assertTrue(cache.validate().problems().contains("of slab 2 says kind 4, owner 2"));
    world.info.put(pfn, FrameInfo.word(FrameInfo.KIND_SLAB, 0, 0, 9));
    assertTrue(cache.validate().problems().contains("of slab 2 says kind 3, owner 9"));
    world.info.put(pfn, word);
    assertTrue(cache.validate().isValid());
  }

  @Test
  void aColourThatThereIsNot() {
    assertFound(at(FULL_SLAB) + 8, 128, "slab 2: has colour 192");
    assertFound(at(FULL_SLAB) + 8, 1, "slab 2: has colour 65");
  }

  @Test
  void linksThatLeadAstray() {
    long links = at(EMPTY_SLAB) + 16;
    assertFound(links, 2, "slab 3: is linked back to 2");
    assertFound(links, 2L << 32, "list 9: should have 1 slabs, has 2");
    assertFound(links, 1L << 62, "list 9: links to record 1073741824, which there cannot be");
  }

  @Test
  void aStateThatNamesAnotherListOrCache() {
    assertFound(
        at(EMPTY_SLAB),
        2,
        "list 9 has the state of cache 1, list 11",
        "list 11: counts 2 slabs, 3");
    assertFound(at(EMPTY_SLAB), 1 << 16, "list 9 has the state of cache 0, list 9");
    assertFound(at(FULL_SLAB), 1 << 16, "list 10: counts 1 slabs, 0 name it");
  }

  @Test
  void slotsThatHaveWhatIsNotTheirs() {
    long slot = cache.slot(0);
    assertFound(slot + 16, CLAIMED_SLAB ^ OWNED_SLAB, "CPU 0: has slab 5, which is not its own");
    assertFound(slot + 16, CLAIMED_SLAB ^ FULL_SLAB, "CPU 0: has slab 2, which is not its own");
    assertFound(slot + 16, CLAIMED_SLAB, "CPU 0: has a row of no slab", "by CPUs 0, by owners 1");
    assertFound(slot + 16, 1L << 40, "CPU 0: has slab 1099511627780, which there cannot be");
    assertFound(slot, 1L << 32, "CPU 0: has an old claim to row 0 of slab 4");
    assertFound(slot, 1L << 10, "CPU 0: has a row that is not of its slab 4");
    assertFound(slot + 8, 8, "CPU 0: has a wrong pointer for row 0 of slab 4");
  }
}
