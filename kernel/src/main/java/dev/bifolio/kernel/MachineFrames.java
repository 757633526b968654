package dev.bifolio.kernel;

import dev.bifolio.kernel.unit.PageFrames;

/// The frames of a machine, for page tables and user spaces.
///
/// @param requests the machine, or what stands for it
public record MachineFrames(FrameRequests requests) implements PageFrames {
  @Override
  public long allocate(int order, int flags) {
    return requests.allocate(order, flags);
  }

  @Override
  public void free(long pfn, int order) {
    requests.free(pfn, order);
  }

  @Override
  public void split(long pfn, int order) {
    requests.splitBlock(pfn, order);
  }
}
