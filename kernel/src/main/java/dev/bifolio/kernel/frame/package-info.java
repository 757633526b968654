/// The page frame allocators: who has which frame of physical memory.
///
/// Start with [FrameAllocator][dev.bifolio.kernel.frame.FrameAllocator], the contract, then read
/// [BuddyAllocator][dev.bifolio.kernel.frame.BuddyAllocator], the classic one, from its overview
/// comment on. Beneath it, each with its own picture: `FrameDescriptors` (16 bytes per frame),
/// `FreeAreas` (the free lists), `ManagedSections` (where there is memory at all), `FrameCounters`
/// and `BuddyValidator`.
///
/// [HybridAllocator][dev.bifolio.kernel.frame.HybridAllocator] is the concurrent one; the overview
/// comment of `HybridCore` comes first, then `UnitWord`, the word that all of it is made of,
/// `UnitLevel`, `AreaWord` and `Areas`, `ClaimWord` and `SlotClaims`, `Magazines`, `HintBitmap`;
/// `FrameRuns` and `LongRuns` know runs of any count, `FrameStates` and `FrameCensus` read what is
/// there.
package dev.bifolio.kernel.frame;
