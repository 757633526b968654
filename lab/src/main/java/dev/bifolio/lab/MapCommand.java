package dev.bifolio.lab;

import dev.bifolio.kernel.firmware.MemoryMap;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `bifolio map`: what each file says of memory, validated and put in order.
@Command(
    name = "map",
    description = {
      "Prints the memory map of firmware files.",
      "FILE is a device tree, a Multiboot image or its JSON description, an E820 or EFI map, "
          + "/proc/iomem or a Linux boot log; .gz and .xz are unpacked."
    },
    mixinStandardHelpOptions = true)
final class MapCommand implements Callable<Integer> {
  @Spec @Nullable CommandSpec spec;

  @Mixin MapSource source = new MapSource();

  @Option(names = "--json", description = "Print one JSON object a line.")
  boolean json;

  @Parameters(paramLabel = "FILE", arity = "1..*", description = "The files to read.")
  List<String> files = new ArrayList<>();

  @Override
  public Integer call() {
    Console console = Console.of(spec);
    PrintWriter out = console.out();
    int exit = 0;
    for (String file : files) {
      try {
        MemoryMap map = source.read(file).map();
        out.print(json ? MapJson.line(MapJson.of(file, map)) + "\n" : MapText.of(file, map));
      } catch (InputException e) {
        exit = 2;
        if (json) {
          out.println(MapJson.line(MapJson.error(file, e)));
        } else {
          console.complain(file, e);
        }
      }
    }
    out.flush();
    return exit;
  }
}
