package dev.bifolio.stress;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Plants a mutant of the list `stress/src/mutants/mutants.txt` into a copy of a source file.
///
/// ```
///   Mutants list LIST                      names, tests and what is wrong, a line each
///   Mutants plant LIST NAME SOURCES TO     the changed file, into TO
/// ```
///
/// The file of a mutant is named from the kernel's package on, `zone/FreeGauge`; without a package
/// it is one of `frame`. A mutant whose place is not found exactly once is an error: the code has
/// moved on, the list must follow.
public final class Mutants {
  /// One change to one class, and who must see it.
  private record Mutant(
      String name, String what, String file, String test, String original, String replacement) {}

  private Mutants() {}

  /// Lists or plants.
  ///
  /// @param args as above
  public static void main(String[] args) throws IOException {
    List<Mutant> mutants = read(Path.of(args[1]));
    if (args[0].equals("list")) {
      mutants.forEach(m -> System.out.println(m.name + " " + m.test + " " + m.what));
      return;
    }
    for (Mutant mutant : mutants) {
      if (mutant.name.equals(args[2])) {
        plant(mutant, Path.of(args[3]), Path.of(args[4]));
        return;
      }
    }
    throw new IllegalArgumentException("no mutant " + args[2]);
  }

  private static List<Mutant> read(Path list) throws IOException {
    List<Mutant> mutants = new ArrayList<>();
    for (String entry : Files.readString(list).split("(?m)^## ", -1)) {
      if (!entry.contains("\n<<<<\n")) {
        continue; // what stands before the first one
      }
      String head = entry.substring(0, entry.indexOf('\n'));
      mutants.add(
          new Mutant(
              head.substring(0, head.indexOf(':')),
              head.substring(head.indexOf(':') + 1).strip(),
              between(entry, "\nfile: ", "\n"),
              between(entry, "\ntest: ", "\n"),
              between(entry, "\n<<<<\n", "====\n"),
              between(entry, "\n====\n", ">>>>")));
    }
    return mutants;
  }

  private static String between(String entry, String from, String to) {
    int start = entry.indexOf(from);
    int end = start < 0 ? -1 : entry.indexOf(to, start + from.length());
    if (end < 0) {
      throw new IllegalArgumentException("no '" + from.strip() + "' in: " + entry);
    }
    return entry.substring(start + from.length(), end);
  }

  private static void plant(Mutant mutant, Path sources, Path target) throws IOException {
    String inKernel = mutant.file.contains("/") ? mutant.file : "frame/" + mutant.file;
    String name = "dev/bifolio/kernel/" + inKernel + ".java";
    String text = Files.readString(sources.resolve(name));
    int place = text.indexOf(mutant.original);
    if (place < 0 || text.indexOf(mutant.original, place + 1) >= 0) {
      throw new IllegalArgumentException(
          mutant.name + ": its place is not there exactly once in " + mutant.file);
    }
    Path file = target.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(
        file,
        text.substring(0, place)
            + mutant.replacement
            + text.substring(place + mutant.original.length()));
  }
}
