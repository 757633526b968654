/// Inputs that are more than one file of bytes.
package dev.bifolio.lab.input;
