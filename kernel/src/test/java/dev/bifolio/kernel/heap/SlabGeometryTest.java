package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.Test;

/// Where objects lie in a slab.
class SlabGeometryTest {
  private static SlabGeometry of(int bytes, int alignment, int order, int reserved) {
    return new SlabGeometry(new SlabSpec("x", bytes, alignment, order, reserved, 0, null));
  }

  @Test
  @Behaviour("132")
  void aPageWithSixtyFourBytesReservedHasAKnownNumberOfObjects() {
    int[] bytes = {64, 128, 256, 512, 1024, 2048};
    int[] objects = {63, 31, 15, 7, 3, 1};
    for (int i = 0; i < bytes.length; i++) {
      assertEquals(objects[i], of(bytes[i], 8, 0, 64).objects);
      assertEquals(4096 / bytes[i], of(bytes[i], 8, 0, 0).objects);
    }
  }

  @Test
  void aFreelyChosenOrderHoldsEightObjectsAndWastesLittle() {
    int[][] expected = {
      {8, 0, 512}, {16, 0, 256}, {64, 0, 64}, {192, 0, 21}, {512, 0, 8}, {520, 1, 15},
      {1024, 1, 8}, {1032, 2, 15}, {2048, 2, 8}, {3072, 3, 10}, {4096, 3, 8}, {8192, 3, 4}
    };
    for (int[] row : expected) {
      SlabGeometry geometry = of(row[0], 8, SlabSpec.ANY_ORDER, 0);
      assertEquals(row[1], geometry.order, row[0] + " bytes");
      assertEquals(row[2], geometry.objects, row[0] + " bytes");
    }
    for (int bytes = 8; bytes <= 3072; bytes += 8) {
      SlabGeometry geometry = of(bytes, 8, SlabSpec.ANY_ORDER, 0);
      long waste = (4096L << geometry.order) - (long) geometry.objects * bytes;
      assertTrue(waste * 8 <= 4096L << geometry.order, bytes + " bytes waste " + waste);
      assertTrue(geometry.objects >= 8, bytes + " bytes");
    }
  }

  @Test
  void objectsAreAsFarApartAsTheirAlignmentAsks() {
    assertEquals(24, of(17, 8, 0, 0).stride);
    assertEquals(64, of(17, 64, 0, 0).stride);
    assertEquals(4096, of(8, 4096, 0, 0).stride);
    assertEquals(8192, of(4097, 4096, 1, 0).stride);
  }

  @Test
  void theIndexIsRightForEveryByteOfEverySlab() {
    for (int stride = 8; stride <= 8192; stride += 8) {
      SlabGeometry geometry = of(stride, 8, 3, 0);
      for (int offset = 0; offset < 32768; offset += 7) {
        assertEquals(offset / stride, geometry.indexOf(offset));
      }
      for (int i = 1; i <= 32768 / stride; i++) {
        assertEquals(i, geometry.indexOf((long) i * stride));
        assertEquals(i - 1, geometry.indexOf((long) i * stride - 1));
      }
    }
  }

  @Test
  void coloursUseTheSlack() {
    SlabGeometry none = of(64, 8, 0, 0);
    assertEquals(1, none.colours);
    SlabGeometry some = of(1000, 8, 0, 0);
    assertEquals(96, 4096 - 4 * some.stride);
    assertEquals(64, some.colourStep);
    assertEquals(2, some.colours);
    assertEquals(1, of(1000, 8, 0, 33).colours);
    assertEquals(2, of(1000, 8, 0, 32).colours);
    SlabGeometry wide = of(1280, 256, 0, 0);
    assertEquals(256, wide.colourStep);
    assertEquals(2, wide.colours);
  }

  @Test
  void rowsHaveThirtyTwoObjectsAndTheLastOneTheRest() {
    SlabGeometry geometry = of(64, 8, 0, 64);
    assertEquals(2, geometry.rows);
    assertEquals(-1, geometry.allFree(0));
    assertEquals(0x7FFF_FFFF, geometry.allFree(1));
    assertEquals(1, of(4096, 8, 0, 0).allFree(0));
    assertEquals(-1, of(128, 8, 0, 0).allFree(0));
    assertEquals(1, of(128, 8, 0, 0).rows);
  }

  @Test
  void whatDoesNotFitIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> of(4097, 8, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> of(4096, 8, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> of(8, 8, 0, 5000));
    assertEquals(1, of(4096, 8, 0, 0).objects);
    assertEquals(1, of(8192, 4096, 1, 0).objects);
  }

  @Test
  void impossibleCachesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new SlabSpec("", 8, 8));
    assertThrows(IllegalArgumentException.class, () -> new SlabSpec("x", 7, 8));
    assertThrows(IllegalArgumentException.class, () -> new SlabSpec("x", 8193, 8));
    assertThrows(IllegalArgumentException.class, () -> new SlabSpec("x", 8, 4));
    assertThrows(IllegalArgumentException.class, () -> new SlabSpec("x", 8, 24));
    assertThrows(IllegalArgumentException.class, () -> new SlabSpec("x", 8, 8192));
    assertThrows(IllegalArgumentException.class, () -> new SlabSpec("x", 8, 8, -2, 0, 0, null));
    assertThrows(IllegalArgumentException.class, () -> new SlabSpec("x", 8, 8, 4, 0, 0, null));
    assertThrows(IllegalArgumentException.class, () -> new SlabSpec("x", 8, 8, 0, -1, 0, null));
    assertThrows(IllegalArgumentException.class, () -> new SlabSpec("x", 8, 8, 0, 0, -1, null));
    assertEquals(4, new SlabSpec("x", 8192, 4096).emptyLimit());
    assertEquals(SlabSpec.ANY_ORDER, new SlabSpec("x", 8, 8).order());
  }
}
