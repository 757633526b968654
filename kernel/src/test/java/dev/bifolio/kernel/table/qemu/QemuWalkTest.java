package dev.bifolio.kernel.table.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.X86Format;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Our tables as another implementation of the manuals sees them: QEMU's processors walk them.
///
/// A random series of changes is made, the bytes of the tables are put into a machine's memory, and
/// what the machine says of addresses and pages has to be what the model says, and what we
/// translate. Without QEMU it is left out; where the environment says `BIFOLIO_QEMU=required`, as
/// CI does once it has installed QEMU, it fails then.
@Tag("slow")
class QemuWalkTest {
  private static final int CHANGES = 400;
  private static final int TRANSLATIONS = 1000;
  private static final int ACCESSED_ADDRESSES = 200;

  record Machine(PageFormat format, String program, boolean hasMemoryTypes) {
    @Override
    public String toString() {
      return format + (hasMemoryTypes ? " with Svpbmt" : "");
    }
  }

  static List<Machine> machines() {
    return List.of(
        new Machine(X86Format.LEVELS_4, "qemu-system-x86_64", false),
        new Machine(X86Format.LEVELS_5, "qemu-system-x86_64", false),
        new Machine(I386Format.INSTANCE, "qemu-system-i386", false),
        new Machine(Aarch64Format.INSTANCE, "qemu-system-aarch64", false),
        new Machine(RiscvFormat.SV39, "qemu-system-riscv64", false),
        new Machine(RiscvFormat.SV48, "qemu-system-riscv64", false),
        new Machine(RiscvFormat.SV57, "qemu-system-riscv64", false),
        new Machine(RiscvFormat.SV39_SVPBMT, "qemu-system-riscv64", true));
  }

  @TempDir Path folder;

  @ParameterizedTest
  @MethodSource("machines")
  void aProcessorFindsThePagesThatWeMapped(Machine machine) throws IOException {
    String whyNot = QemuMachine.whyNot(machine.program);
    if (!whyNot.isEmpty()) {
      assertTrue(!"required".equals(System.getenv("BIFOLIO_QEMU")), whyNot);
      abort(whyNot);
    }
    try (WalkedSpace space = new WalkedSpace(machine.format, places(machine.format), 1)) {
      mapCode(space);
      while (space.done() < CHANGES) {
        space.step();
      }
      assertTrue(space.collapsed() > 0);
      for (int level = 1; level <= machine.format.largestLeafLevel(); level++) {
        assertTrue(space.space.pageCount(level) > 0, "no page of level " + level);
      }
      try (Guest guest = start(machine, space)) {
        guest.enter(space);
        assertTrue(guest.compareAll(space) > 100);
        compareTranslations(space, guest);
        compareAccesses(space, guest);
      }
    }
  }

  private static WalkedSpace.Places places(PageFormat format) {
    return switch (format) {
      case X86Format _ -> X86Guest.PLACES_64;
      case I386Format _ -> X86Guest.PLACES_32;
      case Aarch64Format _ -> Aarch64Guest.PLACES;
      case RiscvFormat _ -> RiscvGuest.PLACES;
    };
  }

  /// Where a machine's code needs a page of ours.
  private static void mapCode(WalkedSpace space) {
    int all = PageFlags.READ | PageFlags.EXECUTE | PageFlags.ACCESSED | PageFlags.DIRTY;
    switch (space.format) {
      case X86Format _, I386Format _ -> space.mapCode(all | PageFlags.WRITE | PageFlags.USER);
      case Aarch64Format _ -> space.mapCode(all);
      case RiscvFormat _ -> {} // it runs untranslated
    }
  }

  private Guest start(Machine machine, WalkedSpace space) throws IOException {
    return switch (space.format) {
      case X86Format _, I386Format _ -> new X86Guest(folder, space);
      case Aarch64Format _ -> new Aarch64Guest(folder, space);
      case RiscvFormat _ -> new RiscvGuest(folder, space, machine.hasMemoryTypes);
    };
  }

  private static void compareTranslations(WalkedSpace space, Guest guest) throws IOException {
    int mapped = 0;
    for (int i = 0; i < TRANSLATIONS; i++) {
      long at = space.probe();
      Mappings.Range range = space.model.find(at);
      long expected = range == null ? Guest.NOT_MAPPED : range.translate(at);
      String what = "%x in %s".formatted(at, range);
      assertEquals(Long.toHexString(expected), Long.toHexString(space.space.translate(at)), what);
      assertEquals(Long.toHexString(expected), Long.toHexString(guest.translate(at)), what);
      mapped += expected == Guest.NOT_MAPPED ? 0 : 1;
    }
    assertTrue(mapped > TRANSLATIONS / 3 && mapped < TRANSLATIONS * 9 / 10, mapped + " mapped");
  }

  private static void compareAccesses(WalkedSpace space, Guest guest) throws IOException {
    Mmu mmu = space.mmu(guest.control());
    int allowed = 0;
    for (int i = 0; i < ACCESSED_ADDRESSES; ) {
      long at = space.probe();
      Mappings.Range range = space.model.find(at);
      if (range == null || guest.mayTouch(range, range.translate(at))) {
        allowed += compareAccesses(at, range, guest, mmu);
        i++;
      }
    }
    assertTrue(allowed > ACCESSED_ADDRESSES / 2, allowed + " allowed");
    assertTrue(allowed < ACCESSED_ADDRESSES * 4, allowed + " allowed");
  }

  /// Three walkers that share no code: QEMU's, the rules applied to the model, and ours.
  ///
  /// @return how many were allowed
  private static int compareAccesses(long at, Mappings.Range range, Guest guest, Mmu mmu)
      throws IOException {
    int allowed = 0;
    for (Access access : Access.values()) {
      for (boolean isUser : new boolean[] {false, true}) {
        Access.Answer expected = guest.expected(range, isUser, access);
        Access.Answer answer = guest.access(at, isUser, access);
        mmu.setUser(isUser);
        long ours = mmu.trace(at, access.kind, (_, _, _, _) -> {});
        String what =
            "%s of %x in %s by %s: %s, should be %s"
                .formatted(access, at, range, isUser ? "user" : "kernel", answer, expected);
        assertTrue(expected.agreesWith(answer), what);
        if (range != null && answer == Access.Answer.ALLOWED) {
          assertEquals(range.translate(at), ours, what);
          allowed++;
        } else {
          assertTrue(ours < 0, what);
        }
      }
    }
    return allowed;
  }
}
