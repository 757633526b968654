package dev.bifolio.kernel.virtual;

/// What the addresses of a user space are for.
///
/// @param floor the lowest address that an area may have, a multiple of 4096, 0 or more
/// @param ceiling exclusive end of the highest, a multiple of 4096 in the user's half
/// @param breakBase where the program break begins, a multiple of 4096
/// @param breakLimit how far it may go
/// @param stackByteSize how large an area that grows down may become
public record UserLayout(
    long floor, long ceiling, long breakBase, long breakLimit, long stackByteSize) {}
