package dev.bifolio.kernel;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.unit.AddressRange;

/// Memory maps for tests, in few words.
final class Maps {
  static final long MIB = 1L << 20;
  static final long GIB = 1L << 30;

  private final MemoryMapBuilder builder;

  private Maps(String format, Architecture architecture) {
    builder = new MemoryMapBuilder(format).architecture(architecture);
  }

  static Maps fdt() {
    return new Maps("fdt", Architecture.AARCH64);
  }

  static Maps e820(Architecture architecture) {
    return new Maps("e820", architecture);
  }

  Maps ram(long base, long byteSize) {
    return ram(base, byteSize, MemoryRegion.NO_NODE);
  }

  Maps ram(long base, long byteSize, int node) {
    try {
      builder.addMemory(base, byteSize, node, false, "test", 0);
    } catch (MemoryMapException e) {
      throw new AssertionError(e);
    }
    return this;
  }

  Maps reserved(long base, long byteSize) {
    return reserved(base, byteSize, ReservedRegion.Source.RESERVED_MEMORY, false);
  }

  Maps reserved(long base, long byteSize, ReservedRegion.Source source, boolean noMap) {
    try {
      builder.addReserved(base, byteSize, "r", source, noMap, false, "test", 0);
    } catch (MemoryMapException e) {
      throw new AssertionError(e);
    }
    return this;
  }

  Maps initrd(long base, long byteSize) {
    builder.initrd(new AddressRange(base, byteSize));
    return this;
  }

  MemoryMapBuilder builder() {
    return builder;
  }

  MemoryMap build() {
    return builder.build();
  }
}
