package dev.bifolio.kernel.virtual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.FrameSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Nodes, and the frames that they are in.
class AreaNodesTest {
  private static final int IN_A_FRAME = 63;

  private final TestFrames frames = new TestFrames(4096, 8);
  private final AreaNodes nodes =
      new AreaNodes(frames.own(AreaNodes.BYTE_SIZE), frames, 0, frames.physToVirt);

  @AfterEach
  void close() {
    frames.close();
  }

  private List<Long> take(int count) {
    List<Long> taken = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      assertTrue(nodes.reserve(1));
      taken.add(nodes.allocate());
    }
    return taken;
  }

  @Test
  void nodesDoNotOverlapEachOtherNorTheHeader() {
    Set<Long> taken = new HashSet<>(take(3 * IN_A_FRAME));
    assertEquals(3 * IN_A_FRAME, taken.size());
    assertEquals(3, nodes.frameCount());
    assertEquals(3, frames.inUse());
    for (long node : taken) {
      assertEquals(0, node % 64);
      assertNotEquals(0, node % 4096);
    }
  }

  @Test
  void aFrameIsAskedForWhenAllNodesAreTaken() {
    assertTrue(nodes.reserve(2));
    assertEquals(1, frames.requests());
    take(IN_A_FRAME - 1);
    assertEquals(1, frames.requests());
    // One is left, so two are not to be had in this frame.
    frames.serve(0);
    assertTrue(nodes.reserve(1));
    assertFalse(nodes.reserve(2));
    assertEquals(1, nodes.frameCount());
    frames.serve(1);
    assertTrue(nodes.reserve(2));
    assertEquals(2, nodes.frameCount());
    take(1 + IN_A_FRAME);
    assertThrows(IllegalStateException.class, nodes::allocate);
  }

  @Test
  void whatWentBackWithItsFrameIsNotFree() {
    List<Long> taken = take(1);
    nodes.free(taken.get(0));
    assertEquals(0, nodes.frameCount());
    assertEquals(0, frames.inUse());
    frames.serve(0);
    assertFalse(nodes.reserve(1));
    frames.serve(1);
    assertTrue(nodes.reserve(IN_A_FRAME));
    assertFalse(nodes.reserve(IN_A_FRAME + 1));
  }

  @Test
  void aFreedNodeOfAFullFrameIsTheNextToBeTaken() {
    List<Long> taken = take(2 * IN_A_FRAME);
    long freed = taken.get(17);
    nodes.free(freed);
    frames.serve(0);
    assertTrue(nodes.reserve(1));
    assertEquals(freed, nodes.allocate());
    assertFalse(nodes.reserve(1));
    assertThrows(IllegalStateException.class, nodes::allocate);
  }

  @Test
  void framesLeaveTheListFromItsFrontMiddleAndEnd() {
    for (int[] order :
        new int[][] {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}) {
      List<Long> taken = take(3 * IN_A_FRAME);
      // One node of each frame is given back, so that all frames are linked in this order.
      for (int frame : order) {
        nodes.free(taken.get(frame * IN_A_FRAME));
      }
      // The middle one of the list is emptied, then the last, then the first.
      for (int i : new int[] {1, 0, 2}) {
        List<Long> ofFrame = taken.subList(order[i] * IN_A_FRAME, (order[i] + 1) * IN_A_FRAME);
        ofFrame.subList(1, IN_A_FRAME).forEach(nodes::free);
      }
      assertEquals(0, nodes.frameCount());
      assertEquals(0, frames.inUse());
    }
  }

  @Test
  void whatIsLeftOfTheListIsTakenBeforeAnotherFrame() {
    for (int emptied = 0; emptied < 3; emptied++) {
      List<Long> taken = take(3 * IN_A_FRAME);
      Set<Long> left = new HashSet<>();
      for (int frame = 0; frame < 3; frame++) {
        nodes.free(taken.get(frame * IN_A_FRAME + 7));
        left.add(taken.get(frame * IN_A_FRAME + 7));
      }
      List<Long> gone = taken.subList(emptied * IN_A_FRAME, (emptied + 1) * IN_A_FRAME);
      gone.stream().filter(node -> !left.contains(node)).forEach(nodes::free);
      left.remove(gone.get(7));
      frames.serve(0);
      assertEquals(left, new HashSet<>(take(2)));
      assertFalse(nodes.reserve(1));
      frames.serve(Long.MAX_VALUE);
      taken.removeAll(gone);
      taken.forEach(nodes::free);
      assertEquals(0, frames.inUse());
    }
  }

  @Test
  void theWordsOfANodeDoNotTouchEachOther() {
    List<Long> taken = take(3);
    for (long node : taken) {
      nodes.setKind(node, 0xABCDEF, 0x7FFF_FFFE);
      nodes.setSummary(node, 200, node + 1);
      nodes.setRange(node, node + 2, node + 3, node + 4);
      nodes.setLeft(node, node + 5);
      nodes.setRight(node, node + 6);
      nodes.setBehind(node, node + 7);
    }
    for (long node : taken) {
      nodes.setKind(node, 0xFEDCBA, 0x1234_5678);
      assertEquals(200, nodes.height(node));
      nodes.setSummary(node, 33, node + 9);
      assertEquals(0xFEDCBA, nodes.flags(node));
      assertEquals(0x1234_5678, nodes.backing(node));
      assertEquals(33, nodes.height(node));
      assertEquals(node + 9, nodes.gap(node));
      assertEquals(node + 2, nodes.start(node));
      assertEquals(node + 3, nodes.end(node));
      assertEquals(node + 4, nodes.offset(node));
      assertEquals(node + 5, nodes.left(node));
      assertEquals(node + 6, nodes.right(node));
      assertEquals(node + 7, nodes.behind(node));
    }
    assertEquals(0, nodes.height(AreaNodes.NONE));
    assertEquals(0, nodes.gap(AreaNodes.NONE));
  }

  @Test
  void theFirstFrameOfAllIsAFrameLikeAnother() {
    long memory = frames.addressOf(frames.allocate(0, 0));
    FrameSource first =
        new FrameSource() {
          boolean isOut;

          @Override
          public long allocate(int order, int flags) {
            long pfn = isOut ? -1 : 0;
            isOut = true;
            return pfn;
          }

          @Override
          public void free(long pfn, int order) {
            assertEquals(0, pfn);
            isOut = false;
          }
        };
    AreaNodes low = new AreaNodes(frames.own(AreaNodes.BYTE_SIZE), first, 0, memory);
    for (int round = 0; round < 2; round++) {
      assertTrue(low.reserve(1));
      long node = low.allocate();
      assertEquals(64, node);
      assertEquals(1, low.frameCount());
      low.free(node);
      assertEquals(0, low.frameCount());
    }
  }
}
