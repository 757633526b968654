package dev.bifolio.kernel.table.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.bifolio.kernel.mmu.MmuControl;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// QEMU's PC: the monitor's `gva2gpa`, `info tlb` and `info mem`, and loads, stores and fetches in
/// rings 0 and 3.
///
/// The three commands of the monitor each have a walk of their own, which looks at neither reserved
/// bits nor, in the first two, at the tables above a leaf. The accesses go the processor's way: a
/// page fault leaves its address in CR2 and its reason on the stack. They need a page of ours that
/// the kernel may use, at the same virtual address:
///
/// ```
///   000 gates for exceptions 0 … 31 │ 200 segments │ 280 task state │ 400 code │ … E00 stack │ F00 handlers
/// ```
///
/// Source: Intel SDM 3A, 3.4.5 (segment descriptors), 5.6 and 5.7 (rights, page faults), 7.11
/// (gates), 8.2 (task state), 10.9 (modes).
final class X86Guest implements Guest {
  /// Tables from 1 MiB on; nothing but memory from 8 GiB on.
  static final WalkedSpace.Places PLACES_64 =
      new WalkedSpace.Places(0x8_0000, 0x10_0000, 0x100_0000, 1L << 33);

  /// Tables from 1 MiB on; nothing between 1 and 2 GiB; devices are in the last one.
  static final WalkedSpace.Places PLACES_32 =
      new WalkedSpace.Places(0x8_0000, 0x10_0000, 0x100_0000, 1L << 30);

  private static final Pattern GPA = Pattern.compile("gpa: 0x([0-9a-f]+)");
  private static final Pattern LEAF =
      Pattern.compile("(?m)^([0-9a-f]{16}): ([0-9a-f]{16}) ([XGPDACTUW-]{9})\\s*$");
  private static final Pattern RANGE =
      Pattern.compile("(?m)^([0-9a-f]{16})-([0-9a-f]{16}) [0-9a-f]{16} ([u-])r([w-])\\s*$");

  /// `info tlb` of QEMU 7.2 leaves out bits 51 and 50.
  private static final long SHOWN_ADDRESS = (1L << 50) - 1;

  private static final int SEGMENTS = 0x200;
  private static final int TASK = 0x280;
  private static final int CODE = 0x400;
  private static final int LOAD_SEGMENTS = CODE;
  private static final int LOAD_GATES = CODE + 0x10;
  private static final int LOAD_TASK = CODE + 0x20;
  private static final int LOAD = CODE + 0x30;
  private static final int STORE = CODE + 0x40;
  private static final int SCRATCH = 0xC00;
  private static final int STACK = 0xE00;
  private static final int HANDLERS = 0xF00;
  private static final int PAGE_FAULT = 14;
  private static final int FAULT_PRESENT = 1;
  private static final int FAULT_RESERVED = 8;

  private static final int KERNEL_CODE = 0x08;
  private static final int KERNEL_DATA = 0x10;
  private static final int USER_CODE = 0x1B;
  private static final int USER_DATA = 0x23;
  private static final int TASK_SELECTOR = 0x28;

  private static final long CR0 = 1L << 31 | 1 << 16 | 1 << 4 | 1; // PG, WP, ET, PE
  private static final long CR4_PSE = 1 << 4;
  private static final long CR4_PAE = 1 << 5;
  private static final long CR4_PGE = 1 << 7;
  private static final long CR4_LA57 = 1 << 12;
  private static final long EFER = 1 << 11 | 1 << 8; // NXE, LME

  private final PageFormat format;
  private final boolean isWide;
  private final long page;
  private final long addressMask;
  private final QemuMachine machine;
  private final GdbStub stub;

  X86Guest(Path folder, WalkedSpace space) throws IOException {
    format = space.format;
    isWide = format.entryByteSize() == Long.BYTES;
    page = space.places.codePage();
    addressMask = format.pageByteSize(format.levels()) * format.entryCount() - 1;
    Path firmware = folder.resolve("firmware");
    Files.write(firmware, new byte[1 << 16]);
    machine =
        new QemuMachine(
            folder,
            isWide ? "qemu-system-x86_64" : "qemu-system-i386",
            List.of("-M", "pc", "-cpu", "max", "-bios", firmware.toString()),
            List.of(space.image(), new QemuMachine.Image("code", page, code())));
    stub = machine.stub();
  }

  // ---- Modes ----

  /// What lies on our page.
  private byte[] code() {
    ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    for (int vector = 0; vector < 32; vector++) {
      long gate = ((page + HANDLERS + vector) & 0xFFFF) | KERNEL_CODE << 16 | 0x8EL << 40;
      gate |= (page + HANDLERS + vector) >>> 16 << 48;
      bytes.putLong(vector * (isWide ? 16 : 8), gate);
    }
    long codeKind =
        isWide ? 0x00AF_9B00_0000_FFFFL : 0x00CF_9B00_0000_FFFFL; // L or D, all of 4 GiB
    long dataKind = 0x00CF_9300_0000_FFFFL;
    long userRing = 3L << 45;
    bytes.putLong(SEGMENTS + KERNEL_CODE, codeKind);
    bytes.putLong(SEGMENTS + KERNEL_DATA, dataKind);
    bytes.putLong(SEGMENTS + (USER_CODE & ~3), codeKind | userRing);
    bytes.putLong(SEGMENTS + (USER_DATA & ~3), dataKind | userRing);
    bytes.putLong(SEGMENTS + TASK_SELECTOR, (page + TASK) << 16 | 0x89L << 40 | 103);
    bytes.putInt(TASK + 4, (int) page + STACK); // the stack of ring 0
    bytes.putInt(TASK + 8, isWide ? 0 : KERNEL_DATA);
    // In real mode, 32-bit operand, from the code segment: LGDT and LIDT of six bytes each.
    put(bytes, LOAD_SEGMENTS, 0x66, 0x2E, 0x0F, 0x01, 0x16, LOAD_TASK + 4 & 0xFF, LOAD_TASK >> 8);
    put(bytes, LOAD_GATES, 0x66, 0x2E, 0x0F, 0x01, 0x1E, LOAD_TASK + 10 & 0xFF, LOAD_TASK >> 8);
    put(bytes, LOAD_TASK, 0x0F, 0x00, 0xD8); // LTR AX
    bytes.putShort(LOAD_TASK + 4, (short) 0x7F).putInt(LOAD_TASK + 6, (int) page + SEGMENTS);
    bytes.putShort(LOAD_TASK + 10, (short) 0x1FF).putInt(LOAD_TASK + 12, (int) page);
    put(bytes, LOAD, 0x8A, 0x18); // MOV BL, [RAX]
    put(bytes, STORE, 0x88, 0x18); // MOV [RAX], BL
    return bytes.array();
  }

  private static void put(ByteBuffer bytes, int at, int... values) {
    for (int i = 0; i < values.length; i++) {
      bytes.put(at + i, (byte) values[i]);
    }
  }

  /// From real mode, as after reset, to paging in ring 0.
  @Override
  public void enter(WalkedSpace space) throws IOException {
    stub.setRegister("cs", page >> 4);
    for (int at : new int[] {LOAD_SEGMENTS, LOAD_GATES}) {
      set("ip", at);
      stub.step();
    }
    long cr4 = isWide ? CR4_PAE | CR4_PGE : CR4_PSE | CR4_PGE;
    stub.setRegister("cr4", format.levels() == 5 ? cr4 | CR4_LA57 : cr4);
    if (isWide) {
      stub.setRegister("efer", EFER);
    }
    stub.setRegister("cr3", space.space.rootAddress(0));
    stub.setRegister("cr0", CR0);
    stub.setRegister("ds", USER_DATA);
    enterRing(false);
    set("ax", TASK_SELECTOR);
    set("ip", page + LOAD_TASK);
    stub.step();
    assertEquals(page + LOAD_TASK + 3, get("ip"), "the task register cannot be loaded");
  }

  private void enterRing(boolean isUser) throws IOException {
    stub.setRegister("cs", isUser ? USER_CODE : KERNEL_CODE);
    stub.setRegister("ss", isUser ? USER_DATA : KERNEL_DATA);
    stub.setRegister("eflags", 2);
    set("sp", page + STACK);
  }

  private void set(String name, long value) throws IOException {
    stub.setRegister((isWide ? "r" : "e") + name, value);
  }

  private long get(String name) throws IOException {
    return stub.register((isWide ? "r" : "e") + name);
  }

  // ---- Accesses ----

  @Override
  public Access.Answer expected(Mappings.Range range, boolean isUser, Access access) {
    if (range == null) {
      return Access.Answer.NOT_PRESENT;
    }
    int needed = access.flag | (isUser ? PageFlags.USER : 0);
    return (range.flags() & needed) == needed ? Access.Answer.ALLOWED : Access.Answer.FORBIDDEN;
  }

  /// QEMU's processors have 40 bits of physical address; above, they report reserved bits. On the
  /// 32-bit one there are devices from 2 GiB on.
  @Override
  public boolean mayTouch(Mappings.Range range, long physicalAddress) {
    return physicalAddress >>> (isWide ? 40 : 31) == 0;
  }

  @Override
  public Access.Answer access(long virtualAddress, boolean isUser, Access access)
      throws IOException {
    boolean isFetch = access == Access.FETCH;
    long at = isFetch ? virtualAddress & -16 : virtualAddress;
    long start = isFetch ? at : page + (access == Access.LOAD ? LOAD : STORE);
    enterRing(isUser);
    // What may be fetched are zeros, ADD [RAX], AL; and zero is what is stored.
    set("ax", isFetch ? page + SCRATCH : at);
    set("bx", 0);
    set("ip", start);
    stub.step();
    long now = get("ip");
    long vector = now - page - HANDLERS;
    if (vector == PAGE_FAULT && stub.register("cr2") == at) {
      return reason();
    }
    if (now == start + 2 || (isFetch && vector >= 0 && vector < 32)) {
      return Access.Answer.ALLOWED;
    }
    throw new IOException("%s of %x goes on at %x".formatted(access, at, now));
  }

  private Access.Answer reason() throws IOException {
    int code = stub.memory(get("sp"), 1)[0];
    if ((code & FAULT_RESERVED) != 0) {
      throw new IOException(
          "a reserved bit is set on the way to " + Long.toHexString(stub.register("cr2")));
    }
    return (code & FAULT_PRESENT) != 0 ? Access.Answer.FORBIDDEN : Access.Answer.NOT_PRESENT;
  }

  @Override
  public int control() {
    return MmuControl.X86_WP | MmuControl.X86_PGE | (isWide ? MmuControl.X86_NXE : 0);
  }

  // ---- The monitor ----

  @Override
  public long translate(long virtualAddress) throws IOException {
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
    // With five levels `info mem` of QEMU 7.2 takes each table of the third and second level that
    // is
    // present for one that is not, and the other way round: it lists nothing, after 13 s.
    if (format.levels() != 5) {
      compareRanges(space);
    }
    return compareLeaves(space);
  }

  private void compareRanges(WalkedSpace space) throws IOException {
    List<Mappings.Range> expected = new ArrayList<>();
    for (Mappings.Range range : space.model.all()) {
      int rights = range.flags() & (PageFlags.USER | PageFlags.WRITE);
      expected.add(raw(range.virtual() & addressMask, range.byteSize(), rights));
    }
    expected.sort(Comparator.comparingLong(Mappings.Range::virtual));
    assertEquals(Mappings.merge(expected), Mappings.merge(seenRanges()));
  }

  /// A range without physical addresses, which `info mem` does not tell.
  private static Mappings.Range raw(long virtual, long byteSize, int flags) {
    return new Mappings.Range(virtual, byteSize, virtual, flags);
  }

  /// What user mode and what the kernel may do, through all levels: `info mem`.
  private List<Mappings.Range> seenRanges() throws IOException {
    List<Mappings.Range> seen = new ArrayList<>();
    Matcher line = RANGE.matcher(stub.monitor("info mem"));
    while (line.find()) {
      long start = Long.parseUnsignedLong(line.group(1), 16) & addressMask;
      long last = Long.parseUnsignedLong(line.group(2), 16) - 1 & addressMask;
      int rights = line.group(3).equals("u") ? PageFlags.USER : 0;
      rights |= line.group(4).equals("w") ? PageFlags.WRITE : 0;
      seen.add(raw(start, last + 1 - start, rights));
    }
    return seen;
  }

  /// Each leaf with its address and bits: `info tlb`.
  private int compareLeaves(WalkedSpace space) throws IOException {
    int software = PageFlags.COPY_ON_WRITE | PageFlags.SOFTWARE;
    int count = 0;
    int large = 0;
    Matcher line = LEAF.matcher(stub.monitor("info tlb"));
    while (line.find()) {
      long at = Long.parseUnsignedLong(line.group(1), 16);
      at = format.isCanonical(at) ? at : at & addressMask;
      Mappings.Range range = space.model.find(at);
      assertNotNull(range, line.group());
      long physical = range.translate(at) & SHOWN_ADDRESS;
      assertEquals(physical, Long.parseUnsignedLong(line.group(2), 16), line.group());
      assertEquals(
          PageFlags.toString(range.flags() & ~software),
          PageFlags.toString(flags(line.group(3))),
          line.group());
      count++;
      large += line.group(3).charAt(2) == 'P' ? 1 : 0;
    }
    assertEquals(space.leaves(1), count);
    assertEquals(space.leaves(2), large);
    return count;
  }

  private static int flags(String letters) {
    int flags = PageFlags.READ;
    flags |= letters.charAt(0) == 'X' ? 0 : PageFlags.EXECUTE; // X says that it is not
    flags |= letters.charAt(1) == 'G' ? PageFlags.GLOBAL : 0;
    flags |= letters.charAt(3) == 'D' ? PageFlags.DIRTY : 0;
    flags |= letters.charAt(4) == 'A' ? PageFlags.ACCESSED : 0;
    flags |= letters.charAt(5) == 'C' ? PageFlags.UNCACHED : 0;
    flags |= letters.charAt(6) == 'T' ? PageFlags.WRITE_THROUGH : 0;
    flags |= letters.charAt(7) == 'U' ? PageFlags.USER : 0;
    return flags | (letters.charAt(8) == 'W' ? PageFlags.WRITE : 0);
  }

  @Override
  public void close() throws IOException {
    machine.close();
  }
}
