package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import java.util.ArrayList;
import java.util.List;

/// Zeroed memory for what a test builds, until all of it is given back.
public final class ZeroedWindows implements AutoCloseable {
  private final List<Window> windows = new ArrayList<>();

  /// No memory yet.
  public ZeroedWindows() {}

  /// The address of so many zero bytes, page-aligned.
  public long reserve(long byteSize) {
    try {
      Window window = Window.reserve(byteSize);
      windows.add(window);
      return window.address();
    } catch (WindowException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    windows.forEach(Window::close);
    windows.clear();
  }
}
