package dev.bifolio.kernel.frame;

/// What caches did: a snapshot, exact when nobody allocates or frees. Counted are requests of the
/// orders that are cached, 0 … 8.
///
/// @param hits requests that were served from a cache
/// @param misses requests for which memory had to be found
/// @param refills how often a claim word was filled with free frames, up to 32 at once
/// @param framesGivenBack frames that went home from caches, on demand or because a cache was
///   closed
public record CacheStatistics(long hits, long misses, long refills, long framesGivenBack) {}
