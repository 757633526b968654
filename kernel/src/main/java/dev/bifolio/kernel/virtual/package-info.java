/// User memory above page tables: which virtual addresses mean something, and what happens when one
/// of them is touched for the first time.
///
/// To read, in this order: [AreaFlags][dev.bifolio.kernel.virtual.AreaFlags], what an area allows;
/// [VirtualAreas][dev.bifolio.kernel.virtual.VirtualAreas], the sorted areas of one space, with
/// `AreaTree` and `AreaNodes` below it; [AreaPlacement][dev.bifolio.kernel.virtual.AreaPlacement],
/// where a new one goes; [ProgramBreak][dev.bifolio.kernel.virtual.ProgramBreak].
@NullMarked
package dev.bifolio.kernel.virtual;

import org.jspecify.annotations.NullMarked;
