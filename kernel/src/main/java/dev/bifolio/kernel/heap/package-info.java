/// Memory of any size for the kernel itself, on top of frames and page tables.
///
/// To read: [Vmalloc][dev.bifolio.kernel.heap.Vmalloc], memory that is contiguous by its virtual
/// addresses alone, with `VmallocPages`, the frames that it has in hand, and
/// [VmallocZones][dev.bifolio.kernel.heap.VmallocZones], where they come from in a machine.
@NullMarked
package dev.bifolio.kernel.heap;

import org.jspecify.annotations.NullMarked;
