/// From a memory map to free frames: the early allocator
/// [Memblock][dev.bifolio.kernel.boot.Memblock], the reservations that a boot makes, and the
/// placing of the frame metadata. The sequence itself belongs to the machine.
///
/// A memory map says what the firmware says. What a boot makes of it is policy:
///
/// | # | case | what the map says | what boot does |
/// |---|---|---|---|
/// | 1 | RAM that begins or ends inside a frame | the bytes as stated | only whole frames; less than one vanishes |
/// | 2 | hotpluggable RAM | marked | used like any other |
/// | 3 | RAM without a node | no node | belongs to node 0 |
/// | 4 | reservation not aligned to frames | the bytes as stated | every frame it touches is taken |
/// | 5 | reservation with several ranges | all of them | all of them are taken (Linux takes the first) |
/// | 6 | reservation outside of RAM, or overlapping others | as stated | kept, and harmless |
/// | 7 | range that may not be mapped, over other reservations | as stated | the part that no other holds is left unmapped (Linux drops the range) |
/// | 8 | reservation without a place | size, alignment, ranges | as high as possible in the first of its ranges with room, aligned, whole frames; if there is none, a warning, and boot goes on |
/// | 9 | reusable reservation | marked | stays reserved in this version; one without a place is aligned to 2 MiB at least, unless it may not be mapped |
/// | 10 | x86: first MiB, local APIC page | not mentioned | reserved |
/// | 11 | i386: RAM above 4 GiB | as stated | cut off, with a warning |
/// | 12 | kernel, initrd, device tree blob, modules, boot information | where known | reserved; the initrd that the caller states replaces the map's; one outside of RAM or over another gets a warning |
/// | 13 | initrd and boot information after boot | - | reserved until the machine is told to release them; what another reservation holds too stays (Linux frees it) |
/// | 14 | RAM from a loader | - | added like the map's own |
/// | 15 | RAM spanning more than 2^46 bytes, or above 2^63 | as stated | refused by name |
/// | 16 | `/reserved-memory` without `ranges`, or with other cells than the root | read with its own cells | taken (Linux ignores it) |
package dev.bifolio.kernel.boot;
