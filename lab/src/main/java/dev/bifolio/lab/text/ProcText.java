package dev.bifolio.lab.text;

import java.util.List;

/// Prints zones as Linux prints them in `/proc/buddyinfo` and `/proc/zoneinfo`, to the byte, so
/// that tools that read those files read a machine of ours too.
///
/// What a machine has no counter for, because it has no such thing (pages of files, of processes,
/// of swap), stands as 0, which is its true number. Blocks larger than order 10, which Linux does
/// not have, are shown as so many blocks of order 10: the sum of free frames stays right. A node's
/// own counters stand in front of its first zone with memory; an empty zone has the short form, and
/// none in buddyinfo.
///
/// Sources: `mm/vmstat.c` (frag_show_print, zoneinfo_show_print) of Linux 6.12 and 7.2. Pure; any
/// thread.
public final class ProcText {
  /// The largest order that Linux has a column for.
  public static final int MAX_ORDER = 10;

  private static final int HUGE_ORDER = 9;

  /// Whose lines are printed; they differ from release to release.
  public enum Release {
    /// The long-term release of 2024.
    LINUX_6_12(
        """
        nr_inactive_anon nr_active_anon nr_inactive_file nr_active_file nr_unevictable
        nr_slab_reclaimable nr_slab_unreclaimable nr_isolated_anon nr_isolated_file
        workingset_nodes workingset_refault_anon workingset_refault_file
        workingset_activate_anon workingset_activate_file workingset_restore_anon
        workingset_restore_file workingset_nodereclaim nr_anon_pages nr_mapped nr_file_pages
        nr_dirty nr_writeback nr_writeback_temp nr_shmem nr_shmem_hugepages nr_shmem_pmdmapped
        nr_file_hugepages nr_file_pmdmapped nr_anon_transparent_hugepages nr_vmscan_write
        nr_vmscan_immediate_reclaim nr_dirtied nr_written nr_throttled_written
        nr_kernel_misc_reclaimable nr_foll_pin_acquired nr_foll_pin_released nr_kernel_stack
        nr_page_table_pages nr_sec_page_table_pages nr_iommu_pages nr_swapcached
        pgpromote_success pgpromote_candidate pgdemote_kswapd pgdemote_direct
        pgdemote_khugepaged
        """,
        """
        nr_free_pages nr_zone_inactive_anon nr_zone_active_anon nr_zone_inactive_file
        nr_zone_active_file nr_zone_unevictable nr_zone_write_pending nr_mlock nr_bounce
        nr_zspages nr_free_cma nr_unaccepted numa_hit numa_miss numa_foreign numa_interleave
        numa_local numa_other
        """),
    /// The release of 2026.
    LINUX_7_2(
        """
        nr_inactive_anon nr_active_anon nr_inactive_file nr_active_file nr_unevictable
        nr_slab_reclaimable nr_slab_unreclaimable nr_isolated_anon nr_isolated_file
        workingset_nodes workingset_refault_anon workingset_refault_file
        workingset_activate_anon workingset_activate_file workingset_restore_anon
        workingset_restore_file workingset_nodereclaim nr_anon_pages nr_mapped nr_file_pages
        nr_dirty nr_writeback nr_shmem nr_shmem_hugepages nr_shmem_pmdmapped nr_file_hugepages
        nr_file_pmdmapped nr_anon_transparent_hugepages nr_vmscan_write
        nr_vmscan_immediate_reclaim nr_dirtied nr_written nr_throttled_written
        nr_kernel_misc_reclaimable nr_foll_pin_acquired nr_foll_pin_released nr_vmalloc
        nr_kernel_stack nr_page_table_pages nr_sec_page_table_pages nr_iommu_pages nr_swapcached
        pgpromote_success pgpromote_candidate pgpromote_candidate_nrl pgdemote_kswapd
        pgdemote_direct pgdemote_khugepaged pgdemote_proactive pgsteal_kswapd pgsteal_direct
        pgsteal_khugepaged pgsteal_proactive pgsteal_anon pgsteal_file pgscan_kswapd
        pgscan_direct pgscan_khugepaged pgscan_proactive pgscan_anon pgscan_file pgrefill
        nr_hugetlb nr_balloon_pages nr_kernel_file_pages nr_gpu_active nr_gpu_reclaim
        """,
        """
        nr_free_pages nr_free_pages_blocks nr_zone_inactive_anon nr_zone_active_anon
        nr_zone_inactive_file nr_zone_active_file nr_zone_unevictable nr_zone_write_pending
        nr_mlock nr_zspages nr_free_cma numa_hit numa_miss numa_foreign numa_interleave
        numa_local numa_other
        """);

    private final String nodeCounters;
    private final String zoneCounters;

    Release(String nodeCounters, String zoneCounters) {
      this.nodeCounters = nodeCounters;
      this.zoneCounters = zoneCounters;
    }
  }

  private ProcText() {}

  // ---- buddyinfo ----

  /// The text of `/proc/buddyinfo`.
  ///
  /// @param zones of all nodes, in the order of nodes and types
  /// @return a line for each zone with memory
  public static String buddyInfo(List<ProcZone> zones) {
    StringBuilder text = new StringBuilder();
    for (ProcZone zone : zones) {
      if (zone.isPopulated()) {
        text.append(String.format("Node %d, zone %8s ", zone.node(), zone.label()));
        for (long count : columns(zone.freeBlocks())) {
          text.append(String.format("%6d ", count));
        }
        text.append('\n');
      }
    }
    return text.toString();
  }

  private static long[] columns(List<Long> freeBlocks) {
    long[] columns = new long[MAX_ORDER + 1];
    for (int order = 0; order < freeBlocks.size(); order++) {
      int column = Math.min(order, MAX_ORDER);
      columns[column] += freeBlocks.get(order) << (order - column);
    }
    return columns;
  }

  // ---- zoneinfo ----

  /// The text of `/proc/zoneinfo`.
  ///
  /// @param zones of all nodes, in the order of nodes and types
  /// @param release whose lines
  /// @return the text
  public static String zoneInfo(List<ProcZone> zones, Release release) {
    StringBuilder text = new StringBuilder();
    int described = -1;
    for (ProcZone zone : zones) {
      text.append(String.format("Node %d, zone %8s\n", zone.node(), zone.label()));
      if (zone.isPopulated() && zone.node() != described) {
        described = zone.node();
        text.append("  per-node stats\n");
        for (String name : names(release.nodeCounters)) {
          counter(text, name, 0);
        }
      }
      marks(text, zone);
      if (zone.isPopulated()) {
        for (String name : names(release.zoneCounters)) {
          counter(text, name, value(name, zone));
        }
        pageSets(text, zone, release);
      }
    }
    return text.toString();
  }

  private static String[] names(String counters) {
    return counters.strip().split("\\s+", -1);
  }

  private static void counter(StringBuilder text, String name, long value) {
    text.append(String.format("      %-12s %d\n", name, value));
  }

  private static long value(String name, ProcZone zone) {
    return switch (name) {
      case "nr_free_pages" -> zone.free();
      case "nr_free_pages_blocks" -> framesInHugeBlocks(zone.freeBlocks());
      default -> 0;
    };
  }

  private static long framesInHugeBlocks(List<Long> freeBlocks) {
    long frames = 0;
    for (int order = HUGE_ORDER; order < freeBlocks.size(); order++) {
      frames += freeBlocks.get(order) << order;
    }
    return frames;
  }

  private static void marks(StringBuilder text, ProcZone zone) {
    text.append(String.format("  pages free     %d\n", zone.free()));
    mark(text, "boost", zone.boost());
    mark(text, "min", zone.min());
    mark(text, "low", zone.low());
    mark(text, "high", zone.high());
    mark(text, "promo", zone.promo());
    mark(text, "spanned", zone.spanned());
    mark(text, "present", zone.present());
    mark(text, "managed", zone.managed());
    mark(text, "cma", 0);
    text.append("        protection: (");
    for (int i = 0; i < zone.protection().size(); i++) {
      text.append(i == 0 ? "" : ", ").append(zone.protection().get(i));
    }
    text.append(")\n");
  }

  private static void mark(StringBuilder text, String name, long frames) {
    text.append(String.format("        %-8s %d\n", name, frames));
  }

  private static void pageSets(StringBuilder text, ProcZone zone, Release release) {
    text.append("  pagesets\n");
    String inner = "              ";
    for (int cpu = 0; cpu < zone.cpus().size(); cpu++) {
      ProcZone.PageSet set = zone.cpus().get(cpu);
      text.append("    cpu: ").append(cpu).append('\n');
      if (release == Release.LINUX_6_12) {
        text.append(inner).append("count: ").append(set.count()).append('\n');
        text.append(inner).append("high:  ").append(set.high()).append('\n');
        text.append(inner).append("batch: ").append(set.batch()).append('\n');
      } else {
        text.append(inner).append("count:    ").append(set.count()).append('\n');
        text.append(inner).append("high:     ").append(set.high()).append('\n');
        text.append(inner).append("batch:    ").append(set.batch()).append('\n');
        text.append(inner).append("high_min: ").append(set.high()).append('\n');
        text.append(inner).append("high_max: ").append(set.high()).append('\n');
      }
      text.append("  vm stats threshold: 0\n");
    }
    text.append("  node_unreclaimable:  0\n");
    text.append("  start_pfn:           ").append(zone.startPfn()).append('\n');
    if (release == Release.LINUX_7_2) {
      text.append("  reserved_highatomic: 0\n");
      text.append("  free_highatomic:     0\n");
    }
  }
}
