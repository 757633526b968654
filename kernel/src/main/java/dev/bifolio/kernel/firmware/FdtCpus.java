package dev.bifolio.kernel.firmware;

import org.jspecify.annotations.Nullable;

/// The kind of machine and the NUMA nodes of its cores, as the `/cpus` node tells them.
///
/// A core whose `status` is anything but `ok` or `okay` does not run and is not counted; its id
/// makes no node. Sources: Devicetree Specification 0.4, s. 3.8; the `numa` binding of the Linux
/// kernel's documentation.
///
/// A tree has no word for its architecture; the name of the core decides. Arm cores are named
/// `vendor,model` in the binding `arm/cpus` of the Linux kernel, 32-bit and 64-bit ones alike, so
/// the 32-bit cores are listed here (no new ones appear) and every other core of an Arm vendor is
/// 64-bit. A 64-bit core on which a 32-bit kernel shall run counts as 64-bit. RISC-V cores state
/// their width in `riscv,isa-base`, `riscv,isa` or `mmu-type`.
final class FdtCpus {
  private static final int MAX_COMPATIBLE_CHARS = 64;
  private static final String CORTEX = "arm,cortex-";

  private static final String[] CORTEX_32 = {"a5", "a7", "a8", "a9", "a12", "a15", "a17", "a32"};

  private static final String[] CORES_32 = {
    "arm,arm7",
    "arm,arm8",
    "arm,arm9",
    "arm,arm1",
    "arm,sc0",
    "arm,sc3",
    "arm,armv4",
    "arm,armv5",
    "arm,armv6",
    "arm,armv7",
    "brcm,brahma-b15",
    "faraday,",
    "intel,sa1",
    "intel,xscale",
    "marvell,feroceon",
    "marvell,mohawk",
    "marvell,pj4",
    "marvell,sheeva",
    "marvell,xsc",
    "qcom,krait",
    "qcom,scorpion",
    "ti,arm9"
  };

  private static final String[] VENDORS_64 = {
    "ampere,",
    "apm,",
    "apple,",
    "arm,",
    "brcm,",
    "cavium,",
    "fujitsu,",
    "hisilicon,",
    "marvell,",
    "nvidia,",
    "phytium,",
    "qcom,",
    "samsung,"
  };

  private final FdtTree tree;
  private final MemoryMapBuilder map;

  FdtCpus(FdtTree tree, MemoryMapBuilder map) {
    this.tree = tree;
    this.map = map;
  }

  /// The architecture of the first core that is known; null without one, with a warning if there
  /// are cores.
  @Nullable Architecture architecture() {
    int cpus = tree.child(FdtTree.ROOT, "cpus");
    if (cpus == FdtTree.NO_NODE) {
      return null;
    }
    Architecture found = null;
    boolean differ = false;
    int coreCount = 0;
    int node = tree.firstChild(cpus);
    while (node != FdtTree.NO_NODE) {
      if (isCore(node)) {
        coreCount++;
        Architecture each = architectureOf(node);
        differ |= found != null && each != null && each != found;
        found = found == null ? each : found;
      }
      node = tree.nextSibling(node);
    }
    if (found == null && coreCount > 0) {
      map.addWarning("/cpus: the cores are of no known architecture");
    }
    if (differ) {
      map.addWarning("/cpus: the cores differ in architecture; the first one counts");
    }
    return found;
  }

  /// The least that a core says it can translate, as `mmu-type` in the binding `riscv/cpus` of the
  /// Linux kernel has it; 0 if none does.
  int virtualBits() {
    int least = 0;
    int cpus = tree.child(FdtTree.ROOT, "cpus");
    int node = cpus == FdtTree.NO_NODE ? FdtTree.NO_NODE : tree.firstChild(cpus);
    while (node != FdtTree.NO_NODE) {
      int bits = isCore(node) ? virtualBits(tree.property(node, "mmu-type")) : 0;
      least = bits != 0 && (least == 0 || bits < least) ? bits : least;
      node = tree.nextSibling(node);
    }
    return least;
  }

  private static int virtualBits(@Nullable FdtValue type) {
    if (type == null) {
      return 0;
    }
    return switch (type.text(0, MAX_COMPATIBLE_CHARS)) {
      case "riscv,sv32" -> 32;
      case "riscv,sv39" -> 39;
      case "riscv,sv48" -> 48;
      case "riscv,sv57" -> 57;
      default -> 0;
    };
  }

  /// Adds the cores in use, in the order of the file, each with its node.
  void readNodes() {
    int cpus = tree.child(FdtTree.ROOT, "cpus");
    int node = cpus == FdtTree.NO_NODE ? FdtTree.NO_NODE : tree.firstChild(cpus);
    while (node != FdtTree.NO_NODE) {
      if (isCore(node) && FdtReader.isAvailable(tree, node)) {
        map.addCpu(FdtReader.numaNode(tree, node, map));
      }
      node = tree.nextSibling(node);
    }
  }

  private boolean isCore(int node) {
    FdtValue type = tree.property(node, "device_type");
    return type == null ? tree.isNamed(node, "cpu") : type.is("cpu");
  }

  private @Nullable Architecture architectureOf(int node) {
    FdtValue compatible = tree.property(node, "compatible");
    if (tree.has(node, "riscv,isa-base")
        || tree.has(node, "riscv,isa")
        || (compatible != null && compatible.lists("riscv"))) {
      return riscv(node);
    }
    if (compatible == null) {
      return null;
    }
    for (int at = 0; at < compatible.byteSize(); at = compatible.afterText(at)) {
      Architecture each = arm(compatible.text(at, MAX_COMPATIBLE_CHARS));
      if (each != null) {
        return each;
      }
    }
    return null;
  }

  private @Nullable Architecture riscv(int node) {
    Architecture width = width(tree.property(node, "riscv,isa-base"), "rv32", "rv64");
    if (width == null) {
      width = width(tree.property(node, "riscv,isa"), "rv32", "rv64");
    }
    return width != null ? width : width(tree.property(node, "mmu-type"), "riscv,sv32", "riscv,sv");
  }

  private static @Nullable Architecture width(
      @Nullable FdtValue value, String narrow, String wide) {
    if (value == null) {
      return null;
    }
    String text = value.text(0, MAX_COMPATIBLE_CHARS);
    if (text.startsWith(narrow)) {
      return Architecture.RISCV32;
    }
    return text.startsWith(wide) ? Architecture.RISCV64 : null;
  }

  private static @Nullable Architecture arm(String core) {
    if (core.startsWith(CORTEX)) {
      return cortex(core.substring(CORTEX.length()));
    }
    if (startsWithAny(core, CORES_32)) {
      return Architecture.ARM;
    }
    boolean mips = core.startsWith("brcm,bmips") || core.startsWith("cavium,octeon");
    return !mips && startsWithAny(core, VENDORS_64) ? Architecture.AARCH64 : null;
  }

  private static Architecture cortex(String model) {
    boolean realTime = model.startsWith("r") && !model.startsWith("r82");
    if (realTime || model.startsWith("m")) {
      return Architecture.ARM;
    }
    for (String each : CORTEX_32) {
      if (model.equals(each)) {
        return Architecture.ARM;
      }
    }
    return Architecture.AARCH64;
  }

  private static boolean startsWithAny(String text, String[] beginnings) {
    for (String each : beginnings) {
      if (text.startsWith(each)) {
        return true;
      }
    }
    return false;
  }
}
