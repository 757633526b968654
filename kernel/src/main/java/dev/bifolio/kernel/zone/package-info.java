/// Where memory may come from: zones of nodes, policies, watermarks, the emergency reserve, quotas.
///
/// A [ZoneType][dev.bifolio.kernel.zone.ZoneType] says which devices and mappings reach a range of
/// memory; a zone is the part of one node's memory that is of one type, with allocators of its own.
///
/// To read, in this order:
///
/// 1. [Zone][dev.bifolio.kernel.zone.Zone]: what a zone is made of, and the marks that it keeps.
///    [WatermarkRule][dev.bifolio.kernel.zone.WatermarkRule] and
///    [LowmemReserve][dev.bifolio.kernel.zone.LowmemReserve] say how high they are, as pure
///    functions; [Watermarks][dev.bifolio.kernel.zone.Watermarks] sets them.
/// 2. [ZonedFrames][dev.bifolio.kernel.zone.ZonedFrames]: all requests and frees, and the quick way
///    of them. `ZoneSearch`: the way of those that are not served at once. `FreePath`: the way
///    back.
/// 3. `FreeGauge`: how a request keeps a mark without a counter that all of them write.
/// 4. [NumaTopology][dev.bifolio.kernel.zone.NumaTopology]: which nodes there are, and in which
///    order each asks the others; [NumaPolicy][dev.bifolio.kernel.zone.NumaPolicy]: which of them a
///    request may ask.
/// 5. `ConcurrentMemory`: several banks as one source of frames without a lock; `LockedMemory`: the
///    same for allocators that are for one thread.
/// 6. [AccountTree][dev.bifolio.kernel.zone.AccountTree] and `Charges`: who is charged for frames,
///    and who is refunded; [PressureGauge][dev.bifolio.kernel.zone.PressureGauge]: who is told when
///    memory gets short.
///
/// What gives memory back is behind [Reclaimer][dev.bifolio.kernel.zone.Reclaimer], which package
/// `reclaim` implements.
package dev.bifolio.kernel.zone;
