package dev.bifolio.kernel;

import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.reclaim.HotMemory;
import dev.bifolio.kernel.reclaim.MemoryReclaim;
import dev.bifolio.kernel.zone.AccountTree;
import dev.bifolio.kernel.zone.Watermarks;
import dev.bifolio.kernel.zone.ZonedFrames;
import org.jspecify.annotations.Nullable;

/// What a boot built and a [Machine] runs on.
///
/// @param window its memory
/// @param offset from physical addresses to virtual ones
/// @param frames its zones
/// @param reclaim what gives memory back
/// @param watermarks the settings
/// @param accounts for quotas, null for none
/// @param hot what is added and taken away
/// @param tables its page tables, null for none
record MachineParts(
    Window window,
    long offset,
    ZonedFrames frames,
    MemoryReclaim reclaim,
    Watermarks watermarks,
    @Nullable AccountTree accounts,
    HotMemory hot,
    @Nullable KernelTables tables) {}
