package dev.bifolio.kernel.unit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.Test;

class OrderTest {
  @Test
  @Behaviour("14")
  void anOrderFromAFrameCount() {
    long[][] cases = {{1, 0}, {2, 1}, {3, 2}, {4, 2}, {512, 9}};
    for (long[] c : cases) {
      assertEquals(new Order((int) c[1]), Order.ofFrames(c[0], 9));
      assertEquals(c[1], Pages.orderForFrames(c[0], 9));
    }
    for (long none : new long[] {0, 513, -1, Long.MIN_VALUE, Long.MAX_VALUE}) {
      assertNull(Order.ofFrames(none, 9));
      assertEquals(Pages.NO_ORDER, Pages.orderForFrames(none, 9));
    }
    assertNull(Order.of(10, 9));
    assertNull(Order.of(-1, 9));
    assertEquals(new Order(9), Order.of(9, 9));
    assertThrows(FrameRequestException.class, () -> new Order(21));
    assertThrows(FrameRequestException.class, () -> new Order(-1));
  }

  @Test
  @Behaviour("15")
  void anOrderFromAByteSize() {
    long[][] cases = {{1, 0}, {4096, 0}, {4097, 1}, {8192, 1}};
    for (long[] c : cases) {
      assertEquals(new Order((int) c[1]), Order.ofBytes(c[0], 9));
    }
    assertNull(Order.ofBytes(0, 9));
    assertNull(Order.ofBytes(-4096, 9));
    assertNull(Order.ofBytes(Long.MAX_VALUE, 20));
  }

  @Test
  @Behaviour("16")
  void neighbouringOrders() {
    Order five = new Order(5);
    assertEquals(new Order(6), five.next());
    assertEquals(new Order(4), five.previous());
    assertNull(Order.MIN.previous());
    assertNull(Order.MAX.next());
    assertTrue(five.compareTo(Order.MAX) < 0);
  }

  @Test
  @Behaviour("13")
  void whatAnOrderHolds() {
    assertEquals(512, new Order(9).frameCount());
    assertEquals(2097152, new Order(9).byteSize());
  }
}
