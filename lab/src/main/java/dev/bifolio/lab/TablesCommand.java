package dev.bifolio.lab;

import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/// `bifolio tables`: builds page tables from a script, shows them, translates addresses, and writes
/// the bytes as a processor would walk them.
@Command(
    name = "tables",
    description = {
      "Builds page tables from a script, shows them and how addresses are translated.",
      "A script has one command a line; # begins a comment:",
      "  map VA PA LENGTH FLAGS [SIZE]  by the largest pages that fit, or those of SIZE",
      "  unmap VA LENGTH                all of it; larger pages are split",
      "  protect VA LENGTH FLAGS",
      "  split VA SIZE                  the page at VA, into pages of SIZE",
      "  collapse VA SIZE               the pages around VA, into one of SIZE",
      "  translate VA                   with the tables as they are at this line",
      "FLAGS are of rwxugd: read, write, execute, user, global, device; w implies r.",
      "SIZE is 4k, 2m, 4m, 1g …; other numbers are 0x1000, 4096, 4k, 2MiB and so on.",
      "The first line that is refused ends it with exit code 2; nothing is written."
    },
    mixinStandardHelpOptions = true)
final class TablesCommand implements Callable<Integer> {
  @Spec @Nullable CommandSpec spec;

  @Option(
      names = "--arch",
      paramLabel = "ARCH",
      required = true,
      converter = TableArchitecture.Converter.class,
      completionCandidates = TableArchitecture.Names.class,
      description = "x86_64, x86_64-la57, i386, aarch64, sv39, sv48 or sv57.")
  TableArchitecture architecture = TableArchitecture.X86_64;

  @Option(names = "--script", paramLabel = "FILE", description = "What to map.")
  @Nullable String script;

  @Option(
      names = "--base",
      paramLabel = "PA",
      converter = Numbers.LongConverter.class,
      description = {
        "The physical address from which on the tables lie (default: 0x100000, on aarch64"
            + " 0x40200000, on RISC-V 0x80000000)."
      })
  @Nullable Long base;

  @Option(
      names = "--image",
      paramLabel = "FILE",
      description = "Write the bytes from the base to the end of the last table.")
  @Nullable String image;

  @Option(
      names = "--svpbmt",
      description = "RISC-V: pages have memory types; without, d has no effect.")
  boolean svpbmt;

  @Option(
      names = "--need",
      paramLabel = "SIZE",
      converter = Numbers.LongConverter.class,
      description = "In place of a script: how much memory the tables of SIZE bytes take.")
  @Nullable Long need;

  @Option(
      names = "--page",
      paramLabel = "SIZE",
      description = "For --need: pages of this size alone (default: the largest that fit).")
  @Nullable String page;

  @Option(names = "--json", description = "Print one JSON object.")
  boolean json;

  @Override
  public Integer call() {
    if ((script == null) == (need == null)) {
      throw usage("either --script FILE or --need SIZE");
    }
    if (script == null && (base != null || image != null)) {
      throw usage("--base and --image are for --script");
    }
    if (need == null && page != null) {
      throw usage("--page is for --need");
    }
    PageFormat format = architecture.format();
    if (svpbmt) {
      if (architecture.formatWithSvpbmt() == format) {
        throw usage("--svpbmt is for RISC-V, not " + architecture.label());
      }
      format = architecture.formatWithSvpbmt();
    }
    return script == null
        ? printNeed(format, Objects.requireNonNull(need))
        : runScript(format, script);
  }

  private ParameterException usage(String message) {
    return new ParameterException(Objects.requireNonNull(spec).commandLine(), message);
  }

  private int printNeed(PageFormat format, long byteSize) {
    Console console = Console.of(spec);
    try {
      TableNeed tables = TableNeed.of(format, byteSize, page);
      if (json) {
        console.out().println(MapJson.line(tables.json()));
      } else {
        tables.print(console.out());
      }
      console.out().flush();
      return 0;
    } catch (ScriptException | TypeConversionException e) {
      throw usage(String.valueOf(e.getMessage()));
    }
  }

  private int runScript(PageFormat format, String file) {
    Console console = Console.of(spec);
    long from = from(format);
    try {
      String text = new String(InputFile.read(file), StandardCharsets.UTF_8);
      return build(console, format, from, text);
    } catch (InputException e) {
      if (json) {
        console.out().println(TablesJson.refusal(file, e));
        console.out().flush();
      }
      console.complain(file, e);
      return 2;
    }
  }

  private long from(PageFormat format) {
    long from = base == null ? architecture.defaultBase() : base;
    long end = (1L << format.physicalBits()) - TableMemory.MIN_BYTE_SIZE;
    if (!Pages.isPageAligned(from) || Long.compareUnsigned(from, end) > 0) {
      throw usage(
          "--base %s is no multiple of 4 KiB up to %s"
              .formatted(AddressRange.hex(from), AddressRange.hex(end)));
    }
    return from;
  }

  private int build(Console console, PageFormat format, long from, String text)
      throws InputException {
    try (TableMemory memory = new TableMemory(format, from)) {
      TableScript run = new TableScript(memory);
      run.run(text);
      TableRows rows = new TableRows(memory);
      if (image != null) {
        try {
          writeImage(memory, rows.end(), Path.of(image));
        } catch (IOException | InvalidPathException e) {
          console.complain(
              image, new InputException(0, "the image cannot be written: " + e.getMessage()));
          return 1;
        }
      }
      if (json) {
        console.out().println(TablesJson.line(memory, rows, run));
      } else {
        TableText.print(console.out(), memory, rows, run);
      }
      console.out().flush();
      return 0;
    }
  }

  private static void writeImage(TableMemory memory, long end, Path path) throws IOException {
    ByteBuffer frame = ByteBuffer.allocate((int) Pages.PAGE_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    try (OutputStream out = Files.newOutputStream(path)) {
      for (long at = memory.base(); at < end; at += Pages.PAGE_SIZE) {
        memory.read(at, frame);
        out.write(frame.array());
      }
    }
  }
}
