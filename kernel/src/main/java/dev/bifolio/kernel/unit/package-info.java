/// The units everything else is measured in: bytes, frames, orders and addresses, and the only
/// conversions between them. Start with [Pages][dev.bifolio.kernel.unit.Pages].
package dev.bifolio.kernel.unit;
