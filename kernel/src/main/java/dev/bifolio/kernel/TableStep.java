package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.Memblock;
import dev.bifolio.kernel.boot.RegionList;
import dev.bifolio.kernel.boot.Reservations;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.DirectMap;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.KernelLayout;
import dev.bifolio.kernel.table.KernelSections;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.ZonedFrames;
import org.jspecify.annotations.Nullable;

/// The page tables of a boot, in two steps, since tables want frames and the allocator of frames
/// wants memory that is mapped:
///
/// ```
///   pool of 16 frames, reserved ──> temporary tables: the image where it is, and where it will run
///   mem_map, zones                                       │ the switch
///   frames of the zones ──────────> permanent tables: direct map of RAM, image by sections
///                                                        │ then the temporary ones go,
///   pool is whole again <────────────────────────────────┘ and the identity map with them
/// ```
///
/// What the direct map has: RAM, in whole frames, that may be mapped, up to where the layout
/// reaches; and the headroom, so that memory that is added later needs no table at a time when
/// frames may be short. (Linux maps what is added when it is added.) Memory of devices is not in
/// it, nor are holes.
///
/// An image that is not RAM from end to end, may not be mapped, or finds no room, is left out with
/// a warning; then, or when nobody named one, the pool stands for it in the temporary tables,
/// because a pool lies in its kernel's image.
///
/// The format is the architecture's. Of x86-64 and RISC-V it is the smallest whose direct map
/// reaches all RAM, but what the cores are said to have where the map says it, as Linux does.
///
/// A machine of unknown or of another architecture has no tables, nor has one without room for the
/// pool. In a kernel, new tables outside of what the temporary ones map are reached through a page
/// of a fixed address; here the window reaches all.
final class TableStep {
  /// Bytes of words: of the source of tables, and of the spaces.
  static final long WORD_BYTES = TableFrames.BYTE_SIZE + 2L * AddressSpace.BYTE_SIZE;

  /// The reservation's name in reports.
  static final String POOL_NAME = "table pool";

  private static final long POOL_BYTES = (long) TableFrames.POOL_FRAMES << Pages.PAGE_SHIFT;

  /// A processor that comes from 32-bit mode loads a root of 32 bits.
  private static final long BELOW_4_GIB = 4 * Pages.GIB;

  private final BootOptions options;
  private final RegionList memory;
  private final BootNotes notes;
  private final @Nullable KernelLayout layout;
  private @Nullable KernelSections image;
  private long pool = Memblock.NO_ADDRESS;
  private @Nullable TableFrames frames;
  private @Nullable AddressSpace temporary;
  private @Nullable AddressSpace permanent;
  private long temporaryTables;

  private TableStep(
      BootOptions options, RegionList memory, BootNotes notes, @Nullable KernelLayout layout) {
    this.options = options;
    this.memory = memory;
    this.notes = notes;
    this.layout = layout;
  }

  /// Chooses a format.
  ///
  /// @param memory RAM, in whole frames, at least one; what may not be mapped is marked later
  static TableStep of(
      MemoryMap map,
      BootOptions options,
      @Nullable Architecture architecture,
      RegionList memory,
      BootNotes notes) {
    long base = memory.base(0);
    long end = memory.end(memory.count() - 1);
    PageFormat format = formatOf(architecture, map.virtualBits(), base, end);
    if (format == null) {
      notes.line(
          architecture == null
              ? "tables: none, the architecture is unknown"
              : "tables: none, there is no format of " + architecture.label());
    }
    KernelLayout layout = format == null ? null : KernelLayout.of(format, base, end);
    return new TableStep(options, memory, notes, layout);
  }

  private static @Nullable PageFormat formatOf(
      @Nullable Architecture architecture, int virtualBits, long base, long end) {
    return switch (architecture) {
      case X86_64 -> fitting(X86Format.LEVELS_4, X86Format.LEVELS_5, base, end);
      case I386 -> I386Format.INSTANCE;
      case AARCH64 -> Aarch64Format.INSTANCE;
      case RISCV64 ->
          switch (virtualBits) {
            case 39 -> RiscvFormat.SV39;
            case 48 -> RiscvFormat.SV48;
            case 57 -> RiscvFormat.SV57;
            default -> fitting(RiscvFormat.SV39, largeRiscv(base, end), base, end);
          };
      case ARM, RISCV32 -> null;
      case null -> null;
    };
  }

  private static PageFormat largeRiscv(long base, long end) {
    return fitting(RiscvFormat.SV48, RiscvFormat.SV57, base, end);
  }

  private static PageFormat fitting(PageFormat small, PageFormat large, long base, long end) {
    return KernelLayout.of(small, base, end).physicalEnd() >= end ? small : large;
  }

  // ---- The pool ----

  /// Reserves the pool, after all else, behind the image if there is room: low, as kernels lie.
  void placePool(Reservations reservations) {
    if (layout == null) {
      return;
    }
    boolean isX86 = layout.format() instanceof X86Format;
    long bound = isX86 ? Math.min(BELOW_4_GIB, layout.physicalEnd()) : layout.physicalEnd();
    AddressRange kernel = options.kernel();
    long behind = kernel == null ? 0 : kernel.end();
    pool = reservations.placeLow(POOL_BYTES, behind, bound, POOL_NAME);
    if (pool == Memblock.NO_ADDRESS) {
      pool = reservations.placeLow(POOL_BYTES, layout.physicalBase(), bound, POOL_NAME);
    }
    if (pool == Memblock.NO_ADDRESS && isX86) {
      pool = reservations.placeLow(POOL_BYTES, 0, layout.physicalEnd(), POOL_NAME);
    }
    if (pool == Memblock.NO_ADDRESS) {
      notes.warning("no room for a pool of page tables; there will be none");
    }
  }

  // ---- Temporary tables ----

  /// Builds tables before there is an allocator.
  ///
  /// @param words of [#WORD_BYTES] zero bytes
  /// @param base the physical address of the window
  void buildTemporary(long words, Window window, long base) {
    if (layout == null || pool == Memblock.NO_ADDRESS) {
      return;
    }
    long physToVirt = window.address() - base;
    int flags = AllocationFlags.LONG | AllocationFlags.NOWAIT;
    TableFrames from = new TableFrames(words, pool, base, window.byteSize(), physToVirt, flags);
    frames = from;
    image = imageOf(layout);
    AddressRange runs = image == null ? new AddressRange(pool, POOL_BYTES) : image.range();
    AddressSpace space = new AddressSpace(layout.format(), from, words + TableFrames.BYTE_SIZE);
    permanent =
        new AddressSpace(
            layout.format(), from, words + TableFrames.BYTE_SIZE + AddressSpace.BYTE_SIZE);
    MapOutcome outcome = space.open() ? layout.mapBoot(space, runs) : MapOutcome.NO_TABLE;
    if (outcome != MapOutcome.MAPPED) {
      notes.warning("temporary tables for " + runs + ": " + outcome);
    }
    temporary = space;
    temporaryTables = space.tableCount();
    notes.line(
        "tables: temporary, "
            + layout.format()
            + ", "
            + runs
            + " where it is and at "
            + AddressRange.hex(layout.textAddress(runs.base(), runs.base()))
            + ", "
            + temporaryTables
            + " of the "
            + TableFrames.POOL_FRAMES
            + " of the pool");
  }

  /// The image's sections, null if there is none that can be mapped.
  private @Nullable KernelSections imageOf(KernelLayout layout) {
    AddressRange kernel = options.kernel();
    if (kernel == null) {
      return null;
    }
    KernelSections known = options.kernelSections();
    boolean isBounded = kernel.base() >= 0 && kernel.last() < Long.MAX_VALUE - Pages.PAGE_MASK;
    if (!isBounded || !isMappable(Pages.alignDown(kernel.base()), kernel.last())) {
      notes.line("tables: kernel " + kernel + " is not mapped, not all of it is RAM that may be");
      return null;
    }
    KernelSections sections = known == null ? KernelSections.of(kernel) : known;
    if (!layout.hasRoomFor(sections)) {
      notes.warning("kernel " + kernel + " is not mapped: there is no room for it");
      return null;
    }
    return sections;
  }

  /// Whether all of the frames from one address to another are RAM that may be mapped.
  private boolean isMappable(long first, long last) {
    long at = first;
    for (int i = 0; i < memory.count() && at <= last; i++) {
      if (memory.base(i) <= at && at < memory.end(i) && isMapped(i)) {
        at = memory.end(i);
      }
    }
    return at > (last | Pages.PAGE_MASK);
  }

  private boolean isMapped(int region) {
    return (memory.flags(region) & Memblock.NOMAP) == 0;
  }

  // ---- Permanent tables ----

  /// Builds the tables that the machine runs with, from frames of the zones, and takes the
  /// temporary ones down.
  ///
  /// @return null if the machine has none
  @Nullable KernelTables buildPermanent(ZonedFrames zoned, Headroom headroom) throws BootException {
    TableFrames from = frames;
    AddressSpace space = permanent;
    AddressSpace before = temporary;
    if (layout == null || from == null || space == null || before == null) {
      return null;
    }
    TableSource source = new TableSource(zoned, maxPfn(layout));
    from.setSource(source);
    MapOutcome outcome = space.open() ? mapAll(layout, space, headroom) : MapOutcome.NO_TABLE;
    source.endBoot();
    zoned.zones().drainCaches();
    if (outcome != MapOutcome.MAPPED) {
      throw new BootException(
          BootException.NO_TABLES + ": " + outcome + " after " + space.tableCount() + " tables");
    }
    FlushBatch batch = new FlushBatch(0, null);
    before.destroy(batch);
    long _ = before.flushed(batch);
    return new KernelTables(layout, space, from);
  }

  /// The highest frame that may be a table. On i386 the zones see to it: tables are lowmem.
  private long maxPfn(KernelLayout layout) {
    boolean isReached = memory.end(memory.count() - 1) <= layout.physicalEnd();
    return isReached || layout.format() instanceof I386Format
        ? Long.MAX_VALUE
        : (layout.physicalEnd() >>> Pages.PAGE_SHIFT) - 1;
  }

  private MapOutcome mapAll(KernelLayout layout, AddressSpace space, Headroom headroom) {
    DirectMap direct = new DirectMap(layout, space, image);
    long start = 0;
    long end = 0;
    for (int i = 0; i < memory.count(); i++) {
      if (isMapped(i)) {
        if (memory.base(i) != end) {
          addWhole(direct, start, end);
          start = memory.base(i);
        }
        end = memory.end(i);
      }
    }
    addWhole(direct, start, end);
    addWhole(
        direct, headroom.startPfn() << Pages.PAGE_SHIFT, headroom.endPfn() << Pages.PAGE_SHIFT);
    MapOutcome outcome = direct.finish();
    if (direct.beyondBytes() > 0) {
      tellBeyond(layout, direct.beyondBytes());
    }
    KernelSections sections = image;
    return outcome == MapOutcome.MAPPED && sections != null
        ? layout.mapText(space, sections)
        : outcome;
  }

  /// What is not to be mapped ends at any byte; of a frame that it touches nothing is mapped.
  private static void addWhole(DirectMap direct, long start, long end) {
    long from = Pages.alignUp(start);
    long to = Pages.alignDown(end);
    if (from < to) {
      direct.add(from, to);
    }
  }

  private void tellBeyond(KernelLayout layout, long byteSize) {
    String text = BootNotes.bytes(byteSize) + " of RAM are not in the direct map";
    if (layout.format() instanceof I386Format) {
      notes.line("tables: " + text + ", which is lowmem only");
    } else {
      notes.warning(text + ": beyond the reach of " + layout.format());
    }
  }

  // ---- Report ----

  /// What the report says.
  ///
  /// @param tables null for none
  static BootReport.@Nullable PageTables report(
      @Nullable KernelTables tables, TableStep step, BootNotes notes) {
    if (tables == null) {
      return null;
    }
    AddressSpace space = tables.space();
    PageFormat format = space.format();
    long[] pages = new long[format.largestLeafLevel()];
    for (int level = 1; level <= pages.length; level++) {
      pages[level - 1] = space.pageCount(level);
    }
    BootReport.PageTables report =
        new BootReport.PageTables(
            format.name(),
            space.rootAddress(0),
            format.rootCount() == 1 ? BootReport.PageTables.NO_ROOT : space.rootAddress(1),
            space.tableCount(),
            pages,
            pageByteSizes(format),
            tables.layout().directMapBase(),
            tables.layout().physicalBase(),
            step.temporaryTables,
            tables.frames().outOfSource());
    notes.line("tables: permanent, " + report.describe());
    return report;
  }

  private static long[] pageByteSizes(PageFormat format) {
    long[] sizes = new long[format.largestLeafLevel()];
    for (int level = 1; level <= sizes.length; level++) {
      sizes[level - 1] = format.pageByteSize(level);
    }
    return sizes;
  }
}
