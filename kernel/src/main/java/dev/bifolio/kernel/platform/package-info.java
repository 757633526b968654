/// The only machine-dependent classes: raw memory, the current CPU, reserved virtual ranges, the
/// clock; and the one lock that is made of them. On the JVM they use the foreign-memory API; a
/// machine without an operating system, or a model checker, replaces these classes and nothing
/// else.
package dev.bifolio.kernel.platform;
