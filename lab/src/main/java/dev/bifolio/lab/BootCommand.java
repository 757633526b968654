package dev.bifolio.lab;

import dev.bifolio.kernel.BootException;
import dev.bifolio.kernel.BootLog;
import dev.bifolio.kernel.BootOptions;
import dev.bifolio.kernel.DeviceMemory;
import dev.bifolio.kernel.Machine;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/// `bifolio boot`: the whole boot sequence on a memory map, and a proof that its result works.
@Command(
    name = "boot",
    description = {
      "Boots a machine's memory from its map, shows each step and proves the result.",
      "Without FILE, a bundled device tree of a phone with 8 GiB.",
      "Counts of zones are frames of 4 KiB; in JSON each node has a row for every type of zone that"
          + " its architecture has, with zeros where there is no memory."
    },
    mixinStandardHelpOptions = true)
final class BootCommand implements Callable<Integer> {
  private static final String BUNDLED = "phone-8g.dtb";

  /// As many as firmware may name.
  private static final int MAX_NODES = 1024;

  /// The bundled tree comes without a kernel; this is where and how large a phone's would be.
  private static final AddressRange BUNDLED_KERNEL = new AddressRange(0x8000_0000L, 40 * Pages.MIB);

  @Spec @Nullable CommandSpec spec;

  @Mixin MapSource source = new MapSource();

  @Parameters(paramLabel = "FILE", arity = "0..1", description = "The memory map to boot.")
  @Nullable String file;

  @Option(names = "--json", description = "Print one JSON object.")
  boolean json;

  @Option(
      names = "--proc",
      paramLabel = "FILE",
      converter = ProcView.Converter.class,
      description = {
        "Print what Linux would show of this machine in a file of /proc, and nothing else:"
            + " buddyinfo, zoneinfo (as Linux 7.2 does) or zoneinfo-6.12."
      })
  @Nullable ProcView proc;

  @Option(
      names = "--memory",
      paramLabel = "BASE+SIZE",
      converter = Numbers.RangeConverter.class,
      description =
          "RAM that the boot loader adds, such as 0x80000000+2G; may be given repeatedly.")
  List<AddressRange> memory = new ArrayList<>();

  @Option(
      names = "--arch",
      paramLabel = "ARCH",
      converter = ArchitectureConverter.class,
      description =
          "x86_64, i386, aarch64, arm, riscv64 or riscv32, in place of what the map says.")
  @Nullable Architecture architecture;

  @Option(
      names = "--initrd",
      paramLabel = "BASE+SIZE",
      converter = Numbers.RangeConverter.class,
      description = "Where the initial RAM disk lies, in place of what the map says.")
  @Nullable AddressRange initrd;

  @Option(
      names = "--kernel",
      paramLabel = "BASE+SIZE",
      converter = Numbers.RangeConverter.class,
      description = "Where the kernel image lies.")
  @Nullable AddressRange kernel;

  @Option(
      names = "--allocator",
      paramLabel = "KIND",
      defaultValue = "hybrid",
      description = {
        "The frame allocator: hybrid, for any number of threads, or classic, a buddy allocator"
            + " behind a lock (default: ${DEFAULT-VALUE})."
      })
  BootOptions.AllocatorKind allocator = BootOptions.AllocatorKind.HYBRID;

  @Option(
      names = "--cpus",
      paramLabel = "N",
      defaultValue = "8",
      converter = Numbers.CpusConverter.class,
      description = {
        "For how many CPUs the hybrid allocator has caches (default: ${DEFAULT-VALUE}, whatever"
            + " this machine has, so that a map boots alike everywhere)."
      })
  int cpuCount = 8;

  @Option(
      names = "--movable",
      paramLabel = "SIZE",
      defaultValue = "0",
      converter = Numbers.SizeConverter.class,
      description =
          "So much RAM, from the top of each node, becomes a zone for movable frames (default: none).")
  long movableByteSize;

  @Option(
      names = "--device",
      paramLabel = "BASE+SIZE[@NODE][:KIND]",
      converter = DeviceConverter.class,
      description = {
        "Memory of a device, in a zone that no ordinary request gets frames from; outside of RAM;"
            + " may be given repeatedly. KIND is device, gpu or persistent (default: node 0, device)."
      })
  List<DeviceMemory> devices = new ArrayList<>();

  @Option(
      names = "--min-free",
      paramLabel = "KIB",
      converter = MinFreeConverter.class,
      description = {
        "What the watermarks keep from ordinary requests, all zones together, like Linux's"
            + " min_free_kbytes (default: by its rule, from the amount of RAM)."
      })
  @Nullable Long minFreeKib;

  @Option(
      names = "--huge-pages",
      description =
          "Keep more free, for blocks of 2 MiB, as Linux does with transparent huge pages.")
  boolean hugePages;

  @Option(
      names = "--headroom",
      paramLabel = "SIZE",
      defaultValue = "0",
      converter = Numbers.SizeConverter.class,
      description = "Room behind the last byte of RAM for memory added later (default: none).")
  long headroomByteSize;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      converter = Numbers.SeedConverter.class,
      description = "Seed of the closing workload (default: ${DEFAULT-VALUE}).")
  long seed = 1;

  @Override
  public Integer call() {
    if (json && proc != null) {
      throw new ParameterException(
          Objects.requireNonNull(spec).commandLine(), "either --json or --proc, not both");
    }
    Console console = Console.of(spec);
    String name = file == null ? BUNDLED : file;
    try {
      long readStart = System.nanoTime();
      MapSource.Input input = file == null ? source.read(name, bundled()) : source.read(name);
      long readNanos = System.nanoTime() - readStart;
      return boot(console, name, input, readNanos);
    } catch (InputException e) {
      if (json) {
        console.out().println(MapJson.line(MapJson.error(name, e)));
        console.out().flush();
      } else {
        console.complain(name, e);
      }
      return 2;
    }
  }

  private int boot(Console console, String name, MapSource.Input input, long readNanos)
      throws InputException {
    BootView view = new BootView(console, input.map());
    BootLog log = json || proc != null ? BootLog.SILENT : view;
    long bootStart = System.nanoTime();
    try (Machine machine = Machine.boot(input.map(), options(input), log)) {
      long bootNanos = System.nanoTime() - bootStart;
      long proofStart = System.nanoTime();
      ProofWorkload proof = ProofWorkload.run(machine, seed);
      long proofNanos = System.nanoTime() - proofStart;
      if (json) {
        var timings = new BootJson.Timings(readNanos, bootNanos, proofNanos);
        console.out().println(BootJson.line(name, input.map(), machine.report(), proof, timings));
      } else if (proc != null) {
        console.out().print(proc.text(machine.report(), cpuCount));
      } else {
        view.print(machine.report(), proof);
      }
      console.out().flush();
      if (proc != null && proof.problem() != null) {
        console.complain(name, new InputException(0, "proof FAILED: " + proof.problem()));
      }
      return proof.problem() == null ? 0 : 1;
    } catch (BootException e) {
      String message = String.valueOf(e.getMessage());
      boolean hint = memory.isEmpty() && message.equals(BootException.NO_RAM_IN_DTB);
      throw new InputException(0, hint ? message + "; add RAM with --memory BASE+SIZE" : message);
    }
  }

  private BootOptions options(MapSource.Input input) {
    BootOptions options =
        BootOptions.DEFAULTS
            .withMinimumMemoryCheck(true)
            .withHeadroom(headroomByteSize)
            .withArchitecture(architecture)
            .withInitrd(initrd)
            .withKernel(file == null && kernel == null ? BUNDLED_KERNEL : kernel)
            .withAllocator(allocator)
            .withCpuCount(cpuCount)
            .withMovable(movableByteSize)
            .withMinFreeKib(minFreeKib == null ? BootOptions.BY_RULE : minFreeKib)
            .withHugePages(hugePages);
    for (AddressRange range : memory) {
      options = options.withLoaderMemory(range);
    }
    for (int i = 0; i < devices.size(); i++) {
      DeviceMemory given = devices.get(i);
      options =
          options.withDeviceMemory(
              new DeviceMemory(given.range(), given.node(), given.kind(), "device" + i));
    }
    // A tree lies in memory while a kernel boots from it; the boot finds it a place as a loader
    // would.
    return input.map().format().equals("fdt")
        ? options.withFdtByteSize(input.byteCount())
        : options;
  }

  /// The bundled device tree.
  static byte[] bundled() throws InputException {
    try (InputStream in = Objects.requireNonNull(BootCommand.class.getResourceAsStream(BUNDLED))) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new InputException(0, "the bundled tree cannot be read: " + e.getMessage());
    }
  }

  /// Converts `BASE+SIZE`, `BASE+SIZE@NODE`, and either with `:KIND`.
  static final class DeviceConverter implements ITypeConverter<DeviceMemory> {
    private static final Pattern NODE = Pattern.compile("[0-9]{1,4}");

    @Override
    public DeviceMemory convert(String value) {
      int colon = value.indexOf(':');
      String place = colon < 0 ? value : value.substring(0, colon);
      DeviceMemory.Kind kind =
          colon < 0 ? DeviceMemory.Kind.DEVICE : kind(value, value.substring(colon + 1));
      int at = place.indexOf('@');
      int node = at < 0 ? 0 : node(value, place.substring(at + 1));
      AddressRange range =
          new Numbers.RangeConverter().convert(at < 0 ? place : place.substring(0, at));
      try {
        return new DeviceMemory(range, node, kind, "device");
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException("'" + value + "': " + e.getMessage());
      }
    }

    private static int node(String value, String node) {
      if (!NODE.matcher(node).matches() || Integer.parseInt(node) >= MAX_NODES) {
        throw new TypeConversionException(
            "'" + value + "': '" + node + "' is no node, 0 … " + (MAX_NODES - 1));
      }
      return Integer.parseInt(node);
    }

    private static DeviceMemory.Kind kind(String value, String name) {
      for (DeviceMemory.Kind kind : DeviceMemory.Kind.values()) {
        if (kind.name().toLowerCase(Locale.ROOT).equals(name)) {
          return kind;
        }
      }
      throw new TypeConversionException(
          "'" + value + "': '" + name + "' is none of device, gpu, persistent");
    }
  }

  /// Converts KiB, as many as Linux takes.
  static final class MinFreeConverter implements ITypeConverter<Long> {
    @Override
    public Long convert(String value) {
      try {
        int kib = Integer.parseInt(value);
        if (kib >= 0) {
          return (long) kib;
        }
      } catch (NumberFormatException e) {
        // told below
      }
      throw new TypeConversionException(
          "'" + value + "' is no number of KiB, 0 … " + Integer.MAX_VALUE);
    }
  }

  /// Converts the name of an architecture.
  static final class ArchitectureConverter implements ITypeConverter<Architecture> {
    @Override
    public Architecture convert(String value) {
      Architecture architecture = Architecture.of(value);
      if (architecture == null) {
        throw new TypeConversionException(
            "'" + value + "' is none of x86_64, i386, aarch64, arm, riscv64, riscv32");
      }
      return architecture;
    }
  }
}
