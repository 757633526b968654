package dev.bifolio.kernel.table.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.kernel.mmu.MmuControl;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// QEMU's RISC-V `virt`: the monitor's `gva2gpa` and `info mem`, and loads, stores and fetches for
/// S and U mode.
///
/// Loads and stores are made in M mode, whose code is not translated, with mstatus.MPRV, which has
/// them translated as if in MPP's mode. A fetch is made by being in the mode. What goes wrong traps
/// to M mode, which tells why in mcause.
///
/// ```
///   code page   0 LBU │ 4 SB │ … │ 100 trap
/// ```
///
/// QEMU caches translations of M mode with and without MPRV in one place, so no probe may lie in
/// the page whose address the code has.
///
/// Source: RISC-V privileged architecture 20240411, 3.1.6 (mstatus), 3.1.15 (mcause), 10.1.11
/// (satp), 10.3.2 (translation); the numbers of instructions from the unprivileged volume, 2.6.
final class RiscvGuest implements Guest {
  /// Memory begins at 2 GiB; its last frame is for code.
  static final WalkedSpace.Places PLACES =
      new WalkedSpace.Places(0x83FF_F000L, 0x8000_0000L, 0x8100_0000L, 1L << 40);

  private static final Pattern GPA = Pattern.compile("gpa: 0x([0-9a-f]+)");
  private static final Pattern RANGE =
      Pattern.compile(
          "(?m)^([0-9a-f]{16}) ([0-9a-f]{16}) ([0-9a-f]{16}) ([r-][w-][x-][u-][g-][a-][d-])\\s*$");

  private static final int LOAD = 0;
  private static final int STORE = 4;
  private static final int TRAP = 0x100;
  private static final int LBU_A1_A0 = 0x0005_4583;
  private static final int SB_A1_A0 = 0x00B5_0023;

  private static final long USER_MODE = 0;
  private static final long SUPERVISOR_MODE = 1;
  private static final long MACHINE_MODE = 3;
  private static final int MPP_SHIFT = 11;
  private static final long MPRV = 1 << 17;
  private static final long MXR = 1 << 19;
  private static final long WIDE_MODES = 0xAL << 32; // UXL and SXL: 64 bits
  private static final int FETCH_PAGE_FAULT = 12;
  private static final int LOAD_PAGE_FAULT = 13;
  private static final int STORE_PAGE_FAULT = 15;
  private static final int ATTRIBUTES = (1 << 7) - 1;

  private final PageFormat format;
  private final boolean hasMemoryTypes;
  private final long page;
  private final QemuMachine machine;
  private final GdbStub stub;

  RiscvGuest(Path folder, WalkedSpace space, boolean hasMemoryTypes) throws IOException {
    format = space.format;
    this.hasMemoryTypes = hasMemoryTypes;
    page = space.places.codePage();
    ByteBuffer code = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    code.putInt(LOAD, LBU_A1_A0).putInt(STORE, SB_A1_A0);
    machine =
        new QemuMachine(
            folder,
            "qemu-system-riscv64",
            List.of(
                "-M",
                "virt",
                "-bios",
                "none",
                "-cpu",
                "rv64,pmp=off,svpbmt=" + (hasMemoryTypes ? "on" : "off")),
            List.of(space.image(), new QemuMachine.Image("code", page, code.array())));
    stub = machine.stub();
  }

  @Override
  public void enter(WalkedSpace space) throws IOException {
    long mode = format.levels() + 5L; // 8, 9 and 10
    long satp = mode << 60 | space.space.rootAddress(0) >>> 12;
    stub.setRegister("satp", satp);
    assertEquals(satp, stub.register("satp"), "the processor does not have " + format);
    stub.setRegister("mtvec", page + TRAP);
  }

  // ---- Accesses ----

  @Override
  public Access.Answer expected(Mappings.Range range, boolean isUser, Access access) {
    boolean allowed =
        range != null
            && (range.flags() & access.flag) != 0
            && (range.flags() & PageFlags.USER) != 0 == isUser;
    return allowed ? Access.Answer.ALLOWED : Access.Answer.REFUSED;
  }

  /// Whether bits for accesses and stores are set by the processor or by a trap is up to it.
  @Override
  public boolean mayTouch(Mappings.Range range, long physicalAddress) {
    int both = PageFlags.ACCESSED | PageFlags.DIRTY;
    return (range.flags() & both) == both;
  }

  @Override
  public Access.Answer access(long virtualAddress, boolean isUser, Access access)
      throws IOException {
    boolean isFetch = access == Access.FETCH;
    long at = isFetch ? virtualAddress & -4 : virtualAddress;
    long start = isFetch ? at : page + (access == Access.LOAD ? LOAD : STORE);
    long mode = isUser ? USER_MODE : SUPERVISOR_MODE;
    stub.setRegister("mstatus", WIDE_MODES); // MPRV changes, and what is cached is forgotten
    stub.setRegister("mstatus", WIDE_MODES | mode << MPP_SHIFT | MPRV);
    stub.setRegister("mcause", 0);
    stub.setRegister("priv", isFetch ? mode : MACHINE_MODE);
    stub.setRegister("a0", at);
    stub.setRegister("a1", 0);
    stub.setRegister("pc", start);
    stub.step();
    long now = stub.register("pc");
    if (now == page + TRAP) {
      return switch ((int) stub.register("mcause")) {
        case FETCH_PAGE_FAULT, LOAD_PAGE_FAULT, STORE_PAGE_FAULT -> Access.Answer.REFUSED;
        default -> Access.Answer.ALLOWED; // there is no memory, or no instruction
      };
    }
    if (now == start + 4) {
      return Access.Answer.ALLOWED;
    }
    throw new IOException("%s of %x goes on at %x".formatted(access, at, now));
  }

  @Override
  public int control() {
    return MmuControl.RISCV_ADUE | (hasMemoryTypes ? MmuControl.RISCV_PBMTE : 0);
  }

  // ---- The monitor ----

  /// The monitor finds what S mode may load, and pages of the user's too.
  @Override
  public long translate(long virtualAddress) throws IOException {
    stub.setRegister("mstatus", WIDE_MODES | MXR); // what may be fetched may be loaded
    stub.setRegister("priv", SUPERVISOR_MODE);
    String said = stub.monitor("gva2gpa 0x" + Long.toHexString(virtualAddress));
    Matcher found = GPA.matcher(said);
    if (found.find()) {
      return Long.parseUnsignedLong(found.group(1), 16);
    }
    assertEquals("Unmapped", said.strip());
    return NOT_MAPPED;
  }

  @Override
  public int compareAll(WalkedSpace space) throws IOException {
    List<Mappings.Range> seen = new ArrayList<>();
    Matcher line = RANGE.matcher(stub.monitor("info mem"));
    long physicalMask = (1L << format.physicalBits()) - 1; // it shows memory types above them
    while (line.find()) {
      seen.add(
          new Mappings.Range(
              Long.parseUnsignedLong(line.group(1), 16),
              Long.parseUnsignedLong(line.group(3), 16),
              Long.parseUnsignedLong(line.group(2), 16) & physicalMask,
              flags(line.group(4))));
    }
    List<Mappings.Range> expected = new ArrayList<>();
    for (Mappings.Range range : space.model.all()) {
      expected.add(
          new Mappings.Range(
              range.virtual(), range.byteSize(), range.physical(), range.flags() & ATTRIBUTES));
    }
    expected.sort(Comparator.comparing(Mappings.Range::virtual, Long::compareUnsigned));
    assertEquals(Mappings.merge(expected), Mappings.merge(seen));
    return seen.size();
  }

  /// `rwxugad` are our bits from the lowest on.
  private static int flags(String letters) {
    int flags = 0;
    for (int bit = 0; bit < letters.length(); bit++) {
      flags |= letters.charAt(bit) == '-' ? 0 : 1 << bit;
    }
    return flags;
  }

  @Override
  public void close() throws IOException {
    machine.close();
  }
}
