package dev.bifolio.kernel.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The heap twin stands in for the kernel's own classes, and has the same methods.
class TwinTest {
  @ParameterizedTest
  @ValueSource(strings = {"Memory", "Cpu"})
  void theTwinHasTheMethodsOfTheOriginal(String name) throws Exception {
    Class<?> twin = Class.forName("dev.bifolio.kernel.platform." + name);
    try (URLClassLoader loader = kernelOnly()) {
      Class<?> original = loader.loadClass("dev.bifolio.kernel.platform." + name);
      assertNotEquals(original, twin);
      Set<String> expected = methods(original);
      Set<String> found = methods(twin);
      found.removeIf(method -> method.matches(".* (renew|save|restore)\\(.*"));
      assertEquals(expected, found);
    }
  }

  @Test
  void theKernelRunsOnTheTwin() {
    Memory.renew(64);
    Memory.putLong(8, -1);
    Memory.putInt(12, 5);
    assertEquals(0x5_FFFF_FFFFL, Memory.getLong(8));
    assertEquals(5, Memory.getInt(12));
    assertFalse(Memory.compareAndSetInt(12, 4, 6));
    assertTrue(Memory.compareAndSetInt(12, 5, -6));
    assertEquals(0xFFFF_FFFA_FFFF_FFFFL, Memory.getLong(8));
    assertTrue(Memory.compareAndSetInt(12, -6, 5));
    assertEquals(0x5_FFFF_FFFFL, Memory.getAndBitwiseAndLong(8, 0xFF));
    Memory.fill(8, 3, (byte) 1);
    assertEquals(0x010101, Memory.getLong(8));
  }

  /// The classes of the kernel without those of this module.
  private static URLClassLoader kernelOnly() throws IOException {
    URL frame =
        dev.bifolio.kernel.unit.Pages.class.getProtectionDomain().getCodeSource().getLocation();
    return new URLClassLoader(new URL[] {checked(frame)}, ClassLoader.getPlatformClassLoader());
  }

  private static URL checked(URL location) throws MalformedURLException {
    assertNotEquals(Memory.class.getProtectionDomain().getCodeSource().getLocation(), location);
    return location;
  }

  private static Set<String> methods(Class<?> type) {
    Set<String> methods = new TreeSet<>();
    for (Method method : type.getDeclaredMethods()) {
      if (Modifier.isPublic(method.getModifiers())) {
        StringBuilder text = new StringBuilder("static " + method.getReturnType() + " ");
        text.append(method.getName()).append('(');
        for (Class<?> parameter : method.getParameterTypes()) {
          text.append(text.charAt(text.length() - 1) == '(' ? "" : ", ").append(parameter);
        }
        methods.add(text.append(')').toString());
      }
    }
    return methods;
  }
}
