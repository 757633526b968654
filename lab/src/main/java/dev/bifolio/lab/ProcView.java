package dev.bifolio.lab;

import dev.bifolio.kernel.BootReport;
import dev.bifolio.lab.text.ProcText;
import dev.bifolio.lab.text.ProcZone;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// A booted machine as Linux' files in `/proc` would show it.
enum ProcView {
  /// Free blocks by order.
  BUDDYINFO("buddyinfo"),
  /// Zones with their counts and marks.
  ZONEINFO("zoneinfo"),
  /// The same with the lines of an older release.
  ZONEINFO_6_12("zoneinfo-6.12");

  private final String label;

  ProcView(String label) {
    this.label = label;
  }

  /// The text of the file.
  ///
  /// @param report of the boot
  /// @param cpuCount how many CPUs the machine has
  String text(BootReport report, int cpuCount) {
    List<ProcZone> zones = zones(report, cpuCount);
    return switch (this) {
      case BUDDYINFO -> ProcText.buddyInfo(zones);
      case ZONEINFO -> ProcText.zoneInfo(zones, ProcText.Release.LINUX_7_2);
      case ZONEINFO_6_12 -> ProcText.zoneInfo(zones, ProcText.Release.LINUX_6_12);
    };
  }

  private static List<ProcZone> zones(BootReport report, int cpuCount) {
    // A boot ends with empty caches. They take and give frames one by one and have no mark above
    // which they are emptied.
    List<ProcZone.PageSet> cpus = Collections.nCopies(cpuCount, new ProcZone.PageSet(0, 0, 0));
    List<ProcZone> zones = new ArrayList<>();
    for (BootReport.ZoneRow zone : report.zones()) {
      zones.add(
          new ProcZone(
              zone.node(),
              zone.type().label(),
              zone.free(),
              0, // fragmentation boosts marks later
              zone.min(),
              zone.low(),
              zone.high(),
              // Linux's promotion mark is as far above high as high is above low.
              zone.high() + zone.high() - zone.low(),
              zone.spanned(),
              zone.present(),
              zone.managed(),
              Arrays.stream(zone.protection()).boxed().toList(),
              Arrays.stream(zone.freeBlocks()).boxed().toList(),
              zone.startPfn(),
              cpus));
    }
    return zones;
  }

  /// Converts the name of a file.
  static final class Converter implements ITypeConverter<ProcView> {
    @Override
    public ProcView convert(String value) {
      for (ProcView view : values()) {
        if (view.label.equals(value)) {
          return view;
        }
      }
      throw new TypeConversionException(
          "'" + value + "' is none of buddyinfo, zoneinfo, zoneinfo-6.12");
    }
  }
}
