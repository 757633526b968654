package dev.bifolio.kernel.reclaim;

/// What became of what a shrinker was asked since it was registered.
///
/// @param name what it calls itself
/// @param cost what it said a frame costs
/// @param calls how often it was asked
/// @param askedFrames frames that it was asked for
/// @param freedFrames frames that it freed, as far as it is believed
/// @param failures calls that ended with a throwable or a number that cannot be true, and counts
///   that did
/// @param emptyHandedCalls calls that freed nothing though it had said that it has frames
/// @param laterCalls calls that it answered with -1
/// @param lastProblem what went wrong last, empty if nothing did
public record ShrinkerReport(
    String name,
    int cost,
    long calls,
    long askedFrames,
    long freedFrames,
    long failures,
    long emptyHandedCalls,
    long laterCalls,
    String lastProblem) {

  static ShrinkerReport of(ShrinkerSlots slots, int slot, String name, String lastProblem) {
    return new ShrinkerReport(
        name,
        (int) slots.get(slot, ShrinkerSlots.COST),
        slots.get(slot, ShrinkerSlots.CALLS),
        slots.get(slot, ShrinkerSlots.ASKED),
        slots.get(slot, ShrinkerSlots.FREED),
        slots.get(slot, ShrinkerSlots.FAILURES),
        slots.get(slot, ShrinkerSlots.EMPTY_HANDED),
        slots.get(slot, ShrinkerSlots.LATER),
        lastProblem);
  }
}
