package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;

/// A page cache over a few frames that are counted, and a backing in the heap that can fail.
///
/// A page's bytes are its file, its number and a version, in its first and last words.
abstract class PageCacheFixture {
  static final long FIRST_FRAME = 0x500;

  final ZeroedWindows memory = new ZeroedWindows();
  final Frames frames = new Frames();
  final HeapBacking backing = new HeapBacking();
  long physToVirt;

  /// Where the cache's words are.
  long wordsAddress;

  PageCache cache;

  /// Frames in a list, each of which is out at most once.
  static final class Frames implements FrameSource {
    final Deque<Long> free = new ArrayDeque<>();
    final Set<Long> out = new HashSet<>();
    int flagsSeen;
    Runnable before = () -> {};

    @Override
    public long allocate(int order, int flags) {
      before.run();
      synchronized (this) {
        assertEquals(0, order);
        flagsSeen = flags;
        Long pfn = free.poll();
        if (pfn == null) {
          return -1;
        }
        assertTrue(out.add(pfn));
        return pfn;
      }
    }

    @Override
    public void free(long pfn, int order) {
      synchronized (this) {
        assertEquals(0, order);
        assertTrue(out.remove(pfn), "frame " + pfn + " is not out");
        free.addLast(pfn);
      }
      before.run();
    }
  }

  /// Versions of pages: page (f, p) that was never written is version 0.
  static final class HeapBacking implements PageBacking {
    final Map<Long, Long> versions = new ConcurrentHashMap<>();
    final List<String> log = Collections.synchronizedList(new ArrayList<>());
    final Set<Long> busy = ConcurrentHashMap.newKeySet();
    volatile boolean failsToRead;
    volatile boolean failsToWrite;
    volatile Runnable during = () -> {};

    static long key(int file, long page) {
      return ((long) file << 32) + page;
    }

    @Override
    public boolean read(int file, long page, long toAddress) {
      enter(file, page);
      log.add("r" + file + "." + page);
      Memory.fill(toAddress, Pages.PAGE_SIZE, (byte) 0x55);
      if (!failsToRead) {
        put(toAddress, file, page, versions.getOrDefault(key(file, page), 0L));
      }
      busy.remove(key(file, page));
      return !failsToRead;
    }

    @Override
    public boolean write(int file, long page, long fromAddress) {
      enter(file, page);
      log.add("w" + file + "." + page);
      if (!failsToWrite) {
        versions.put(key(file, page), versionAt(fromAddress, file, page));
      }
      busy.remove(key(file, page));
      return !failsToWrite;
    }

    private void enter(int file, long page) {
      assertTrue(busy.add(key(file, page)), "two at a time for one page");
      boolean isWell = false;
      try {
        during.run();
        isWell = true;
      } finally {
        if (!isWell) {
          busy.remove(key(file, page));
        }
      }
    }
  }

  static void put(long address, int file, long page, long version) {
    Memory.putLong(address, HeapBacking.key(file, page));
    Memory.putLong(address + 8, version);
    Memory.putLong(address + Pages.PAGE_SIZE - 8, version);
  }

  static long versionAt(long address, int file, long page) {
    assertEquals(HeapBacking.key(file, page), Memory.getLong(address), "another page's bytes");
    long version = Memory.getLong(address + 8);
    assertEquals(version, Memory.getLong(address + Pages.PAGE_SIZE - 8), "a torn page");
    return version;
  }

  PageCache open(int capacity, int frameCount, int nid, FrameBinding binding) {
    long bytes = memory.reserve(Pages.framesToBytes(frameCount + 1));
    physToVirt = bytes - Pages.pfnToAddress(FIRST_FRAME);
    for (int i = 0; i < frameCount; i++) {
      frames.free.add(FIRST_FRAME + i);
    }
    wordsAddress = memory.reserve(PageCache.byteSize(capacity));
    cache = new PageCache(wordsAddress, capacity, nid, frames, backing, physToVirt, binding);
    return cache;
  }

  PageCache open(int capacity, int frameCount) {
    return open(capacity, frameCount, -1, null);
  }

  /// Gets a page, looks at its bytes, and lets it go.
  long touch(int file, long page) {
    long pfn = cache.get(file, page);
    assertTrue(pfn >= FIRST_FRAME, "page " + page + ": " + pfn);
    long version = versionAt(cache.bytesOf(pfn), file, page);
    cache.release(file, page, false);
    return version;
  }

  /// Changes a page to a version.
  void change(int file, long page, long version) {
    long pfn = cache.get(file, page);
    assertTrue(pfn >= FIRST_FRAME, "page " + page + ": " + pfn);
    put(cache.bytesOf(pfn), file, page, version);
    cache.release(file, page, true);
  }

  /// What the backing did since the last time.
  String done() {
    String text = String.join(" ", backing.log);
    backing.log.clear();
    return text;
  }

  @AfterEach
  void close() {
    memory.close();
  }
}
