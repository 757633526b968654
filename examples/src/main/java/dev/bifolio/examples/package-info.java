/// Numbered lessons. Each is a program that tells a short story about one idea; read its source
/// while it runs.
package dev.bifolio.examples;
