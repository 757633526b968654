package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.FdtReader;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.testkit.Behaviour;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/// Boots of real device trees.
@ParameterizedClass
@EnumSource(BootOptions.AllocatorKind.class)
class BootSharedDataTest {
  private static final long MIB = Maps.MIB;
  private static final long GIB = Maps.GIB;

  private final BootOptions plain;

  BootSharedDataTest(BootOptions.AllocatorKind kind) {
    plain = BootOptions.DEFAULTS.withAllocator(kind).withMinFreeKib(0); // all of it may be taken
  }

  private static Path folder(String name) {
    Path root = Path.of(System.getProperty("bifolio.root", "."));
    Path folder = root.resolveSibling("shared").resolve("data").resolve(name);
    assumeTrue(Files.isDirectory(folder), "left out: there is no shared data folder beside here");
    return folder;
  }

  private static MemoryMap read(Path file) throws Exception {
    byte[] bytes = Files.readAllBytes(file);
    if (file.toString().endsWith(".gz")) {
      try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
        bytes = in.readAllBytes();
      }
    }
    return FdtReader.read(ByteView.of(bytes));
  }

  private static List<Path> trees() throws IOException {
    List<Path> files = new ArrayList<>();
    for (String name : List.of("dtb", "dt-semantics", "boot")) {
      try (Stream<Path> each = Files.list(folder(name))) {
        each.filter(p -> p.toString().contains(".dtb") || p.toString().contains(".fdt."))
            .sorted()
            .forEach(files::add);
      }
    }
    return files;
  }

  @Test
  @Tag("slow")
  @Behaviour({"107", "109", "110", "113"})
  void everyTreeWithEnoughRamBootsAndGivesOutNothingReserved() throws Exception {
    int booted = 0;
    for (Path file : trees()) {
      MemoryMap map = read(file);
      BootOptions options = plain.withFdtByteSize(Files.size(file));
      if (map.totalMemoryBytes() < 64 * MIB) {
        options = options.withLoaderMemory(new AddressRange(8 * GIB, 512 * MIB));
      }
      try (Machine machine = Machine.boot(map, options, BootLog.SILENT)) {
        BootModel.check(map, options, machine, 1);
        booted++;
      } catch (AssertionError | BootException e) {
        throw new AssertionError(file.getFileName() + ": " + e.getMessage(), e);
      }
    }
    assertTrue(booted >= 40, "trees: " + booted);
  }

  @Test
  void thePhoneBootsWithTheMemoryOfItsLoader() throws Exception {
    MemoryMap map =
        read(folder("dtb").resolve("linux-7.2.13-arm64__exynos__google__gs101-oriole.dtb"));
    BootOptions options =
        plain
            .withLoaderMemory(new AddressRange(0x8000_0000L, 2 * GIB))
            .withLoaderMemory(new AddressRange(0x8_8000_0000L, 6 * GIB))
            .withKernel(new AddressRange(0x8000_0000L, 32 * MIB))
            .withFdtByteSize(100_000)
            .withMinimumMemoryCheck(true);
    try (Machine machine = Machine.boot(map, options, BootLog.SILENT)) {
      assertEquals((8 * GIB) >>> 12, machine.report().frames().present());
      assertEquals(64 * MIB, machine.report().heap().byteSize());
      BootModel.check(map, options, machine, 2);
    }
  }

  @Test
  void aHugeHoleCostsNoMemMap() throws Exception {
    MemoryMap map = read(folder("dtb").resolve("qemu-7.2__a64-versal-12G.dtb.gz"));
    try (Machine machine = Machine.boot(map, plain, BootLog.SILENT)) {
      assertEquals((12 * GIB) >>> 12, machine.report().frames().present());
      assertTrue(machine.report().memMapByteSize() < 74 * MIB);
      BootModel.check(map, plain, machine, 3);
    }
  }
}
