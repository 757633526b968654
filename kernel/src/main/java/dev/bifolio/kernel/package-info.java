/// The machine: the composition root and the boot sequence. Start with
/// [Machine][dev.bifolio.kernel.Machine], which turns a validated memory map into running memory.
package dev.bifolio.kernel;
