/// Page tables: real bytes in managed memory, as the manuals of four architectures want them.
///
/// To read, in this order: [PageFlags][dev.bifolio.kernel.table.PageFlags], what a mapping allows;
/// [PageFormat][dev.bifolio.kernel.table.PageFormat], how an architecture writes it, with one class
/// for each that draws its bits.
@NullMarked
package dev.bifolio.kernel.table;

import org.jspecify.annotations.NullMarked;
