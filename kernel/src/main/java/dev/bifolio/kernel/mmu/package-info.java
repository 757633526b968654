/// The processor's side of page tables, written a second time from the manuals: what finds the
/// bytes that package `table` has stored, and neither uses nor trusts its walks.
///
/// To read, in this order: [Mmu][dev.bifolio.kernel.mmu.Mmu], which loads and stores by virtual
/// addresses; `X86Walker`, `Aarch64Walker` and `RiscvWalker`, which walk as the architectures do
/// and fault with their codes ([MmuFault][dev.bifolio.kernel.mmu.MmuFault]);
/// [Tlb][dev.bifolio.kernel.mmu.Tlb], which remembers; and
/// [ShootdownLog][dev.bifolio.kernel.mmu.ShootdownLog], by which one processor makes the others
/// forget. [MmuBus][dev.bifolio.kernel.mmu.MmuBus] is the memory as a processor sees it.
@NullMarked
package dev.bifolio.kernel.mmu;

import org.jspecify.annotations.NullMarked;
