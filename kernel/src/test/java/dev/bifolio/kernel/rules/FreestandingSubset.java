package dev.bifolio.kernel.rules;

import java.lang.classfile.AccessFlags;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.FieldModel;
import java.lang.classfile.Instruction;
import java.lang.classfile.MethodModel;
import java.lang.classfile.TypeKind;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.ExceptionCatch;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.MonitorInstruction;
import java.lang.classfile.instruction.NewMultiArrayInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.NewPrimitiveArrayInstruction;
import java.lang.classfile.instruction.NewReferenceArrayInstruction;
import java.lang.classfile.instruction.TypeCheckInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.DynamicConstantDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.AccessFlag;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Reads one compiled class and lists where it leaves the freestanding subset.
///
/// It looks at what the JVM would execute: instructions with their operands, the bootstraps of
/// `invokedynamic` and of dynamic constants, catch types, and the types of fields and methods.
/// Annotations and debugging tables are not looked at, as nothing executes them.
final class FreestandingSubset {
  private final SubsetRules rules;
  private final ClassModel type;
  private final String typeName;
  private final List<String> violations = new ArrayList<>();
  private String place = "";
  private int line;

  private FreestandingSubset(SubsetRules rules, ClassModel type) {
    this.rules = rules;
    this.type = type;
    this.typeName = type.thisClass().asInternalName();
  }

  /// Violations of one class: `Class.method(Class.java:12): what is wrong`.
  static List<String> violationsOf(SubsetRules rules, ClassModel type) {
    FreestandingSubset check = new FreestandingSubset(rules, type);
    check.checkType();
    return check.violations;
  }

  private void checkType() {
    place = typeName;
    type.superclass().ifPresent(s -> requireType(s.asSymbol(), "extends"));
    type.interfaces().forEach(i -> requireType(i.asSymbol(), "implements"));
    for (FieldModel field : type.fields()) {
      place = typeName + "." + field.fieldName().stringValue();
      requireType(field.fieldTypeSymbol(), "a field of type");
      if (has(field.flags(), AccessFlag.VOLATILE)) {
        report("a volatile field; shared mutable state lives in memory words");
      }
      requireNoFloatingPoint(field.fieldTypeSymbol());
    }
    type.methods().forEach(this::checkMethod);
  }

  private void checkMethod(MethodModel method) {
    place = typeName + "." + method.methodName().stringValue();
    line = 0;
    if (has(method.flags(), AccessFlag.SYNCHRONIZED)) {
      report("a synchronized method");
    }
    if (has(method.flags(), AccessFlag.NATIVE)) {
      report("a native method");
    }
    requireDescriptor(method.methodTypeSymbol(), "a signature with");
    method.code().ifPresent(code -> checkCode(method, code));
  }

  private void checkCode(MethodModel method, CodeModel code) {
    code.exceptionHandlers().stream()
        .flatMap(h -> h.catchType().stream())
        .forEach(c -> requireType(c.asSymbol(), "catches"));
    for (CodeElement element : code) {
      switch (element) {
        case LineNumber number -> line = number.line();
        case ExceptionCatch _ -> {}
        case Instruction instruction -> checkInstruction(method, instruction);
        default -> {}
      }
    }
  }

  private void checkInstruction(MethodModel method, Instruction instruction) {
    requireNoFloatingPoint(instruction);
    switch (instruction) {
      case MonitorInstruction _ -> report("a synchronized block");
      case FieldInstruction access -> {
        requireType(access.owner().asSymbol(), "a field of");
        requireType(access.typeSymbol(), "a field of type");
      }
      case InvokeInstruction call -> checkCall(call);
      case InvokeDynamicInstruction call -> checkBootstrap(call.bootstrapMethod());
      case TypeCheckInstruction cast -> requireType(cast.type().asSymbol(), "a cast or test to");
      case ConstantInstruction.LoadConstantInstruction constant -> {
        if (constant.constantValue() instanceof ClassDesc named) {
          requireType(named, "the class constant");
        } else if (constant.constantValue() instanceof DynamicConstantDesc<?> dynamic) {
          checkBootstrap(dynamic.bootstrapMethod());
        }
      }
      case NewObjectInstruction creation -> {
        requireType(creation.className().asSymbol(), "creates");
        requireMayCreate(method, creation.className());
      }
      case NewReferenceArrayInstruction creation -> {
        requireType(creation.componentType().asSymbol(), "creates an array of");
        requireMayCreateArray(method);
      }
      case NewMultiArrayInstruction creation -> {
        requireType(creation.arrayType().asSymbol(), "creates");
        requireMayCreateArray(method);
      }
      case NewPrimitiveArrayInstruction _ -> requireMayCreateArray(method);
      default -> {}
    }
  }

  private void checkCall(InvokeInstruction call) {
    ClassDesc owner = call.owner().asSymbol();
    String name = call.name().stringValue();
    if (owner.isArray()) {
      // Arrays have clone() and what Object has.
      return;
    }
    String ownerName = SubsetRules.internalName(owner);
    if (!rules.allowsMember(ownerName, name)) {
      report("calls " + ownerName.replace('/', '.') + "." + name);
    } else {
      requireDescriptor(call.typeSymbol(), "calls " + ownerName + "." + name + " with");
    }
  }

  private void checkBootstrap(DirectMethodHandleDesc bootstrap) {
    String name = SubsetRules.internalName(bootstrap.owner()) + "." + bootstrap.methodName();
    if (!rules.allowsBootstrap(name)) {
      report(
          name.startsWith("java/lang/invoke/LambdaMetafactory")
              ? "a lambda or method reference"
              : "the bootstrap " + name.replace('/', '.'));
    }
  }

  private void requireMayCreate(MethodModel method, ClassEntry created) {
    String name = created.asInternalName();
    if (rules.isThrowable(name) || rules.mayCreate(typeName, name) || isConstruction(method)) {
      return;
    }
    boolean isOwnFactory =
        has(method.flags(), AccessFlag.STATIC)
            && name.equals(typeName)
            && method.methodTypeSymbol().returnType().equals(created.asSymbol());
    if (!isOwnFactory) {
      report(
          "creates a "
              + name.replace('/', '.')
              + " outside construction; reuse a field, or list it with its reason in SubsetRules");
    }
  }

  private void requireMayCreateArray(MethodModel method) {
    if (!isConstruction(method) && !rules.mayCreate(typeName, "[]") && !isEnumValues(method)) {
      report("creates an array outside construction");
    }
  }

  private static boolean isConstruction(MethodModel method) {
    return method.methodName().stringValue().startsWith("<");
  }

  /// The compiler's own method that fills an enum's list of constants, or a switch's table.
  private boolean isEnumValues(MethodModel method) {
    return method.methodName().stringValue().equals("$values")
        && has(method.flags(), AccessFlag.SYNTHETIC);
  }

  private void requireDescriptor(MethodTypeDesc descriptor, String what) {
    requireType(descriptor.returnType(), what);
    requireNoFloatingPoint(descriptor.returnType());
    for (ClassDesc parameter : descriptor.parameterList()) {
      requireType(parameter, what);
      requireNoFloatingPoint(parameter);
    }
  }

  private void requireType(ClassDesc named, String what) {
    ClassDesc element = named;
    while (element.isArray()) {
      element = element.componentType();
    }
    if (!element.isPrimitive() && !rules.allowsType(SubsetRules.internalName(element))) {
      report(what + " " + SubsetRules.internalName(element).replace('/', '.'));
    }
  }

  private void requireNoFloatingPoint(ClassDesc named) {
    TypeKind kind = TypeKind.from(named);
    if (kind == TypeKind.FLOAT || kind == TypeKind.DOUBLE) {
      reportFloatingPoint("the type " + named.displayName());
    }
  }

  private void requireNoFloatingPoint(Instruction instruction) {
    String name = instruction.opcode().name().toLowerCase(Locale.ROOT);
    boolean converts = name.matches("[ilfd]2[fd]|[fd]2[il]");
    boolean works =
        name.matches(
            "[fd](add|sub|mul|div|rem|neg|load|store|aload|astore|return|cmp[lg]|const).*");
    boolean loads =
        instruction instanceof ConstantInstruction constant
            && (constant.typeKind() == TypeKind.FLOAT || constant.typeKind() == TypeKind.DOUBLE);
    if (converts || works || loads) {
      reportFloatingPoint("the instruction " + name);
    }
  }

  private void reportFloatingPoint(String what) {
    if (!rules.allowsFloatingPoint(place)) {
      report("floating point: " + what);
    }
  }

  private static boolean has(AccessFlags flags, AccessFlag flag) {
    return flags.has(flag);
  }

  private void report(String problem) {
    String file =
        typeName.substring(typeName.lastIndexOf('/') + 1).replaceAll("\\$.*", "") + ".java";
    String violation =
        place.replace('/', '.') + "(" + file + (line > 0 ? ":" + line : "") + "): " + problem;
    if (!violations.contains(violation)) {
      violations.add(violation);
    }
  }
}
