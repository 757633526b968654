/// The page frame allocators. Start with [FrameAllocator][dev.bifolio.kernel.frame.FrameAllocator],
/// the contract.
package dev.bifolio.kernel.frame;
