package dev.bifolio.kernel.table.qemu;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The side of gdb in gdb's remote serial protocol, as much of it as it takes to look into a
/// stopped machine of QEMU's: registers by name, memory, single steps, and QEMU's monitor.
///
/// ```
///   request   $ text # two digits of the sum of its bytes          "+" says that it came
///   answer    $ text # two digits                                  "O" hex: output of the monitor
/// ```
///
/// Sources: *Debugging with GDB*, appendix E (remote protocol) and G (target descriptions); QEMU's
/// documentation, "GDB usage".
final class GdbStub {
  private static final HexFormat HEX = HexFormat.of();
  private static final Pattern INCLUDE = Pattern.compile("<xi:include href=\"([^\"]+)\"");
  private static final Pattern REGISTER = Pattern.compile("<reg\\s([^>]*)>");
  private static final Pattern COMMENT = Pattern.compile("<!--.*?-->", Pattern.DOTALL);
  private static final int BYTES_AT_ONCE = 0xFF0;

  private record Register(int number, int byteSize) {}

  private final InputStream in;
  private final OutputStream out;
  private final Map<String, Register> registers = new LinkedHashMap<>();

  /// A stub at the other end of two streams. Asks it for its registers.
  GdbStub(InputStream in, OutputStream out) throws IOException {
    this.in = in;
    this.out = out;
    request("qSupported:xmlRegisters=i386");
    readRegisters();
  }

  // ---- The machine ----

  /// What QEMU's monitor says to a command.
  String monitor(String command) throws IOException {
    send("qRcmd," + HEX.formatHex(command.getBytes(StandardCharsets.US_ASCII)));
    StringBuilder said = new StringBuilder();
    // A packet a line, and QEMU reads nothing meanwhile: enough answers to them would fill the
    // pipe,
    // and both would wait. One at the end will do.
    for (String answer = receive(); !answer.equals("OK"); answer = receive()) {
      if (!answer.startsWith("O")) {
        throw new IOException("the monitor refuses '" + command + "': " + answer);
      }
      said.append(new String(HEX.parseHex(answer, 1, answer.length()), StandardCharsets.US_ASCII));
    }
    acknowledge();
    return said.toString();
  }

  /// A register, zero-extended.
  long register(String name) throws IOException {
    String answer = request("p" + Integer.toHexString(find(name).number));
    long value = 0;
    byte[] bytes = HEX.parseHex(answer);
    for (int i = bytes.length - 1; i >= 0; i--) {
      value = (value << 8) | (bytes[i] & 0xFF);
    }
    return value;
  }

  /// Sets a register; bits that it does not have are lost.
  void setRegister(String name, long value) throws IOException {
    Register register = find(name);
    StringBuilder text = new StringBuilder("P");
    text.append(Integer.toHexString(register.number)).append('=');
    for (int i = 0; i < register.byteSize; i++) {
      HEX.toHexDigits(text, (byte) (value >>> (8 * i)));
    }
    expectOk(text.toString());
  }

  /// Has one instruction executed.
  void step() throws IOException {
    String answer = request("s");
    if (!answer.startsWith("T05")) {
      throw new IOException("a step ended with " + answer);
    }
  }

  /// Memory as the machine sees it at a virtual address, whatever the page allows.
  byte[] memory(long virtualAddress, int byteSize) throws IOException {
    String range = Long.toHexString(virtualAddress) + "," + Integer.toHexString(byteSize);
    return HEX.parseHex(request("m" + range));
  }

  /// Ends the machine; there is no answer.
  void kill() throws IOException {
    send("k");
  }

  // ---- Registers by name ----

  private Register find(String name) throws IOException {
    Register register = registers.get(name);
    if (register == null) {
      throw new IOException("the stub has no register " + name + " among " + registers.keySet());
    }
    return register;
  }

  /// Numbers go up by one from register to register, but where one is given.
  private void readRegisters() throws IOException {
    Matcher include = INCLUDE.matcher(describe("target.xml"));
    int number = 0;
    while (include.find()) {
      String part = COMMENT.matcher(describe(include.group(1))).replaceAll("");
      Matcher found = REGISTER.matcher(part);
      while (found.find()) {
        String attributes = found.group(1);
        String given = attribute(attributes, "regnum");
        number = given.isEmpty() ? number : Integer.parseInt(given);
        int bits = Integer.parseInt(attribute(attributes, "bitsize"));
        registers.putIfAbsent(attribute(attributes, "name"), new Register(number++, bits / 8));
      }
    }
  }

  private static String attribute(String attributes, String name) {
    Matcher found = Pattern.compile("\\b" + name + "=\"([^\"]*)\"").matcher(attributes);
    return found.find() ? found.group(1) : "";
  }

  private String describe(String document) throws IOException {
    StringBuilder text = new StringBuilder();
    String answer = "m";
    while (answer.startsWith("m")) {
      answer =
          request("qXfer:features:read:%s:%x,%x".formatted(document, text.length(), BYTES_AT_ONCE));
      if (answer.isEmpty() || answer.startsWith("E")) {
        throw new IOException("the stub does not describe " + document + ": " + answer);
      }
      text.append(answer, 1, answer.length());
    }
    return text.toString();
  }

  // ---- Packets ----

  private void expectOk(String text) throws IOException {
    String answer = request(text);
    if (!answer.equals("OK")) {
      throw new IOException("the stub refuses '" + text + "': " + answer);
    }
  }

  private String request(String text) throws IOException {
    send(text);
    String answer = receive();
    acknowledge();
    return answer;
  }

  private void acknowledge() throws IOException {
    out.write('+');
    out.flush();
  }

  private void send(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    int sum = 0;
    for (byte each : bytes) {
      sum += each;
    }
    out.write('$');
    out.write(bytes);
    out.write('#');
    out.write(HEX.toHexDigits((byte) sum).getBytes(StandardCharsets.US_ASCII));
    out.flush();
  }

  private String receive() throws IOException {
    int next = read();
    while (next != '$') {
      if (next == '-') {
        throw new IOException("the stub did not understand");
      }
      next = read();
    }
    StringBuilder text = new StringBuilder();
    int sum = 0;
    for (next = read(); next != '#'; next = read()) {
      sum += next;
      if (next == '}') { // the next one is written with a bit turned over
        next = read();
        sum += next;
        next ^= 0x20;
      }
      text.append((char) next);
    }
    String digits = "" + (char) read() + (char) read();
    if (HexFormat.fromHexDigits(digits) != (sum & 0xFF)) {
      throw new IOException("an answer came damaged: " + text);
    }
    return text.toString();
  }

  private int read() throws IOException {
    int next = in.read();
    if (next < 0) {
      throw new EOFException("QEMU has ended");
    }
    return next;
  }
}
