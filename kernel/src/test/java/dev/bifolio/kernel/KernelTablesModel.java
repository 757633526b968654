package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.KernelLayout;
import dev.bifolio.kernel.table.KernelSections;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.unit.AddressRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// What the permanent tables of a boot must map, computed from the map and the options; and what
/// they do map, read out of their bytes page by page.
final class KernelTablesModel {
  private final Machine machine;
  private final KernelLayout layout;
  private final PageFormat format;

  /// What is still to be found in the direct map, in frames.
  private final BootModel expected;

  private final KernelSections image;
  private final List<Long> tables = new ArrayList<>();
  private final long[] pages = new long[PageFormat.MAX_LEVELS + 1];
  private long textFrames;

  private KernelTablesModel(
      Machine machine, KernelTables tables, BootModel expected, KernelSections image) {
    this.machine = machine;
    this.layout = tables.layout();
    this.format = layout.format();
    this.expected = expected;
    this.image = image;
  }

  /// Checks the tables of a machine, if it has some.
  ///
  /// @return the frames that hold them
  static List<Long> check(MemoryMap map, BootOptions options, Machine machine) {
    KernelTables tables = machine.kernelTables();
    BootReport.PageTables report = machine.report().pageTables();
    if (tables == null || report == null) {
      assertNull(report);
      assertNull(tables);
      return List.of();
    }
    BootModel expected = mappable(map, options, machine);
    expected.remove(tables.layout().physicalEnd() >>> 12, Long.MAX_VALUE);
    KernelSections image = imageOf(options, expected);
    KernelTablesModel model = new KernelTablesModel(machine, tables, expected, image);
    for (int root = 0; root < model.format.rootCount(); root++) {
      long top = model.format.rootCount() == 2 && root == 1 ? -1L << 48 : 0;
      model.walk(tables.space().rootAddress(root), model.format.levels(), top);
    }
    assertEquals(0, expected.count(), "frames that are not mapped");
    boolean hasText = image != null && tables.layout().hasText();
    assertEquals(hasText ? (image.end() - image.textBase()) >>> 12 : 0, model.textFrames);
    model.checkCounts(tables, report);
    model.checkTableFrames();
    return model.tables;
  }

  /// RAM but for frames of which a byte must not be mapped and is nobody else's; and headroom.
  private static BootModel mappable(MemoryMap map, BootOptions options, Machine machine) {
    BootReport report = machine.report();
    BootModel bytes = new BootModel();
    for (ReservedRegion region : report.reservations()) {
      if (region.noMap() && region.range().base() >= 0) {
        bytes.add(region.range().base(), endOf(region.range()));
      }
    }
    for (ReservedRegion region : report.reservations()) {
      if (!region.noMap() && region.range().base() >= 0) {
        bytes.remove(region.range().base(), endOf(region.range()));
      }
    }
    BootModel frames = BootModel.presentOf(map, options, report.architecture());
    for (Map.Entry<Long, Long> each : bytes.allowed.entrySet()) {
      frames.remove(each.getKey() >>> 12, (each.getValue() + 4095) >>> 12);
    }
    for (int i = 0; i < machine.hotMemory().rangeCount(); i++) {
      frames.add(machine.hotMemory().startPfn(i), machine.hotMemory().endPfn(i));
    }
    return frames;
  }

  private static long endOf(AddressRange range) {
    return range.last() < 0 || range.last() > Long.MAX_VALUE - 8192
        ? Long.MAX_VALUE - 8191
        : range.end();
  }

  private static KernelSections imageOf(BootOptions options, BootModel expected) {
    KernelSections image = options.kernelSections();
    if (image == null && options.kernel() != null && options.kernel().base() >= 0) {
      image = KernelSections.of(options.kernel());
    }
    if (image != null) {
      Map.Entry<Long, Long> run = expected.allowed.floorEntry(image.textBase() >>> 12);
      boolean isMapped = run != null && run.getValue() >= image.end() >>> 12;
      return isMapped ? image : null;
    }
    return null;
  }

  private void walk(long table, int level, long top) {
    assertEquals(0, table & 4095);
    tables.add(table >>> 12);
    boolean isEmpty = true;
    for (int i = 0; i < format.entryCount(); i++) {
      long at = machine.physToVirt(table) + (long) i * format.entryByteSize();
      long entry =
          format.entryByteSize() == 8 ? Memory.getLong(at) : Memory.getInt(at) & 0xFFFF_FFFFL;
      long va = signExtended(top + i * format.pageByteSize(level));
      if (format.isPresent(entry) && format.isLeaf(level, entry)) {
        page(level, va, format.address(level, entry), format.flags(level, entry));
      } else if (format.isPresent(entry)) {
        walk(format.address(0, entry), level - 1, va);
      }
      isEmpty &= !format.isPresent(entry);
    }
    assertTrue(!isEmpty || level == format.levels(), "a table for nothing");
  }

  private long signExtended(long va) {
    int unused =
        64
            - Long.numberOfTrailingZeros(format.pageByteSize(format.levels()))
            - Long.numberOfTrailingZeros(format.entryCount());
    return format.rootCount() == 2 || format instanceof I386Format ? va : va << unused >> unused;
  }

  private void page(int level, long va, long pa, int flags) {
    pages[level]++;
    long byteSize = format.pageByteSize(level);
    String where = Long.toHexString(va) + " to " + Long.toHexString(pa);
    assertEquals(pa, machine.kernelSpace().translate(va), where);
    assertEquals(pa + byteSize - 1, machine.kernelSpace().translate(va + byteSize - 1), where);
    boolean isDirect = va - layout.directMapBase() + layout.physicalBase() == pa;
    if (isDirect) {
      expected.take(pa >>> 12, (pa + byteSize) >>> 12);
      assertEquals(va, machine.directMapAddress(pa), where);
      assertEquals(pa, layout.physicalAddress(va), where);
    } else {
      assertTrue(image != null && pa >= image.textBase() && pa + byteSize <= image.end(), where);
      assertEquals(va, layout.textAddress(image.textBase(), pa), where);
      textFrames += byteSize >>> 12;
    }
    assertEquals(0, flags & PageFlags.USER, where);
    assertTrue((flags & PageFlags.GLOBAL) != 0, where);
    assertTrue((flags & PageFlags.ACCESSED) != 0, where);
    assertEquals((flags & PageFlags.WRITE) != 0, (flags & PageFlags.DIRTY) != 0, where);
    checkRights(pa, byteSize, flags, isDirect, where);
  }

  /// What a page may do, by the sections that it has frames of. A page has frames of one kind only.
  private void checkRights(long pa, long byteSize, int flags, boolean isDirect, String where) {
    boolean isText = touches(pa, byteSize, image == null ? 0 : image.textBase(), true);
    boolean isRodata = touches(pa, byteSize, image == null ? 0 : image.rodataBase(), false);
    boolean isWritable = (flags & PageFlags.WRITE) != 0;
    assertEquals(!isText && !isRodata, isWritable, where);
    boolean canKeepFromExecution = !(format instanceof I386Format);
    boolean mayExecute = isText && (!isDirect || !layout.hasText());
    if (canKeepFromExecution) {
      assertEquals(mayExecute, (flags & PageFlags.EXECUTE) != 0, where);
      assertTrue(!isWritable || (flags & PageFlags.EXECUTE) == 0, where);
    }
    if (isText || isRodata) {
      assertTrue(pa >= image.textBase() && pa + byteSize <= image.dataBase(), where);
    }
  }

  private boolean touches(long pa, long byteSize, long start, boolean isText) {
    if (image == null) {
      return false;
    }
    long end = isText ? image.rodataBase() : image.dataBase();
    return pa < end && pa + byteSize > start;
  }

  private void checkCounts(KernelTables all, BootReport.PageTables report) {
    AddressSpace space = all.space();
    assertEquals(tables.size(), space.tableCount());
    assertEquals(tables.size(), report.tables());
    assertEquals(tables.size() * 4096L, report.byteSize());
    for (int level = 1; level <= format.largestLeafLevel(); level++) {
      assertEquals(pages[level], report.pages()[level - 1]);
      assertEquals(format.pageByteSize(level), report.pageByteSizes()[level - 1]);
    }
    assertEquals(format.name(), report.format());
    assertEquals(space.rootAddress(0), report.root());
    assertEquals(
        format.rootCount() == 2 ? space.rootAddress(1) : BootReport.PageTables.NO_ROOT,
        report.upperRoot());
    assertEquals(layout.directMapBase(), report.directMapBase());
    assertEquals(layout.physicalBase(), report.physicalBase());
    assertEquals(0, all.frames().poolInUse(), "the temporary tables are gone");
    assertEquals(report.temporaryTables(), all.frames().fromPool());
    assertEquals(tables.size(), all.frames().fromSource());
    assertEquals(tables.size(), report.fromAllocator());
    assertEquals(0, all.frames().refused());
  }

  private void checkTableFrames() {
    for (long pfn : tables) {
      FrameInfo info = Objects.requireNonNull(machine.frameInfo(pfn));
      assertEquals(FrameInfo.KIND_TABLE, FrameInfo.kindOf(info.get(pfn)));
      assertTrue(layout.reaches(pfn << 12), "a table that the kernel does not reach");
    }
  }
}
