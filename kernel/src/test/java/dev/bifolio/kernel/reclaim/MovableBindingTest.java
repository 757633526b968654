package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.ZeroedWindows;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A binding keeps the agreement on movable frames for its owner, who calls it under his lock.
class MovableBindingTest {
  private static final String KERNEL = "dev/bifolio/kernel/";

  private final ZeroedWindows memory = new ZeroedWindows();
  private FrameInfo plane;
  private MovableFrames movable;
  private MovableBinding binding;

  @BeforeEach
  void bindTheSecondOwner() {
    plane = new FrameInfo(memory.reserve(FrameInfo.byteSize(100, 200)), 100, 200);
    movable = new MovableFrames(new FrameInfo[] {plane});
    assertEquals(0, movable.register((item, from, to) -> false));
    binding = new MovableBinding(movable);
    binding.register((item, from, to) -> true);
  }

  @AfterEach
  void close() {
    memory.close();
  }

  private static long word(int pins) {
    return FrameInfo.word(9, 0, pins, 7);
  }

  @Test
  void eachCallIsOneOfItsOwner() {
    binding.adopt(150, 7);
    assertEquals(word(1), plane.get(150));
    assertTrue(binding.pin(150, 7));
    assertEquals(word(2), plane.get(150));
    assertFalse(binding.disown(150, 7));
    binding.unpin(150, 7);
    binding.unpin(150, 7);
    assertEquals(word(0), plane.get(150));
    assertFalse(binding.pin(150, 8));
    assertFalse(binding.disown(150, 8));
    assertTrue(binding.disown(150, 7));
    assertEquals(0, plane.get(150));
  }

  @Test
  void aFrameThatIsBeingMovedIsNeitherPinnedNorDisowned() {
    binding.adopt(150, 7);
    binding.unpin(150, 7);
    assertTrue(movable.begin(150));
    long moving = plane.get(150);
    assertFalse(binding.pin(150, 7));
    assertFalse(binding.disown(150, 7));
    assertEquals(moving, plane.get(150));
  }

  @Test
  void aPinIsAUseOfTheFrameAndNothingElseIs() {
    FrameInfo[] planes = {plane};
    FrameHeat heat = new FrameHeat(planes, memory.reserve(FrameHeat.byteSize(planes)));
    movable.setHeat(heat);
    binding.adopt(150, 7);
    assertEquals(FrameHeat.NEW_HEAT, heat.heatOf(150));
    for (int use = 1; use <= 3; use++) {
      assertTrue(binding.pin(150, 7));
      assertEquals(FrameHeat.NEW_HEAT + use, heat.heatOf(150));
    }
    assertFalse(binding.pin(150, 8));
    for (int i = 0; i < 4; i++) {
      binding.unpin(150, 7);
    }
    assertTrue(movable.begin(150));
    assertFalse(binding.pin(150, 7));
    movable.abort(150, -1);
    assertTrue(binding.disown(150, 7));
    assertEquals(FrameHeat.NEW_HEAT + 3, heat.heatOf(150));
  }

  @Test
  void thereIsOneOwner() {
    assertThrows(IllegalStateException.class, () -> binding.register((item, from, to) -> true));
    assertEquals(2, movable.register((item, from, to) -> true), "the refused one was registered");
    MovableBinding another = new MovableBinding(movable);
    assertThrows(IllegalArgumentException.class, () -> another.adopt(150, 7));
  }

  /// A wait that a race leads into cannot be met reliably by a test, so the code is read.
  @Test
  void nothingThatIsCalledUnderTheOwnersLockCanWait() throws IOException {
    for (String method : List.of("pin", "disown", "unpin")) {
      Set<String> reached = reachedFrom(KERNEL + "reclaim/MovableBinding." + method);
      assertTrue(reached.contains(KERNEL + "platform/Memory.compareAndSetLong"), reached::toString);
      for (String wait : List.of("relax", "rest")) {
        assertFalse(
            reached.contains(KERNEL + "platform/Cpu." + wait), () -> method + " reaches " + wait);
      }
    }
    assertTrue(
        reachedFrom(KERNEL + "reclaim/MovableBinding.adopt")
            .contains(KERNEL + "platform/Cpu.relax"),
        "the way to a wait is not found");
  }

  /// All methods of the kernel that a method may call, directly or not.
  private static Set<String> reachedFrom(String first) throws IOException {
    Set<String> reached = new TreeSet<>();
    Deque<String> next = new ArrayDeque<>(List.of(first));
    while (!next.isEmpty()) {
      String each = next.remove();
      if (each.startsWith(KERNEL) && reached.add(each)) {
        next.addAll(calledBy(each));
      }
    }
    return reached;
  }

  private static Set<String> calledBy(String method) throws IOException {
    int dot = method.indexOf('.');
    Set<String> called = new TreeSet<>();
    for (MethodModel each : read(method.substring(0, dot)).methods()) {
      if (each.methodName().equalsString(method.substring(dot + 1)) && each.code().isPresent()) {
        for (var element : each.code().get()) {
          if (element instanceof InvokeInstruction call) {
            called.add(call.owner().asInternalName() + "." + call.name().stringValue());
          }
        }
      }
    }
    return called;
  }

  private static ClassModel read(String type) throws IOException {
    ClassLoader loader = MovableBindingTest.class.getClassLoader();
    try (InputStream bytes = loader.getResourceAsStream(type + ".class")) {
      if (bytes == null) {
        throw new AssertionError("no class " + type);
      }
      return ClassFile.of().parse(bytes.readAllBytes());
    }
  }
}
