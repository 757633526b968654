/// What happens when memory runs short or comes in small pieces: shrinkers, background and direct
/// reclaim, compaction, and memory that comes and goes.
package dev.bifolio.kernel.reclaim;
