/// From a memory map to free frames: the early allocator
/// [Memblock][dev.bifolio.kernel.boot.Memblock], the reservations that a boot makes, and the
/// placing of the frame metadata. The sequence itself belongs to the machine.
package dev.bifolio.kernel.boot;
