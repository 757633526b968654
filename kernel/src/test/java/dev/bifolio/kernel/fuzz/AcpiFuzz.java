package dev.bifolio.kernel.fuzz;

import dev.bifolio.kernel.firmware.AcpiTables;
import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.E820Reader;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/// Fuzz target: ACPI tables, and laying them over a map.
///
/// The first byte's low bit says whether the sums are put right (else nothing would pass them), the
/// next two are the length of the first table; what follows it is the second.
public final class AcpiFuzz {
  private static final int HEADER_BYTES = 3;
  private static final int SUM_AT = 9;

  private AcpiFuzz() {}

  /// Runs one input.
  ///
  /// @param input from the fuzzer
  /// @throws MemoryMapException if the map below the tables is refused, which is a finding
  public static void fuzzerTestOneInput(byte[] input) throws MemoryMapException {
    if (input.length < HEADER_BYTES) {
      return;
    }
    int firstLength = (input[1] & 0xFF) << 8 | (input[2] & 0xFF);
    int cut = Math.min(HEADER_BYTES + firstLength, input.length);
    byte[] first = Arrays.copyOfRange(input, HEADER_BYTES, cut);
    byte[] second = Arrays.copyOfRange(input, cut, input.length);
    if ((input[0] & 1) != 0) {
      putSumRight(first);
      putSumRight(second);
    }
    MemoryMap below = map();
    MapRules.check(() -> {
      AcpiTables tables =
          second.length == 0
              ? AcpiTables.read(ByteView.of(first))
              : AcpiTables.read(ByteView.of(first), ByteView.of(second));
      MemoryMap above = tables.applyTo(below);
      if (above.totalMemoryBytes() != below.totalMemoryBytes()) {
        throw new AssertionError("the tables changed how much memory there is");
      }
      return above;
    });
  }

  private static MemoryMap map() throws MemoryMapException {
    ByteBuffer list = ByteBuffer.allocate(60).order(ByteOrder.LITTLE_ENDIAN);
    list.putLong(0).putLong(0x9FC00).putInt(1);
    list.putLong(0x100000).putLong(0xBFF00000L).putInt(1);
    list.putLong(0x100000000L).putLong(0x140000000L).putInt(1);
    return E820Reader.read(ByteView.of(list.array()), 60, 20);
  }

  private static void putSumRight(byte[] table) {
    if (table.length <= SUM_AT) {
      return;
    }
    int length = ByteBuffer.wrap(table).order(ByteOrder.LITTLE_ENDIAN).getInt(4);
    byte sum = 0;
    for (int i = 0; i < Math.clamp(length, 0, table.length); i++) {
      sum += i == SUM_AT ? 0 : table[i];
    }
    table[SUM_AT] = (byte) -sum;
  }
}
