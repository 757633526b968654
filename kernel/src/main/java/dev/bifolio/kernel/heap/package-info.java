/// Memory of any size for the kernel itself, on top of frames and page tables: slab caches for
/// objects of one size, and virtually contiguous memory.
///
/// To read, in this order: [SlabCache][dev.bifolio.kernel.heap.SlabCache], whose overview says how
/// an object's state is one bit; `SlabRow`, `SlabRecords` and `SlabLists`, its words; `SlabClaims`,
/// what a CPU allocates from; [SlabOwner][dev.bifolio.kernel.heap.SlabOwner], what a thread of its
/// own does; `SlabSupply`, where slabs come from, with
/// [HeapPages][dev.bifolio.kernel.heap.HeapPages] and [HeapMap][dev.bifolio.kernel.heap.HeapMap]
/// below it.
///
/// Then [Vmalloc][dev.bifolio.kernel.heap.Vmalloc], memory that is contiguous by its virtual
/// addresses alone, with `VmallocPages`, the frames that it has in hand, and
/// [VmallocZones][dev.bifolio.kernel.heap.VmallocZones], where they come from in a machine.
@NullMarked
package dev.bifolio.kernel.heap;

import org.jspecify.annotations.NullMarked;
