package dev.bifolio.kernel.frame;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import org.openjdk.jcstress.annotations.Outcome;

/// What most races allow: which of the two actors may have been served, and that all is well in the
/// end.
public final class Allowed {
  private Allowed() {}

  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "both")
  public interface Both {}

  @Outcome(
      id = {"1, 0, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "one of them, never both")
  public interface OneOfThem {}

  @Outcome(
      id = {"1, 0, 1", "0, 1, 1", "1, 1, 1"},
      expect = ACCEPTABLE,
      desc = "one of them, or both")
  public interface OneOfThemOrBoth {}

  @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "the first alone")
  public interface OnlyTheFirst {}

  @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "the second alone")
  public interface OnlyTheSecond {}

  @Outcome(
      id = {"1, 1, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "the second always")
  public interface PerhapsTheFirst {}

  @Outcome(
      id = {"1, 1, 1", "1, 0, 1"},
      expect = ACCEPTABLE,
      desc = "the first always")
  public interface PerhapsTheSecond {}
}
