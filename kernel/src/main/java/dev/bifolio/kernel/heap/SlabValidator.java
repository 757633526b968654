package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.ProblemList;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// Checks the invariants of a [SlabCache] by walking its lists, the rows of each slab, the
/// `FrameInfo` of each frame, and the slots of the CPUs. Nothing read is trusted: a wild link is
/// reported, not followed. Nothing is written. One thread, and nobody at work.
final class SlabValidator {
  private final SlabCache cache;
  private final SlabRecords records;
  private final SlabGeometry geometry;
  private final int cpuCount;
  private final ProblemList problems = new ProblemList();
  private final long[] inList = new long[SlabLists.COUNT];
  private long checkedFrames;
  private long owned;

  SlabValidator(SlabCache cache, int cpuCount) {
    this.cache = cache;
    records = cache.records();
    geometry = cache.geometry;
    this.cpuCount = cpuCount;
  }

  ValidationReport validate() {
    for (int list = SlabLists.PARTIAL; list <= SlabLists.EMPTY; list++) {
      checkLinks(list);
    }
    checkSlabs();
    checkSlots();
    return new ValidationReport(checkedFrames, problems.count(), problems.text());
  }

  private void checkLinks(int list) {
    long expected = cache.lists.count(list);
    long previous = SlabRecords.NONE;
    long record = cache.lists.first(list);
    long seen = 0;
    for (; record != SlabRecords.NONE && seen <= expected; seen++) {
      if (!records.isRecord(record)) {
        problem("list " + list, "links to record " + record + ", which there cannot be");
        return;
      }
      if (records.previous(record) != previous) {
        problem(slab(record), "is linked back to " + records.previous(record));
      }
      long state = SlabRecords.state(records.at(record));
      if (SlabRecords.cacheOf(state) != cache.id || SlabRecords.listOf(state) != list) {
        problem(
            slab(record),
            "in list "
                + list
                + " has the state of cache "
                + SlabRecords.cacheOf(state)
                + ", list "
                + SlabRecords.listOf(state));
      }
      previous = record;
      record = records.next(record);
    }
    if (seen != expected) {
      problem("list " + list, "should have " + expected + " slabs, has " + seen);
    }
  }

  /// Each slab of the cache, whatever list it is in.
  private void checkSlabs() {
    for (long record = records.after(SlabRecords.NONE);
        record != SlabRecords.NONE;
        record = records.after(record)) {
      long state = SlabRecords.state(records.at(record));
      int list = SlabRecords.listOf(state);
      if (SlabRecords.cacheOf(state) == cache.id && list < SlabLists.COUNT) {
        inList[list]++;
        checkSlab(record, list);
      }
    }
    for (int list = SlabLists.NONE; list < SlabLists.COUNT; list++) {
      if (inList[list] != cache.lists.count(list)) {
        problem(
            "list " + list,
            "counts " + cache.lists.count(list) + " slabs, " + inList[list] + " name it");
      }
    }
  }

  private void checkSlab(long record, int list) {
    long slab = records.at(record);
    int free = cache.lists.freeObjects(slab);
    int belongs = cache.lists.listFor(free);
    boolean isPartial = list < SlabLists.EMPTY;
    boolean isRight = isPartial ? belongs >= list && belongs < SlabLists.EMPTY : belongs == list;
    if (list != SlabLists.CLAIMED && !isRight) {
      problem(slab(record), "has " + free + " free objects in list " + list);
    }
    for (int row = 0; row < geometry.rows; row++) {
      long word = Memory.getLongVolatile(SlabRecords.row(slab, row));
      if ((SlabRow.free(word) & ~geometry.allFree(row)) != 0) {
        problem(slab(record), "row " + row + " has free objects that there are not");
      }
    }
    checkOwner(record, slab, list);
    checkFrames(record, slab);
  }

  private void checkOwner(long record, long slab, int list) {
    long word = Memory.getLongVolatile(SlabRecords.ownerWord(slab));
    if (word == 0) {
      return;
    }
    owned++;
    int row = SlabOwner.rowOf(word);
    if (list != SlabLists.CLAIMED || row < 0 || row >= geometry.rows) {
      problem(slab(record), "in list " + list + " has an owner's row " + row);
    } else if (((int) word & ~geometry.allFree(row)) != 0) {
      problem(slab(record), "its owner has free objects that there are not");
    }
  }

  private void checkFrames(long record, long slab) {
    long place = SlabRecords.placeOf(slab);
    long first = SlabRecords.frameOf(place);
    int colour = SlabRecords.colourOf(place);
    if (colour % geometry.colourStep != 0 || colour / geometry.colourStep >= geometry.colours) {
      problem(slab(record), "has colour " + colour);
    }
    long frames = Pages.orderToFrames(geometry.order);
    for (long pfn = first; pfn < first + frames; pfn++) {
      long info = cache.caches.map.infoOf(pfn);
      if (FrameInfo.kindOf(info) != FrameInfo.KIND_SLAB || FrameInfo.ownerOf(info) != record) {
        problems.atFrame(
            pfn,
            "of slab "
                + record
                + " says kind "
                + FrameInfo.kindOf(info)
                + ", owner "
                + FrameInfo.ownerOf(info));
      }
      checkedFrames++;
    }
  }

  private void checkSlots() {
    long claimed = 0;
    for (int cpu = 0; cpu < cpuCount; cpu++) {
      long slot = cache.slot(cpu);
      long record = SlabClaims.recordOf(slot);
      if (record == SlabRecords.NONE) {
        if (SlabClaims.claimOf(slot) != 0) {
          problem("CPU " + cpu, "has a row of no slab");
        }
      } else {
        claimed++;
        checkSlot(cpu, slot, record);
      }
    }
    long listed = cache.lists.count(SlabLists.CLAIMED);
    if (claimed + owned != listed) {
      problem("claimed slabs", "are " + listed + ", by CPUs " + claimed + ", by owners " + owned);
    }
  }

  private void checkSlot(int cpu, long slot, long record) {
    if (!records.isRecord(record)) {
      problem("CPU " + cpu, "has slab " + record + ", which there cannot be");
      return;
    }
    long slab = records.at(record);
    long state = SlabRecords.state(slab);
    if (SlabRecords.listOf(state) != SlabLists.CLAIMED
        || SlabRecords.cacheOf(state) != cache.id
        || Memory.getLongVolatile(SlabRecords.ownerWord(slab)) != 0) {
      problem("CPU " + cpu, "has slab " + record + ", which is not its own");
    }
    long claim = SlabClaims.claimOf(slot);
    if (claim != 0) {
      checkClaim(cpu, slot, record, claim);
    }
  }

  private void checkClaim(int cpu, long slot, long record, long claim) {
    long slab = records.at(record);
    long row = records.rowAt(SlabClaims.rowOf(claim));
    long index = (row - SlabRecords.row(slab, 0)) / Long.BYTES;
    if (index < 0 || index >= geometry.rows) {
      problem("CPU " + cpu, "has a row that is not of its slab " + record);
    } else if (!SlabRow.sameTag(Memory.getLongVolatile(row), claim)) {
      problem("CPU " + cpu, "has an old claim to row " + index + " of slab " + record);
    } else if (SlabClaims.pointerOf(slot) != cache.claims.pointerOfRow(slab, (int) index)) {
      problem("CPU " + cpu, "has a wrong pointer for row " + index + " of slab " + record);
    }
  }

  private static String slab(long record) {
    return "slab " + record;
  }

  private void problem(String place, String text) {
    problems.add(place, text);
  }
}
