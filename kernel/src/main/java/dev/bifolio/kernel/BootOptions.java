package dev.bifolio.kernel;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// What a boot is told besides the memory map; immutable. Begin with [#DEFAULTS] and change what
/// differs.
///
/// @param loaderMemory RAM that the boot loader adds to the map, in any order; many device trees
///   leave it to the loader
/// @param kernel where the kernel image lies, null for none
/// @param initrd where the initial RAM disk lies; null leaves it to the map
/// @param fdt where the device tree blob lies, null if unknown or absent
/// @param fdtByteSize bytes of a blob whose place is not known: boot plays the loader and finds
///   one; 0 for none; must be 0 if `fdt` is given
/// @param headroomByteSize bytes behind the last frame of RAM that the machine's window spans as
///   well, for memory that is added later
/// @param checkMinimumMemory whether less than [#MINIMUM_BYTES] of RAM is refused
/// @param maxOrder the largest order of a block, 0 … [Pages#MAX_ORDER]
/// @param architecture overrides what the map says, null leaves it to the map
/// @param allocator which frame allocator runs the memory
public record BootOptions(
    @SuppressWarnings("ArrayRecordComponent") AddressRange[] loaderMemory, // copied in and out
    @Nullable AddressRange kernel,
    @Nullable AddressRange initrd,
    @Nullable AddressRange fdt,
    long fdtByteSize,
    long headroomByteSize,
    boolean checkMinimumMemory,
    int maxOrder,
    @Nullable Architecture architecture,
    AllocatorKind allocator) {
  /// The frame allocators a machine can run with.
  public enum AllocatorKind {
    /// The classic buddy allocator behind one lock.
    CLASSIC
  }

  /// The least RAM for which [#checkMinimumMemory()] is satisfied: 32 MiB.
  public static final long MINIMUM_BYTES = 32 * Pages.MIB;

  /// Nothing added, nothing checked, orders up to 20, the classic allocator.
  public static final BootOptions DEFAULTS =
      new BootOptions(
          new AddressRange[0],
          null,
          null,
          null,
          0,
          0,
          false,
          Pages.MAX_ORDER,
          null,
          AllocatorKind.CLASSIC);

  /// Checks the numbers and copies the ranges.
  ///
  /// @throws IllegalArgumentException if a size is negative, the order is out of range, or the blob
  ///   has both a place and a size
  public BootOptions {
    loaderMemory = loaderMemory.clone();
    if (fdtByteSize < 0 || headroomByteSize < 0) {
      throw new IllegalArgumentException("negative byte size");
    }
    if (fdt != null && fdtByteSize != 0) {
      throw new IllegalArgumentException("the blob has a place and a size to find a place for");
    }
    if (maxOrder < 0 || maxOrder > Pages.MAX_ORDER) {
      throw new IllegalArgumentException("maxOrder " + maxOrder + " is not 0 … " + Pages.MAX_ORDER);
    }
  }

  /// RAM that the boot loader adds to the map.
  ///
  /// @return a copy
  @Override
  public AddressRange[] loaderMemory() {
    return loaderMemory.clone();
  }

  /// These options with one more range of RAM from the loader.
  ///
  /// @param range bytes of RAM
  /// @return a copy with the change
  public BootOptions withLoaderMemory(AddressRange range) {
    AddressRange[] more = new AddressRange[loaderMemory.length + 1];
    System.arraycopy(loaderMemory, 0, more, 0, loaderMemory.length);
    more[loaderMemory.length] = range;
    return new BootOptions(
        more,
        kernel,
        initrd,
        fdt,
        fdtByteSize,
        headroomByteSize,
        checkMinimumMemory,
        maxOrder,
        architecture,
        allocator);
  }

  /// These options with another place of the kernel image.
  ///
  /// @param range its bytes, null for none
  /// @return a copy with the change
  public BootOptions withKernel(@Nullable AddressRange range) {
    return new BootOptions(
        loaderMemory,
        range,
        initrd,
        fdt,
        fdtByteSize,
        headroomByteSize,
        checkMinimumMemory,
        maxOrder,
        architecture,
        allocator);
  }

  /// These options with another place of the initial RAM disk.
  ///
  /// @param range its bytes, null leaves it to the map
  /// @return a copy with the change
  public BootOptions withInitrd(@Nullable AddressRange range) {
    return new BootOptions(
        loaderMemory,
        kernel,
        range,
        fdt,
        fdtByteSize,
        headroomByteSize,
        checkMinimumMemory,
        maxOrder,
        architecture,
        allocator);
  }

  /// These options with a device tree blob at a known place.
  ///
  /// @param range its bytes, null for none
  /// @return a copy with the change, and without a size to find a place for
  public BootOptions withFdt(@Nullable AddressRange range) {
    return new BootOptions(
        loaderMemory,
        kernel,
        initrd,
        range,
        0,
        headroomByteSize,
        checkMinimumMemory,
        maxOrder,
        architecture,
        allocator);
  }

  /// These options with a device tree blob for which boot finds a place.
  ///
  /// @param byteSize its bytes, 0 for none
  /// @return a copy with the change, and without a known place
  public BootOptions withFdtByteSize(long byteSize) {
    return new BootOptions(
        loaderMemory,
        kernel,
        initrd,
        null,
        byteSize,
        headroomByteSize,
        checkMinimumMemory,
        maxOrder,
        architecture,
        allocator);
  }

  /// These options with another headroom.
  ///
  /// @param byteSize bytes behind the last frame of RAM, 0 or more
  /// @return a copy with the change
  public BootOptions withHeadroom(long byteSize) {
    return new BootOptions(
        loaderMemory,
        kernel,
        initrd,
        fdt,
        fdtByteSize,
        byteSize,
        checkMinimumMemory,
        maxOrder,
        architecture,
        allocator);
  }

  /// These options with the check for the least RAM on or off.
  ///
  /// @param check whether less than [#MINIMUM_BYTES] is refused
  /// @return a copy with the change
  public BootOptions withMinimumMemoryCheck(boolean check) {
    return new BootOptions(
        loaderMemory,
        kernel,
        initrd,
        fdt,
        fdtByteSize,
        headroomByteSize,
        check,
        maxOrder,
        architecture,
        allocator);
  }

  /// These options with another largest order.
  ///
  /// @param order 0 … [Pages#MAX_ORDER]
  /// @return a copy with the change
  public BootOptions withMaxOrder(int order) {
    return new BootOptions(
        loaderMemory,
        kernel,
        initrd,
        fdt,
        fdtByteSize,
        headroomByteSize,
        checkMinimumMemory,
        order,
        architecture,
        allocator);
  }

  /// These options with another architecture.
  ///
  /// @param value the kind of machine, null leaves it to the map
  /// @return a copy with the change
  public BootOptions withArchitecture(@Nullable Architecture value) {
    return new BootOptions(
        loaderMemory,
        kernel,
        initrd,
        fdt,
        fdtByteSize,
        headroomByteSize,
        checkMinimumMemory,
        maxOrder,
        value,
        allocator);
  }

  /// These options with another allocator.
  ///
  /// @param kind which one
  /// @return a copy with the change
  public BootOptions withAllocator(AllocatorKind kind) {
    return new BootOptions(
        loaderMemory,
        kernel,
        initrd,
        fdt,
        fdtByteSize,
        headroomByteSize,
        checkMinimumMemory,
        maxOrder,
        architecture,
        kind);
  }
}
