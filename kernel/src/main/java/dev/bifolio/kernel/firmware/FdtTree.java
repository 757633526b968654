package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.unit.AddressRange;
import org.jspecify.annotations.Nullable;

/// The structure of a flattened device tree: which nodes there are and where their properties lie.
///
/// Problem: the structure block is a run of tokens, in which a property may stand behind a child of
/// its node, nesting has no limit, and every length is hostile. A kernel searches it from the start
/// for each question. Here one pass checks every token and notes the nodes in the order in which
/// they begin; every later question is a walk over tokens that are known to be good.
///
/// ```
///  tokens   BEGIN "" PROP PROP BEGIN "cpus" BEGIN "cpu@0" PROP END_NODE END_NODE PROP END_NODE END
///  node     0                  1            2
///           |<- body                                                              end ->|
///  parent   -1                 0            1
///  after    3                  3            3      (the first node that is not below it)
/// ```
///
/// The first child of node `n` is `n + 1`, if that is below `after[n]`; the next sibling of `c` is
/// `after[c]`, if that is below the same bound. Node 0 is the root.
///
/// I1: a tree exists only after its whole structure block was checked, up to its END token. I2:
/// every offset kept here lies inside the tree, so reads after the check need none of their own.
/// I3: nodes deeper than [#MAX_DEPTH] are checked and counted but not kept; no step is recursive.
///
/// Cost: the pass is linear in the bytes of the tree whatever they are. A property's name is known
/// to end if it begins at or before the last zero byte of the strings block, so a thousand
/// properties that share one long name cost no more than others. Memory: 20 bytes a node, at most
/// [#MAX_NODES].
///
/// What is refused is what the full check of libfdt 1.6 refuses (among it a token between the
/// root's end and END, even a NOP), plus a tree without root, a property before the root, and the
/// limits. A root with a name is let through, as dtc does. Rejected: objects for nodes and
/// properties (a phone's tree has 10,000, we need 50). Source: Devicetree Specification 0.4, s.
/// 5.4; for versions below 16 the tables of s. 5.2 in their older form (names are whole paths,
/// values of 8 bytes or more are aligned to 8).
///
/// Immutable once opened; any thread.
final class FdtTree {
  /// The deepest nodes that are kept; the root has depth 1.
  static final int MAX_DEPTH = 64;

  /// The largest number of nodes; more are refused.
  static final int MAX_NODES = 1 << 18;

  /// No such node.
  static final int NO_NODE = -1;

  static final int ROOT = 0;

  private static final String RECORD = "structure block";
  private static final int BEGIN_NODE = 1;
  private static final int END_NODE = 2;
  private static final int PROPERTY = 3;
  private static final int NOP = 4;
  private static final int END = 9;
  private static final int TOKEN_BYTES = 4;
  private static final int PROPERTY_BYTES = 12;
  private static final int MAX_NAME_CHARS = 200;

  private final ByteView bytes;
  private final FdtHeader header;
  private final int lastNameStart;
  private int nodeCount;
  private boolean deeperNodesLeftOut;
  private int[] nameOffset = new int[64];
  private int[] bodyOffset = new int[64];
  private int[] endOffset = new int[64];
  private int[] parent = new int[64];
  private int[] after = new int[64];

  private FdtTree(ByteView bytes, FdtHeader header) {
    this.bytes = bytes;
    this.header = header;
    int last = header.stringsEnd() - 1;
    while (last >= header.stringsOffset() && bytes.byteAt(last) != 0) {
      last--;
    }
    this.lastNameStart = last - header.stringsOffset();
  }

  /// Checks a whole tree.
  ///
  /// @throws MemoryMapException if it is not one
  static FdtTree open(ByteView bytes) throws MemoryMapException {
    FdtTree tree = new FdtTree(bytes, FdtHeader.read(bytes));
    tree.checkStructure();
    return tree;
  }

  FdtHeader header() {
    return header;
  }

  /// How many nodes are kept.
  int nodeCount() {
    return nodeCount;
  }

  /// Whether there are nodes deeper than [#MAX_DEPTH].
  boolean deeperNodesLeftOut() {
    return deeperNodesLeftOut;
  }

  /// The parent of a node, [#NO_NODE] for the root.
  int parent(int node) {
    return parent[node];
  }

  /// The first child of a node, or [#NO_NODE].
  int firstChild(int node) {
    return node + 1 < after[node] ? node + 1 : NO_NODE;
  }

  /// The next node with the same parent, or [#NO_NODE].
  int nextSibling(int node) {
    return node != ROOT && after[node] < after[parent[node]] ? after[node] : NO_NODE;
  }

  /// The first node behind a node and all that is below it; [#nodeCount()] if there is none.
  int after(int node) {
    return after[node];
  }

  /// The offset of a node's first token behind its name, for messages.
  int offset(int node) {
    return bodyOffset[node];
  }

  /// A node's name with its unit address. Bytes that do not print become `?`; a name of more than
  /// 200 bytes is cut, so that a message stays a line.
  String name(int node) {
    StringBuilder text = new StringBuilder();
    for (int at = nameOffset[node]; bytes.byteAt(at) != 0; at++) {
      if (text.length() == MAX_NAME_CHARS) {
        return text.append("...").toString();
      }
      int each = bytes.byteAt(at);
      text.append(each > ' ' && each < 0x7f ? (char) each : '?');
    }
    return text.toString();
  }

  /// The names from the root down to a node.
  String path(int node) {
    if (node == ROOT) {
      return "/";
    }
    int[] down = new int[MAX_DEPTH];
    int depth = 0;
    for (int at = node; at != ROOT; at = parent[at]) {
      down[depth++] = at;
    }
    StringBuilder path = new StringBuilder();
    while (depth > 0) {
      path.append('/').append(name(down[--depth]));
    }
    return path.toString();
  }

  /// Whether a node has a name, not counting a unit address that the name does not ask for.
  boolean isNamed(int node, String name) {
    int at = nameOffset[node];
    for (int i = 0; i < name.length(); i++) {
      if (bytes.byteAt(at + i) != name.charAt(i)) {
        return false;
      }
    }
    int next = bytes.byteAt(at + name.length());
    return next == 0 || next == '@';
  }

  /// The first child with a name, or [#NO_NODE].
  int child(int node, String name) {
    int child = firstChild(node);
    while (child != NO_NODE && !isNamed(child, name)) {
      child = nextSibling(child);
    }
    return child;
  }

  /// The first node, in the order of the file, that lists a text as compatible, or [#NO_NODE].
  int compatibleNode(String text) {
    for (int node = 0; node < nodeCount; node++) {
      FdtValue compatible = property(node, "compatible");
      if (compatible != null && compatible.lists(text)) {
        return node;
      }
    }
    return NO_NODE;
  }

  boolean has(int node, String name) {
    return property(node, name) != null;
  }

  /// A node's own property, wherever it stands among the children; the first if there are several.
  @Nullable FdtValue property(int node, String name) {
    int child = firstChild(node);
    int at = bodyOffset[node];
    while (true) {
      switch ((int) u32(at)) {
        case PROPERTY -> {
          if (isNameAt(u32(at + 8), name)) {
            return new FdtValue(bytes, valueOffset(at), (int) u32(at + 4));
          }
          at = afterProperty(at);
        }
        case BEGIN_NODE -> {
          if (child == NO_NODE) {
            return null; // Children too deep to be kept: nobody asks there.
          }
          at = endOffset[child];
          child = nextSibling(child);
        }
        case NOP -> at += TOKEN_BYTES;
        default -> {
          return null;
        }
      }
    }
  }

  private void checkStructure() throws MemoryMapException {
    int[] open = new int[MAX_DEPTH + 1];
    int depth = 0;
    int begun = 0;
    int at = header.structOffset();
    while (true) {
      requireBytes(at, TOKEN_BYTES, "ends without its END token");
      int token = (int) u32(at);
      if (token == END) {
        requireWholeRoot(at, depth, begun);
        return;
      }
      if (depth == 0 && begun > 0) {
        throw refused(at, "token " + AddressRange.hex(u32(at)) + " behind the root node");
      }
      switch (token) {
        case BEGIN_NODE -> {
          if (++begun > MAX_NODES) {
            throw refused(at, "more than " + MAX_NODES + " nodes");
          }
          at = openNode(open, ++depth, at);
        }
        case END_NODE -> {
          at += TOKEN_BYTES;
          closeNode(open, depth--, at);
        }
        case PROPERTY -> at = checkedAfterProperty(at, depth);
        case NOP -> at += TOKEN_BYTES;
        default -> throw refused(at, "unknown token " + AddressRange.hex(u32(at)));
      }
    }
  }

  private static void requireWholeRoot(int at, int depth, int begun) throws MemoryMapException {
    if (begun == 0) {
      throw refused(at, "no root node");
    }
    if (depth != 0) {
      throw refused(at, "END inside of a node");
    }
  }

  private int openNode(int[] open, int depth, int at) throws MemoryMapException {
    int body = checkedBody(at);
    if (depth <= MAX_DEPTH) {
      open[depth] = keepNode(at, body, open[depth - 1], depth);
    } else {
      deeperNodesLeftOut = true;
    }
    return body;
  }

  private int checkedBody(int at) throws MemoryMapException {
    int end = at + TOKEN_BYTES;
    while (end < header.structEnd() && bytes.byteAt(end) != 0) {
      end++;
    }
    if (end >= header.structEnd()) {
      throw refused(at + TOKEN_BYTES, "a node's name does not end");
    }
    return aligned(end + 1);
  }

  private int keepNode(int at, int body, int parentNode, int depth) {
    if (nodeCount == parent.length) {
      nameOffset = doubled(nameOffset);
      bodyOffset = doubled(bodyOffset);
      endOffset = doubled(endOffset);
      parent = doubled(parent);
      after = doubled(after);
    }
    nameOffset[nodeCount] = at + TOKEN_BYTES;
    if (header.version() < FdtHeader.VERSION_SHORT_NAMES) {
      for (int i = at + TOKEN_BYTES; bytes.byteAt(i) != 0; i++) {
        if (bytes.byteAt(i) == '/') {
          nameOffset[nodeCount] = i + 1;
        }
      }
    }
    bodyOffset[nodeCount] = body;
    parent[nodeCount] = depth == 1 ? NO_NODE : parentNode;
    return nodeCount++;
  }

  private void closeNode(int[] open, int depth, int end) throws MemoryMapException {
    if (depth == 0) {
      throw refused(end - TOKEN_BYTES, "END_NODE without a node");
    }
    if (depth <= MAX_DEPTH) {
      endOffset[open[depth]] = end;
      after[open[depth]] = nodeCount;
    }
  }

  private int checkedAfterProperty(int at, int depth) throws MemoryMapException {
    if (depth == 0) {
      throw refused(at, "a property before the root node");
    }
    requireBytes(at, PROPERTY_BYTES, "ends inside of a property");
    int value = valueOffset(at);
    long byteSize = u32(at + 4);
    if (byteSize > header.structEnd() - value) {
      throw refused(at + 4, "property of " + byteSize + " bytes passes the end of the block");
    }
    long name = u32(at + 8);
    if (name > lastNameStart) {
      throw refused(
          at + 8, "name at " + AddressRange.hex(name) + " is not inside of the strings block");
    }
    return aligned(value + (int) byteSize);
  }

  private int afterProperty(int at) {
    return aligned(valueOffset(at) + (int) u32(at + 4));
  }

  private int valueOffset(int at) {
    int value = at + PROPERTY_BYTES;
    boolean padded =
        header.version() < FdtHeader.VERSION_SHORT_NAMES
            && u32(at + 4) >= 8
            && (value - header.structOffset()) % 8 != 0;
    return padded ? value + 4 : value;
  }

  private boolean isNameAt(long stringOffset, String name) {
    int at = header.stringsOffset() + (int) stringOffset;
    // The name at this offset ends with a zero, at which the comparison stops at the latest.
    for (int i = 0; i < name.length(); i++) {
      if (bytes.byteAt(at + i) != name.charAt(i)) {
        return false;
      }
    }
    return bytes.byteAt(at + name.length()) == 0;
  }

  private int aligned(int at) {
    return header.structOffset() + ((at - header.structOffset() + 3) & ~3);
  }

  private long u32(int at) {
    return (long) bytes.byteAt(at) << 24
        | (long) bytes.byteAt(at + 1) << 16
        | (long) bytes.byteAt(at + 2) << 8
        | bytes.byteAt(at + 3);
  }

  private void requireBytes(int at, int byteCount, String problem) throws MemoryMapException {
    if (byteCount > header.structEnd() - at) {
      throw refused(at, problem);
    }
  }

  private static MemoryMapException refused(int at, String problem) {
    return new MemoryMapException(RECORD, at, problem);
  }

  private static int[] doubled(int[] values) {
    int[] larger = new int[values.length * 2];
    System.arraycopy(values, 0, larger, 0, values.length);
    return larger;
  }
}
