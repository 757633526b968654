package dev.bifolio.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Claims that a test shows the numbered behaviours of the project's list.
///
/// `docs/behaviours.md` is generated from these claims, and a test fails when a row of a finished
/// section is claimed by none.
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.METHOD, ElementType.TYPE})
public @interface Behaviour {
  /// The ids, such as `"24"` or `"M.R3"`; ranges are written out.
  ///
  /// @return one or more ids
  String[] value();
}
