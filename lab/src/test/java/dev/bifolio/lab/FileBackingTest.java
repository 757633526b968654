package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.BootLog;
import dev.bifolio.kernel.BootOptions;
import dev.bifolio.kernel.InfoSharers;
import dev.bifolio.kernel.Machine;
import dev.bifolio.kernel.MachineFrames;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.mmu.MmuBus;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.kernel.virtual.AccessKind;
import dev.bifolio.kernel.virtual.AreaFlags;
import dev.bifolio.kernel.virtual.BackedPages;
import dev.bifolio.kernel.virtual.Backings;
import dev.bifolio.kernel.virtual.FaultOutcome;
import dev.bifolio.kernel.virtual.ForkOutcome;
import dev.bifolio.kernel.virtual.HugePolicy;
import dev.bifolio.kernel.virtual.InsertOutcome;
import dev.bifolio.kernel.virtual.SyncOutcome;
import dev.bifolio.kernel.virtual.UserLayout;
import dev.bifolio.kernel.virtual.UserMemory;
import dev.bifolio.kernel.virtual.UserSpace;
import dev.bifolio.testkit.SplitMix64;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A real file that programs map: what they load is in it, and what they store gets there.
class FileBackingTest {
  private static final long MIB = 1 << 20;
  private static final long RAM = 256 * MIB;
  private static final long BASE = 0x7000_0000;
  private static final int BYTES = 70_123;
  private static final long END = BASE + 18 * 4096;
  private static final int RW = AreaFlags.READ | AreaFlags.WRITE;

  @TempDir Path folder;

  /// A machine of 128 MiB, and what its user spaces share.
  private static final class Booted implements AutoCloseable {
    final Machine machine;
    final Window words;
    final UserMemory memory;
    final TableFrames tables;
    final Backings backings = new Backings(4);
    private long used;

    Booted() throws Exception {
      MemoryMapBuilder map = new MemoryMapBuilder("e820").architecture(Architecture.X86_64);
      map.addMemory(RAM, 128 * MIB, MemoryRegion.NO_NODE, false, "test", 0);
      machine = Machine.boot(map.build(), BootOptions.DEFAULTS, BootLog.SILENT);
      words = Window.reserve(1 << 16);
      MachineFrames frames = new MachineFrames(machine);
      long physToVirt = machine.physToVirt(RAM) - RAM;
      memory = new UserMemory(frames, 0, 0, new InfoSharers(machine), physToVirt);
      long pool = machine.allocate(4, 0) << 12;
      tables = new TableFrames(own(TableFrames.BYTE_SIZE), pool, RAM, 128 * MIB, physToVirt, 0);
      tables.setSource(frames);
    }

    long own(long byteSize) {
      long at = words.address() + used;
      used += byteSize + 63 & -64;
      return at;
    }

    UserSpace space() {
      AddressSpace space = new AddressSpace(X86Format.LEVELS_4, tables, own(128));
      assertTrue(space.open());
      UserLayout layout = new UserLayout(0x1000, 1L << 46, 0x1000, 0x1000, 0);
      return new UserSpace(
          own(UserSpace.BYTE_SIZE), layout, memory, backings, space, HugePolicy.ALWAYS, 0, null);
    }

    Mmu processor(UserSpace space) {
      MmuBus bus = new MmuBus(RAM, 128 * MIB, memory.physToVirt(), 40);
      Mmu mmu = new Mmu(X86Format.LEVELS_4, bus, null);
      mmu.setSpace(space.tables(), 0);
      mmu.setUser(true);
      return mmu;
    }

    @Override
    public void close() {
      machine.close();
      words.close();
    }
  }

  private static byte load(UserSpace space, Mmu mmu, long at) {
    byte value = mmu.loadByte(at);
    if (mmu.fault() != 0) {
      assertTrue(space.fault(at, AccessKind.LOAD).isResolved());
      value = mmu.loadByte(at);
      assertEquals(0, mmu.fault());
    }
    return value;
  }

  private static void store(UserSpace space, Mmu mmu, long at, byte value) {
    if (mmu.storeByte(at, value) != 0) {
      assertTrue(space.fault(at, AccessKind.STORE).isResolved());
      assertEquals(0, mmu.storeByte(at, value));
    }
  }

  private Path file(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("mapped"), bytes);
  }

  private static byte[] bytes() {
    byte[] bytes = new byte[BYTES];
    for (int i = 0; i < BYTES; i++) {
      bytes[i] = (byte) (i * 7 + (i >>> 8));
    }
    return bytes;
  }

  @Test
  void aProgramWritesAFileByItsAddresses() throws Exception {
    byte[] expected = bytes();
    Path path = file(expected);
    try (Booted booted = new Booted();
        FileBacking file = new FileBacking(path, true)) {
      booted.machine.drainCaches();
      long before = booted.machine.freeFrameCount();
      BackedPages pages = new BackedPages(booted.own(64), booted.memory, file);
      int backing = booted.backings.add(pages);
      UserSpace space = booted.space();
      assertEquals(InsertOutcome.INSERTED, space.map(BASE, END, RW | AreaFlags.SHARED, backing, 0));
      Mmu mmu = booted.processor(space);
      SplitMix64 random = new SplitMix64(3);
      for (int i = 0; i < 5000; i++) {
        int at = random.below(BYTES);
        assertEquals(expected[at], load(space, mmu, BASE + at));
        if (random.oneIn(2)) {
          expected[at] = (byte) random.next();
          store(space, mmu, BASE + at, expected[at]);
        }
        if (i % 1000 == 999) {
          assertEquals(SyncOutcome.SYNCED, space.sync(BASE, END));
          file.force();
          assertArrayEquals(expected, Files.readAllBytes(path));
        }
      }
      // Behind the end of the file is memory, but no file.
      store(space, mmu, BASE + BYTES, (byte) 1);
      assertEquals(0, load(space, mmu, BASE + BYTES + 1));
      store(space, mmu, BASE, (byte) ~expected[0]);
      expected[0] = (byte) ~expected[0];
      space.close();
      assertEquals(0, pages.writeBack(0, 18));
      assertArrayEquals(expected, Files.readAllBytes(path));
      assertEquals(0, pages.dropAll());
      booted.machine.drainCaches();
      assertEquals(before, booted.machine.freeFrameCount());
      booted.machine.assertValid();
    }
  }

  @Test
  void privateStoresOfParentAndChildLeaveTheFileAlone() throws Exception {
    byte[] original = bytes();
    Path path = file(original);
    try (Booted booted = new Booted();
        FileBacking file = new FileBacking(path, false)) {
      BackedPages pages = new BackedPages(booted.own(64), booted.memory, file);
      int backing = booted.backings.add(pages);
      UserSpace parent = booted.space();
      UserSpace child = booted.space();
      parent.map(BASE, END, RW, backing, 0);
      Mmu one = booted.processor(parent);
      store(parent, one, BASE + 5, (byte) 99);
      load(parent, one, BASE + 5000);
      assertEquals(ForkOutcome.FORKED, parent.forkInto(child));
      Mmu two = booted.processor(child);
      store(child, two, BASE + 6, (byte) 98);
      store(child, two, BASE + 5000, (byte) 97);
      assertEquals(original[6], load(parent, one, BASE + 6));
      assertEquals(original[5000], load(parent, one, BASE + 5000));
      assertEquals(99, load(child, two, BASE + 5));
      assertEquals(SyncOutcome.SYNCED, child.sync(BASE, END));
      parent.close();
      child.close();
      assertEquals(0, pages.dropAll());
      assertArrayEquals(original, Files.readAllBytes(path));
      assertNotNull(booted.machine.report());
    }
  }

  @Test
  void whatTheFileCannotDoIsAnOutcome() throws Exception {
    Path path = file(bytes());
    try (Booted booted = new Booted();
        FileBacking file = new FileBacking(path, false)) {
      BackedPages pages = new BackedPages(booted.own(64), booted.memory, file);
      int backing = booted.backings.add(pages);
      UserSpace space = booted.space();
      space.map(BASE, END, RW | AreaFlags.SHARED, backing, 0);
      Mmu mmu = booted.processor(space);
      store(space, mmu, BASE, (byte) 1);
      assertEquals(SyncOutcome.IO_ERROR, space.sync(BASE, END));
      assertEquals(BYTES, file.byteSize());
      Files.write(path, new byte[100]);
      assertEquals(FaultOutcome.IO_ERROR, space.fault(BASE + 8192, AccessKind.LOAD));
      assertFalse(file.writePage(0, booted.memory.addressOf(RAM >>> 12)));
      space.close();
      assertEquals(1, pages.dropAll());
    }
  }
}
