/// Fuzz targets for the text readers, run by `dev/fuzz`.
package dev.bifolio.lab.fuzz;
