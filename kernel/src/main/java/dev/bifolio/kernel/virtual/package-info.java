/// User memory above page tables: which virtual addresses mean something, and what happens when one
/// of them is touched for the first time.
///
/// To read, in this order: [AreaFlags][dev.bifolio.kernel.virtual.AreaFlags], what an area allows;
/// [VirtualAreas][dev.bifolio.kernel.virtual.VirtualAreas], the sorted areas of one space, with
/// `AreaTree` and `AreaNodes` below it; [AreaPlacement][dev.bifolio.kernel.virtual.AreaPlacement],
/// where a new one goes; [ProgramBreak][dev.bifolio.kernel.virtual.ProgramBreak].
///
/// Then [UserSpace][dev.bifolio.kernel.virtual.UserSpace], the memory of a process, with
/// `PageFaults`, which is what a fault does, `SpaceCopy`, which is what a fork does, and
/// `HugePages`; [BackedPages][dev.bifolio.kernel.virtual.BackedPages], the pages of a file that are
/// in memory, with `SharedStores`, which finds out what was stored to them; and last
/// [Asids][dev.bifolio.kernel.virtual.Asids], by which processors tell spaces apart.
@NullMarked
package dev.bifolio.kernel.virtual;

import org.jspecify.annotations.NullMarked;
