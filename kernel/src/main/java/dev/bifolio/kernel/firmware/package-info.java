/// Untrusted bytes in, a validated [MemoryMap][dev.bifolio.kernel.firmware.MemoryMap] out: device
/// trees, Multiboot, E820, EFI and ACPI. Every reader works over a
/// [ByteView][dev.bifolio.kernel.firmware.ByteView], checks each offset before it reads, and either
/// returns a map or throws a [MemoryMapException][dev.bifolio.kernel.firmware.MemoryMapException]
/// with the place.
///
/// A map says what the file says, put in order; what a boot makes of it is decided elsewhere.
package dev.bifolio.kernel.firmware;
