package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.Memblock;
import dev.bifolio.kernel.boot.Reservations;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.BootModule;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.firmware.ReservedRegion.Source;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// The third step of a boot: all reservations, in the order that makes them safe.
final class ReservationStep {
  /// What PC firmware and old devices use: the first MiB.
  private static final AddressRange FIRST_MIB = new AddressRange(0, Pages.MIB);

  /// Where each processor of a PC sees its own interrupt controller.
  private static final AddressRange LOCAL_APIC = new AddressRange(0xFEE0_0000L, Pages.PAGE_SIZE);

  private final MemoryMap map;
  private final BootOptions options;
  private final BootNotes notes;
  private final Memblock memblock;
  private final Reservations reservations;
  private final TableStep tables;

  private ReservationStep(
      MemoryMap map,
      BootOptions options,
      BootNotes notes,
      Memblock memblock,
      Reservations reservations,
      TableStep tables) {
    this.tables = tables;
    this.map = map;
    this.memblock = memblock;
    this.options = options;
    this.notes = notes;
    this.reservations = reservations;
  }

  static Reservations run(
      MemoryMap map,
      BootOptions options,
      @Nullable Architecture architecture,
      Memblock memblock,
      TableStep tables,
      BootNotes notes) {
    Reservations reservations = new Reservations(memblock);
    ReservationStep step = new ReservationStep(map, options, notes, memblock, reservations, tables);
    step.reserveWhatBootBrings();
    step.reserveWhatTheMapStates();
    if (architecture == Architecture.X86_64 || architecture == Architecture.I386) {
      step.reserve(FIRST_MIB, "first MiB", Source.FIRMWARE);
      step.reserve(LOCAL_APIC, "local APIC", Source.FIRMWARE);
    }
    reservations.markUnmapped();
    step.tell(0, "reserved");
    step.placeTheRest();
    return reservations;
  }

  private void reserveWhatBootBrings() {
    reserve(options.kernel(), "kernel", Source.KERNEL);
    reserve(options.fdt(), "fdt", Source.FDT);
    AddressRange initrd = options.initrd() == null ? map.initrd() : options.initrd();
    reserve(initrd, "initrd", Source.INITRD);
    warnOfPlace("kernel", options.kernel());
    warnOfPlace("initrd", initrd);
    if (options.kernel() != null && initrd != null && options.kernel().overlaps(initrd)) {
      notes.warning("kernel " + options.kernel() + " and initrd " + initrd + " overlap");
    }
  }

  /// Says what cannot be right; the reservation is made all the same.
  private void warnOfPlace(String what, @Nullable AddressRange range) {
    if (range == null) {
      return;
    }
    if (!memblock.memory().overlaps(range.base(), range.byteSize())) {
      notes.warning(what + " " + range + " lies outside of RAM");
    }
    for (int i = 0; i < map.reservedCount(); i++) {
      ReservedRegion region = map.reserved(i);
      if (region.noMap() && region.range().overlaps(range)) {
        notes.warning(what + " " + range + " lies in " + region.name() + ", not to be mapped");
      }
    }
  }

  private void reserveWhatTheMapStates() {
    for (int i = 0; i < map.moduleCount(); i++) {
      BootModule module = map.module(i);
      if (module.byteSize() > 0) {
        AddressRange range = AddressRange.clipped(module.base(), module.byteSize());
        reserve(range, module.commandLine(), Source.MODULE);
      }
    }
    for (int i = 0; i < map.reservedCount(); i++) {
      ReservedRegion region = map.reserved(i);
      boolean replaced = region.source() == Source.INITRD && options.initrd() != null;
      if (!replaced) {
        reservations.reserve(region);
      }
    }
  }

  private void placeTheRest() {
    int before = reservations.count();
    if (options.fdtByteSize() > 0) {
      reservations.place(options.fdtByteSize(), "fdt", Source.FDT);
    }
    for (int i = 0; i < map.dynamicReservationCount(); i++) {
      reservations.place(map.dynamicReservation(i));
    }
    tables.placePool(reservations);
    tell(before, "placed");
    for (int i = 0; i < reservations.warningCount(); i++) {
      notes.warning(reservations.warning(i));
    }
  }

  private void reserve(@Nullable AddressRange range, String name, Source source) {
    if (range != null) {
      reservations.reserve(new ReservedRegion(range, name, source, false, false));
    }
  }

  private void tell(int from, String kind) {
    int count = reservations.count() - from;
    for (int i = 0; i < count && notes.isWanted(i, count, kind); i++) {
      ReservedRegion region = reservations.get(from + i);
      notes.line(
          kind
              + ": "
              + BootNotes.text(region.range())
              + ", "
              + region.source().label()
              + (named(region) ? " " + region.name() : "")
              + (region.noMap() ? ", not mapped" : ""));
    }
  }

  private static boolean named(ReservedRegion region) {
    return !region.name().isEmpty() && !region.name().equals(region.source().label());
  }
}
