/// What happens when memory runs short or comes in small pieces: shrinkers, background and direct
/// reclaim, compaction, and memory that comes and goes.
///
/// To read, in this order:
///
/// 1. [MemoryReclaim][dev.bifolio.kernel.reclaim.MemoryReclaim]: who calls what, and when. Nothing
///    here has a thread.
/// 2. *Giving back.* [Shrinker][dev.bifolio.kernel.reclaim.Shrinker]: what an owner of frames says.
///    [Shrinkers][dev.bifolio.kernel.reclaim.Shrinkers]: how the work is shared, and what becomes
///    of one that throws or gives nothing. [PageCache][dev.bifolio.kernel.reclaim.PageCache]: the
///    project's own, with second chance.
/// 3. *Moving.* [MovableFrames][dev.bifolio.kernel.reclaim.MovableFrames]: the agreement, in one
///    word a frame; [MovableOwner][dev.bifolio.kernel.reclaim.MovableOwner]: what an owner is
///    asked. [Migration][dev.bifolio.kernel.reclaim.Migration]: one block moves, or nothing has
///    changed.
/// 4. *Putting together.* [Compaction][dev.bifolio.kernel.reclaim.Compaction]: when, and how much;
///    `CompactionPlan`: what moves where; `CompactionPass`: the two scanners; `RangeEvacuation`:
///    how one unit is emptied while others allocate and free.
///
/// Everything takes its frames and memory words as arguments, so each part runs on a bare
/// allocator, and in tests on none.
package dev.bifolio.kernel.reclaim;
