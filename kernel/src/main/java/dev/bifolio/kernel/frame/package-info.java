/// The page frame allocators: who has which frame of physical memory.
///
/// Start with [FrameAllocator][dev.bifolio.kernel.frame.FrameAllocator], the contract, then read
/// [BuddyAllocator][dev.bifolio.kernel.frame.BuddyAllocator], the classic one, from its overview
/// comment on. Beneath it, each with its own picture: `FrameDescriptors` (16 bytes per frame),
/// `FreeAreas` (the free lists), `ManagedSections` (where there is memory at all), `FrameCounters`
/// and `BuddyValidator`.
package dev.bifolio.kernel.frame;
