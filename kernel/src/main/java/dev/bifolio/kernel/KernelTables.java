package dev.bifolio.kernel;

import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.KernelLayout;
import dev.bifolio.kernel.table.TableFrames;

/// The page tables of a running machine.
///
/// Table frames come from the zones, as single unmovable frames that the kernel reaches, without
/// waiting and without reclaim, since a space's lock is held meanwhile; from a pool of 16 when
/// there are none. Their word in [FrameInfo][dev.bifolio.kernel.frame.FrameInfo] is of the kind
/// `KIND_TABLE`.
///
/// @param layout where the kernel's things lie
/// @param space the kernel's half: RAM in the direct map, and the image
/// @param frames where tables come from, for spaces of processes too
public record KernelTables(KernelLayout layout, AddressSpace space, TableFrames frames) {}
