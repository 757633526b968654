package dev.bifolio.kernel.firmware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FdtCpusTest {
  @Test
  void coresOf32BitsAreArm() throws MemoryMapException {
    for (String core :
        new String[] {
          "arm,arm1176jzf-s",
          "arm,arm926ej-s",
          "arm,arm7tdmi",
          "arm,cortex-a5",
          "arm,cortex-a7",
          "arm,cortex-a8",
          "arm,cortex-a9",
          "arm,cortex-a12",
          "arm,cortex-a15",
          "arm,cortex-a17",
          "arm,cortex-a32",
          "arm,cortex-r5f",
          "arm,cortex-m7",
          "qcom,krait",
          "qcom,scorpion",
          "marvell,sheeva-v7",
          "marvell,pj4b",
          "marvell,feroceon",
          "marvell,mohawk",
          "brcm,brahma-b15",
          "intel,sa1100",
          "faraday,fa526"
        }) {
      assertEquals(Architecture.ARM, of(core), core);
    }
  }

  @Test
  void coresOf64BitsAreAarch64() throws MemoryMapException {
    for (String core :
        new String[] {
          "arm,cortex-a53",
          "arm,cortex-a55",
          "arm,cortex-a72",
          "arm,cortex-a76",
          "arm,cortex-a720ae",
          "arm,cortex-x1",
          "arm,cortex-r82",
          "arm,neoverse-n1",
          "arm,armv8",
          "arm,arm-v8",
          "apple,firestorm",
          "qcom,kryo385",
          "qcom,oryon",
          "nvidia,tegra194-carmel",
          "samsung,mongoose-m2",
          "cavium,thunder2",
          "brcm,brahma-b53",
          "hisilicon,tsv110"
        }) {
      assertEquals(Architecture.AARCH64, of(core), core);
    }
  }

  @Test
  void theFirstKnownTextDecides() throws MemoryMapException {
    assertEquals(Architecture.ARM, of("ti,own-core\0arm,cortex-a8"));
  }

  @Test
  void riscvTellsItsWidth() throws MemoryMapException {
    assertEquals(Architecture.RISCV32, riscv("riscv,isa", "rv32imac"));
    assertEquals(Architecture.RISCV64, riscv("riscv,isa", "rv64imafdc_zba"));
    assertEquals(Architecture.RISCV64, riscv("riscv,isa-base", "rv64i"));
    assertEquals(Architecture.RISCV32, riscv("riscv,isa-base", "rv32i"));
    assertEquals(Architecture.RISCV32, riscv("mmu-type", "riscv,sv32"));
    assertEquals(Architecture.RISCV64, riscv("mmu-type", "riscv,sv48"));
    assertNull(riscv("mmu-type", "none"));
  }

  @Test
  void riscvTellsHowLargeVirtualAddressesMayBe() throws MemoryMapException {
    assertEquals(0, FdtBlob.read(cpus("riscv,isa", "rv64imac")).virtualBits());
    assertEquals(32, FdtBlob.read(cpus("mmu-type", "riscv,sv32")).virtualBits());
    assertEquals(39, FdtBlob.read(cpus("mmu-type", "riscv,sv39")).virtualBits());
    assertEquals(48, FdtBlob.read(cpus("mmu-type", "riscv,sv48")).virtualBits());
    MemoryMap map = FdtBlob.read(cpus("mmu-type", "riscv,sv57"));
    assertEquals(57, map.virtualBits());
    assertEquals(57, new MemoryMapBuilder(map).build().virtualBits());
    assertEquals(0, FdtBlob.read(cpus("mmu-type", "riscv,none")).virtualBits());
  }

  @Test
  void otherArchitecturesAreUnknownWithAWarning() throws MemoryMapException {
    for (String core :
        new String[] {"PowerPC,970", "mips,mips24Kc", "brcm,bmips4350", "ingenic,xburst"}) {
      MemoryMap map = FdtBlob.read(cpus("compatible", core));
      assertNull(map.architecture(), core);
      assertEquals("/cpus: the cores are of no known architecture", map.warning(0));
    }
  }

  @Test
  void coresThatDifferLeaveAWarning() throws MemoryMapException {
    MemoryMap map =
        FdtBlob.read(
            FdtBlob.root(2, 2)
                .begin("cpus")
                .begin("cpu-map")
                .begin("cluster0")
                .end()
                .end()
                .begin("cpu@0")
                .text("compatible", "arm,cortex-a53")
                .end()
                .begin("cpu@1")
                .text("compatible", "arm,cortex-r5")
                .end()
                .end()
                .close());
    assertEquals(Architecture.AARCH64, map.architecture());
    assertEquals(1, map.warningCount());
  }

  private static @Nullable Architecture of(String core) throws MemoryMapException {
    return FdtBlob.read(cpus("compatible", core)).architecture();
  }

  private static @Nullable Architecture riscv(String property, String value)
      throws MemoryMapException {
    return FdtBlob.read(
            FdtBlob.root(2, 2)
                .begin("cpus")
                .begin("cpu@0")
                .text("device_type", "cpu")
                .text("compatible", "sifive,u74\0riscv")
                .text(property, value)
                .end()
                .end()
                .close())
        .architecture();
  }

  private static byte[] cpus(String property, String value) {
    return FdtBlob.root(2, 2)
        .begin("cpus")
        .begin("cpu@0")
        .text("device_type", "cpu")
        .text(property, value)
        .end()
        .end()
        .close();
  }
}
