import org.jspecify.annotations.NullMarked;

/// Everything a kernel would contain: firmware readers, the early allocator, frame allocators and
/// the boot sequence. No run-time dependency; the `platform` package alone touches the machine.
@NullMarked
module dev.bifolio.kernel {
  requires static transitive org.jspecify;

  exports dev.bifolio.kernel;
  exports dev.bifolio.kernel.unit;
  exports dev.bifolio.kernel.platform;
  exports dev.bifolio.kernel.firmware;
  exports dev.bifolio.kernel.frame;
  exports dev.bifolio.kernel.zone;
  exports dev.bifolio.kernel.reclaim;
  exports dev.bifolio.kernel.table;
  exports dev.bifolio.kernel.mmu;
  exports dev.bifolio.kernel.virtual;
  exports dev.bifolio.kernel.heap;
  exports dev.bifolio.kernel.boot;
}
