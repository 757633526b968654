package dev.bifolio.lab;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.virtual.PageStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Pages of a real file, which user spaces map. The file keeps its size: the rest of its last page
/// is zeros, and what is stored there is not written.
///
/// Any thread. A page is one read or write of the file.
final class FileBacking implements PageStore, AutoCloseable {
  private static final int PAGE_BYTES = 4096;

  private final FileChannel channel;
  private final long byteSize;

  /// Opens a file.
  ///
  /// @param file that is there
  /// @param writable whether stores are to be written
  /// @throws IOException if it cannot be opened so
  FileBacking(Path file, boolean writable) throws IOException {
    OpenOption[] options =
        writable
            ? new OpenOption[] {StandardOpenOption.READ, StandardOpenOption.WRITE}
            : new OpenOption[] {StandardOpenOption.READ};
    channel = FileChannel.open(file, options);
    byteSize = channel.size();
  }

  /// Bytes of the file, as it was opened.
  long byteSize() {
    return byteSize;
  }

  @Override
  public boolean readPage(long byteOffset, long address) {
    ByteBuffer page = ByteBuffer.allocate(PAGE_BYTES).order(ByteOrder.nativeOrder());
    try {
      transfer(page, byteOffset, false);
    } catch (IOException e) {
      return false;
    }
    page.clear();
    for (int at = 0; at < PAGE_BYTES; at += Long.BYTES) {
      Memory.putLong(address + at, page.getLong(at));
    }
    return true;
  }

  @Override
  public boolean writePage(long byteOffset, long address) {
    ByteBuffer page = ByteBuffer.allocate(PAGE_BYTES).order(ByteOrder.nativeOrder());
    for (int at = 0; at < PAGE_BYTES; at += Long.BYTES) {
      page.putLong(at, Memory.getLong(address + at));
    }
    try {
      transfer(page, byteOffset, true);
      return true;
    } catch (IOException | NonWritableChannelException e) {
      return false;
    }
  }

  private void transfer(ByteBuffer page, long byteOffset, boolean writes) throws IOException {
    page.limit(Math.clamp(byteSize - byteOffset, 0, PAGE_BYTES));
    while (page.hasRemaining()) {
      long at = byteOffset + page.position();
      int bytes = writes ? channel.write(page, at) : channel.read(page, at);
      if (bytes < 0) {
        throw new IOException("the file has become shorter");
      }
    }
  }

  /// Writes to the disk what the operating system still keeps.
  ///
  /// @throws IOException if it cannot
  void force() throws IOException {
    channel.force(false);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
