package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.Threads;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Share counts in the words of frames.
class InfoSharersTest {
  private final ZeroedWindows windows = new ZeroedWindows();
  private final FrameInfo info = new FrameInfo(windows.reserve(4096), 100, 110);
  private final InfoSharers sharers = new InfoSharers(info);

  @AfterEach
  void close() {
    windows.close();
  }

  @Test
  @Behaviour("144")
  void ofTwoSharersTheSecondIsTheLast() {
    assertEquals(1, sharers.count(105));
    assertTrue(sharers.add(105));
    assertEquals(2, sharers.count(105));
    assertFalse(sharers.drop(105));
    assertEquals(1, sharers.count(105));
    assertTrue(sharers.drop(105));
    assertEquals(0, info.get(105));
    assertEquals(1, sharers.count(104));
    assertEquals(1, sharers.count(106));
  }

  @Test
  void theRestOfTheWordStays() {
    long word = FrameInfo.word(15, 4095, 0, 0xFFFF_FFFFL);
    info.put(101, word);
    assertTrue(sharers.add(101));
    assertEquals(FrameInfo.word(15, 4095, 1, 0xFFFF_FFFFL), info.get(101));
    assertFalse(sharers.drop(101));
    assertTrue(sharers.drop(101));
    assertEquals(word, info.get(101));
  }

  @Test
  void noMoreAreCountedThanFit() {
    info.put(102, FrameInfo.word(1, 2, FrameInfo.MAX_SHARES - 1, 3));
    assertTrue(sharers.add(102));
    assertFalse(sharers.add(102));
    assertEquals(FrameInfo.word(1, 2, FrameInfo.MAX_SHARES, 3), info.get(102));
    assertEquals(65_536, sharers.count(102));
    assertFalse(sharers.drop(102));
    assertTrue(sharers.add(102));
  }

  @Test
  void threadsCountRight() throws InterruptedException {
    AtomicInteger last = new AtomicInteger();
    Runnable work =
        () -> {
          for (int i = 0; i < 50_000; i++) {
            assertTrue(sharers.add(103));
            last.addAndGet(sharers.drop(103) ? 1 : 0);
          }
        };
    Threads.runAll(List.of(work, work, work));
    assertEquals(0, last.get());
    assertEquals(1, sharers.count(103));
  }

  @Test
  void aFrameOfNoPlaneIsTheCallersMistake() {
    assertThrows(IndexOutOfBoundsException.class, () -> sharers.add(110));
    assertThrows(IndexOutOfBoundsException.class, () -> sharers.count(99));
  }
}
