package dev.bifolio.kernel.zone;

/// Who wants to know when memory gets short, to give some back before it is asked for.
@FunctionalInterface
public interface PressureListener {
  /// The level of a zone has changed. Called by whichever thread saw it, in the middle of its
  /// request, under no lock: it should be short, and it may observe, register and unregister.
  ///
  /// Every change is told once. Two threads that see two changes one after the other may tell them
  /// in the opposite order; [PressureGauge#level] says what holds now. What it throws is counted
  /// and dropped.
  ///
  /// @param zoneIndex of the zone
  /// @param from the level before
  /// @param to the level after, never the same
  void pressureChanged(int zoneIndex, PressureLevel from, PressureLevel to);
}
