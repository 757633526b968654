package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Each state of a movable block, each way out of it, and each wrong use.
class MovableFramesTest {
  private static final int MOVING = 65_535;
  private static final int ROUNDS = 200;

  private Window window;
  private FrameInfo low;
  private FrameInfo high;
  private MovableFrames movable;
  private int first;
  private int second;

  @BeforeEach
  void twoPlanes() throws WindowException {
    window = Window.reserve(4096);
    low = new FrameInfo(window.address(), 100, 200);
    high = new FrameInfo(window.address() + 1024, 300, 400);
    movable = new MovableFrames(new FrameInfo[] {low, high});
    first = movable.register((item, from, to) -> true);
    second = movable.register((item, from, to) -> false);
  }

  @AfterEach
  void close() {
    window.close();
  }

  private static long word(int owner, int account, int pins, long item) {
    return FrameInfo.word(8 + owner, account, pins, item);
  }

  @Test
  void planesMustBeInOrder() {
    FrameInfo overlapping = new FrameInfo(window.address() + 2048, 199, 250);
    assertThrows(
        IllegalArgumentException.class,
        () -> new MovableFrames(new FrameInfo[] {low, overlapping}));
    assertThrows(
        IllegalArgumentException.class, () -> new MovableFrames(new FrameInfo[] {high, low}));
    FrameInfo next = new FrameInfo(window.address() + 2048, 200, 300);
    assertEquals(0, new MovableFrames(new FrameInfo[] {low, next, high}).wordOf(299));
  }

  @Test
  void thereAreEightOwners() {
    assertEquals(8, MovableFrames.MAX_OWNERS);
    for (int owner = 2; owner < 8; owner++) {
      assertEquals(owner, movable.register((item, from, to) -> true));
    }
    assertThrows(IllegalStateException.class, () -> movable.register((item, from, to) -> true));
    movable.adopt(100, 7, 5);
    assertEquals(word(7, 0, 0, 5), low.get(100));
  }

  @Test
  void eachFrameIsFoundInItsPlane() {
    for (long pfn : new long[] {100, 199, 300, 399}) {
      movable.adopt(pfn, first, pfn);
      assertEquals(word(0, 0, 0, pfn), movable.wordOf(pfn));
    }
    assertEquals(word(0, 0, 0, 100), low.get(100));
    assertEquals(word(0, 0, 0, 399), high.get(399));
    for (long pfn : new long[] {-1, 99, 200, 299, 400}) {
      assertThrows(IllegalArgumentException.class, () -> movable.wordOf(pfn));
    }
  }

  @Test
  void adoptionKeepsTheAccount() {
    low.put(150, FrameInfo.word(0, 77, 0, 0));
    movable.adopt(150, second, 0xFFFF_FFFFL);
    assertEquals(word(1, 77, 0, 0xFFFF_FFFFL), low.get(150));
    low.put(151, FrameInfo.word(1, 78, 0, 0));
    movable.adopt(151, first, 0);
    assertEquals(word(0, 78, 0, 0), low.get(151));
  }

  @Test
  void whatIsOfAnotherKindIsNotAdopted() {
    for (int kind = 2; kind <= 15; kind++) {
      long word = FrameInfo.word(kind, 1, 0, 3);
      low.put(150, word);
      assertThrows(IllegalStateException.class, () -> movable.adopt(150, first, 1));
      assertEquals(word, low.get(150));
    }
  }

  @Test
  void ownersAndItemsMustExist() {
    assertThrows(IllegalArgumentException.class, () -> movable.adopt(150, 2, 1));
    assertThrows(IllegalArgumentException.class, () -> movable.adopt(150, -1, 1));
    assertThrows(IllegalArgumentException.class, () -> movable.pin(150, 0, -1));
    assertThrows(IllegalArgumentException.class, () -> movable.unpin(150, 0, 1L << 32));
    assertThrows(IllegalArgumentException.class, () -> movable.disown(150, 2, 0));
    assertEquals(0, low.get(150));
  }

  @Test
  void disowningKeepsTheAccountAndNothingElse() {
    low.put(150, FrameInfo.word(0, 9, 0, 0));
    movable.adopt(150, first, 4);
    assertTrue(movable.disown(150, first, 4));
    assertEquals(FrameInfo.word(0, 9, 0, 0), low.get(150));
    assertFalse(movable.disown(150, first, 4));
  }

  @Test
  void onlyTheItemThatIsThereIsDisownedOrPinned() {
    movable.adopt(150, first, 4);
    assertFalse(movable.disown(150, first, 5));
    assertFalse(movable.disown(150, second, 4));
    assertFalse(movable.pin(150, first, 5));
    assertFalse(movable.pin(150, second, 4));
    assertFalse(movable.pin(151, first, 4));
    assertEquals(word(0, 0, 0, 4), low.get(150));
  }

  @Test
  void whoDoesNotWaitPinsAndDisownsAsTheOthersDo() {
    low.put(150, FrameInfo.word(0, 9, 0, 0));
    movable.adopt(150, second, 4);
    assertFalse(movable.tryPin(150, second, 5));
    assertFalse(movable.tryPin(150, first, 4));
    assertFalse(movable.tryDisown(150, second, 5));
    assertFalse(movable.tryDisown(150, first, 4));
    assertEquals(word(1, 9, 0, 4), low.get(150));
    assertTrue(movable.tryPin(150, second, 4));
    assertTrue(movable.tryPin(150, second, 4));
    assertEquals(word(1, 9, 2, 4), low.get(150));
    assertFalse(movable.tryDisown(150, second, 4), "it is pinned");
    assertEquals(word(1, 9, 2, 4), low.get(150));
    low.put(150, word(1, 9, 0, 4));
    assertTrue(movable.tryDisown(150, second, 4));
    assertEquals(FrameInfo.word(0, 9, 0, 0), low.get(150));
    assertThrows(IllegalArgumentException.class, () -> movable.tryPin(150, 2, 4));
    assertThrows(IllegalArgumentException.class, () -> movable.tryDisown(150, 0, 1L << 32));
    low.put(150, word(1, 0, 65_534, 4));
    assertThrows(IllegalStateException.class, () -> movable.tryPin(150, second, 4));
    assertEquals(word(1, 0, 65_534, 4), low.get(150));
  }

  @Test
  void whoDoesNotWaitIsRefusedWhatIsBeingMoved() {
    movable.adopt(150, first, 4);
    assertTrue(movable.begin(150));
    assertFalse(movable.tryPin(150, first, 4));
    assertFalse(movable.tryDisown(150, first, 4));
    assertEquals(word(0, 0, MOVING, 4), low.get(150));
    movable.abort(150, -1);
    assertTrue(movable.tryPin(150, first, 4));
  }

  @Test
  void pinsAreCounted() {
    low.put(150, FrameInfo.word(0, 3, 0, 0));
    movable.adopt(150, first, 4);
    for (int pins = 1; pins <= 3; pins++) {
      assertTrue(movable.pin(150, first, 4));
      assertEquals(word(0, 3, pins, 4), low.get(150));
      assertEquals(pins, MovableFrames.pinsOf(low.get(150)));
      assertFalse(movable.begin(150));
      assertFalse(movable.disown(150, first, 4));
    }
    for (int pins = 2; pins >= 0; pins--) {
      movable.unpin(150, first, 4);
      assertEquals(word(0, 3, pins, 4), low.get(150));
    }
    assertTrue(movable.begin(150));
  }

  @Test
  void thereIsAnEndToPins() {
    low.put(150, word(0, 0, 65_533, 4));
    assertTrue(movable.pin(150, first, 4));
    IllegalStateException wrong =
        assertThrows(IllegalStateException.class, () -> movable.pin(150, first, 4));
    assertEquals(
        "cannot pin frame 0x96: it is movable, of kind 8, item 4, with 65534 pins",
        wrong.getMessage());
    assertEquals(65_534, MovableFrames.pinsOf(low.get(150)));
    assertFalse(MovableFrames.isMoving(low.get(150)));
    movable.unpin(150, first, 4);
    assertEquals(word(0, 0, 65_533, 4), low.get(150));
  }

  @Test
  void onlyAPinnedItemIsUnpinned() {
    movable.adopt(150, first, 4);
    assertThrows(IllegalStateException.class, () -> movable.unpin(150, first, 4));
    assertTrue(movable.pin(150, first, 4));
    assertThrows(IllegalStateException.class, () -> movable.unpin(150, first, 5));
    assertThrows(IllegalStateException.class, () -> movable.unpin(150, second, 4));
    assertEquals(word(0, 0, 1, 4), low.get(150));
    movable.unpin(150, first, 4);
    assertTrue(movable.begin(150));
    IllegalStateException wrong =
        assertThrows(IllegalStateException.class, () -> movable.unpin(150, first, 4));
    assertTrue(wrong.getMessage().contains("it is being moved"));
    wrong = assertThrows(IllegalStateException.class, () -> movable.unpin(151, first, 4));
    assertTrue(wrong.getMessage().contains("it is not known as movable"));
    assertEquals(word(0, 0, MOVING, 4), low.get(150));
  }

  @Test
  void onlyAMovableBlockBeginsToMoveAndOnlyOnce() {
    assertFalse(movable.begin(150));
    low.put(150, FrameInfo.word(7, 0, 0, 0));
    assertFalse(movable.begin(150));
    low.put(150, 0);
    movable.adopt(150, first, 4);
    assertTrue(movable.begin(150));
    assertEquals(word(0, 0, MOVING, 4), low.get(150));
    assertFalse(movable.begin(150));
  }

  @Test
  void aCommitMovesTheWordAndItsAccount() {
    low.put(150, FrameInfo.word(0, 12, 0, 0));
    movable.adopt(150, second, 4);
    assertTrue(movable.begin(150));
    movable.mirror(150, 350);
    assertEquals(word(1, 12, MOVING, 4), high.get(350));
    movable.commit(150, 350);
    assertEquals(word(1, 12, 0, 4), high.get(350));
    assertEquals(FrameInfo.word(5, 0, 0, 0), low.get(150));
    assertTrue(movable.isCaptured(150));
    assertFalse(movable.isCaptured(350));
    movable.forget(150);
    assertEquals(0, low.get(150));
  }

  @Test
  void aBlockKeepsItsHeatWhenItMovesAndANewOneHasNone() {
    FrameInfo[] planes = {low, high};
    FrameHeat heat = new FrameHeat(planes, window.address() + 3072);
    movable.touch(150); // nobody keeps it
    movable.setHeat(heat);
    movable.adopt(150, first, 4);
    assertEquals(FrameHeat.NEW_HEAT, heat.heatOf(150));
    movable.touch(150);
    assertTrue(movable.begin(150));
    movable.mirror(150, 350);
    movable.commit(150, 350);
    assertEquals(FrameHeat.NEW_HEAT + 1, heat.heatOf(350));
  }

  @Test
  void aTargetIsTheMoversUntilHeForgetsIt() {
    movable.capture(350);
    assertEquals(FrameInfo.word(5, 0, 0, 0), high.get(350));
    assertFalse(movable.begin(350));
    assertThrows(IllegalStateException.class, () -> movable.adopt(350, first, 4));
    movable.forget(350);
    movable.adopt(350, first, 4);
    assertEquals(word(0, 0, 0, 4), high.get(350));
  }

  @Test
  void anAbortLeavesTheSourceAsItWas() {
    low.put(150, FrameInfo.word(0, 12, 0, 0));
    movable.adopt(150, second, 4);
    assertTrue(movable.begin(150));
    movable.abort(150, -1);
    assertEquals(word(1, 12, 0, 4), low.get(150));
    assertTrue(movable.begin(150));
    movable.mirror(150, 350);
    movable.abort(150, 350);
    assertEquals(word(1, 12, 0, 4), low.get(150));
    assertTrue(movable.isCaptured(350));
  }

  @Test
  void frameZeroIsATargetToo() {
    FrameInfo zero = new FrameInfo(window.address() + 2048, 0, 10);
    MovableFrames all = new MovableFrames(new FrameInfo[] {zero});
    int owner = all.register((item, from, to) -> true);
    all.adopt(5, owner, 1);
    assertTrue(all.begin(5));
    all.mirror(5, 0);
    all.abort(5, 0);
    assertTrue(all.isCaptured(0));
  }

  @Test
  void theOwnerOfAWordIsTheOneThatRegistered() {
    assertTrue(movable.ownerOf(word(0, 0, 0, 1)).relocate(1, 2, 3));
    assertFalse(movable.ownerOf(word(1, 0, 0, 1)).relocate(1, 2, 3));
    assertThrows(IllegalStateException.class, () -> movable.ownerOf(word(2, 0, 0, 1)));
  }

  @Test
  void movingIsAStateOfMovableKindsOnly() {
    assertTrue(MovableFrames.isMoving(word(0, 0, MOVING, 1)));
    assertFalse(MovableFrames.isMoving(FrameInfo.word(7, 0, MOVING, 1)));
    assertTrue(MovableFrames.isMovable(FrameInfo.word(8, 0, 0, 1)));
    assertFalse(MovableFrames.isMovable(FrameInfo.word(7, 0, 0, 1)));
    assertEquals(0, MovableFrames.pinsOf(word(0, 0, MOVING, 1)));
  }

  @Test
  void pinAndDisownGiveUpOnAMoverThatNeverComesBack() {
    movable.adopt(150, first, 4);
    assertTrue(movable.begin(150));
    assertFalse(movable.pin(150, first, 4));
    assertFalse(movable.disown(150, first, 4));
    assertEquals(word(0, 0, MOVING, 4), low.get(150));
  }

  @Test
  void pinWaitsForAMoveThatIsRolledBack() throws InterruptedException {
    movable.adopt(150, first, 4);
    int pinned =
        duringMoves(() -> {
          boolean got = movable.pin(150, first, 4);
          if (got) {
            movable.unpin(150, first, 4);
          }
          return got;
        });
    assertTrue(pinned > ROUNDS / 2, "only " + pinned + " pins outlived a move");
    assertEquals(word(0, 0, 0, 4), low.get(150));
  }

  @Test
  void disownWaitsForAMoveThatIsRolledBack() throws InterruptedException {
    movable.adopt(150, first, 4);
    int disowned =
        duringMoves(() -> {
          boolean got = movable.disown(150, first, 4);
          if (got) {
            movable.adopt(150, first, 4);
          }
          return got;
        });
    assertTrue(disowned > ROUNDS / 2, "only " + disowned + " outlived a move");
    assertEquals(word(0, 0, 0, 4), low.get(150));
  }

  /// Asks an owner's question on another thread in the middle of moves of frame 150, each of which
  /// is rolled back a moment after the question was asked.
  ///
  /// @return how often the answer was yes
  private int duringMoves(BooleanSupplier question) throws InterruptedException {
    AtomicInteger yes = new AtomicInteger();
    for (int round = 0; round < ROUNDS; round++) {
      assertTrue(movable.begin(150));
      CountDownLatch begun = new CountDownLatch(1);
      Thread thread =
          Thread.ofPlatform()
              .start(() -> {
                begun.countDown();
                if (question.getAsBoolean()) {
                  yes.incrementAndGet();
                }
              });
      assertTrue(begun.await(10, TimeUnit.SECONDS));
      Cpu.rest(); // it asks meanwhile, and waits for much longer than that
      movable.abort(150, -1);
      thread.join();
    }
    return yes.get();
  }
}
