/// Memory of any size on top of frames: slab caches for objects of one size.
///
/// To read, in this order: [SlabCache][dev.bifolio.kernel.heap.SlabCache], whose overview says how
/// an object's state is one bit; `SlabRow`, `SlabRecords` and `SlabLists`, its words; `SlabClaims`,
/// what a CPU allocates from; [SlabOwner][dev.bifolio.kernel.heap.SlabOwner], what a thread of its
/// own does; `SlabSupply`, where slabs come from, with
/// [HeapPages][dev.bifolio.kernel.heap.HeapPages] and [HeapMap][dev.bifolio.kernel.heap.HeapMap]
/// below it.
@NullMarked
package dev.bifolio.kernel.heap;

import org.jspecify.annotations.NullMarked;
