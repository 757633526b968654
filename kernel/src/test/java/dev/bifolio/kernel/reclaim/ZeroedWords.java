package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import java.util.ArrayList;
import java.util.List;

/// Zeroed memory for what a test builds, until all of it is given back.
final class ZeroedWords implements AutoCloseable {
  private final List<Window> windows = new ArrayList<>();

  /// The address of so many zero bytes, page-aligned.
  long reserve(long byteSize) {
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
