/// Fuzz targets: one class a reader, each with `fuzzerTestOneInput(byte[])`, run by `dev/fuzz`. A
/// refusal by [dev.bifolio.kernel.firmware.MemoryMapException] is an answer; anything else that is
/// thrown, and a map that breaks its own rules, is a finding.
package dev.bifolio.kernel.fuzz;
