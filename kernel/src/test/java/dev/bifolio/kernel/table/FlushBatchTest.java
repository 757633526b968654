package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/// How much a batch keeps, and what it has flushed.
class FlushBatchTest {
  private static final long PAGE = 4096;

  @Test
  void aBatchKeepsAddressesUpToItsLimitAndAllBeyondIt() {
    Recorder recorder = new Recorder();
    FlushBatch batch = new FlushBatch(2, recorder);
    assertTrue(batch.isEmpty());
    batch.flush();
    assertEquals(List.of(), recorder.take());
    batch.add(0x1000, false);
    batch.add(0x2000, true);
    assertFalse(batch.isAll());
    assertEquals(2, batch.count());
    assertEquals(0x1000, batch.address(0));
    assertEquals(0x2000, batch.address(1));
    assertTrue(batch.hasGlobal());
    batch.flush();
    assertEquals(List.of("flush 1000", "flush 2000"), recorder.take());
    assertTrue(batch.isEmpty());
    assertFalse(batch.hasGlobal());
    assertEquals(0, batch.count());
    assertEquals(2, batch.pageCount());
    batch.add(0x3000, false);
    batch.add(0x4000, false);
    batch.add(0x5000, false);
    assertTrue(batch.isAll());
    assertEquals(0, batch.count());
    assertEquals(5, batch.pageCount());
    batch.flush();
    assertEquals(List.of("flush all"), recorder.take());
    assertFalse(batch.isAll());
    batch.add(0x6000, true);
    batch.add(0x7000, false);
    batch.add(0x8000, false);
    batch.flush();
    assertEquals(List.of("flush all and global"), recorder.take());
  }

  @Test
  void aProcessorWithoutSingleFlushesHasALimitOfNone() {
    Recorder recorder = new Recorder();
    try (TestTables tables = new TestTables(I386Format.INSTANCE, 4)) {
      FlushBatch batch = new FlushBatch(0, recorder);
      assertFalse(batch.isAll());
      tables.space.map(0, 0, 2 * PAGE, PageFlags.READ);
      assertEquals(UnmapOutcome.DONE, tables.space.unmap(0, PAGE, batch));
      assertTrue(batch.isAll());
      assertFalse(batch.isEmpty());
      assertEquals(0, batch.count());
      batch.flush();
      assertEquals(List.of("flush all"), recorder.take());
      tables.space.flushed(batch);
      assertFalse(batch.isAll());
      assertEquals(0, batch.pageCount());
    }
  }

  @Test
  void whatIsFlushedElsewhereIsForgotten() {
    try (TestTables tables = new TestTables(X86Format.LEVELS_4, 8)) {
      FlushBatch batch = new FlushBatch(1, null);
      batch.flush();
      tables.space.map(0, 0, 3 * PAGE, PageFlags.READ | PageFlags.GLOBAL);
      assertEquals(UnmapOutcome.DONE, tables.space.unmap(0, 2 * PAGE, batch));
      assertTrue(batch.isAll());
      assertTrue(batch.hasGlobal());
      assertEquals(2, batch.pageCount());
      assertEquals(0, batch.breaks());
      tables.space.flushed(batch);
      assertTrue(batch.isEmpty());
      assertFalse(batch.isAll());
      assertFalse(batch.hasGlobal());
      assertEquals(0, batch.pageCount());
      assertEquals(UnmapOutcome.DONE, tables.space.unmap(2 * PAGE, PAGE, batch));
      assertEquals(1, batch.count());
      assertEquals(2 * PAGE, batch.address(0));
    }
  }

  @Test
  void breaksAreCountedAndFlushedAtOnce() {
    Recorder recorder = new Recorder();
    FlushBatch batch = new FlushBatch(1, recorder);
    batch.flushNow(0x5000);
    batch.flushAllNow(false);
    batch.flushAllNow(true);
    assertEquals(3, batch.breaks());
    assertEquals(List.of("flush 5000", "flush all", "flush all and global"), recorder.take());
    assertTrue(batch.isEmpty());
    FlushBatch silent = new FlushBatch(1, null);
    silent.flushNow(0x5000);
    silent.flushAllNow(true);
    assertEquals(2, silent.breaks());
  }

  @Test
  void theListOfPagesHasRoomForFiveHundredAndEleven() {
    Recorder recorder = new Recorder();
    FlushBatch batch = new FlushBatch(1, recorder, recorder);
    for (int i = 0; i < 511; i++) {
      batch.add(i * PAGE, false);
      batch.gone(MappedPage.of(1, i * PAGE, PageFlags.READ));
    }
    assertEquals(List.of(), recorder.take());
    batch.add(511 * PAGE, true);
    batch.gone(MappedPage.of(2, 511 * PAGE, PageFlags.READ));
    List<String> events = recorder.take();
    assertEquals(513, events.size());
    assertEquals("flush all and global", events.get(0));
    assertEquals("gone 0 of 1 r--------", events.get(1));
    assertEquals("gone 1ff000 of 2 r--------", events.get(512));
    assertTrue(batch.isEmpty());
    batch.add(0, false);
    batch.gone(MappedPage.of(1, 0, PageFlags.READ));
    assertEquals(List.of(), recorder.take());
  }
}
