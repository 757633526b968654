package dev.bifolio.kernel.rules.planted.frame;

import java.util.ArrayList;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/// Planted: each way of leaving the freestanding subset, one a member.
@SuppressWarnings("all") // wrong on purpose
public final class Violations {
  volatile long volatileField;
  private long[] longs = {};

  private Violations() {}

  synchronized void synchronizedMethod() {}

  void synchronizedBlock() {
    synchronized (this) {
      volatileField++;
    }
  }

  LongSupplier lambda() {
    return () -> 1;
  }

  LongSupplier methodReference() {
    return System::nanoTime;
  }

  Object collection() {
    return new ArrayList<>();
  }

  void thread() {
    Thread.yield();
  }

  String systemProperty() {
    return System.getProperty("a");
  }

  long environment() {
    return System.nanoTime();
  }

  String format(int a) {
    return String.format("%d", a);
  }

  boolean reflection(Object a) {
    return a.getClass() == null;
  }

  String classConstant() {
    return Violations.class.getName();
  }

  Object stream(String a) {
    return a.chars();
  }

  double floatingPoint(double a) {
    return a * 2;
  }

  long floatingConversion(long a) {
    return (long) (a * 0.5);
  }

  Long hiddenProperty() {
    return Long.getLong("a");
  }

  Object createsObject() {
    return new Violations();
  }

  long[] createsArray() {
    return new long[4];
  }

  Object createsTable() {
    return new String[4][4];
  }

  long catchesOthers() {
    try {
      return longs[0];
    } catch (NoSuchElementException e) {
      return 0;
    }
  }

  long boxedUnit(long a) {
    return TimeUnit.SECONDS.toMillis(a);
  }
}
