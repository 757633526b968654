package dev.bifolio.kernel.rules;

import java.lang.constant.ClassDesc;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/// What the freestanding subset is: types, members, bootstraps, and the exceptions with reasons.
///
/// An exception is added here, with its reason, in the same change that needs it.
final class SubsetRules {
  /// Types of java.base. Throwables of java.lang are allowed too.
  private static final Set<String> TYPES =
      Set.of(
          "java/lang/Boolean",
          "java/lang/Byte",
          "java/lang/Character",
          "java/lang/CharSequence",
          "java/lang/Comparable",
          "java/lang/AutoCloseable",
          "java/lang/Enum",
          "java/lang/Integer",
          "java/lang/Long",
          "java/lang/Math",
          "java/lang/Object",
          "java/lang/Record",
          "java/lang/Short",
          "java/lang/String",
          "java/lang/StringBuilder");

  /// Single members of types that are otherwise out.
  private static final Set<String> MEMBERS =
      Set.of(
          // One copy loop, which every translation has.
          "java/lang/System.arraycopy",
          // The compiler's null check in pattern switches and nested creations.
          "java/util/Objects.requireNonNull");

  /// Members of allowed types that are out all the same.
  private static final Set<String> FORBIDDEN_MEMBERS =
      Set.of(
          "java/lang/String.format",
          "java/lang/String.formatted",
          "java/lang/String.matches",
          "java/lang/String.split",
          "java/lang/String.replaceAll",
          "java/lang/String.replaceFirst",
          "java/lang/String.intern",
          "java/lang/Object.wait",
          "java/lang/Object.notify",
          "java/lang/Object.notifyAll",
          "java/lang/Object.getClass",
          "java/lang/Object.finalize",
          "java/lang/Boolean.getBoolean",
          "java/lang/Integer.getInteger",
          "java/lang/Long.getLong",
          "java/lang/Math.random");

  /// Types of parameters only: no method of theirs may be called.
  private static final Set<String> MENTIONED =
      Set.of(
          // Enum.valueOf(Class, String), which the compiler writes into every enum.
          "java/lang/Class");

  /// Concatenation, records, and pattern switches; the last describe enum constants dynamically.
  private static final Set<String> BOOTSTRAPS =
      Set.of(
          "java/lang/invoke/StringConcatFactory.makeConcatWithConstants",
          "java/lang/invoke/StringConcatFactory.makeConcat",
          "java/lang/runtime/ObjectMethods.bootstrap",
          "java/lang/runtime/SwitchBootstraps.typeSwitch",
          "java/lang/runtime/SwitchBootstraps.enumSwitch",
          "java/lang/invoke/ConstantBootstraps.invoke");

  /// Packages whose classes may create objects at any time. Firmware runs once, at boot; the units
  /// hold small values for the edges; the root package is the construction.
  private static final Set<String> CREATING_PACKAGES = Set.of("firmware", "unit", "");

  /// Classes of other packages that may create objects at any time, below the root package.
  private static final Set<String> CREATING_CLASSES =
      Set.of(
          // Used up by one boot each, before the first frame is handed out: part of construction.
          "boot/BankPlan", "boot/Reservations");

  /// Types that are answers at the edges, asked for seldom and never by an allocation or a free.
  private static final Set<String> CREATED_AT_THE_EDGES =
      Set.of(
          // statistics() copies the counters into one.
          "FrameStatistics",
          // fragmentation() walks the free memory and answers with one value.
          "Fragmentation",
          // A guard is an object by its nature, for callers at the edge who want one.
          "FrameGuard",
          // A cache is opened and closed by an event loop, not by a request.
          "FrameCache",
          "CacheStatistics",
          // validate() walks everything; the walker and its report are nothing beside that.
          "ValidationReport",
          "BuddyValidator",
          "HybridValidator",
          "AccountValidator",
          // The walk behind the statistics of the concurrent allocator, which counts nothing.
          "FrameCensus",
          // The value style of the interface: allocates on purpose, beside the plain one.
          "PageFrame",
          // Tiers are started once, if at all, before the first frame is adopted.
          "MemoryTiers",
          "FrameHeat",
          "TierMover",
          "TierBalance",
          // A cache of objects is made, asked for its counters and checked; requests make none.
          "SlabCache",
          "SlabGeometry",
          "SlabStatistics",
          "SlabValidator",
          // As for FrameCache.
          "SlabOwner",
          // Texts of reports and of messages.
          "java/lang/StringBuilder");

  /// Methods that may use floating point, as `package/Class.method`; none does.
  private static final Set<String> FLOATING_POINT = Set.of();

  private final String rootPackage;
  private final Map<String, String> superclasses;

  /// Rules for a tree of packages.
  ///
  /// @param rootPackage such as `dev/bifolio/kernel`
  /// @param superclasses of the tree's classes, by internal names
  SubsetRules(String rootPackage, Map<String, String> superclasses) {
    this.rootPackage = rootPackage;
    this.superclasses = new HashMap<>(superclasses);
  }

  boolean allowsType(String name) {
    return isInTree(name) || TYPES.contains(name) || MENTIONED.contains(name) || isThrowable(name);
  }

  boolean allowsMember(String owner, String name) {
    String member = owner + "." + name;
    if (MEMBERS.contains(member)) {
      return true;
    }
    boolean isCallable = isInTree(owner) || TYPES.contains(owner) || isThrowable(owner);
    return isCallable && !FORBIDDEN_MEMBERS.contains(member);
  }

  boolean allowsBootstrap(String name) {
    return BOOTSTRAPS.contains(name);
  }

  boolean allowsFloatingPoint(String place) {
    return FLOATING_POINT.contains(place);
  }

  boolean mayCreate(String creator, String created) {
    String below = creator.substring(rootPackage.length() + 1);
    String packageName = below.contains("/") ? below.substring(0, below.indexOf('/')) : "";
    String simpleName = created.startsWith(rootPackage) ? simpleNameOf(created) : created;
    return CREATING_PACKAGES.contains(packageName)
        || CREATING_CLASSES.contains(below)
        || CREATED_AT_THE_EDGES.contains(simpleName);
  }

  /// Whether a type is an exception or error: of the tree, or of java.lang.
  boolean isThrowable(String name) {
    String type = name;
    while (superclasses.containsKey(type)) {
      type = superclasses.get(type);
    }
    if (!type.startsWith("java/lang/") || type.lastIndexOf('/') != "java/lang".length()) {
      return false;
    }
    try {
      return Throwable.class.isAssignableFrom(Class.forName(type.replace('/', '.')));
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  private boolean isInTree(String name) {
    return name.startsWith(rootPackage + "/");
  }

  private static String simpleNameOf(String name) {
    return name.substring(name.lastIndexOf('/') + 1);
  }

  /// A type's name as class files have it.
  static String internalName(ClassDesc type) {
    String descriptor = type.descriptorString();
    return descriptor.startsWith("L")
        ? descriptor.substring(1, descriptor.length() - 1)
        : descriptor;
  }
}
