/// The workload suite. Start with `Workload`, then `FrameSuite`, which runs it.
package dev.bifolio.bench;
