/// The `bifolio` command: one class a subcommand, [Main][dev.bifolio.lab.Main] first.
package dev.bifolio.lab;
