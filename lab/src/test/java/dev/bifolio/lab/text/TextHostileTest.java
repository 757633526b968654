package dev.bifolio.lab.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.testkit.SplitMix64;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Whatever the text: a map or a [MemoryMapException], nothing else.
class TextHostileTest {
  private static final byte[] IOMEM =
      """
      00000000-00000fff : Reserved
      00001000-0009fbff : System RAM
      00100000-3ffdefff : System RAM
        21200000-221fffff : Kernel code
          3ff00000-3fffffff : reserved
      fd00000000-ffffffffff : ACPI Tables
      """
          .getBytes(StandardCharsets.ISO_8859_1);

  private static final byte[] LOG =
      """
      <6>[    0.000000][    T0] Linux version 6.12.1 (x86_64-linux-gnu-gcc)
      [    0.000000] Command line: quiet
      [    0.000000] BIOS-e820: [mem 0x0000000000100000-0x000000003ffdefff] usable
       BIOS-e820: 0000000000000000 - 000000000009fc00 (usable)
      [    0.000000] BIOS-e820: [mem 0x000000003ffdf000-0x000000003ffeffff] ACPI data
      efi: mem00: [Conventional|   |SP|WB] range=[0x0000000040000000-0x0000000040ffffff] (16MB)
      EFI: mem04: type=9, attr=0xf, range=[0x0000000044000000-0x0000000044001000) (0MB)
      [    0.06] ACPI: SRAT: Node 1 PXM 1 [mem 0x00100000-0x3fffffff] hotplug
      SRAT: Node 0 PXM 0 0-a0000
      [    0.08]   node   0: [mem 0x0000000000000000-0x000000000fffffff]
      OF: reserved mem: 0x80000000..0x8007ffff (512 KiB) nomap non-reusable mmode@80000000
      RAMDISK: [mem 0x3fed4000-0x3ffcffff]
      """
          .getBytes(StandardCharsets.ISO_8859_1);

  private static boolean readsOrRefuses(boolean log, byte[] bytes, String what) {
    try {
      return (log ? DmesgReader.read(bytes) : IomemReader.read(bytes)).memoryCount() >= 0;
    } catch (MemoryMapException expected) {
      return false;
    } catch (RuntimeException | Error e) {
      throw new AssertionError(what + ": " + new String(bytes, StandardCharsets.ISO_8859_1), e);
    }
  }

  @Test
  void everyTruncationAndEveryChangedByteIsReadOrRefused() {
    for (boolean log : new boolean[] {false, true}) {
      byte[] sample = log ? LOG : IOMEM;
      assertTrue(readsOrRefuses(log, sample, "sample"));
      for (int i = 0; i < sample.length; i++) {
        readsOrRefuses(log, Arrays.copyOf(sample, i), "first " + i);
        for (int value = 0; value < 256; value += 5) {
          byte[] changed = sample.clone();
          changed[i] = (byte) value;
          readsOrRefuses(log, changed, "byte " + i);
        }
      }
    }
  }

  @Test
  void randomMutationsAreReadOrRefused() {
    int mapCount = 0;
    for (long seed = 0; seed < 50_000; seed++) {
      SplitMix64 random = new SplitMix64(seed);
      boolean log = random.oneIn(2);
      byte[] changed = (log ? LOG : IOMEM).clone();
      for (int change = random.below(6); change >= 0; change--) {
        int from = random.below(changed.length);
        int to = random.below(changed.length);
        if (random.oneIn(2)) {
          changed[to] = (byte) random.next();
        } else {
          int byteCount = Math.min(random.below(40), changed.length - Math.max(from, to));
          System.arraycopy(changed, from, changed, to, byteCount);
        }
      }
      if (readsOrRefuses(log, changed, "seed " + seed)) {
        mapCount++;
      }
    }
    assertTrue(mapCount > 2_000 && mapCount < 48_000, mapCount + " maps of 50000");
  }

  /// The limit is far above what a reader needs that looks at each character a few times, and far
  /// below what one needs that copies the rest of the line again and again.
  @Test
  @Timeout(10)
  void longLinesAndManyLinesAreReadInLinearTime() {
    String[] pieces = {
      "[0]",
      "[0][T0] ",
      "[",
      "]",
      "<6>",
      " ",
      " kernel: ",
      "(",
      "0",
      "T",
      "\n",
      "[0]\n",
      "0-0 : a ",
    };
    String[] beginnings = {
      "",
      "[0] ",
      "BIOS-e820: ",
      "BIOS-e820: [mem ",
      "efi: mem00: [",
      "SRAT: Node 1 ",
      "  node 1: [mem ",
      "OF: reserved mem: 0x0..0x1 (",
      "RAMDISK: ",
      "00000000-00000fff : ",
    };
    for (String beginning : beginnings) {
      for (String piece : pieces) {
        String text = beginning + piece.repeat((1 << 18) / piece.length());
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        readsOrRefuses(true, bytes, "long");
        readsOrRefuses(false, bytes, "long");
      }
    }
  }

  @Test
  @Timeout(10)
  void fifteenMebibytesOfStampsAreOneMessage() {
    LogMessage message = LogMessage.of("[0]".repeat(5 << 20) + " end");
    assertEquals(new LogMessage("end", true), message);
  }

  @Test
  void noStampIsLongerThanThirtyTwoCharacters() {
    assertEquals("end", LogMessage.of("[" + "1".repeat(30) + "] end").text());
    String longer = "[" + "1".repeat(31) + "] end";
    assertEquals(new LogMessage(longer, false), LogMessage.of(longer));
  }
}
