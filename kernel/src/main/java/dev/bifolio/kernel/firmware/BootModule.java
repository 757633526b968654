package dev.bifolio.kernel.firmware;

/// A file that a Multiboot loader put into memory beside the kernel.
///
/// @param base first byte, unsigned
/// @param byteSize bytes, 0 or more
/// @param commandLine the words the loader was given for it; may be empty
public record BootModule(long base, long byteSize, String commandLine) {}
