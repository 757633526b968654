/// Where memory may come from: zones of nodes, policies, watermarks, the emergency reserve, quotas.
///
/// A [ZoneType][dev.bifolio.kernel.zone.ZoneType] says which devices and mappings reach a range of
/// memory; a zone is the part of one node's memory that is of one type, with allocators of its own.
/// A [NumaTopology][dev.bifolio.kernel.zone.NumaTopology] says which nodes there are and in which
/// order each asks the others; a [NumaPolicy][dev.bifolio.kernel.zone.NumaPolicy] which of them a
/// request may ask.
package dev.bifolio.kernel.zone;
