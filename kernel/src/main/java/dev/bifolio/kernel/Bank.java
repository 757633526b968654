package dev.bifolio.kernel;

import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;

/// One bank of RAM at work.
///
/// @param allocator hands out its frames
/// @param info the plane of words for the layers above
/// @param nodeIndex its NUMA node, as an index
record Bank(FrameAllocator allocator, FrameInfo info, int nodeIndex) {}
