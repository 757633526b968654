package dev.bifolio.kernel.table.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.PageFlags;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// QEMU's AArch64 `virt`: the monitor's `gva2gpa`, the instructions that translate an address for
/// EL1 and EL0, and fetches by both.
///
/// The stub cannot set system registers, so instructions do, one step at a time. They run at EL2,
/// whose own addresses are not translated; what they set and ask are EL1's tables. A fetch goes
/// down to EL1 or EL0 and traps to EL1, whose vectors call EL2 again.
///
/// ```
///   code page   000 EL1's vectors: 200 from EL1, 400 from EL0, each HVC │ 800 what is below, word by word
/// ```
///
/// Source: Arm DDI 0487, C5.3 (MSR, MRS), C5.5 (AT), D1.3 (exceptions), D8, D24.2 (registers).
final class Aarch64Guest implements Guest {
  /// Memory begins at 1 GiB, with the device tree.
  static final WalkedSpace.Places PLACES =
      new WalkedSpace.Places(0x4010_0000L, 0x4020_0000L, 0x4100_0000L, 1L << 40);

  private static final Pattern GPA = Pattern.compile("gpa: 0x([0-9a-f]+)");

  // Each with X0.
  private static final int MSR_HCR_EL2 = 0xD51C_1100;
  private static final int MSR_MAIR_EL1 = 0xD518_A200;
  private static final int MSR_TCR_EL1 = 0xD518_2040;
  private static final int MSR_TTBR0_EL1 = 0xD518_2000;
  private static final int MSR_TTBR1_EL1 = 0xD518_2020;
  private static final int MSR_VBAR_EL1 = 0xD518_C000;
  private static final int MSR_SCTLR_EL1 = 0xD518_1000;
  private static final int MSR_ELR_EL2 = 0xD51C_4020;
  private static final int MSR_SPSR_EL2 = 0xD51C_4000;
  private static final int MRS_PAR_EL1 = 0xD538_7400;
  private static final int MRS_ESR_EL1 = 0xD538_5200;
  private static final int AT_S1E1R = 0xD508_7800;
  private static final int AT_S1E1W = 0xD508_7820;
  private static final int AT_S1E0R = 0xD508_7840;
  private static final int AT_S1E0W = 0xD508_7860;
  private static final int ERET = 0xD69F_03E0;
  private static final int HVC_0 = 0xD400_0002;

  private static final int[] WORDS = {
    MSR_HCR_EL2,
    MSR_MAIR_EL1,
    MSR_TCR_EL1,
    MSR_TTBR0_EL1,
    MSR_TTBR1_EL1,
    MSR_VBAR_EL1,
    MSR_SCTLR_EL1,
    MSR_ELR_EL2,
    MSR_SPSR_EL2,
    MRS_PAR_EL1,
    MRS_ESR_EL1,
    AT_S1E1R,
    AT_S1E1W,
    AT_S1E0R,
    AT_S1E0W,
    ERET,
  };

  private static final int VECTOR_FROM_EL1 = 0x200;
  private static final int VECTOR_FROM_EL0 = 0x400;
  private static final int WORDS_AT = 0x800;

  private static final long HCR_EL1_IS_AARCH64 = 1L << 31;
  // T0SZ and T1SZ 16; write-back, inner shareable walks; granules of 4 KiB; 48 bits physical.
  private static final long TCR_HALF = 16 | 1 << 8 | 1 << 10 | 3 << 12;
  private static final long TCR = TCR_HALF | TCR_HALF << 16 | 2L << 30 | 5L << 32;
  private static final long SCTLR = 0x30D0_0801; // what is always one, and M
  private static final long EL0 = 0x3C0; // interrupts masked
  private static final long EL1 = 0x3C5;
  private static final long EL2 = 0x3C9;

  private static final long PAR_FAILED = 1;
  private static final long PAR_ADDRESS = 0xFFFF_FFFF_F000L;
  private static final int CLASS_FETCH_FROM_EL0 = 0x20;
  private static final int CLASS_FETCH_FROM_EL1 = 0x21;
  private static final int STATUS_TRANSLATION = 1;
  private static final int STATUS_ACCESS_FLAG = 2;
  private static final int STATUS_PERMISSION = 3;

  private final long page;
  private final QemuMachine machine;
  private final GdbStub stub;

  Aarch64Guest(Path folder, WalkedSpace space) throws IOException {
    page = space.places.codePage();
    ByteBuffer code = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    code.putInt(VECTOR_FROM_EL1, HVC_0).putInt(VECTOR_FROM_EL0, HVC_0);
    for (int i = 0; i < WORDS.length; i++) {
      code.putInt(WORDS_AT + 4 * i, WORDS[i]);
    }
    machine =
        new QemuMachine(
            folder,
            "qemu-system-aarch64",
            List.of("-M", "virt,virtualization=on", "-cpu", "max"),
            List.of(space.image(), new QemuMachine.Image("code", page, code.array())));
    stub = machine.stub();
  }

  @Override
  public void enter(WalkedSpace space) throws IOException {
    assertEquals(EL2, stub.register("cpsr") & 0x3CF, "the machine does not begin at EL2");
    run(MSR_HCR_EL2, HCR_EL1_IS_AARCH64);
    run(MSR_MAIR_EL1, Aarch64Format.MAIR);
    run(MSR_TCR_EL1, TCR);
    run(MSR_TTBR0_EL1, space.space.rootAddress(0));
    run(MSR_TTBR1_EL1, space.space.rootAddress(1));
    run(MSR_VBAR_EL1, page);
    run(MSR_SCTLR_EL1, SCTLR);
  }

  /// Executes one of our words, and returns X0.
  private long run(int word, long x0) throws IOException {
    int index = 0;
    while (WORDS[index] != word) {
      index++;
    }
    long at = page + WORDS_AT + 4L * index;
    stub.setRegister("x0", x0);
    stub.setRegister("pc", at);
    stub.step();
    if (word != ERET && stub.register("pc") != at + 4) {
      throw new IOException("%08x was not executed".formatted(word));
    }
    return stub.register("x0");
  }

  // ---- Accesses ----

  @Override
  public Access.Answer expected(Mappings.Range range, boolean isUser, Access access) {
    if (range == null) {
      return Access.Answer.NOT_PRESENT;
    }
    boolean ofUser = (range.flags() & PageFlags.USER) != 0;
    boolean isMode = access == Access.FETCH ? ofUser == isUser : ofUser || !isUser;
    int needed = access.flag | PageFlags.ACCESSED;
    boolean allowed = isMode && (range.flags() & needed) == needed;
    return allowed ? Access.Answer.ALLOWED : Access.Answer.FORBIDDEN;
  }

  /// Loads and stores are only translated.
  @Override
  public boolean mayTouch(Mappings.Range range, long physicalAddress) {
    return true;
  }

  @Override
  public Access.Answer access(long virtualAddress, boolean isUser, Access access)
      throws IOException {
    return switch (access) {
      case LOAD -> answer(ask(isUser ? AT_S1E0R : AT_S1E1R, virtualAddress));
      case STORE -> answer(ask(isUser ? AT_S1E0W : AT_S1E1W, virtualAddress));
      case FETCH -> fetch(virtualAddress & -4, isUser);
    };
  }

  /// What PAR_EL1 says of an address.
  private long ask(int translate, long virtualAddress) throws IOException {
    run(translate, virtualAddress);
    return run(MRS_PAR_EL1, 0);
  }

  private static Access.Answer answer(long par) throws IOException {
    return (par & PAR_FAILED) == 0 ? Access.Answer.ALLOWED : reason((int) (par >>> 1) & 0x3F);
  }

  /// A fault's status: four kinds of four levels each.
  private static Access.Answer reason(int status) throws IOException {
    return switch (status >>> 2) {
      case STATUS_TRANSLATION -> Access.Answer.NOT_PRESENT;
      case STATUS_ACCESS_FLAG, STATUS_PERMISSION -> Access.Answer.FORBIDDEN;
      default -> throw new IOException("fault status " + Integer.toBinaryString(status));
    };
  }

  private Access.Answer fetch(long at, boolean isUser) throws IOException {
    run(MSR_ELR_EL2, at);
    run(MSR_SPSR_EL2, isUser ? EL0 : EL1);
    run(ERET, 0);
    assertEquals(at, stub.register("pc"));
    stub.step();
    assertEquals(
        page + (isUser ? VECTOR_FROM_EL0 : VECTOR_FROM_EL1), stub.register("pc"), "no trap to EL1");
    stub.step();
    assertEquals(EL2, stub.register("cpsr") & 0x3CF, "the vector does not call EL2");
    long syndrome = run(MRS_ESR_EL1, 0);
    int reason = (int) (syndrome >>> 26);
    int status = (int) syndrome & 0x3F;
    boolean isAbort = reason == (isUser ? CLASS_FETCH_FROM_EL0 : CLASS_FETCH_FROM_EL1);
    // An instruction that is none, or no memory where our tables say it is: they allowed it.
    return isAbort && status >>> 2 <= STATUS_PERMISSION ? reason(status) : Access.Answer.ALLOWED;
  }

  @Override
  public int control() {
    return 0;
  }

  // ---- Translations ----

  /// By the monitor, which does not mind the access flag, and by the instruction unless it refuses.
  @Override
  public long translate(long virtualAddress) throws IOException {
    stub.setRegister("cpsr", EL1);
    String said = stub.monitor("gva2gpa 0x" + Long.toHexString(virtualAddress));
    stub.setRegister("cpsr", EL2);
    Matcher found = GPA.matcher(said);
    long byMonitor = found.find() ? Long.parseUnsignedLong(found.group(1), 16) : NOT_MAPPED;
    long par = ask(AT_S1E1R, virtualAddress);
    if ((par & PAR_FAILED) == 0) {
      long byInstruction = (par & PAR_ADDRESS) | (virtualAddress & 0xFFF);
      assertEquals(Long.toHexString(byMonitor), Long.toHexString(byInstruction));
    }
    return byMonitor;
  }

  /// There is no list; the memory type and the shareability of each range, at both of its ends.
  @Override
  public int compareAll(WalkedSpace space) throws IOException {
    int count = 0;
    for (Mappings.Range range : space.model.all()) {
      if ((range.flags() & PageFlags.ACCESSED) == 0) {
        continue;
      }
      boolean isDevice = (range.flags() & PageFlags.MEMORY_TYPE) == PageFlags.DEVICE;
      String expected = (isDevice ? "outer " : "inner ") + type(range.flags());
      for (long at : new long[] {range.virtual(), range.end() - 1}) {
        long par = ask(AT_S1E1R, at);
        assertEquals(0, par & PAR_FAILED, Long.toHexString(at));
        String shared = (par >>> 7 & 3) == 3 ? "inner " : "outer "; // devices, and 2
        assertEquals(expected, shared + (par >>> 56), Long.toHexString(at));
        count++;
      }
    }
    return count;
  }

  /// The field of MAIR_EL1 that a memory type has.
  private static int type(int flags) {
    return switch (flags & PageFlags.MEMORY_TYPE) {
      case PageFlags.DEVICE -> 0x04;
      case PageFlags.UNCACHED -> 0x44;
      case PageFlags.WRITE_THROUGH -> 0xBB;
      default -> 0xFF;
    };
  }

  @Override
  public void close() throws IOException {
    machine.close();
  }
}
