package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static dev.bifolio.kernel.virtual.UserWorld.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.Flusher;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFlags;
import org.junit.jupiter.api.Test;

/// What processors can do while pages move under them.
class HugePageMovesTest {
  /// Watches what a processor could do when it is told to flush for the first time.
  private static final class Watch implements Flusher {
    private final AddressSpace tables;
    private final long start;
    private final long end;
    boolean isOn;
    int writable = -1;
    long physical;

    Watch(AddressSpace tables, long start, long end) {
      this.tables = tables;
      this.start = start;
      this.end = end;
    }

    @Override
    public void flushPage(long virtualAddress) {
      if (isOn && writable < 0) {
        writable = 0;
        physical = tables.translate(start);
        for (long at = start; at < end; at += PAGE) {
          long word = tables.lookup(at);
          boolean isWritable =
              word != AddressSpace.NOT_MAPPED && (MappedPage.flags(word) & PageFlags.WRITE) != 0;
          writable += isWritable ? 1 : 0;
        }
      }
    }

    @Override
    public void flushAll(boolean globalToo) {
      flushPage(0);
    }
  }

  @Test
  void nobodyCanStoreWhileAPieceIsCopiedOrLookedThrough() {
    HugePagesTest.in(
        HugePolicy.ALWAYS,
        0,
        world -> {
          AddressSpace tables = world.tables();
          Watch watch = new Watch(tables, BASE, BASE + world.huge);
          UserSpace space = world.space(tables, watch);
          space.map(BASE, BASE + world.huge, RW, VirtualAreas.ANONYMOUS, 0);
          world.frames.serveHuge(0);
          space.populate(BASE, BASE + world.huge);
          world.frames.serveHuge(1);
          long before = tables.translate(BASE);
          watch.isOn = true;
          space.step(Long.MAX_VALUE);
          assertEquals(1, tables.pageCount(2));
          assertEquals(0, watch.writable);
          assertEquals(before, watch.physical);
          assertNotEquals(before, tables.translate(BASE));
          watch.writable = -1;
          assertEquals(512, space.shrink(1));
          assertEquals(0, watch.writable);
          assertNotEquals(AddressSpace.NOT_MAPPED, watch.physical);
          space.close();
        });
  }
}
