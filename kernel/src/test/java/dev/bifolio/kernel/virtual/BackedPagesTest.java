package dev.bifolio.kernel.virtual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Pages of a backing one by one, and what happens to one while the store is at work on it.
class BackedPagesTest {
  /// A store that does something in the middle of its work, once.
  private static final class Store implements PageStore {
    Runnable atNextRead = () -> {};
    Runnable atNextWrite = () -> {};
    boolean fails;
    int reads;
    int writes;

    @Override
    public boolean readPage(long byteOffset, long address) {
      reads++;
      Memory.fill(address, 4096, (byte) (byteOffset >>> 12));
      Runnable work = atNextRead;
      atNextRead = () -> {};
      work.run();
      return !fails;
    }

    @Override
    public boolean writePage(long byteOffset, long address) {
      writes++;
      Runnable work = atNextWrite;
      atNextWrite = () -> {};
      work.run();
      return !fails;
    }
  }

  private final UserWorld world = new UserWorld(64);
  private final long address = world.frames.own(BackedPages.BYTE_SIZE);
  private final Store store = new Store();
  private final BackedPages pages = new BackedPages(address, world.memory, store);

  @AfterEach
  void close() {
    pages.dropAll();
    assertEquals(0, world.frames.inUse());
    world.close();
  }

  private long takeAndLeave(long page) {
    long pfn = pages.take(page);
    assertTrue(pfn >= 0);
    world.memory.release(pfn);
    return pfn;
  }

  /// Starts something that has to wait for what the caller is doing.
  private static <T> FutureTask<T> startWaiting(Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    Thread thread = new Thread(task);
    thread.setDaemon(true);
    thread.start();
    try {
      Thread.sleep(15);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    assertFalse(task.isDone(), "it did not wait");
    return task;
  }

  @Test
  void whoWantsAPageThatIsBeingReadWaitsForItsFrame() throws Exception {
    List<FutureTask<Long>> other = new ArrayList<>();
    store.atNextRead = () -> other.add(startWaiting(() -> pages.take(3)));
    long pfn = pages.take(3);
    assertEquals(pfn, other.get(0).get());
    assertEquals(1, store.reads);
    assertEquals(3, world.sharers.count(pfn));
    assertEquals(1, pages.pageCount());
    assertEquals(0x0303_0303_0303_0303L, Memory.getLong(world.memory.addressOf(pfn)));
    world.memory.release(pfn);
    world.memory.release(pfn);
  }

  @Test
  void whoHasWaitedForAReadThatFailedReadsHimself() throws Exception {
    List<FutureTask<Long>> other = new ArrayList<>();
    store.fails = true;
    store.atNextRead =
        () -> {
          // Fails the read in whose middle this is, and not the next.
          other.add(startWaiting(() -> pages.take(3)));
          store.atNextRead = () -> store.fails = false;
        };
    assertEquals(BackedPages.READ_FAILED, pages.take(3));
    long pfn = other.get(0).get();
    assertTrue(pfn >= 0);
    assertEquals(2, store.reads);
    world.memory.release(pfn);
  }

  @Test
  void whoWantsAPageWrittenThatIsBeingWrittenWaitsForIt() throws Exception {
    takeAndLeave(3);
    pages.markDirty(3);
    List<FutureTask<Long>> other = new ArrayList<>();
    store.atNextWrite = () -> other.add(startWaiting(() -> pages.writeBack(0, 8)));
    assertEquals(0, pages.writeBack(0, 8));
    assertEquals(0, other.get(0).get());
    assertEquals(1, store.writes);
  }

  @Test
  void whatIsStoredWhileAPageIsWrittenIsWrittenTheNextTime() {
    takeAndLeave(3);
    pages.markDirty(3);
    store.atNextWrite = () -> pages.markDirty(3);
    assertEquals(0, pages.writeBack(0, 8));
    assertEquals(0, pages.shrink(1));
    assertEquals(0, pages.writeBack(0, 8));
    assertEquals(2, store.writes);
    assertEquals(1, pages.shrink(1));
  }

  @Test
  void whatTheStoreWorksOnIsNeitherDroppedNorGivenUp() {
    Runnable tries =
        () -> {
          assertThrows(IllegalStateException.class, pages::dropAll);
          assertEquals(0, pages.shrink(10));
        };
    store.atNextRead = tries;
    takeAndLeave(3);
    pages.markDirty(3);
    store.atNextWrite = tries;
    assertEquals(0, pages.writeBack(3, 4));
    assertEquals(1, pages.pageCount());
    assertEquals(1, store.reads);
    assertEquals(1, store.writes);
  }

  @Test
  void aStoreThatThrowsLeavesThePageAsItWas() {
    Runnable fails =
        () -> {
          throw new UncheckedFailure();
        };
    store.atNextRead = fails;
    assertThrows(UncheckedFailure.class, () -> pages.take(3));
    assertEquals(0, world.frames.inUse());
    assertEquals(0, pages.pageCount());
    takeAndLeave(3);
    pages.markDirty(3);
    store.atNextWrite = fails;
    assertThrows(UncheckedFailure.class, () -> pages.writeBack(0, 8));
    assertEquals(0, pages.writeBack(0, 8));
    assertEquals(2, store.writes);
    assertEquals(1, pages.shrink(1));
  }

  private static final class UncheckedFailure extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  @Test
  void onlyPagesThatAreThereBecomeDirty() {
    takeAndLeave(0);
    pages.markDirty(1);
    pages.markDirty(1L << 20);
    assertEquals(0, pages.writeBack(0, 8));
    assertEquals(0, store.writes);
    assertEquals(1, pages.pageCount());
    takeAndLeave(1);
    assertEquals(0, pages.writeBack(0, 8));
    pages.markDirty(1);
    assertEquals(0, pages.writeBack(0, 1));
    assertEquals(0, store.writes);
    store.fails = true;
    pages.markDirty(0);
    assertEquals(2, pages.writeBack(0, 2));
    assertEquals(2, pages.dropAll());
  }

  @Test
  void aPageWithTooManySharersIsNotHad() {
    long pfn = takeAndLeave(3);
    world.info.put(pfn, FrameInfo.word(0, 0, FrameInfo.MAX_SHARES, 0));
    assertEquals(BackedPages.NO_FRAME, pages.take(3));
    world.info.put(pfn, 0);
    assertEquals(pfn, takeAndLeave(3));
    assertEquals(1, store.reads);
  }

  @Test
  void asManyAreGivenUpAsAreWantedFromTheLowestOn() {
    for (int page = 0; page < 6; page++) {
      takeAndLeave(page);
    }
    long mapped = pages.take(1);
    assertEquals(0, pages.shrink(0));
    assertEquals(2, pages.shrink(2)); // 0 and 2
    assertEquals(4, pages.pageCount());
    int reads = store.reads;
    takeAndLeave(3);
    assertEquals(reads, store.reads);
    takeAndLeave(2);
    assertEquals(reads + 1, store.reads);
    assertEquals(4, pages.shrink(100));
    assertEquals(1, pages.pageCount());
    world.memory.release(mapped);
  }

  @Test
  void allButWhoGivesUpPagesWaitForTheLock() throws Exception {
    takeAndLeave(3);
    SpinLock lock = new SpinLock(address);
    List<Callable<Long>> waiting =
        List.of(
            () -> takeAndLeave(3),
            () -> {
              pages.markDirty(3);
              return 0L;
            },
            () -> pages.writeBack(0, 8),
            pages::dropAll);
    for (Callable<Long> work : waiting) {
      lock.lock();
      FutureTask<Long> task = startWaiting(work);
      assertEquals(0, pages.shrink(10));
      lock.unlock();
      task.get();
    }
    assertEquals(0, pages.pageCount());
  }
}
