package dev.bifolio.bench;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// One run of a workload on an allocator: what it is to measure, and where its figures go.
final class Run extends Figures {
  private final Subject.Kind kind;
  private final int log2frames;
  private final String workload;
  private long teamCpuNanos;

  /// A run.
  ///
  /// @param workload the id in the rows
  /// @param kind the allocator
  /// @param log2frames 10 … 28
  /// @param number 1, 2, …; part of some seeds
  /// @param divisor by which counts of operations are divided: 1 to measure, more to try out
  Run(String workload, Subject.Kind kind, int log2frames, int number, int divisor) {
    super(kind.csvName(), log2frames, workload, number, divisor);
    this.kind = kind;
    this.log2frames = log2frames;
    this.workload = workload;
  }

  /// A fresh allocator.
  Subject newSubject() {
    return kind.create(frameCount());
  }

  /// A fresh allocator for several threads.
  Subject newSharedSubject() {
    return kind.createShared(frameCount());
  }

  /// What the allocator or the machine lacks, or null if it lacks nothing.
  @Nullable String lack(Need need) {
    return kind.lack(need, log2frames);
  }

  /// Lets the threads of a team work.
  ///
  /// @return wall time in nanoseconds
  long together(Team team, List<? extends Team.Task> tasks) {
    long nanos = team.run(tasks);
    teamCpuNanos += team.cpuNanos();
    if (!team.wasPinned()) {
      note(workload + ": the threads could not be tied to a processor each");
    }
    return nanos;
  }

  /// CPU time that teams have used since the last call.
  long takeTeamCpuNanos() {
    long result = teamCpuNanos;
    teamCpuNanos = 0;
    return result;
  }

  /// N, as an index.
  int frameCount() {
    return 1 << log2frames;
  }
}
