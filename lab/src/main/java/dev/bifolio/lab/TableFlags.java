package dev.bifolio.lab;

import dev.bifolio.kernel.table.PageFlags;

/// What a page allows as the letters of a script: `rwxugd`, for read, write, execute, user, global
/// and device.
final class TableFlags {
  /// What pages say of their use from the beginning: read and written, so that a processor that
  /// leaves this to software finds no fault with them.
  static final int USED = PageFlags.ACCESSED | PageFlags.DIRTY;

  private static final String LETTERS = "rwxugd";
  private static final int[] BITS = {
    PageFlags.READ,
    PageFlags.WRITE,
    PageFlags.EXECUTE,
    PageFlags.USER,
    PageFlags.GLOBAL,
    PageFlags.DEVICE
  };

  private TableFlags() {}

  /// Letters as flags, with those that they imply.
  ///
  /// @throws ScriptException if they are none
  static int parse(String letters) throws ScriptException {
    int flags = 0;
    for (int at = 0; at < letters.length(); at++) {
      int letter = LETTERS.indexOf(letters.charAt(at));
      if (letter < 0) {
        throw new ScriptException(
            "'" + letters + "' are no flags: letters of " + LETTERS + ", such as rw or rxu");
      }
      if ((flags & BITS[letter]) != 0) {
        throw new ScriptException("'" + letters + "' names a flag twice");
      }
      flags |= BITS[letter];
    }
    try {
      return PageFlags.require(flags);
    } catch (IllegalArgumentException e) {
      throw new ScriptException("'" + letters + "' allows nothing: it needs r, w or x");
    }
  }

  /// Flags as letters, in the order of a script.
  static String letters(int flags) {
    return columns(flags).replace("-", "");
  }

  /// The same with a `-` for each that is not there.
  static String columns(int flags) {
    StringBuilder text = new StringBuilder();
    for (int letter = 0; letter < BITS.length; letter++) {
      boolean is = (flags & BITS[letter]) == BITS[letter];
      text.append(is ? LETTERS.charAt(letter) : '-');
    }
    return text.toString();
  }
}
