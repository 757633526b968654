package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class RingTest {
  @Test
  void holdsAsMuchAsItSaysAndKeepsTheOrder() {
    try (Ring ring = new Ring()) {
      long pushed = 0;
      long popped = 0;
      for (int round = 0; round < 5; round++) {
        while (ring.push(pushed)) {
          pushed++;
        }
        assertEquals(Ring.CAPACITY, pushed - popped);
        for (int i = 0; i < 700; i++) {
          assertEquals(popped++, ring.pop());
        }
      }
      while (popped < pushed) {
        assertEquals(popped++, ring.pop());
      }
      assertEquals(Subject.NO_FRAME, ring.pop());
      assertTrue(ring.push(7));
      assertEquals(7, ring.pop());
    }
  }

  @Test
  void twoThreadsPassEachNumberOnce() {
    int count = 200_000;
    long[] wrong = new long[1];
    try (Ring ring = new Ring()) {
      Team team = new Team();
      Team.Task producer =
          () -> {
            for (long i = 0; i < count; i++) {
              for (int turn = 0; !ring.push(i * 3); turn++) {
                team.relax(turn);
              }
            }
          };
      Team.Task consumer =
          () -> {
            for (long i = 0; i < count; i++) {
              long number = ring.pop();
              for (int turn = 0; number < 0; turn++) {
                team.relax(turn);
                number = ring.pop();
              }
              wrong[0] += number == i * 3 ? 0 : 1;
            }
          };
      team.run(List.of(producer, consumer));
      assertEquals(Subject.NO_FRAME, ring.pop());
    }
    assertEquals(0, wrong[0]);
    assertFalse(wrong[0] > 0);
  }
}
