/// Page tables: real bytes in managed memory, as the manuals of four architectures want them.
///
/// To read, in this order: [PageFlags][dev.bifolio.kernel.table.PageFlags], what a mapping allows;
/// [PageFormat][dev.bifolio.kernel.table.PageFormat], how an architecture writes it, with one class
/// for each that draws its bits; [TableFrames][dev.bifolio.kernel.table.TableFrames], where tables
/// come from; [AddressSpace][dev.bifolio.kernel.table.AddressSpace], which maps, unmaps, protects,
/// splits, collapses, copies and translates, with an outcome enum for each. Behind it, `SpaceCore`
/// takes the lock and has one of the walks go: `TableMapper`, `TableChanger` (unmap, protect,
/// split), `TableReplacer`, `TableCollapser`, `TableCopier`, and `TableReader` without the lock.
///
/// [KernelLayout][dev.bifolio.kernel.table.KernelLayout] says where a kernel's things lie among the
/// addresses of a format, and [DirectMap][dev.bifolio.kernel.table.DirectMap] maps RAM there; a
/// machine's boot ends with such tables.
///
/// How a processor reads these bytes is in the package `mmu`, which knows this one, but not the
/// other way round.
@NullMarked
package dev.bifolio.kernel.table;

import org.jspecify.annotations.NullMarked;
